//! What can befall the peers of a case, and taking up work again afterwards.

use std::time::Instant;

use gpushare_harness::fault::BreakOff;
use gpushare_harness::spawn::Exit;
use gpushare_harness::{Ledger, Peer, PeerError};

use crate::case::{Outcome, Stop};
use crate::context::{Context, Party, ROLES};

impl<'run> Context<'run> {
    /// Start, or find, so many peers.
    ///
    /// # Errors
    /// [`Stop`] when one does not come up.
    pub(crate) fn seats(&self, count: usize) -> Outcome {
        (0..count).try_for_each(|seat| self.take_seat(seat, || self.pool.take(seat, self.fresh)))
    }

    /// The peer in a seat, unless it is gone.
    pub(crate) fn party(&self, seat: usize) -> Option<Party<'_, 'run>> {
        let there = self.seats.borrow().get(seat).is_some_and(|seat| seat.peer.is_some());
        there.then(|| Party::new(self, seat))
    }

    /// Put a new peer into the seat of one that is gone.
    pub(crate) fn replace(&self, seat: usize) -> Outcome {
        if let Some(seat) = self.seats.borrow_mut().get_mut(seat) {
            (seat.peer, seat.taken, seat.new) = (None, false, true);
        }
        self.take_seat(seat, || self.pool.take(seat, self.fresh))
    }

    /// Whether the peer came into its seat by [`Context::replace`], and [`Context::rebase`] was not called since.
    pub(crate) fn is_new(&self, seat: usize) -> bool {
        self.seats.borrow().get(seat).is_some_and(|seat| seat.new)
    }

    /// Let a peer free everything, and count what it holds then.
    pub(crate) fn settle(&self, seat: usize) -> Outcome<Ledger> {
        let pool = self.pool;
        let settled = self.with_peer(seat, |peer| pool.reset(peer).and_then(|()| pool.ledger(peer)))?;
        settled.map_err(|error| {
            self.leave(seat);
            self.stop(seat, "freeing everything", error)
        })
    }

    /// What the peer holds now is what it is to hold in the end.
    pub(crate) fn rebase(&self, seat: usize) -> Outcome {
        let pool = self.pool;
        let now = self.with_peer(seat, |peer| pool.ledger(peer))?.map_err(|error| self.stop(seat, "count", error))?;
        if let Some(seat) = self.seats.borrow_mut().get_mut(seat) {
            (seat.before, seat.new) = (now, false);
        }
        Ok(())
    }

    /// Do something to a peer that it need not answer.
    pub(crate) fn signal(&self, seat: usize, name: &str, send: fn(&Peer) -> Result<(), PeerError>) -> Outcome {
        let sent = Instant::now();
        let done = self.with_peer(seat, |peer| send(peer))?;
        let step = self.record(seat, sent, None, Some(name.into()), None, done.as_ref().err().map(ToString::to_string));
        done.map_err(|error| self.stop(seat, &step, error))
    }

    /// End the peer in a seat on purpose: with an exit status, or by killing it.
    pub(crate) fn end(&self, seat: usize, status: Option<i32>) -> Outcome<Exit> {
        let action = status.map_or_else(|| "kill".into(), |status| format!("exit with status {status}"));
        self.ending(seat, action, |peer| match status {
            Some(status) => peer.exit(status, self.limit),
            None => Ok(peer.kill()),
        })
    }

    /// Break off with a peer, and see how it ends.
    pub(crate) fn break_off(&self, seat: usize, how: BreakOff) -> Outcome<Exit> {
        self.ending(seat, format!("break off: {how:?}"), |peer| peer.break_off(how, self.limit))
    }

    /// However a process ends, no name of an object of its own stays in the file system.
    fn ending(&self, seat: usize, action: String, end: impl FnOnce(&mut Peer) -> Result<Exit, PeerError>) -> Outcome<Exit> {
        let sent = Instant::now();
        // One that has ended already, which is told below, holds nothing.
        let held = self.with_peer(seat, |peer| Ledger::of(peer.pid()))?.unwrap_or_default();
        let ended = self.with_peer(seat, end)?;
        let error = ended.as_ref().err().map(ToString::to_string);
        let step = self.record(seat, sent, None, Some(action), None, error);
        let before = self.seats.borrow().get(seat).map(|seat| seat.names.clone()).unwrap_or_default();
        self.leave(seat);
        let exit = ended.map_err(|error| self.stop(seat, &step, error))?;
        let left: Vec<_> = held.names_left().into_iter().filter(|name| !before.contains(*name)).collect();
        if left.is_empty() {
            return Ok(exit);
        }
        Err(Stop::Leak(format!("{} left {} in the file system at {step}", ROLES[seat], left.join(", "))))
    }

    /// A fault was survived: it counts, and its steps are of no further interest.
    pub(crate) fn point_survived(&self) {
        self.points.set(self.points.get() + 1);
        self.steps.borrow_mut().clear();
    }

    /// A fault was not survived: the steps of the first are evidence.
    pub(crate) fn point_failed(&self) {
        let steps = self.steps.take();
        let mut failed = self.failed.borrow_mut();
        if failed.is_empty() {
            *failed = steps;
        }
    }
}

impl Stop {
    /// The same, with where it happened in front.
    #[must_use]
    pub fn within(self, place: impl FnOnce() -> String) -> Self {
        let before = |text: String| format!("{}: {text}", place());
        match self {
            Self::Fail(text) => Self::Fail(before(text)),
            Self::Inconclusive(text) => Self::Inconclusive(before(text)),
            Self::Crash { exit, detail } => Self::Crash { exit, detail: before(detail) },
            Self::Hang(text) => Self::Hang(before(text)),
            Self::Leak(text) => Self::Leak(before(text)),
            Self::Refused { .. } => Self::Fail(before(self.to_string())),
        }
    }
}
