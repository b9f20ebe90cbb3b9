//! A queue of messages in shared memory: one producer, one consumer, two processes that need not trust each other.
//!
//! What it guarantees:
//!
//! - Messages of any length up to [`Producer::max_message`] arrive whole, once and in order.
//! - A peer that writes whatever it likes wherever it can causes [`RingError::Corrupt`] at worst: no access out of bounds, no
//!   panic, no wait past the deadline. Capacity and layout are fixed when the ring is attached and kept in private memory;
//!   positions and lengths are read once, checked, and then used. A ring that was found corrupt stays so.
//! - There is one producer and one consumer: neither type can be cloned, sending needs `&mut`, and the attaching side claims its role
//!   in the memory itself, once.
//! - No system call and no fence for a message while the other side is awake (see [`waiter`](crate::waiter)).
//! - A wait ends with its deadline, with the peer's death, or because the peer closed; each is a different answer.
//!
//! # Memory
//! Two objects, one for each side to write. In the producer's lie its words and the messages; in the consumer's lie its words. Each
//! side maps the other's read-only, and after a side has mapped its own for writing nobody else can
//! (`F_SEAL_FUTURE_WRITE`, [memfd_create(2)](https://man7.org/linux/man-pages/man2/memfd_create.2.html)). The creator's
//! object is closed in this way before its handle leaves the process. The attaching side's object comes from the creator, so that
//! side has the creator's word only; nothing here rests on it.
//!
//! A message is a header of 8 bytes (length, and a mark derived from its position, by which a reader that has lost its way
//! notices) and its bytes, padded to a multiple of 8. Positions count bytes, 64 bits wide, and never wrap in practice (at
//! 100 GB/s after 5 years); the byte at position `p` lies at `p` modulo the capacity, a power of two. A message may wrap; a header
//! cannot.
//!
//! ```
//! use gpushare::{Deadline, ring::{Consumer, Producer}};
//!
//! let (mut producer, offer) = Producer::create(1 << 16)?;
//! // … the offer crosses to another process: `Offer::into_parts`, a `Channel`, `Offer::from_parts` …
//! let mut consumer = Consumer::attach(offer).map_err(|refused| refused.error)?;
//! producer.send(b"a frame is ready", Deadline::NEVER)?;
//! let mut message = Vec::new();
//! consumer.receive(&mut message, Deadline::NEVER)?;
//! assert_eq!(message, b"a frame is ready");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attach;
mod consumer;
mod counts;
mod error;
pub mod fixed;
mod layout;
mod memory;
mod producer;
#[cfg(test)]
mod tests;

pub use attach::{Offer, Refused, Terms};
pub use consumer::{Consumer, Message};
pub use counts::Counts;
pub use error::{Corruption, RingError};
pub use layout::{Field, Role, message_header};
pub use memory::{Memory, Shared};
pub use producer::{Batch, Producer, Reservation};
