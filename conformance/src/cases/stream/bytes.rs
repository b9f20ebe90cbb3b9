//! Bytes arrive in order, none lost or doubled, whatever pieces they are written and read in.

use std::time::{Duration, Instant};

use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::ring::Digested;
use gpushare_harness::protocol::stream::{ReadManner, WriteManner};

use super::{CAPACITY, payload, together};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const ORDER: &[&str] = &["stream.bytes_arrive_once_in_order"];
    const PIECES: &[&str] = &["stream.pieces_do_not_show"];
    const SOME: &[&str] = &["stream.some_is_enough"];
    const DEADLINE: &[&str] = &["stream.deadlines_are_kept"];
    let capacities = [64, 4096, 1 << 16, 1 << 20];
    cases.case("bytes_arrive", ORDER).each(capacities, |capacity| format!("{capacity}_bytes"), bytes_arrive);
    cases.case("other_direction_arrives", ORDER).once(other_direction_arrives);
    cases.case("both_directions_at_once", ORDER).once(both_directions_at_once);
    cases.case("more_than_the_stream_holds", ORDER).each(
        [WriteManner::All, WriteManner::Vectored { buffers: vec![1000, 1, 20_000] }],
        |manner| if *manner == WriteManner::All { "one_buffer" } else { "many_buffers" }.into(),
        more_than_the_stream_holds,
    );
    cases.case("two_streams_stay_apart", ORDER).once(two_streams_stay_apart);
    cases.case("written_before_attaching_arrives", ORDER).once(written_before_attaching_arrives);
    cases.case("short_stream_used_many_times", ORDER).once(short_stream_used_many_times);
    let sizes = [1_usize, 3, 7, 64, 333];
    cases.case("written_in_pieces_read_whole", PIECES).each(sizes, |size| format!("{size}_bytes"), written_in_pieces);
    cases.case("written_whole_read_in_pieces", PIECES).each(sizes, |size| format!("{size}_bytes"), read_in_pieces);
    cases.case("read_ends_within_a_piece", PIECES).once(read_ends_within_a_piece);
    cases.case("read_takes_what_there_is", SOME).once(read_takes_what_there_is);
    cases.case("write_uses_what_room_there_is", SOME).once(write_uses_what_room_there_is);
    cases.case("nothing_written_is_nothing", SOME).once(nothing_written_is_nothing);
    cases.case("nothing_read_is_not_the_end", SOME).once(nothing_read_is_not_the_end);
    cases.case("one_byte_at_a_time", PIECES).once(one_byte_at_a_time);
    let soon = Duration::from_secs(3);
    cases.case("silence_ends_at_deadline", DEADLINE).patience(soon).once(silence_ends_at_deadline);
    cases.case("full_stream_ends_at_deadline", DEADLINE).patience(soon).once(full_stream_ends_at_deadline);
    cases.case("bytes_after_timeout_arrive", DEADLINE).patience(soon).once(bytes_after_timeout_arrive);
    cases.case("passed_deadline_still_looks", DEADLINE).patience(soon).once(passed_deadline_still_looks);
    cases.case("late_bytes_are_read", DEADLINE).patience(soon).once(late_bytes_are_read);
    cases.case("late_room_is_used", DEADLINE).patience(soon).once(late_room_is_used);
}

fn bytes_arrive(cx: &Context<'_>, capacity: u64) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, capacity)?;
    let sent = payload(cx, 0, 50);
    one.write_all(here, sent)?;
    other.read_exactly(there, &sent.bytes())
}

/// The side that attached writes, too.
fn other_direction_arrives(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 1234);
    other.write_all(there, sent)?;
    one.read_exactly(here, &sent.bytes())
}

fn both_directions_at_once(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    for round in 0..4 {
        let (forth, back) = (payload(cx, round, 900), payload(cx, 100 + round, 700));
        one.write_all(here, forth)?;
        other.write_all(there, back)?;
        other.read_exactly(there, &forth.bytes())?;
        one.read_exactly(here, &back.bytes())?;
    }
    Ok(())
}

/// Writing goes on as the other side reads.
fn more_than_the_stream_holds(cx: &Context<'_>, manner: WriteManner) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 200_000);
    if manner == WriteManner::All {
        let writing = one.begin_write(here, sent, cx.within())?;
        other.read_exactly(there, &sent.bytes())?;
        return one.finish_write(writing).and_then(|written| one.expect_written(written, sent.len));
    }
    // A write from many buffers takes what has room and says how much that was.
    let (mut arrived, mut number) = (0, 0);
    while arrived < sent.len {
        let piece = payload(cx, number, 30_000);
        let (written, stopped) = one.try_write(here, piece, manner.clone(), cx.within())?;
        require(written != 0 && stopped.is_none(), || format!("with room nothing was written: {stopped:?}"))?;
        other.read_exactly(there, &piece.bytes()[..written])?;
        (arrived, number) = (arrived + written, number + 1);
    }
    Ok(())
}

fn two_streams_stay_apart(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (first_here, first_there) = one.stream_to(&other, CAPACITY)?;
    let (second_here, second_there) = one.stream_to(&other, CAPACITY)?;
    let (first, second) = (payload(cx, 1, 60), payload(cx, 2, 70));
    one.write_all(first_here, first)?;
    other.read_ends_with(second_there, 0, &[Code::RingTimedOut])?;
    one.write_all(second_here, second)?;
    other.read_exactly(second_there, &second.bytes())?;
    other.read_exactly(first_there, &first.bytes())
}

fn written_before_attaching_arrives(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, offer) = one.create_stream(CAPACITY)?;
    let (early, late) = (payload(cx, 1, 500), payload(cx, 2, 300));
    one.write_all(here, early)?;
    let there = other.attach_stream(&offer)?;
    one.write_all(here, late)?;
    other.read_exactly(there, &together(&[early, late]))
}

fn short_stream_used_many_times(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 64)?;
    let sent = payload(cx, 0, 10_000);
    let writing = one.begin_write(here, sent, cx.within())?;
    other.read_exactly(there, &sent.bytes())?;
    let written = one.finish_write(writing)?;
    one.expect_written(written, sent.len)
}

fn written_in_pieces(cx: &Context<'_>, size: usize) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let pieces: Vec<_> = (0..8).map(|number| payload(cx, number, size)).collect();
    pieces.iter().try_for_each(|piece| one.write_all(here, *piece))?;
    other.read_exactly(there, &together(&pieces))
}

fn read_in_pieces(cx: &Context<'_>, size: usize) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, size * 8);
    one.write_all(here, sent)?;
    sent.bytes().chunks(size).try_for_each(|piece| other.read_exactly(there, piece))
}

/// What is left of a piece is read next, before the piece behind it.
fn read_ends_within_a_piece(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let pieces = [payload(cx, 1, 100), payload(cx, 2, 50), payload(cx, 3, 7)];
    pieces.iter().try_for_each(|piece| one.write_all(here, *piece))?;
    let all = together(&pieces);
    let (first, rest) = all.split_at(30);
    let (second, third) = rest.split_at(100);
    [first, second, third].into_iter().try_for_each(|piece| other.read_exactly(there, piece))
}

fn read_takes_what_there_is(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 40);
    one.write_all(here, sent)?;
    let read = other.try_read(there, 1000, ReadManner::Some, cx.within())?;
    other.expect_read(read, &sent.bytes())
}

/// What has room is written, and how much that was is told.
fn write_uses_what_room_there_is(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 64)?;
    let sent = payload(cx, 0, 1000);
    let (written, stopped) = one.try_write(here, sent, WriteManner::Some, cx.within())?;
    require(stopped.is_none() && (1..=64).contains(&written), || {
        format!("of 1000 bytes {written} were written to a stream that holds 64: {stopped:?}")
    })?;
    other.read_exactly(there, &sent.bytes()[..written])
}

fn nothing_written_is_nothing(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    one.write_all(here, payload(cx, 0, 0))?;
    other.read_ends_with(there, 0, &[Code::RingTimedOut])?;
    let sent = payload(cx, 1, 5);
    one.write_all(here, sent)?;
    one.write_all(here, payload(cx, 2, 0))?;
    other.read_exactly(there, &sent.bytes())
}

/// An empty buffer is filled at once, although the stream goes on.
fn nothing_read_is_not_the_end(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    for manner in [ReadManner::Some, ReadManner::Exact] {
        let read = other.try_read(there, 0, manner, cx.within())?;
        other.expect_read(read, &[])?;
    }
    let sent = payload(cx, 0, 5);
    one.write_all(here, sent)?;
    other.read_exactly(there, &sent.bytes())
}

fn one_byte_at_a_time(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 64)?;
    for number in 0..20 {
        let byte = payload(cx, number, 1);
        one.write_all(here, byte)?;
        let read = other.try_read(there, 1, ReadManner::Some, cx.within())?;
        other.expect_read(read, &byte.bytes())?;
    }
    Ok(())
}

fn lasts(start: Instant, within: u64) -> Outcome {
    let took = start.elapsed();
    require(took >= Duration::from_millis(within), || format!("a deadline of {within} ms had passed after {took:?}"))
}

fn silence_ends_at_deadline(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, there) = one.stream_to(&other, CAPACITY)?;
    let start = Instant::now();
    other.read_ends_with(there, 15, &[Code::RingTimedOut])?;
    lasts(start, 15)
}

fn full_stream_ends_at_deadline(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 64)?;
    let sent = payload(cx, 0, 100);
    let (written, _) = one.try_write(here, sent, WriteManner::Some, cx.within())?;
    let start = Instant::now();
    one.write_ends_with(here, sent, 15, &[Code::RingTimedOut])?;
    lasts(start, 15)?;
    other.read_exactly(there, &sent.bytes()[..written])
}

fn bytes_after_timeout_arrive(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    for number in 0..3 {
        other.read_ends_with(there, 5, &[Code::RingTimedOut])?;
        let sent = payload(cx, number, 9);
        one.write_all(here, sent)?;
        other.read_exactly(there, &sent.bytes())?;
    }
    Ok(())
}

fn passed_deadline_still_looks(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 30);
    let written = one.try_write(here, sent, WriteManner::Some, 0)?;
    one.expect_written(written, sent.len)?;
    let read = other.try_read(there, 30, ReadManner::Some, 0)?;
    other.expect_read(read, &sent.bytes())
}

fn late_bytes_are_read(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    other.sleep_soundly_in(there)?;
    let sent = payload(cx, 0, 30);
    let reading = other.begin_read(there, 30, ReadManner::Exact, cx.within())?;
    let_it_sleep();
    one.write_all(here, sent)?;
    let read = other.finish_read(reading)?;
    other.expect_read(read, &sent.bytes())
}

fn late_room_is_used(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 64)?;
    one.sleep_soundly_in(here)?;
    let sent = payload(cx, 0, 150);
    let writing = one.begin_write(here, sent, cx.within())?;
    let_it_sleep();
    let (first, stopped) = other.try_read(there, 20, ReadManner::Some, cx.within())?;
    if first != Digested::of(&sent.bytes()[..first.len]) {
        return Err(Stop::Fail(format!("{} of the first bytes are others: {stopped:?}", first.len)));
    }
    other.read_exactly(there, &sent.bytes()[first.len..])?;
    let written = one.finish_write(writing)?;
    one.expect_written(written, sent.len)
}
