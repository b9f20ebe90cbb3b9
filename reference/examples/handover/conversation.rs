//! What the two programs say to each other before frames go round, and how one tells that the other is gone.

use std::time::{Duration, SystemTime};

use gpushare::frames::FrameError;
use gpushare::{ChannelError, Deadline, Identity};
use serde::{Deserialize, Serialize};

/// From the producer, first of all: whose textures will come, so that the consumer can open the same device.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The producer's device.
    pub(crate) device: Identity,
}

/// How long the other side may take for one turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The deadline of one turn.
pub(crate) fn soon() -> Deadline {
    Deadline::after(PATIENCE)
}

/// A sentence about the other side that is no longer there, or not what it should be.
pub(crate) fn gone(other: &str, error: &FrameError) -> String {
    match error {
        FrameError::Channel(ChannelError::Closed | ChannelError::CutOff { .. }) => format!("the {other} went away"),
        FrameError::ProducerDied | FrameError::ProducerLeft => format!("the {other} went away"),
        FrameError::TimedOut | FrameError::Channel(ChannelError::TimedOut) => {
            format!("the {other} did nothing for {} seconds", PATIENCE.as_secs())
        }
        error => format!("between here and the {other}: {error}"),
    }
}

/// Nanoseconds since 1970, on the one clock that both processes can read.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
