//! Messages through shared memory: what has to arrive, who gets in, and what a peer that nobody trusts may write.

mod attach;
mod deadline;
mod delivery;
mod ends;
mod fill;
mod fixed;
mod hostile;
mod in_place;

use gpushare_harness::protocol::Payload;

use crate::case::Cases;
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    delivery::define(cases);
    in_place::define(cases);
    fill::define(cases);
    attach::define(cases);
    hostile::define(cases);
    deadline::define(cases);
    ends::define(cases);
    fixed::define(cases);
}

/// Bytes for messages, where nothing else is said.
pub(super) const CAPACITY: u64 = 4096;

/// Messages of the case's own, of these lengths.
pub(super) fn messages(cx: &Context<'_>, lens: impl IntoIterator<Item = usize>) -> Vec<Payload> {
    (0..).zip(lens).map(|(number, len)| Payload { len, seed: cx.seed().wrapping_add(number) }).collect()
}

/// One message of the case's own.
pub(super) fn message(cx: &Context<'_>, len: usize) -> Payload {
    Payload { len, seed: cx.seed() ^ len as u64 }
}

/// What a message takes up: a header of 8 bytes, and its own, in units of 8.
pub(super) const fn taken_up(len: usize) -> u64 {
    (len as u64 + 8).next_multiple_of(8)
}
