//! What lies where in the memory of a ring.

use std::fmt;
use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

use serde::{Deserialize, Serialize};

use super::RingError;
use super::memory::Lone;
use crate::waiter::{Atomic, Words};

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends.
    Producer,
    /// Receives.
    Consumer,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::Producer => 1,
            Self::Consumer => 2,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        })
    }
}

const MAGIC: u64 = u64::from_le_bytes(*b"gpuring\n");
/// Changes with every change to what this file says.
const VERSION: u32 = 6;

/// Where the signals begin in a side's object: on a page of their own.
pub(super) const SIGNALS: usize = 4096;
/// Where the messages begin in the producer's object: on a page of their own.
pub(super) const DATA: usize = 8192;
/// Bytes of a message's header, and the unit of positions.
pub(super) const UNIT: u64 = 8;

pub(super) const LEAST_CAPACITY: u64 = 16;
/// A length has 32 bits.
pub(super) const MOST_CAPACITY: u64 = 1 << 31;

/// The words of one side, at the beginning of its memory object. What changes at different times lies 128 bytes apart, because
/// common processors fetch two lines of 64 at once.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct Control {
    magic: AtomicU64,
    version: AtomicU32,
    role: AtomicU32,
    capacity: AtomicU64,
    generation: AtomicU64,
    message: AtomicU64,
    /// 0 until somebody attached in this role.
    pub(super) claimed: AtomicU32,
    _1: [u8; 84],
    position: AtomicU64,
    lone: Lone<AtomicU64>,
    _2: [u8; 64],
    status: AtomicU64,
}

/// The words that sleepers wait for. Where the system has both sides sleep and wake on words that they can write to, all are in the
/// object of the side that attached, of which the creator keeps this page writable: what it may read there, and what the peer could
/// write, says nothing but that it is time to look again.
#[derive(Debug)]
#[repr(C, align(4096))]
pub(super) struct Signals {
    /// Of the side whose object this is.
    own: AtomicU32,
    _1: [u8; 124],
    /// Of the other.
    other: AtomicU32,
}

const _: () = assert!(offset_of!(Control, claimed) == 40 && size_of::<Header>() == offset_of!(Control, _1));
const _: () = assert!(offset_of!(Control, position) == 128 && offset_of!(Control, status) == 256);
const _: () = assert!(offset_of!(Control, lone) == 136 && offset_of!(Control, _2) == 192);
const _: () = assert!(size_of::<Control>() == SIGNALS && size_of::<Signals>() == DATA - SIGNALS);

/// Where a side's signal lies in its own object.
pub(super) const OWN_SIGNAL: usize = SIGNALS + offset_of!(Signals, own);
/// Where the other side's may lie.
pub(super) const OTHER_SIGNAL: usize = SIGNALS + offset_of!(Signals, other);

impl Words for Control {
    type U64 = AtomicU64;

    #[inline]
    fn position(&self) -> &AtomicU64 {
        &self.position
    }

    #[inline]
    fn status(&self) -> &AtomicU64 {
        &self.status
    }
}

impl Control {
    #[inline]
    pub(super) fn lone(&self) -> &Lone<AtomicU64> {
        &self.lone
    }
}

macro_rules! atomic {
    ($word:ty, $value:ty) => {
        impl Atomic<$value> for $word {
            #[inline]
            fn load(&self, order: std::sync::atomic::Ordering) -> $value {
                <$word>::load(self, order)
            }

            #[inline]
            fn store(&self, value: $value, order: std::sync::atomic::Ordering) {
                <$word>::store(self, value, order);
            }
        }
    };
}

atomic!(AtomicU64, u64);
atomic!(AtomicU32, u32);

/// What lies where in a side's memory object, for whoever looks at one from outside: a tool, or a test that plays a peer that
/// breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `b"gpuring\n"`, 8 bytes. This and the four that follow are written once, before anybody else sees the object.
    Magic,
    /// The layout's version, 4 bytes.
    Version,
    /// Whose object this is, 4 bytes.
    Role,
    /// Bytes for messages, 8 bytes.
    Capacity,
    /// The ring's own number, 8 bytes.
    Generation,
    /// Whether somebody has this role, 4 bytes.
    Claimed,
    /// How many bytes were written (the producer's) or given back (the consumer's), 8 bytes.
    Position,
    /// The last message that was sent alone, 56 bytes (the producer's).
    Lone,
    /// Whether the side is about to sleep or has left, 8 bytes.
    Status,
    /// What the other side sleeps on, 4 bytes.
    Signal,
    /// What this side sleeps on, 4 bytes: on Linux, in the object of the side that attached.
    OtherSignal,
    /// The first message, in the producer's object only.
    Messages,
}

impl Field {
    /// Where it begins: bytes from the object's start.
    #[must_use]
    pub const fn offset(self) -> u64 {
        let offset = match self {
            Self::Magic => offset_of!(Control, magic),
            Self::Version => offset_of!(Control, version),
            Self::Role => offset_of!(Control, role),
            Self::Capacity => offset_of!(Control, capacity),
            Self::Generation => offset_of!(Control, generation),
            Self::Claimed => offset_of!(Control, claimed),
            Self::Position => offset_of!(Control, position),
            Self::Lone => offset_of!(Control, lone),
            Self::Status => offset_of!(Control, status),
            Self::Signal => OWN_SIGNAL,
            Self::OtherSignal => OTHER_SIGNAL,
            Self::Messages => DATA,
        };
        offset as u64
    }
}

/// What a ring holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Bytes for messages and their headers; of messages of one size, their number.
    pub(super) capacity: u64,
    /// Bytes of each message; 0 where they may have any number.
    pub(super) message: u64,
    /// Bytes behind the words in the producer's object.
    pub(super) data: u64,
}

impl Shape {
    /// Messages of any length.
    pub(super) fn bytes(capacity: u64) -> Result<Self, RingError> {
        if capacity.is_power_of_two() && (LEAST_CAPACITY..=MOST_CAPACITY).contains(&capacity) {
            Ok(Self { capacity, message: 0, data: capacity })
        } else {
            Err(RingError::Capacity { found: capacity, least: LEAST_CAPACITY, most: MOST_CAPACITY })
        }
    }

    /// Bytes of a side's object.
    pub(super) fn object_bytes(self, role: Role) -> u64 {
        match role {
            Role::Producer => DATA as u64 + self.data,
            Role::Consumer => DATA as u64,
        }
    }

    /// The header of a side's object.
    pub(super) fn header(self, role: Role, generation: u64, claimed: bool) -> Header {
        let mut bytes = [0; size_of::<Header>()];
        bytes[0..8].copy_from_slice(&MAGIC.to_ne_bytes());
        bytes[8..12].copy_from_slice(&VERSION.to_ne_bytes());
        bytes[12..16].copy_from_slice(&role.number().to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.capacity.to_ne_bytes());
        bytes[24..32].copy_from_slice(&generation.to_ne_bytes());
        bytes[32..40].copy_from_slice(&self.message.to_ne_bytes());
        bytes[40..44].copy_from_slice(&u32::from(claimed).to_ne_bytes());
        bytes
    }

    /// Whether an object is the one that the terms speak of. The magic tells the byte order too.
    pub(super) fn check(self, found: &Header, role: Role, generation: u64) -> Result<(), RingError> {
        let expected = self.header(role, generation, false);
        let fields = [
            ("magic", 0..8),
            ("version", 8..12),
            ("role", 12..16),
            ("capacity", 16..24),
            ("generation", 24..32),
            ("message size", 32..40),
        ];
        for (field, range) in fields {
            if found[range.clone()] != expected[range.clone()] {
                let (found, expected) = (number(&found[range.clone()]), number(&expected[range]));
                return Err(RingError::Mismatch { role, field, found, expected });
            }
        }
        Ok(())
    }
}

/// The first bytes of [`Control`], which are written once, before anybody else sees the object.
pub(super) type Header = [u8; 44];

/// Whether a header says that somebody has its role.
pub(super) fn is_claimed(header: &Header) -> bool {
    header[40..44] != [0; 4]
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().enumerate().fold(0, |number, (at, byte)| number | u64::from(*byte) << (8 * at))
}

/// What a message of `len` bytes takes up.
#[inline]
pub(super) const fn record(len: usize) -> u64 {
    // A length near the top of the range must not wrap around to something small; none that fits is that long.
    let len = if len as u64 > MOST_CAPACITY { MOST_CAPACITY } else { len as u64 };
    (len + UNIT + UNIT - 1) & !(UNIT - 1)
}

/// The header of the message of `len` bytes at a position, as it stands in memory.
#[inline]
#[must_use]
pub const fn message_header(position: u64, len: u64) -> u64 {
    (mark(position) as u64) << 32 | len
}

/// What marks the header of the message at a position: never 0, which is what untouched memory holds.
#[inline]
pub(super) const fn mark(position: u64) -> u32 {
    (position >> 2) as u32 | 1
}
