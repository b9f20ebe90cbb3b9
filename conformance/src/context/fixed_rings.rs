//! Steps with rings for messages of one size.

use gpushare::ring::Role;
use gpushare_harness::protocol::{Code, Problem};

use super::rings::{Ring, RingOffer};
use crate::case::{Outcome, Stop};
use crate::context::Party;

impl Party<'_, '_> {
    /// Create a ring for messages of `size` bytes, with room for at least so many, and take one side of it. The terms of the offer
    /// say how many it has room for.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_fixed_ring(&self, role: Role, size: usize, messages: u64) -> Outcome<(Ring, RingOffer)> {
        self.try_create_fixed_ring(role, size, messages)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to create one.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_create_fixed_ring(&self, role: Role, size: usize, messages: u64) -> Outcome<Result<(Ring, RingOffer), Problem>> {
        self.try_offer(role, messages, Some(size))
    }

    /// Take a side of one that another peer created.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn attach_fixed_ring(&self, role: Role, size: usize, offer: &RingOffer) -> Outcome<Ring> {
        self.try_accept(role, offer, Some(size))?.map_err(|problem| self.refused(&problem))
    }

    /// Attaching for messages of this size, or of any length, has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it succeeds or is refused for another reason.
    pub fn attaching_for_size_is_refused(&self, role: Role, size: Option<usize>, offer: &RingOffer, codes: &[Code]) -> Outcome {
        let words = size.map_or_else(|| "any".into(), |size| size.to_string());
        match self.try_accept(role, offer, size)? {
            Ok(_) => Err(Stop::Fail(format!("{} attached for messages of {words} bytes, expected a refusal", self.role()))),
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    /// A ring to another peer, which attaches to it; and how many messages it has room for.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn fixed_ring_to(&self, consumer: &Self, size: usize, messages: u64) -> Outcome<(Ring, Ring, u64)> {
        let (out, offer) = self.create_fixed_ring(Role::Producer, size, messages)?;
        Ok((out, consumer.attach_fixed_ring(Role::Consumer, size, &offer)?, offer.terms.capacity))
    }
}
