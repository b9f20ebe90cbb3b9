//! What the peers of a scenario hold, as far as anybody can know it: the model beside which the steps are taken.

use std::collections::BTreeMap;

use super::Name;
use super::channels::ChannelState;
use super::frames::{Sink, Source};
use super::handles::Held;
use super::rings::RingState;
use super::streams::StreamState;
use super::syncs::{Payload, SyncState};
use super::textures::TextureState;

/// Who holds what, what it contains, and who is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// Peers that have ended, and in whose place nobody is.
    pub(super) gone: Vec<usize>,
    pub(super) textures: BTreeMap<(usize, Name), TextureState>,
    /// The picture in each texture's payload, where it is known.
    pub(super) pictures: Vec<Option<u64>>,
    pub(super) handles: BTreeMap<Name, Held>,
    pub(super) syncs: BTreeMap<(usize, Name), SyncState>,
    /// What each semaphore's or timeline's payload is.
    pub(super) payloads: Vec<Payload>,
    pub(super) channels: BTreeMap<Name, ChannelState>,
    pub(super) rings: BTreeMap<Name, RingState>,
    pub(super) streams: BTreeMap<Name, StreamState>,
    pub(super) sources: BTreeMap<Name, Source>,
    pub(super) sinks: BTreeMap<(usize, Name), Sink>,
}

/// How somebody went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It left what it had, or closed it.
    Left,
    /// Its process died, freeing nothing.
    Died,
    /// Its process ended by itself: whether it closed what it had before is its own affair.
    Ended,
}

/// One end of what connects two peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nobody has taken it yet.
    Open,
    /// A peer has it.
    Of(usize),
    /// The peer that had it is gone.
    Gone(Departure),
}

impl End {
    pub(super) fn forget(&mut self, peer: usize, how: Departure) {
        if *self == Self::Of(peer) {
            *self = Self::Gone(how);
        }
    }
}

impl Model {
    pub(super) fn is_there(&self, peer: usize) -> bool {
        !self.gone.contains(&peer)
    }

    /// A peer has ended; what it held is gone with it.
    pub(super) fn forget(&mut self, peer: usize, how: Departure) {
        self.textures.retain(|(owner, _), _| *owner != peer);
        self.syncs.retain(|(owner, _), _| *owner != peer);
        self.syncs.values_mut().for_each(|state| state.forget(peer));
        self.handles.retain(|_, held| held.holder != peer);
        self.channels.values_mut().for_each(|channel| channel.forget(peer));
        self.rings.values_mut().for_each(|ring| ring.forget(peer, how));
        self.streams.values_mut().for_each(|stream| stream.forget(peer, how));
        super::frames::forget(self, peer, how);
        if !self.gone.contains(&peer) {
            self.gone.push(peer);
        }
    }

    /// Somebody new is in a peer's place.
    pub(super) fn replace(&mut self, peer: usize) {
        self.gone.retain(|gone| *gone != peer);
    }
}
