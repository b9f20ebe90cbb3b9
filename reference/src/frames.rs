//! Frames: textures that go round between a producer and its consumers, each filled, used and returned.
//!
//! ```text
//!  FrameProducer                                             FrameConsumer
//!  acquire ─▶ render ─▶ submit ──ring of filled slots──▶ next ─▶ use ─▶ release
//!     ▲                    └──timeline: rendered──────────▲                │
//!     └──────────────ring of returned slots, timeline: read────────────────┘
//! ```
//!
//! What it guarantees:
//!
//! - A consumer sees a frame after it was rendered, and a slot is rendered to again after all consumers that got it have returned it,
//!   left, or died. No frame is torn, doubled, or delivered late under an earlier one's number.
//! - The [`Policy`] says what becomes of frames that come faster than they are used.
//! - [`FrameProducer::reconfigure`] changes size and format between two frames: a new *generation* of textures, announced in order with
//!   the frames. An old texture is freed when it is returned.
//! - Either side may die or leave at any point. The other learns it within its deadline, keeps what it holds, frees it once, and can take
//!   a new peer: [`FrameProducer::invite`], [`FrameConsumer::join`].
//! - The other side is not trusted: slots, generations and numbers that make no sense end the connection with [`FrameError::Hostile`] (of
//!   a consumer: a [`Departure`]), and touch no other consumer.
//!
//! A connection has two rings of fixed messages, through which only numbers go, and two timelines, each signalled by one side: the driver's
//! own where it exports any, else one in shared memory that nobody but its creator can write. What has handles (the textures of a
//! generation, rings and timelines) goes over a [`Channel`](crate::Channel) beside them; see [`wire`].
//!
//! ```
//! use gpushare::frames::{FrameConsumer, FrameProducer, Policy};
//! use gpushare::{Channel, Deadline, Device, Format, TextureSpec, host::HostDevice};
//!
//! let (device, theirs) = (HostDevice::new(), HostDevice::new());
//! let spec = TextureSpec::new(Format::R8G8B8A8Unorm, 64, 64);
//! let mut producer = FrameProducer::new(&device, &spec, 3, Policy::Paced)?;
//! let (here, there) = Channel::pair()?;
//! // … the other end of the channel is in another process …
//! let joining = std::thread::spawn(move || (FrameConsumer::join(&theirs, there, Deadline::NEVER), theirs));
//! producer.invite(&device, here, Deadline::NEVER)?;
//! let (consumer, theirs) = joining.join().expect("it does not panic");
//! let mut consumer = consumer?;
//!
//! let mut slot = producer.acquire(&device, Deadline::NEVER)?;
//! device.write(slot.texture_mut(), &mut |texels| texels.fill(7))?;
//! producer.submit(&device, slot, 0)?;
//!
//! let mut frame = consumer.next(&theirs, Deadline::NEVER)?;
//! theirs.read(frame.texture_mut(), &mut |texels| assert!(texels.iter().all(|&byte| byte == 7)))?;
//! consumer.release(&theirs, frame)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod consumer;
mod error;
mod link;
mod meeting;
mod pool;
mod producer;
pub mod wire;

pub use consumer::{Frame, FrameConsumer};
pub use error::{Departure, FrameError, Reason};
pub use producer::{Acquired, FrameProducer};

use serde::{Deserialize, Serialize};

/// What becomes of frames that come faster than they are used. The producer's choice, for all its consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Consumers get every frame; the producer waits for a free slot.
    Paced,
    /// Consumers get every frame; the producer does not wait. Where no slot is free, [`FrameProducer::acquire`] is refused before
    /// anything is rendered.
    EveryFrame,
    /// Consumers get the newest frame that is rendered and return those before it unseen; the producer does not wait.
    LatestOnly,
}

/// A consumer, as its producer knows it. No two of one producer have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsumerId(u32);

impl ConsumerId {
    /// It counts up from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for ConsumerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "consumer {}", self.0)
    }
}

/// Slots of one generation at most.
pub const MOST_SLOTS: u32 = 32;

/// Generations with slots that are still to be returned, the newest included, at most.
pub const MOST_GENERATIONS: usize = 4;

/// Room in the rings: for more frames than can be under way, so that sending never waits.
const RING: u64 = 2 * MOST_SLOTS as u64 * MOST_GENERATIONS as u64;
