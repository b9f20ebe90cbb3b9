//! What the two sides of a connection say to each other, for whoever writes another implementation of one.
//!
//! Over the [`Channel`](crate::Channel), as JSON with handles beside it:
//!
//! 1. the producer's [`Invitation`], and beside it the handles of two ring offers, of the timelines that it names, and of its process;
//! 2. the producer's current generation of textures, a [`Batch`](crate::Batch);
//! 3. the consumer's [`Acceptance`], and beside it the handles of its timeline, if it names one, and of its process;
//! 4. from then on a [`Batch`](crate::Batch) for each further generation, before the first frame of it.
//!
//! Through the rings go [`Filled`] slots to the consumer and [`Returned`] ones to the producer. The value that stands for the nth message of
//! a ring is n: the producer signals its timeline and then sends, the consumer sends and then signals.
//!
//! A timeline in shared memory is made by who signals it, which alone can. Where the driver's own timelines carry the signals, the
//! producer makes both: what one process exports another one signals as well, and NVIDIA's 580 takes 90 µs for a round trip of two that
//! are signalled by who exported them, 20 µs of two that one process has made.

use serde::{Deserialize, Serialize};

use super::Policy;
use crate::ring::{Offer, Terms};
use crate::sync::SyncDescriptor;

/// Version of what is said here. Another one is refused.
pub const VERSION: u32 = 2;

/// From the producer, first of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// [`VERSION`].
    pub version: u32,
    /// What becomes of frames that come too fast.
    pub policy: Policy,
    /// The number of the generation that follows; each further one has the next.
    pub generation: u32,
    /// Of the ring of [`Filled`] slots.
    pub frames: Terms,
    /// Of the ring of [`Returned`] slots.
    pub returns: Terms,
    /// The timeline that the producer signals.
    pub rendered: SyncDescriptor,
    /// The timeline that the consumer signals, where the producer has made it.
    pub read: Option<SyncDescriptor>,
}

impl Invitation {
    /// How many handles come beside it.
    #[must_use]
    pub const fn handles(&self) -> usize {
        2 * Offer::HANDLES + 2 + self.read.is_some() as usize
    }
}

/// The consumer's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Acceptance {
    /// It takes part.
    Accepted {
        /// The timeline that the consumer signals, where it has made it: it must if the invitation has none, and may if it has.
        read: Option<SyncDescriptor>,
    },
    /// It cannot.
    Refused {
        /// Why, for people.
        reason: String,
    },
}

/// A slot that holds a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The frame's number, which grows.
    pub number: u64,
    /// Whatever the producer wants to say of it.
    pub stamp: u64,
    /// The slot's generation.
    pub generation: u32,
    /// Its place there.
    pub slot: u32,
}

/// A slot that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The number of the frame that it held.
    pub number: u64,
    /// The slot's generation.
    pub generation: u32,
    /// Its place there.
    pub slot: u32,
}

impl Filled {
    /// Bytes of a message.
    pub const BYTES: usize = 24;

    /// As it travels: little endian, in the order of the fields.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.stamp.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.generation.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.slot.to_le_bytes());
        bytes
    }

    /// What arrived. Any bytes are some message; whether it makes sense is for the receiver to say.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [number, stamp] = [0, 8].map(|at| u64::from_le_bytes(part(bytes, at)));
        let [generation, slot] = [16, 20].map(|at| u32::from_le_bytes(part(bytes, at)));
        Self { number, stamp, generation, slot }
    }

    /// What returns it.
    #[must_use]
    pub const fn returned(self) -> Returned {
        Returned { number: self.number, generation: self.generation, slot: self.slot }
    }
}

impl Returned {
    /// Bytes of a message.
    pub const BYTES: usize = 16;

    /// As [`Filled::to_bytes`].
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.generation.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.slot.to_le_bytes());
        bytes
    }

    /// As [`Filled::from_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [generation, slot] = [8, 12].map(|at| u32::from_le_bytes(part(bytes, at)));
        Self { number: u64::from_le_bytes(part(bytes, 0)), generation, slot }
    }
}

/// `LEN` of the bytes, from a place on that leaves room for them.
fn part<const LEN: usize>(bytes: &[u8], at: usize) -> [u8; LEN] {
    std::array::from_fn(|index| bytes[at + index])
}
