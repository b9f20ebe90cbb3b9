//! Why a ring did not do what it was asked for.

use std::io;

use super::layout::Role;
use crate::shm::SharedMemoryError;

/// What the peer wrote that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// A position that no sequence of sends and receives leads to.
    #[error("its position is {found}, possible are {least} to {most}")]
    Position {
        /// What it wrote.
        found: u64,
        /// The position it had before.
        least: u64,
        /// The furthest it can have come.
        most: u64,
    },
    /// A message longer than what was published.
    #[error("the message at position {position} has {found} bytes, {most} at most were published")]
    Length {
        /// Where the message begins.
        position: u64,
        /// Its length.
        found: u64,
        /// What was published behind its header.
        most: u64,
    },
    /// No message begins here.
    #[error("at position {position} a message was to begin, found a header marked {found:#010x}, expected {expected:#010x}")]
    Mark {
        /// Where.
        position: u64,
        /// The mark in the header.
        found: u32,
        /// The mark of this position.
        expected: u32,
    },
}

/// Why a ring did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// The deadline passed. Nothing was sent or taken.
    #[error("the deadline passed")]
    TimedOut,
    /// The peer closed the ring; on the consumer's side all that was sent before has been taken.
    #[error("the peer closed the ring")]
    Closed,
    /// The peer died; on the consumer's side all that was sent before has been taken.
    #[error("the peer died without closing the ring")]
    PeerGone,
    /// The peer broke the ring. It stays broken.
    #[error("the peer broke the ring: {0}; attach to a new one")]
    Corrupt(Corruption),
    /// The peer found the ring broken, and has given it up.
    #[error("the peer found the ring corrupt and gave it up; attach to a new one")]
    GivenUp,
    /// A message that would not fit even into an empty ring.
    #[error("a message of {found} bytes in a ring that takes {most} at most; send it in parts or create a larger ring")]
    TooLarge {
        /// Its length.
        found: usize,
        /// The longest that fits.
        most: usize,
    },
    /// The next message is longer than the buffer. It stays where it is.
    #[error("the next message has {needed} bytes, the buffer has room for {room}")]
    BufferTooSmall {
        /// Its length.
        needed: usize,
        /// The buffer's.
        room: usize,
    },
    /// No ring can have this capacity.
    #[error("a capacity of {found} bytes; it is a power of two from {least} to {most}")]
    Capacity {
        /// What was asked for.
        found: u64,
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// No ring can have room for so many messages of one size.
    #[error("a ring for {found} messages; it can have room for 1 to {most}")]
    Messages {
        /// What was asked for.
        found: u64,
        /// The most.
        most: u64,
    },
    /// A memory object that does not fit the terms.
    #[error("the {role}'s memory object has {field} {found:#x}, expected {expected:#x}")]
    Mismatch {
        /// Whose object.
        role: Role,
        /// What differs.
        field: &'static str,
        /// What the object says.
        found: u64,
        /// What the terms say.
        expected: u64,
    },
    /// The terms name the other role.
    #[error("the offer is for a {offered}, and was attached as a {attached}")]
    WrongRole {
        /// The role that is to be had.
        offered: Role,
        /// The role that was asked for.
        attached: Role,
    },
    /// An offer with handles missing, or with too many.
    #[error("the offer has {found} handles, expected {expected}; send all of Offer::into_parts")]
    HandleCount {
        /// How many came.
        found: usize,
        /// [`Offer::HANDLES`](super::Offer::HANDLES).
        expected: usize,
    },
    /// Somebody has attached in this role already.
    #[error("this ring has its {0} already")]
    Taken(Role),
    /// The memory objects could not be created or attached.
    #[error(transparent)]
    Memory(#[from] SharedMemoryError),
    /// The operating system said no.
    #[error("{what}: {source}")]
    Os {
        /// What was attempted.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
}
