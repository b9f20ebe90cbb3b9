//! What requests about semaphores, timelines and fences have in common, and what a peer answers to them.

use gpushare::{SyncDescriptor, SyncError};
use serde::{Deserialize, Serialize};

use super::{Code, Problem};

/// What a peer answers about a semaphore, timeline or fence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncReply {
    /// To an export.
    Exported {
        /// What to send beside the handle.
        descriptor: SyncDescriptor,
        /// Whether there is no handle, because the payload is signalled already (-1 of a SYNC_FD).
        signalled: bool,
    },
    /// To [`super::timeline::TimelineRequest::Value`].
    Value(u64),
    /// To [`super::fence::FenceRequest::Status`].
    Signalled(bool),
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        let code = match &error {
            SyncError::Unsupported { .. } => Code::Unsupported,
            SyncError::NotExportable { .. } => Code::NotExportable,
            SyncError::InvalidUse { .. } | SyncError::TooFarAhead { .. } => Code::InvalidUse,
            SyncError::NotIncreasing { .. } => Code::NotIncreasing,
            SyncError::Descriptor { .. } => Code::Descriptor,
            SyncError::ForeignDevice { .. } => Code::ForeignDevice,
            SyncError::ForeignDriver { .. } => Code::ForeignDriver,
            SyncError::WrongHandleType { .. } => Code::WrongHandleType,
            SyncError::InvalidHandle { .. } => Code::InvalidHandle,
            SyncError::Timeout { .. } => Code::Timeout,
            SyncError::PeerGone { .. } => Code::PeerGone,
            SyncError::DeviceLost { .. } => Code::DeviceLost,
            SyncError::Os { .. } | SyncError::SharedMemory(_) => Code::System,
            _ => Code::Driver,
        };
        Self::new(code, error.to_string())
    }
}
