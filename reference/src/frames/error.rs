//! Why a frame did not go on, and why a consumer is gone.

use std::io;

use super::{ConsumerId, MOST_SLOTS};
use crate::batch::BatchRefused;
use crate::channel::ChannelError;
use crate::ring::RingError;
use crate::sync::SyncError;
use crate::texture::TextureError;

/// Why a frame did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The deadline passed. Nothing has changed, and what comes later is not lost.
    #[error("the deadline passed")]
    TimedOut,
    /// No slot is free, and the policy is not to wait.
    #[error("no slot is free; drop this picture, or create the producer with more slots")]
    Full,
    /// The caller itself has acquired every slot.
    #[error("every slot is acquired; submit or cancel one first")]
    AllAcquired,
    /// The slot belongs to a generation that was replaced meanwhile. It is freed.
    #[error("the slot's textures were replaced while it was acquired; acquire another one")]
    Retired,
    /// No producer has so many slots.
    #[error("{found} slots; there can be 1 to {MOST_SLOTS}")]
    Slots {
        /// What was asked for.
        found: u32,
    },
    /// What was given back does not come from here.
    #[error("the frame is not held here; give it back to the consumer or producer that it came from")]
    NotHeld,
    /// No consumer has this number, or has it any more.
    #[error("there is no {0}; it may have departed")]
    NoSuchConsumer(ConsumerId),
    /// The producer left. All that it submitted was delivered before.
    #[error("the producer left")]
    ProducerLeft,
    /// The producer died. All that it submitted and finished was delivered before.
    #[error("the producer died")]
    ProducerDied,
    /// The other side did what cannot be. The connection is over.
    #[error("the other side broke the rules: {detail}; connect again if it is to be trusted")]
    Hostile {
        /// What.
        detail: String,
    },
    /// The consumer that was invited cannot take part.
    #[error("the consumer refused: {reason}")]
    Refused {
        /// In its own words.
        reason: String,
    },
    /// A message that is none of [`wire`](super::wire).
    #[error("connecting: {detail}")]
    Malformed {
        /// What was found, and what was expected.
        detail: String,
    },
    /// A texture could not be created, exported or imported.
    #[error(transparent)]
    Texture(#[from] TextureError),
    /// The textures of a generation could not be imported.
    #[error(transparent)]
    Import(#[from] BatchRefused),
    /// A timeline could not be created, imported, signalled or waited for.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// A ring could not be created or attached.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The channel failed while connecting.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The operating system said no.
    #[error("{what}: {source}")]
    Os {
        /// What was attempted.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

impl FrameError {
    pub(super) fn hostile(detail: impl Into<String>) -> Self {
        Self::Hostile { detail: detail.into() }
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed { detail: detail.into() }
    }
}

/// A consumer that is gone. The frames that it held are free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Who.
    pub consumer: ConsumerId,
    /// Why.
    pub reason: Reason,
}

/// Why a consumer is gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It left.
    #[error("it left")]
    Left,
    /// Its process died.
    #[error("its process died")]
    Died,
    /// It did what cannot be, or does not take what it is sent.
    #[error("it broke the rules: {0}")]
    Hostile(String),
    /// [`FrameProducer::dismiss`](super::FrameProducer::dismiss).
    #[error("it was dismissed")]
    Dismissed,
}
