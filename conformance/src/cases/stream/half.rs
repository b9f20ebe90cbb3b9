//! One direction ends, and the other goes on.

use std::time::Duration;

use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::stream::{Direction, ReadManner, WriteManner};

use super::{CAPACITY, payload};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, EndOfStream, Party, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const HALF: &[&str] = &["stream.each_direction_ends_on_its_own"];
    const HERE: &[&str] = &["stream.closed_here_is_told"];
    let soon = Duration::from_secs(3);
    cases.case("end_comes_after_the_bytes", HALF).once(end_comes_after_the_bytes);
    cases.case("end_ends_a_read", HALF).patience(soon).once(end_ends_a_read);
    cases.case("end_of_reading_ends_a_write", HALF).patience(soon).once(end_of_reading_ends_a_write);
    cases.case("other_direction_goes_on", HALF).once(other_direction_goes_on);
    cases.case("question_and_answer", HALF).once(question_and_answer);
    cases.case("nobody_reads_any_more", HALF).once(nobody_reads_any_more);
    cases.case("reading_goes_on_where_writing_fails", HALF).once(reading_goes_on_where_writing_fails);
    cases.case("both_ended_one_by_one", HALF).once(both_ended_one_by_one);
    cases.case("writing_after_its_end_is_refused", HERE).once(writing_after_its_end);
    cases.case("reading_after_its_end_is_refused", HERE).once(reading_after_its_end);
    cases.case("ending_twice_is_ending_once", HERE).once(ending_twice_is_ending_once);
}

fn end_comes_after_the_bytes(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 300);
    one.write_all(here, sent)?;
    one.half_close(here, Direction::Writing)?;
    other.read_exactly(there, &sent.bytes())?;
    // The end stays the end.
    other.reads_end(there)?;
    other.reads_end(there)
}

fn end_ends_a_read(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    other.sleep_soundly_in(there)?;
    let reading = other.begin_read(there, 10, ReadManner::Some, cx.within())?;
    let_it_sleep();
    one.half_close(here, Direction::Writing)?;
    let read = other.finish_read(reading)?;
    other.expect_read(read, &[])
}

fn end_of_reading_ends_a_write(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 64)?;
    one.sleep_soundly_in(here)?;
    let writing = one.begin_write(here, payload(cx, 0, 500), cx.within())?;
    let_it_sleep();
    other.half_close(there, Direction::Reading)?;
    let (written, stopped) = one.finish_write(writing)?;
    let Some(problem) = stopped else { return Err(Stop::Fail(format!("{written} bytes went where nobody reads"))) };
    one.expect_code(&problem, &[Code::RingClosed])
}

fn other_direction_goes_on(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    one.half_close(here, Direction::Writing)?;
    other.reads_end(there)?;
    for number in 0..3 {
        let back = payload(cx, number, 2000);
        other.write_all(there, back)?;
        one.read_exactly(here, &back.bytes())?;
    }
    Ok(())
}

fn question_and_answer(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let (question, answer) = (payload(cx, 1, 70), payload(cx, 2, 90));
    one.write_all(here, question)?;
    one.half_close(here, Direction::Writing)?;
    other.read_exactly(there, &question.bytes())?;
    other.reads_end(there)?;
    other.write_all(there, answer)?;
    other.half_close(there, Direction::Writing)?;
    one.read_exactly(here, &answer.bytes())?;
    one.reads_end(here)
}

/// Writing fails at the latest when the stream is full.
fn writing_fails(cx: &Context<'_>, party: &Party<'_, '_>, stream: EndOfStream, codes: &[Code]) -> Outcome {
    let all = payload(cx, 9, 5000);
    let (written, stopped) = party.try_write(stream, all, WriteManner::All, cx.within())?;
    let Some(problem) = stopped else { return Err(Stop::Fail(format!("{written} bytes went where nobody reads"))) };
    party.expect_code(&problem, codes)
}

fn nobody_reads_any_more(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 256)?;
    other.half_close(there, Direction::Reading)?;
    writing_fails(cx, &one, here, &[Code::RingClosed])
}

fn reading_goes_on_where_writing_fails(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 256)?;
    other.half_close(there, Direction::Reading)?;
    writing_fails(cx, &one, here, &[Code::RingClosed])?;
    let back = payload(cx, 0, 100);
    other.write_all(there, back)?;
    one.read_exactly(here, &back.bytes())
}

fn both_ended_one_by_one(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 256)?;
    one.half_close(here, Direction::Writing)?;
    one.half_close(here, Direction::Reading)?;
    other.reads_end(there)?;
    writing_fails(cx, &other, there, &[Code::RingClosed])
}

fn writing_after_its_end(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    one.half_close(here, Direction::Writing)?;
    one.write_ends_with(here, payload(cx, 0, 5), cx.within(), &[Code::StreamClosedHere])?;
    other.reads_end(there)
}

fn reading_after_its_end(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    one.write_all(here, payload(cx, 0, 5))?;
    other.half_close(there, Direction::Reading)?;
    other.read_ends_with(there, cx.within(), &[Code::StreamClosedHere])
}

fn ending_twice_is_ending_once(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 15);
    one.write_all(here, sent)?;
    one.half_close(here, Direction::Writing)?;
    one.half_close(here, Direction::Writing)?;
    other.read_exactly(there, &sent.bytes())?;
    other.reads_end(there)?;
    let (bytes, stopped) = one.try_write(here, sent, WriteManner::Some, 0)?;
    require(bytes == 0 && stopped.is_some(), || format!("{bytes} bytes were written after the end"))
}
