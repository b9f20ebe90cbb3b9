//! A ring for messages of one size, known when the program is built: faster than [one for any](super).
//!
//! Guarantees, roles, attaching, waiting and closing are those of [`ring`](super). There are no headers: a place in the ring follows from
//! the number of a message alone, so that nothing that the peer writes is ever used as a place or a length.
//!
//! What costs time is lines of cache that cross between processors. Where messages are small, a line of 64 bytes holds several and, in front
//! of them, a *count*: the number of all messages sent so far, as far as they lie in this line or before. The consumer looks at
//! the line that it needs anyway, and one line crosses instead of two. Larger messages lie without gaps, and the producer's position is their
//! count; many are then copied at once. `docs/results/ring.md` has the measurements that drew the border.
//!
//! The consumer gives room back, by whole lines, when it took an eighth of the ring, when it finds nothing more, and when it waits. So at
//! least seven eighths of a ring less a line of messages can be under way whatever the consumer does next.
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
mod producer;

pub use consumer::Consumer;
pub use producer::Producer;

use super::RingError;
use super::layout::{MOST_CAPACITY, Shape};

const LINE: usize = 64;
/// A count.
const COUNT: usize = 8;

/// Where messages of `N` bytes lie: in blocks, each with a count of its own.
#[derive(Clone, Copy, Debug)]
struct Cells<const N: usize> {
    /// Messages that the ring has room for.
    capacity: u64,
    /// Bytes of all blocks.
    bytes: usize,
}

impl<const N: usize> Cells<N> {
    /// Whether a block is a line and holds its count. Else there is one block, and its count is the producer's position.
    const LINES: bool = (LINE - COUNT) / N >= 2;
    const PER_LINE: usize = (LINE - COUNT) / N;
    /// Where a block's first message begins.
    const FIRST: usize = if Self::LINES { COUNT } else { 0 };

    /// Room for at least so many messages.
    fn with_room_for(messages: u64) -> Result<Self, RingError> {
        const { assert!(N > 0, "a message has at least one byte") };
        let (unit, bytes) = if Self::LINES { (Self::PER_LINE as u64, LINE) } else { (1, N) };
        let most = MOST_CAPACITY / bytes as u64 * unit;
        if messages == 0 || messages > most {
            return Err(RingError::Messages { found: messages, unit, most });
        }
        Ok(Self::of(messages.next_multiple_of(unit)))
    }

    /// The capacity is possible: at most `MOST_CAPACITY` bytes, whole lines.
    fn of(capacity: u64) -> Self {
        let bytes = if Self::LINES { capacity as usize / Self::PER_LINE * LINE } else { capacity as usize * N };
        Self { capacity, bytes }
    }

    /// What the terms' capacity means here.
    fn shape(capacity: u64) -> Result<Shape, RingError> {
        let cells = Self::with_room_for(capacity)?;
        if cells.capacity == capacity {
            Ok(cells.own_shape())
        } else {
            // Not whole lines: no ring was created with it.
            Err(RingError::Messages { found: capacity, unit: cells.per_block(), most: cells.capacity })
        }
    }

    fn own_shape(self) -> Shape {
        Shape { capacity: self.capacity, message: N as u64, data: self.bytes as u64 }
    }

    /// Messages in a block.
    #[inline]
    fn per_block(self) -> u64 {
        if Self::LINES { Self::PER_LINE as u64 } else { self.capacity }
    }

    /// How many messages can be taken or sent between two looks at the other side's position.
    fn eighth(self) -> u64 {
        (self.capacity / 8).max(1)
    }
}

/// Where a message lies.
#[derive(Clone, Copy, Debug)]
struct Place<const N: usize> {
    /// Its block.
    block: usize,
    /// Messages in front of it in the block.
    before: u64,
}

impl<const N: usize> Place<N> {
    const START: Self = Self { block: 0, before: 0 };

    /// Where its first byte lies.
    #[inline]
    fn byte(self) -> usize {
        self.block + Cells::<N>::FIRST + self.before as usize * N
    }

    /// Messages from here to the end of the block.
    #[inline]
    fn left(self, cells: Cells<N>) -> u64 {
        cells.per_block() - self.before
    }

    /// `count` messages further, at most as many as are left.
    #[inline]
    fn advance(&mut self, count: u64, cells: Cells<N>) {
        self.before += count;
        if self.before == cells.per_block() {
            self.before = 0;
            if Cells::<N>::LINES {
                self.block += LINE;
                if self.block == cells.bytes {
                    self.block = 0;
                }
            }
        }
    }
}

/// What a ring of this capacity looks like, for tests that break one.
#[cfg(test)]
pub(super) fn shape_of<const N: usize>(capacity: u64) -> Result<Shape, RingError> {
    Cells::<N>::shape(capacity)
}
