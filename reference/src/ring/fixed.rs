//! A ring for messages of one size, known when the program is built: faster than [one for any](super).
//!
//! Guarantees, roles, attaching, waiting and closing are those of [`ring`](super). There are no headers: a place in the ring follows from
//! the number of a message alone, so that nothing that the peer writes is ever used as a place or a length. Positions count bytes here,
//! too, and are multiples of a message's.
//!
//! Messages lie side by side, and the producer's position is the one word that tells of them, so that many are copied at once and seen
//! at once. What costs time is lines of cache that cross between processors: the producer asks for those that it will write to
//! before it gets there, and the consumer for the next message while it looks for news of it. Each look takes the line of the
//! position from a producer that is sending, so a consumer that receives one at a time and has taken all it knew of lets it get ahead
//! first: for 0.1 or 0.2 microseconds, and for up to eight times as long while looks find several messages, but few.
//! `docs/results/ring.md` has the measurements.
//!
//! A message that is waited for can be [sent alone](Producer::send_alone): then it lies on the line of the position, too, and one line
//! crosses instead of two. Where many are under way that takes longer, so it is a call of its own.
//!
//! The consumer gives room back when it took an eighth of the ring, when it finds nothing more, and when it waits. So at least
//! seven eighths of a ring can be under way whatever the consumer does next.
//!
//! ```
//! use gpushare::{Deadline, ring::fixed};
//!
//! let (mut producer, offer) = fixed::Producer::<16>::create(1024)?;
//! // … the offer crosses to another process …
//! let mut consumer = fixed::Consumer::<16>::attach(offer).map_err(|refused| refused.error)?;
//! producer.send(&[7; 16], Deadline::NEVER)?;
//! assert_eq!(consumer.receive(Deadline::NEVER)?, [7; 16]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod consumer;
mod lead;
mod lone;
mod producer;

pub use consumer::Consumer;
pub use producer::Producer;

use super::RingError;
use super::layout::{MOST_CAPACITY, Shape};

/// Places for messages of `N` bytes.
#[derive(Clone, Copy, Debug)]
struct Slots<const N: usize> {
    /// How many.
    capacity: u64,
}

impl<const N: usize> Slots<N> {
    /// Room for so many messages.
    fn with_room_for(messages: u64) -> Result<Self, RingError> {
        const { assert!(N > 0, "a message has at least one byte") };
        let most = MOST_CAPACITY / N as u64;
        if (1..=most).contains(&messages) {
            Ok(Self { capacity: messages })
        } else {
            Err(RingError::Messages { found: messages, most })
        }
    }

    /// What the terms' capacity means here.
    fn shape(capacity: u64) -> Result<Shape, RingError> {
        Ok(Self::with_room_for(capacity)?.own_shape())
    }

    fn own_shape(self) -> Shape {
        Shape { capacity: self.capacity, message: N as u64, data: self.bytes() as u64 }
    }

    /// Bytes of all places.
    #[inline]
    fn bytes(self) -> usize {
        self.capacity as usize * N
    }

    /// Bytes of the messages that are taken before room is given back.
    fn eighth(self) -> usize {
        (self.capacity / 8).max(1) as usize * N
    }

    /// How many of so many messages have their places from the byte `at` on, before the places begin again.
    #[inline]
    fn in_one_piece(self, at: usize, messages: usize) -> usize {
        messages.min((self.bytes() - at) / N)
    }

    /// Whether messages lie side by side in so many bytes.
    #[inline]
    const fn holds_whole(bytes: u64) -> bool {
        bytes.is_multiple_of(N as u64)
    }
}

/// What a ring of this capacity looks like, for tests that break one.
#[cfg(test)]
pub(super) fn shape_of<const N: usize>(capacity: u64) -> Result<Shape, RingError> {
    Slots::<N>::shape(capacity)
}
