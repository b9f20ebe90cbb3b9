//! Semaphores, timelines and fences, as the model knows them.

use gpushare::sync::Transference;
use gpushare::{HandleType, SyncKind};

use super::super::Name;
use super::super::handles::Leads;
use super::super::model::Model;

/// A semaphore, timeline or fence of one peer.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct SyncState {
    pub(super) kind: SyncKind,
    pub(super) handle_type: HandleType,
    /// What it shares with others.
    pub(super) payload: usize,
    pub(super) exportable: bool,
    pub(super) watch: Watch,
}

/// Whose death ends the waits for a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    Nobody,
    Peer(usize),
    /// It has died.
    Dead,
}

impl SyncState {
    pub(in crate::scenario) fn forget(&mut self, peer: usize) {
        if self.watch == Watch::Peer(peer) {
            self.watch = Watch::Dead;
        }
    }
}

/// What several share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Payload {
    /// Of a semaphore or fence.
    Signalled(bool),
    /// Of a timeline: the value.
    Reached(u64),
    /// Something was refused, and nobody knows.
    Unknown,
}

impl Model {
    pub(super) fn payload(&self, peer: usize, sync: Name) -> Option<Payload> {
        let state = self.syncs.get(&(peer, sync))?;
        self.payloads.get(state.payload).copied()
    }

    pub(super) fn set_payload(&mut self, peer: usize, sync: Name, to: Payload) {
        if let Some(SyncState { payload, .. }) = self.syncs.get(&(peer, sync))
            && let Some(held) = self.payloads.get_mut(*payload)
        {
            *held = to;
        }
    }

    pub(super) fn new_payload(&mut self, payload: Payload) -> usize {
        self.payloads.push(payload);
        self.payloads.len() - 1
    }

    /// The peer that exported a timeline, and its name there, as long as both are there.
    pub(super) fn exporter(&self, peer: usize, handle: Name) -> Option<(usize, Name)> {
        let (_, _, payload) = self.sync_behind(peer, handle).filter(|(kind, ..)| *kind == SyncKind::Timeline)?;
        let mut exporters = self.syncs.iter().filter(|((owner, _), state)| *owner != peer && state.payload == payload);
        exporters.find(|(_, state)| state.exportable).map(|(exporter, _)| *exporter)
    }

    pub(super) fn watches_nobody(&self, of: (usize, Name)) -> bool {
        self.syncs.get(&of).is_some_and(|state| state.watch == Watch::Nobody)
    }

    pub(super) fn sync_behind(&self, peer: usize, handle: Name) -> Option<(SyncKind, HandleType, usize)> {
        match self.held(peer, handle)?.leads {
            Leads::Sync { kind, handle_type, payload } => Some((kind, handle_type, payload)),
            Leads::Texture { .. } => None,
        }
    }
}

pub(super) fn is_copy(handle_type: HandleType) -> bool {
    Transference::of(handle_type) == Transference::Copy
}

/// What it holds before anybody signals it.
pub(super) const fn unsignalled(kind: SyncKind) -> Payload {
    match kind {
        SyncKind::Timeline => Payload::Reached(0),
        SyncKind::Semaphore | SyncKind::Fence => Payload::Signalled(false),
    }
}
