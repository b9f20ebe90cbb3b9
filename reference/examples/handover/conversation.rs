//! What the two programs say to each other: one message each, in turns.

use std::time::{Duration, SystemTime};

use gpushare::{Channel, ChannelError, Deadline, OwnedHandle, TextureDescriptor};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// From the producer.
#[derive(Serialize, Deserialize)]
pub(crate) enum Offer {
    /// The texture; its handle is beside the message. Comes once, first.
    Texture(Box<TextureDescriptor>),
    /// The texture holds this frame until the answer.
    Frame {
        /// Counts up from 0.
        number: u32,
        /// When the message was sent: nanoseconds since 1970. The monotonic clock of the standard library means nothing in
        /// another process.
        sent: u64,
    },
}

/// From the consumer.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Go on.
    Next,
    /// That was the last one.
    Enough,
    /// It cannot go on, and this is why.
    Refused(String),
}

/// How long the other side may take for one turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Send one message.
pub(crate) fn say(channel: &mut Channel, what: &impl Serialize, beside: &[&OwnedHandle]) -> Result<(), ChannelError> {
    let text = serde_json::to_vec(what).expect("numbers and texts always serialise");
    channel.send(&text, beside, Deadline::after(PATIENCE))
}

/// Wait for the next message.
pub(crate) fn hear<T: DeserializeOwned>(channel: &mut Channel, other: &str) -> Result<(T, Vec<OwnedHandle>), String> {
    let message = channel.receive(Deadline::after(PATIENCE)).map_err(|error| gone(other, &error))?;
    let said = serde_json::from_slice(&message.bytes)
        .map_err(|error| format!("the {other} said something else than expected ({error}); run both from the same source"))?;
    Ok((said, message.handles))
}

/// A sentence about the other side that is no longer there.
pub(crate) fn gone(other: &str, error: &ChannelError) -> String {
    match error {
        ChannelError::Closed | ChannelError::CutOff { .. } => format!("the {other} went away"),
        ChannelError::TimedOut => format!("the {other} said nothing for {} seconds", PATIENCE.as_secs()),
        error => format!("talking to the {other}: {error}"),
    }
}

/// Nanoseconds since 1970, on the one clock that both processes can read.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
