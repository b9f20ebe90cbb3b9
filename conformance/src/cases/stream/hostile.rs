//! A peer that writes what no honest one would, in one direction or the other. The orchestrator itself plays it.

use std::time::Duration;

use gpushare::SharedMemory;
use gpushare::ring::{Field, message_header};
use gpushare_harness::protocol::Code;

use super::{CAPACITY, payload};
use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, EndOfStream, Party};

pub(super) fn define(cases: &mut Cases<'_>) {
    const TOLD: &[&str] = &["stream.corruption_is_no_end"];
    let soon = Duration::from_secs(3);
    let hex = |value: &u64| format!("x{value:x}");
    cases.case("impossible_position_is_told", TOLD).patience(soon).each([1, CAPACITY + 8, u64::MAX - 7], hex, position);
    cases.case("impossible_length_is_told", TOLD).patience(soon).each([57, CAPACITY, (1 << 32) - 1], hex, length);
    cases.case("impossible_reader_is_told", TOLD).patience(soon).each([1, CAPACITY + 8, u64::MAX - 7], hex, reader);
    cases.case("corrupt_direction_leaves_the_other", TOLD).patience(soon).once(corrupt_direction_leaves_the_other);
}

/// An honest end, and the memory of the other one: what it writes as reader, and as writer.
struct Honest<'cx, 'run> {
    party: Party<'cx, 'run>,
    stream: EndOfStream,
    reader: SharedMemory,
    writer: SharedMemory,
}

fn honest<'cx, 'run>(cx: &'cx Context<'run>) -> Outcome<Honest<'cx, 'run>> {
    let [party] = cx.peers()?;
    let (stream, offer) = party.create_stream(CAPACITY)?;
    let [reader, _, writer, _] = offer.handles;
    let map = |handle: gpushare::OwnedHandle| {
        let bytes = gpushare_harness::raw::memory_len(&handle).map_err(|error| Stop::Inconclusive(error.to_string()))?;
        SharedMemory::attach(handle, bytes).map_err(|refused| Stop::Inconclusive(refused.to_string()))
    };
    Ok(Honest { party, stream, reader: map(reader)?, writer: map(writer)? })
}

fn write(memory: &SharedMemory, field: Field, value: u64) -> Outcome {
    memory.write(field.offset(), &value.to_ne_bytes()).map_err(|error| Stop::Inconclusive(error.to_string()))
}

const CORRUPT: &[Code] = &[Code::RingCorrupt];

fn position(cx: &Context<'_>, position: u64) -> Outcome {
    let Honest { party, stream, writer, .. } = honest(cx)?;
    write(&writer, Field::Position, position)?;
    party.read_ends_with(stream, cx.within(), CORRUPT)?;
    // It is an error for good, and never the end.
    party.read_ends_with(stream, cx.within(), CORRUPT)
}

fn length(cx: &Context<'_>, len: u64) -> Outcome {
    let Honest { party, stream, writer, .. } = honest(cx)?;
    write(&writer, Field::Messages, message_header(0, len))?;
    write(&writer, Field::Position, 64)?;
    party.read_ends_with(stream, cx.within(), CORRUPT)
}

fn reader(cx: &Context<'_>, position: u64) -> Outcome {
    let Honest { party, stream, reader, .. } = honest(cx)?;
    party.write_all(stream, payload(cx, 0, 4088))?;
    write(&reader, Field::Position, position)?;
    party.write_ends_with(stream, payload(cx, 1, 8), cx.within(), CORRUPT)
}

fn corrupt_direction_leaves_the_other(cx: &Context<'_>) -> Outcome {
    let Honest { party, stream, writer, reader } = honest(cx)?;
    write(&writer, Field::Position, 1)?;
    party.read_ends_with(stream, cx.within(), CORRUPT)?;
    party.write_all(stream, payload(cx, 0, 4088))?;
    write(&reader, Field::Position, CAPACITY)?;
    party.write_all(stream, payload(cx, 1, 4088))
}
