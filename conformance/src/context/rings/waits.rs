//! Waits of a ring: what they watch, how they sleep, and how they end.

use gpushare_harness::protocol::ring::{RingReply, RingRequest, Waited};
use gpushare_harness::protocol::{Code, Object, Reply, Request};

use super::Ring;
use crate::case::{Outcome, Stop, require};
use crate::context::{Begun, Party};

impl<'context, 'run> Party<'context, 'run> {
    /// Let waits of this ring end with another peer's death.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn watch_ring(&self, ring: Ring, other: &Self) -> Outcome {
        let process = other.make(Object::ThisProcess)?;
        let process = other.hand_over(process, self)?;
        self.must_do(&Request::Ring(RingRequest::Watch { ring: ring.0, process: process.0 }))
    }

    /// Watching an object that is no process has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn watching_is_refused(&self, ring: Ring, object: Object, codes: &[Code]) -> Outcome {
        let process = self.make(object)?.0;
        match self.try_ask(&Request::Ring(RingRequest::Watch { ring: ring.0, process }), &[])? {
            Ok(_) => Err(Stop::Fail(format!("{} watches {object:?}", self.role()))),
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    /// Let waits of this ring sleep at once, until a wake-up, the deadline or a death: what is lost is not found again by chance.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn sleep_soundly(&self, ring: Ring) -> Outcome {
        self.must_do(&Request::Ring(RingRequest::Patience { ring: ring.0, spin: 0, park: None }))
    }

    /// Begin to wait, for a message or for room for `len` bytes.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_ring_wait(&self, ring: Ring, len: usize, within: u64) -> Outcome<Begun<'context, 'run>> {
        self.begin(Request::Ring(RingRequest::Wait { ring: ring.0, len, within }))
    }

    /// How a wait that was begun ended.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_ring_wait(&self, begun: Begun<'_, '_>) -> Outcome<Waited> {
        match begun.finish()?.map_err(|problem| self.refused(&problem))? {
            Reply::Ring(RingReply::Waited(waited)) => Ok(waited),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Wait, which has to end so.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ring_wait_ends(&self, ring: Ring, len: usize, within: u64, expected: Waited) -> Outcome {
        let begun = self.begin_ring_wait(ring, len, within)?;
        self.ring_wait_ended(begun, expected)
    }

    /// A wait that was begun has to end so.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ring_wait_ended(&self, begun: Begun<'_, '_>, expected: Waited) -> Outcome {
        let waited = self.finish_ring_wait(begun)?;
        require(waited == expected, || {
            format!("{}'s wait ended as {waited:?} at {}, expected {expected:?}", self.role(), self.context.last_step())
        })
    }

    /// Wake-ups that cost a system call.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn wakes(&self, ring: Ring) -> Outcome<u64> {
        match self.must(&Request::Ring(RingRequest::Look { ring: ring.0 }))? {
            Reply::Ring(RingReply::Side { wakes, .. }) => Ok(wakes),
            other => Err(self.unexpected(&other)),
        }
    }
}
