//! Steps with handles, whatever they lead to.

use std::fmt;

use gpushare::{HandleType, SyncKind};
use gpushare_harness::protocol::Problem;
use serde::{Deserialize, Serialize};

use super::generate::{Draft, Pick};
use super::model::Model;
use super::step::{Deed, Foreseen, done_if, lost, role};
use super::world::Stage;
use super::{Action, Name};
use crate::case::Outcome;
use crate::context::{Handle, Party, Shared, SharedSync};

/// What a peer can do with a handle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HandleStep {
    /// Hand it to another peer, through the orchestrator.
    Pass {
        /// Which.
        handle: Name,
        /// To which peer.
        to: usize,
    },
    /// Close it.
    Close {
        /// Which.
        handle: Name,
    },
}

use HandleStep::{Close, Pass};

/// A handle in somebody's hands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) holder: usize,
    pub(super) leads: Leads,
}

/// What a handle leads to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leads {
    Texture { payload: usize },
    Sync { kind: SyncKind, handle_type: HandleType, payload: usize },
}

/// A handle and what travels beside it.
#[derive(Clone, Debug)]
pub(super) enum Carried {
    Texture(Shared),
    Sync(SharedSync),
}

impl Carried {
    /// Its number with the peer that holds it; none where a signalled payload needs no object.
    pub(super) const fn handle(&self) -> Option<Handle> {
        match self {
            Self::Texture(shared) => Some(shared.handle),
            Self::Sync(shared) => shared.handle,
        }
    }

    /// The same under another number.
    pub(super) fn under(&self, handle: Option<Handle>) -> Self {
        match (self, handle) {
            (Self::Texture(shared), Some(handle)) => Self::Texture(Shared { handle, ..shared.clone() }),
            (Self::Sync(shared), handle) => Self::Sync(SharedSync { handle, ..shared.clone() }),
            (Self::Texture(_), None) => self.clone(),
        }
    }
}

impl Model {
    pub(super) fn held(&self, peer: usize, handle: Name) -> Option<&Held> {
        self.handles.get(&handle).filter(|held| held.holder == peer)
    }
}

impl Deed for HandleStep {
    fn towards(&self) -> Option<usize> {
        if let Pass { to, .. } = self { Some(*to) } else { None }
    }

    fn foresee(&self, peer: usize, model: &Model) -> Foreseen {
        done_if(match *self {
            // Whoever it was for may be gone: then the handle stays where it is.
            Pass { handle, to } => model.held(peer, handle).is_some() && to != peer && model.is_there(to),
            Close { handle } => model.held(peer, handle).is_some(),
        })
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let (Pass { handle, .. } | Close { handle }) = *self;
        let carried = stage.kept.handles.get(&handle).cloned().ok_or_else(|| lost(self))?;
        let Some(number) = carried.handle() else { return Ok(()) };
        match *self {
            Pass { to, .. } => {
                let moved = party.hand_over(number, &stage.party(to)?)?;
                stage.kept.handles.insert(handle, carried.under(Some(moved)));
                Ok(())
            }
            Close { .. } => party.close([number]),
        }
    }

    fn done(&self, _peer: usize, model: &mut Model) {
        match *self {
            Pass { handle, to } => {
                if let Some(held) = model.handles.get_mut(&handle) {
                    held.holder = to;
                }
            }
            Close { handle } => {
                model.handles.remove(&handle);
            }
        }
    }

    /// A handle that the receiver cannot take is closed with the message that carried it.
    fn refused(&self, _peer: usize, _problem: &Problem, model: &mut Model) {
        let (Pass { handle, .. } | Close { handle }) = self;
        model.handles.remove(handle);
    }
}

/// The step that these numbers pick.
pub(super) fn propose(draft: &Draft<'_>, which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    let (handle, held) = pick.entry(&draft.model.handles)?;
    let step = match which % 3 {
        0 | 1 => Pass { handle, to: draft.another(held.holder, pick) },
        _ => Close { handle },
    };
    Some((held.holder, Action::Handle(step)))
}

impl fmt::Display for HandleStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pass { handle, to } => write!(f, "pass handle {handle} to {}", role(*to)),
            Close { handle } => write!(f, "close handle {handle}"),
        }
    }
}
