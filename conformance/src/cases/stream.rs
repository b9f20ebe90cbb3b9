//! Bytes in both directions through shared memory: what has to arrive, how it ends, and who gets in.

mod attach;
mod bytes;
mod ends;
mod half;
mod hostile;
mod vectored;

use gpushare_harness::protocol::Payload;

use crate::case::Cases;
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    bytes::define(cases);
    vectored::define(cases);
    half::define(cases);
    ends::define(cases);
    attach::define(cases);
    hostile::define(cases);
}

/// Bytes in flight in each direction, where nothing else is said.
const CAPACITY: u64 = 4096;

/// So many bytes of the case's own; each number has others.
fn payload(cx: &Context<'_>, number: u64, len: usize) -> Payload {
    Payload { len, seed: cx.seed().wrapping_add(number) }
}

/// What arrives when these were written one after the other.
fn together(payloads: &[Payload]) -> Vec<u8> {
    payloads.iter().flat_map(|payload| payload.bytes()).collect()
}
