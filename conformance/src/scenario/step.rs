//! What every kind of step has to say of itself.

use std::fmt;

use gpushare_harness::protocol::{Code, DeviceReport, Object, Problem};

use super::model::Model;
use super::world::Stage;
use crate::case::{Outcome, Stop};
use crate::context::{Party, ROLES};

/// What has to come of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreseen {
    /// Nothing: what it is about is not there, or it makes no sense now.
    Missing,
    /// It is done.
    Done,
    /// It is refused, with one of these codes.
    Refused(&'static [Code]),
    /// It is done, or refused with one of these codes.
    Either(&'static [Code]),
}

/// A step without its peer.
pub(super) trait Deed: fmt::Display {
    /// Why it cannot be done on a device, if so.
    fn impossible(&self, _report: &DeviceReport) -> Option<String> {
        None
    }

    /// The other peer that it names.
    fn towards(&self) -> Option<usize> {
        None
    }

    /// The other peer that has to do something for it.
    fn other(&self, _peer: usize, _model: &Model) -> Option<usize> {
        self.towards()
    }

    /// What has to come of it.
    fn foresee(&self, peer: usize, model: &Model) -> Foreseen;

    /// Do it. A refusal is [`Stop::Refused`].
    ///
    /// # Errors
    /// [`Stop`].
    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome;

    /// What is otherwise once it is done.
    fn done(&self, peer: usize, model: &mut Model);

    /// What is otherwise, or what nobody knows any more, once it was refused.
    fn refused(&self, _peer: usize, _problem: &Problem, _model: &mut Model) {}

    /// Whether a peer takes a handle from outside for it: its own or, `other`, the second one.
    fn takes_handle(&self, _other: bool) -> bool {
        false
    }

    /// Let a peer try it with another object in place of the handle, which has to be refused and to leave nothing. Returns whether it
    /// was.
    ///
    /// # Errors
    /// [`Stop`].
    fn try_wrong(&self, _victim: Party<'_, '_>, _stage: &Stage<'_, '_>, _object: Object) -> Outcome<bool> {
        Ok(true)
    }
}

/// Whatever a step is about is there, or not.
pub(super) fn done_if(possible: bool) -> Foreseen {
    if possible { Foreseen::Done } else { Foreseen::Missing }
}

/// The model and what was kept for it have come apart.
pub(super) fn lost(what: &dyn fmt::Display) -> Stop {
    Stop::Inconclusive(format!("nothing was kept for the step {what:?}", what = what.to_string()))
}

/// The role of a peer, for texts.
pub(super) fn role(peer: usize) -> &'static str {
    ROLES.get(peer).copied().unwrap_or("nobody")
}
