//! Steps with rings: how two sides come to one.

mod messages;
mod waits;

use std::time::Duration;

use gpushare::OwnedHandle;
use gpushare::ring::{Role, Terms};
use gpushare_harness::protocol::ring::{RingReply, RingRequest};
use gpushare_harness::protocol::{Code, Problem, Reply, Request};

use crate::case::{Outcome, Stop, require};
use crate::context::Party;

/// A ring, as one peer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring(pub(crate) u32);

/// What another peer attaches with; the orchestrator holds the handles.
#[derive(Debug)]
pub struct RingOffer {
    /// What travels beside the handles.
    pub terms: Terms,
    /// The attaching side's memory object, and the creating side's.
    pub handles: [OwnedHandle; 2],
}

impl RingOffer {
    /// Second handles to the same objects, to be changed by a script.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when there is no descriptor left.
    pub fn try_clone(&self) -> Outcome<Self> {
        let copy = |handle: &OwnedHandle| handle.try_clone().map_err(|error| Stop::Inconclusive(error.to_string()));
        Ok(Self { terms: self.terms, handles: [copy(&self.handles[0])?, copy(&self.handles[1])?] })
    }
}

/// What a send or receive did before it ended, and what ended it.
pub type Partly<T> = (T, Option<Problem>);

impl<'context, 'run> Party<'context, 'run> {
    /// Create a ring and take one side of it.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_ring(&self, role: Role, capacity: u64) -> Outcome<(Ring, RingOffer)> {
        self.try_create_ring(role, capacity)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to create a ring.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_create_ring(&self, role: Role, capacity: u64) -> Outcome<Result<(Ring, RingOffer), Problem>> {
        self.try_offer(role, capacity, None)
    }

    pub(super) fn try_offer(
        &self,
        role: Role,
        capacity: u64,
        size: Option<usize>,
    ) -> Outcome<Result<(Ring, RingOffer), Problem>> {
        let [ring, first, second] = std::array::from_fn(|_| self.context.number(self.seat));
        let request = RingRequest::Create { ring, role, capacity, size, handles: [first, second] };
        match self.try_ask(&Request::Ring(request), &[])? {
            Ok((Reply::Ring(RingReply::Offered(terms)), _)) => {
                let given = self.give(&[super::Handle(first), super::Handle(second)])?;
                let handles = given.try_into().map_err(|_| Stop::Fail("a ring has two handles".into()))?;
                Ok(Ok((Ring(ring), RingOffer { terms, handles })))
            }
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Take a side of a ring that another peer created.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn attach_ring(&self, role: Role, offer: &RingOffer) -> Outcome<Ring> {
        self.try_attach_ring(role, offer)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to take a side. A refusal has to leave the handles with the peer, which closes them.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_attach_ring(&self, role: Role, offer: &RingOffer) -> Outcome<Result<Ring, Problem>> {
        self.try_accept(role, offer, None)
    }

    pub(super) fn try_accept(&self, role: Role, offer: &RingOffer, size: Option<usize>) -> Outcome<Result<Ring, Problem>> {
        let kept = self.keep(&offer.handles)?;
        let &[first, second] = kept.as_slice() else { return Err(Stop::Fail("a ring has two handles".into())) };
        let ring = self.context.number(self.seat);
        let request = RingRequest::Attach { ring, role, terms: offer.terms, size, handles: [first.0, second.0] };
        match self.try_ask(&Request::Ring(request), &[])? {
            Ok((Reply::Done, _)) => Ok(Ok(Ring(ring))),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => {
                self.close([first, second])?;
                Ok(Err(problem))
            }
        }
    }

    /// Attaching has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it succeeds or is refused for another reason.
    pub fn attach_is_refused(&self, role: Role, offer: &RingOffer, codes: &[Code]) -> Outcome {
        match self.try_attach_ring(role, offer)? {
            Ok(_) => Err(Stop::Fail(format!("{} attached at {}, expected a refusal", self.role(), self.context.last_step()))),
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    pub(crate) fn expect_code(&self, problem: &Problem, codes: &[Code]) -> Outcome {
        let Problem { code, message, .. } = problem;
        require(codes.contains(code), || {
            format!("{} was told {code:?} ({message}) at {}, expected {codes:?}", self.role(), self.context.last_step())
        })
    }

    /// A ring to another peer, which attaches to it.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ring_to(&self, consumer: &Self, capacity: u64) -> Outcome<(Ring, Ring)> {
        let (out, offer) = self.create_ring(Role::Producer, capacity)?;
        Ok((out, consumer.attach_ring(Role::Consumer, &offer)?))
    }

    /// Bytes of the longest message.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn max_message(&self, ring: Ring) -> Outcome<usize> {
        match self.must(&Request::Ring(RingRequest::Look { ring: ring.0 }))? {
            Reply::Ring(RingReply::Side { max_message: Some(max), .. }) => Ok(max),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Leave rings.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn close_rings(&self, rings: &[Ring]) -> Outcome {
        self.must_do(&Request::Ring(RingRequest::Close { rings: rings.iter().map(|ring| ring.0).collect() }))
    }
}

/// Let some time pass in which a peer that was asked to wait falls asleep. What follows does not rest on it: a peer that is
/// still awake then makes the case easier to pass and never fails it.
pub fn let_it_sleep() {
    std::thread::sleep(Duration::from_millis(20));
}

pub(crate) fn text(stopped: Option<Problem>) -> String {
    stopped.map_or_else(|| "nothing was wrong".into(), |Problem { code, message, .. }| format!("{code:?} ({message})"))
}
