//! Messages with handles between two processes: what has to arrive, and what a peer that nobody trusts may send.

mod hostile;
mod limits;
mod messages;

use gpushare::{Channel, ChannelError, OwnedHandle};
use gpushare_harness::protocol::Payload;

use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, Party, PeerChannel};

pub(super) fn define(cases: &mut Cases<'_>) {
    messages::define(cases);
    limits::define(cases);
    hostile::define(cases);
}

/// A short message.
const NOTE: Payload = Payload { len: 40, seed: 1 };

/// Handles and bytes of one message, where nothing else is said.
const LIMITS: (usize, usize) = (1 << 20, 253);

/// A channel between two peers.
pub(super) fn between(one: &Party<'_, '_>, other: &Party<'_, '_>) -> Outcome<(PeerChannel, PeerChannel)> {
    let (a, b) = pair()?;
    Ok((one.open_channel(a.into_handle(), LIMITS.0, LIMITS.1)?, other.open_channel(b.into_handle(), LIMITS.0, LIMITS.1)?))
}

/// A channel whose other end the orchestrator keeps, to send what no `Channel` would.
fn with_bare_end(cx: &Context<'_>, limits: (usize, usize)) -> Outcome<(PeerChannel, OwnedHandle)> {
    let [receiver] = cx.peers()?;
    let (a, b) = pair()?;
    Ok((receiver.open_channel(a.into_handle(), limits.0, limits.1)?, b.into_handle()))
}

fn pair() -> Outcome<(Channel, Channel)> {
    Channel::pair().map_err(|error: ChannelError| Stop::Inconclusive(error.to_string()))
}
