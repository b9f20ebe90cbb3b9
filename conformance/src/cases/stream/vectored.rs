//! Several buffers in one call.

use gpushare_harness::protocol::stream::{ReadManner, WriteManner};

use super::{CAPACITY, payload, together};
use crate::case::{Cases, Outcome, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const VECTORED: &[&str] = &["stream.buffers_are_as_one"];
    let shapes: [(&str, &[usize]); 5] = [
        ("one", &[]),
        ("two", &[40]),
        ("many", &[1, 2, 3, 4, 5, 6, 7]),
        ("empty_ones", &[0, 10, 0, 0, 20]),
        ("all_in_first", &[100]),
    ];
    let name = |(name, _): &(&str, &[usize])| (*name).to_owned();
    cases.case("written_from_buffers", VECTORED).each(shapes, name, written_from_buffers);
    cases.case("read_into_buffers", VECTORED).each(shapes, name, read_into_buffers);
    cases.case("buffers_to_buffers", VECTORED).once(buffers_to_buffers);
    cases.case("buffers_take_several_pieces", VECTORED).once(buffers_take_several_pieces);
    cases.case("buffers_larger_than_what_came", VECTORED).once(buffers_larger_than_what_came);
    cases.case("buffers_larger_than_the_stream", VECTORED).once(buffers_larger_than_the_stream);
    cases.case("empty_buffers_are_no_end", VECTORED).once(empty_buffers_are_no_end);
}

fn written_from_buffers(cx: &Context<'_>, (_, buffers): (&str, &[usize])) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 100);
    let written = one.try_write(here, sent, WriteManner::Vectored { buffers: buffers.into() }, cx.within())?;
    one.expect_written(written, sent.len)?;
    other.read_exactly(there, &sent.bytes())
}

fn read_into_buffers(cx: &Context<'_>, (_, buffers): (&str, &[usize])) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 100);
    one.write_all(here, sent)?;
    let read = other.try_read(there, 100, ReadManner::Vectored { buffers: buffers.into() }, cx.within())?;
    other.expect_read(read, &sent.bytes())
}

/// The buffers of one side need not be those of the other.
fn buffers_to_buffers(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    for round in 0..4 {
        let sent = payload(cx, round, 900);
        let written = one.try_write(here, sent, WriteManner::Vectored { buffers: vec![100, 333, 1] }, cx.within())?;
        one.expect_written(written, sent.len)?;
        let read = other.try_read(there, 900, ReadManner::Vectored { buffers: vec![450, 7] }, cx.within())?;
        other.expect_read(read, &sent.bytes())?;
    }
    Ok(())
}

/// Several writes are read by one call, up to the end of the last buffer and no further.
fn buffers_take_several_pieces(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let pieces: Vec<_> = (0..6).map(|number| payload(cx, number, 20)).collect();
    pieces.iter().try_for_each(|piece| one.write_all(here, *piece))?;
    let all = together(&pieces);
    let read = other.try_read(there, 70, ReadManner::Vectored { buffers: vec![33, 0, 10] }, cx.within())?;
    other.expect_read(read, &all[..70])?;
    other.read_exactly(there, &all[70..])
}

/// What is there is enough: the call does not wait for buffers to be filled.
fn buffers_larger_than_what_came(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 25);
    one.write_all(here, sent)?;
    let read = other.try_read(there, 500, ReadManner::Vectored { buffers: vec![10, 10, 10] }, cx.within())?;
    other.expect_read(read, &sent.bytes())
}

/// What has room is taken, from as many buffers as that is, and told.
fn buffers_larger_than_the_stream(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 256)?;
    let sent = payload(cx, 0, 1000);
    let manner = WriteManner::Vectored { buffers: vec![50, 50, 50, 50, 50] };
    let (written, stopped) = one.try_write(here, sent, manner, cx.within())?;
    require(stopped.is_none() && (50..256).contains(&written), || {
        format!("of 1000 bytes {written} were written to a stream that holds 256: {stopped:?}")
    })?;
    other.read_exactly(there, &sent.bytes()[..written])
}

fn empty_buffers_are_no_end(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let nothing = payload(cx, 0, 0);
    let written = one.try_write(here, nothing, WriteManner::Vectored { buffers: vec![0, 0] }, cx.within())?;
    one.expect_written(written, 0)?;
    let read = other.try_read(there, 0, ReadManner::Vectored { buffers: vec![0, 0] }, cx.within())?;
    other.expect_read(read, &[])?;
    let sent = payload(cx, 1, 5);
    one.write_all(here, sent)?;
    other.read_exactly(there, &sent.bytes())
}
