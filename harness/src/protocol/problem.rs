//! Why something was not done, as it travels.

use gpushare::ring::RingError;
use gpushare::{ChannelError, SharedMemoryError, StreamError, TextureError};
use serde::{Deserialize, Serialize};

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
    /// Whether a handle that went into a refused import did not come back: the driver has closed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handle_taken: bool,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The device or backend cannot do it.
    Unsupported,
    /// Export was not declared.
    NotExportable,
    /// The descriptor is malformed or does not fit.
    Descriptor,
    /// Another physical device.
    ForeignDevice,
    /// Another driver.
    ForeignDriver,
    /// A handle type that this device does not import.
    WrongHandleType,
    /// Not an object of its type.
    InvalidHandle,
    /// The object is smaller than said.
    ShortObject,
    /// The device did not finish in time.
    Timeout,
    /// The device was lost.
    DeviceLost,
    /// The process that was watched died.
    PeerGone,
    /// Not allowed in the state that the object is in; the message names the rule.
    InvalidUse,
    /// A value that does not move a timeline on.
    NotIncreasing,
    /// Any other error of a driver.
    Driver,
    /// The operating system said no.
    System,
    /// The request names something that is not there, or makes no sense.
    Request,
    /// The channel's peer closed it.
    ChannelClosed,
    /// … within a message.
    ChannelCutOff,
    /// Nothing came, or nothing went, in time.
    ChannelTimedOut,
    /// Over the limits.
    ChannelTooLarge,
    /// Not a message of this protocol.
    ChannelNotAMessage,
    /// Ancillary data was truncated.
    ChannelHandlesLost,
    /// Another number of handles than announced.
    ChannelHandleCount,
    /// Unusable after an earlier error.
    ChannelBroken,
    /// No shared memory object.
    MemoryNotShared,
    /// A shared memory object whose size can still change.
    MemoryUnsealed,
    /// … of another size than was said.
    MemorySize,
    /// … that somebody can write to who should not be able to.
    MemoryOpenToWriters,
    /// … that can be read only.
    MemoryReadOnly,
    /// Nothing could be sent or taken in time.
    RingTimedOut,
    /// The ring's other side left.
    RingClosed,
    /// … died.
    RingPeerGone,
    /// … wrote what cannot be.
    RingCorrupt,
    /// … found this side's writing corrupt.
    RingGivenUp,
    /// A message that would not fit into the empty ring.
    RingTooLarge,
    /// A message that does not fit into the buffer.
    RingBufferTooSmall,
    /// No ring can have this capacity.
    RingCapacity,
    /// A memory object that does not fit the terms.
    RingMismatch,
    /// The terms are for the other side.
    RingWrongRole,
    /// Somebody has this side already.
    RingTaken,
    /// The stream ended before the buffer was full.
    StreamEnded,
    /// This end was closed for that direction.
    StreamClosedHere,
    /// No slot came home, or no frame came, in time.
    FramesTimedOut,
    /// No slot is free, and the policy is not to wait.
    FramesFull,
    /// The peer itself has every slot.
    FramesAllAcquired,
    /// The slot's textures were replaced.
    FramesRetired,
    /// The producer left.
    FramesClosed,
    /// … died.
    FramesPeerGone,
    /// The other side broke the rules.
    FramesHostile,
    /// The consumer that was invited refused.
    FramesRefused,
    /// No message of an invitation.
    FramesMalformed,
    /// So many slots there cannot be.
    FramesSlots,
}

impl Problem {
    /// A problem with a text for people.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), handle_taken: false }
    }
}

impl From<TextureError> for Problem {
    fn from(error: TextureError) -> Self {
        let code = match &error {
            TextureError::Unsupported { .. } => Code::Unsupported,
            TextureError::NotExportable => Code::NotExportable,
            TextureError::Descriptor(_) => Code::Descriptor,
            TextureError::ForeignDevice { .. } => Code::ForeignDevice,
            TextureError::ForeignDriver { .. } => Code::ForeignDriver,
            TextureError::WrongHandleType { .. } => Code::WrongHandleType,
            TextureError::InvalidHandle { .. } => Code::InvalidHandle,
            TextureError::ShortObject { .. } => Code::ShortObject,
            TextureError::Timeout { .. } => Code::Timeout,
            TextureError::DeviceLost { .. } => Code::DeviceLost,
            TextureError::Os { .. } | TextureError::SharedMemory(_) => Code::System,
            _ => Code::Driver,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ChannelError> for Problem {
    fn from(error: ChannelError) -> Self {
        let code = match &error {
            ChannelError::Closed => Code::ChannelClosed,
            ChannelError::CutOff { .. } => Code::ChannelCutOff,
            ChannelError::TimedOut => Code::ChannelTimedOut,
            ChannelError::TooLarge { .. } => Code::ChannelTooLarge,
            ChannelError::NotAMessage { .. } => Code::ChannelNotAMessage,
            ChannelError::HandlesLost { .. } => Code::ChannelHandlesLost,
            ChannelError::HandleCount { .. } => Code::ChannelHandleCount,
            ChannelError::Broken => Code::ChannelBroken,
            _ => Code::System,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RingError> for Problem {
    fn from(error: RingError) -> Self {
        let code = match &error {
            RingError::TimedOut => Code::RingTimedOut,
            RingError::Closed => Code::RingClosed,
            RingError::PeerGone => Code::RingPeerGone,
            RingError::Corrupt(_) => Code::RingCorrupt,
            RingError::GivenUp => Code::RingGivenUp,
            RingError::TooLarge { .. } => Code::RingTooLarge,
            RingError::BufferTooSmall { .. } => Code::RingBufferTooSmall,
            RingError::Capacity { .. } | RingError::Messages { .. } => Code::RingCapacity,
            RingError::Mismatch { .. } => Code::RingMismatch,
            RingError::WrongRole { .. } => Code::RingWrongRole,
            RingError::Taken(_) => Code::RingTaken,
            RingError::Memory(SharedMemoryError::NotSharedMemory { .. }) => Code::MemoryNotShared,
            RingError::Memory(SharedMemoryError::Unsealed) => Code::MemoryUnsealed,
            RingError::Memory(SharedMemoryError::Size { .. }) => Code::MemorySize,
            RingError::Memory(SharedMemoryError::OpenToWriters) => Code::MemoryOpenToWriters,
            RingError::Memory(SharedMemoryError::ReadOnly { .. }) => Code::MemoryReadOnly,
            _ => Code::System,
        };
        Self::new(code, error.to_string())
    }
}

impl From<StreamError> for Problem {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Ended { .. } => Self::new(Code::StreamEnded, error.to_string()),
            StreamError::ClosedHere(_) => Self::new(Code::StreamClosedHere, error.to_string()),
            StreamError::Ring(error) => error.into(),
            _ => Self::new(Code::System, error.to_string()),
        }
    }
}
