//! Requests and replies about frames: producers, consumers, and what goes round between them.

use gpushare::frames::{FrameError, Policy, Reason};
use gpushare::pattern::Mismatch;
use gpushare::timeline::Side;
use gpushare::{Pattern, TextureSpec};
use serde::{Deserialize, Serialize};

use super::{Code, Id, Problem};

/// What an orchestrator asks about frames. A frame with the number n is drawn and compared as frame n of a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FramesRequest {
    /// Create a producer without consumers. Answer: [`super::Reply::Done`].
    Create {
        /// Its number.
        producer: Id,
        /// What the frames are in.
        spec: TextureSpec,
        /// How many slots.
        slots: u32,
        /// What becomes of frames that come too fast.
        policy: Policy,
    },
    /// Let a consumer in that joins at the other end of a socket. Answer: [`FramesReply::Invited`].
    Invite {
        /// To which producer.
        producer: Id,
        /// The socket, used up.
        handle: Id,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Join a producer that invites at the other end of a socket. Answer: [`super::Reply::Done`].
    Join {
        /// The consumer's number.
        consumer: Id,
        /// The socket, used up.
        handle: Id,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Who says that a frame is rendered, or was read. Answer: [`super::Reply::Done`].
    Side {
        /// The producer or consumer.
        of: Id,
        /// The host or the device.
        by: Side,
    },
    /// Acquire a slot. Answer: [`FramesReply::Slot`].
    Acquire {
        /// Of which producer.
        producer: Id,
        /// The slot's number here.
        frame: Id,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Draw into an acquired slot. Answer: [`super::Reply::Done`].
    Draw {
        /// Which.
        frame: Id,
        /// What.
        pattern: Pattern,
    },
    /// Submit an acquired slot. Answer: [`FramesReply::Submitted`].
    Submit {
        /// Which.
        frame: Id,
    },
    /// Acquire, draw and submit, one frame after the other. Answer: [`FramesReply::Produced`].
    Produce {
        /// By which producer.
        producer: Id,
        /// How many.
        count: u64,
        /// The picture; its frame is the frame's number.
        pattern: Pattern,
        /// How long each may take to acquire, in milliseconds.
        within: u64,
    },
    /// From now on other textures. Answer: [`super::Reply::Done`].
    Reconfigure {
        /// Of which producer.
        producer: Id,
        /// What the frames are in from now on.
        spec: TextureSpec,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Which consumers are gone, and how many generations have textures. Answer: [`FramesReply::Departed`].
    Departures {
        /// Of which producer.
        producer: Id,
    },
    /// Let a consumer go. Answer: [`super::Reply::Done`].
    Dismiss {
        /// By which producer.
        producer: Id,
        /// Which, as it was [`FramesReply::Invited`].
        consumer: u32,
    },
    /// Take the next frame. Answer: [`FramesReply::Came`].
    Next {
        /// Of which consumer.
        consumer: Id,
        /// The frame's number here.
        frame: Id,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Compare a frame that was taken with a pattern. Answer: [`super::Reply::Done`] or [`super::Reply::Mismatch`].
    Look {
        /// Which.
        frame: Id,
        /// With what.
        pattern: Pattern,
    },
    /// Give a frame back. Answer: [`super::Reply::Done`].
    Release {
        /// Which.
        frame: Id,
    },
    /// Take, compare and release, one frame after the other. Answer: [`FramesReply::Consumed`].
    Consume {
        /// By which consumer.
        consumer: Id,
        /// How many.
        count: u64,
        /// The picture; its frame is the frame's number.
        pattern: Pattern,
        /// How long each may take to come, in milliseconds.
        within: u64,
    },
    /// Leave: drop producers and consumers, and every frame of theirs. Answer: [`super::Reply::Done`].
    Close {
        /// Which.
        of: Vec<Id>,
    },
}

/// What a peer answers about frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FramesReply {
    /// To [`FramesRequest::Invite`]: the consumer's number with its producer.
    Invited(u32),
    /// To [`FramesRequest::Acquire`].
    Slot(Slot),
    /// To [`FramesRequest::Submit`]: the frame's number.
    Submitted(u64),
    /// To [`FramesRequest::Produce`].
    Produced {
        /// How many were submitted.
        count: u64,
        /// The last one's number, 0 for none.
        last: u64,
        /// What stopped it before so many.
        stopped: Option<Problem>,
    },
    /// To [`FramesRequest::Departures`].
    Departed {
        /// Each consumer's number with its producer, and why it is gone; each is told once.
        consumers: Vec<(u32, Why)>,
        /// Generations that have textures somewhere.
        generations: u32,
    },
    /// To [`FramesRequest::Next`].
    Came(Came),
    /// To [`FramesRequest::Consume`].
    Consumed {
        /// The numbers of the frames that came, where they do not follow one another without a gap: from, to.
        runs: Vec<(u64, u64)>,
        /// How many were returned unseen.
        skipped: u64,
        /// How the last one differed from its pattern, if it did.
        mismatch: Option<Box<Mismatch>>,
        /// What stopped it before so many.
        stopped: Option<Problem>,
    },
}

/// Where a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Counts up with each change of textures.
    pub generation: u32,
    /// Its place there.
    pub slot: u32,
}

/// A frame that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// Its number.
    pub number: u64,
    /// Where it is.
    pub at: Slot,
    /// How many were returned unseen for it.
    pub skipped: u64,
    /// What it is in.
    pub spec: TextureSpec,
}

/// Why a consumer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It left.
    Left,
    /// It died.
    Died,
    /// It broke the rules.
    Hostile,
    /// The producer let it go.
    Dismissed,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Left => Self::Left,
            Reason::Died => Self::Died,
            Reason::Dismissed => Self::Dismissed,
            _ => Self::Hostile,
        }
    }
}

impl From<FrameError> for Problem {
    fn from(error: FrameError) -> Self {
        let code = match error {
            FrameError::Texture(error) => return error.into(),
            FrameError::Import(refused) => {
                let message = refused.to_string();
                return Self { message, ..Self::from(refused.error) };
            }
            FrameError::Sync(error) => return error.into(),
            FrameError::Ring(error) => return error.into(),
            FrameError::Channel(error) => return error.into(),
            FrameError::TimedOut => Code::FramesTimedOut,
            FrameError::Full => Code::FramesFull,
            FrameError::AllAcquired => Code::FramesAllAcquired,
            FrameError::Retired => Code::FramesRetired,
            FrameError::ProducerLeft => Code::FramesClosed,
            FrameError::ProducerDied => Code::FramesPeerGone,
            FrameError::Hostile { .. } => Code::FramesHostile,
            FrameError::Refused { .. } => Code::FramesRefused,
            FrameError::Malformed { .. } => Code::FramesMalformed,
            FrameError::Slots { .. } => Code::FramesSlots,
            FrameError::NotHeld | FrameError::NoSuchConsumer(_) => Code::Request,
            _ => Code::System,
        };
        Self::new(code, error.to_string())
    }
}
