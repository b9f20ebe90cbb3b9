//! The end of a stream, the death of a peer, and what is left behind.

use std::time::Duration;

use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::stream::{ReadManner, WriteManner};

use super::{CAPACITY, payload};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, Party, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const END: &[&str] = &["stream.end_is_told"];
    const EXACT: &[&str] = &["stream.early_end_is_told"];
    const DEATH: &[&str] = &["stream.death_is_no_end"];
    const LEFT: &[&str] = &["stream.end_is_told", "ledger.nothing_is_left"];
    let soon = Duration::from_secs(3);
    let deaths = || [("kill", true), ("exit", false)];
    let name = |(name, _): &(&str, bool)| (*name).to_owned();
    cases.case("leaving_is_the_end", END).once(leaving_is_the_end);
    cases.case("leaving_ends_a_read", END).patience(soon).once(leaving_ends_a_read);
    cases.case("left_before_attaching", END).once(left_before_attaching);
    cases.case("writing_to_who_left_fails", END).once(writing_to_who_left_fails);
    cases.case("early_end_says_how_many", EXACT).each([0_usize, 1, 99], |len| format!("{len}_of_100"), early_end);
    cases.case("exact_end_is_no_error", EXACT).once(exact_end_is_no_error);
    cases.case("left_with_bytes_pending", LEFT).once(left_with_bytes_pending);
    cases.case("streams_made_and_left_100_times", LEFT).once(streams_made_and_left_100_times);
    cases.case("death_comes_after_the_bytes", DEATH).fresh().patience(soon).each(deaths(), name, death_after_bytes);
    cases.case("death_ends_a_read", DEATH).fresh().patience(soon).each(deaths(), name, death_ends_a_read);
    cases.case("death_ends_a_write", DEATH).fresh().patience(soon).each(deaths(), name, death_ends_a_write);
    cases.case("death_within_what_is_read", DEATH).fresh().patience(soon).once(death_within_what_is_read);
    cases.case("end_then_death_is_the_end", DEATH).fresh().patience(soon).once(end_then_death_is_the_end);
    cases.case("unwatched_death_is_a_timeout", DEATH).fresh().patience(soon).once(unwatched_death_is_a_timeout);
    cases.case("stopped_peer_is_not_dead", DEATH).patience(soon).once(stopped_peer_is_not_dead);
}

fn end(party: &Party<'_, '_>, kill: bool) -> Outcome {
    if kill { party.kill() } else { party.exit() }
}

const GONE: &[Code] = &[Code::RingPeerGone];

fn leaving_is_the_end(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 200);
    one.write_all(here, sent)?;
    one.close_streams(&[here])?;
    other.read_exactly(there, &sent.bytes())?;
    other.reads_end(there)?;
    other.reads_end(there)
}

fn leaving_ends_a_read(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    other.sleep_soundly_in(there)?;
    let reading = other.begin_read(there, 10, ReadManner::Some, cx.within())?;
    let_it_sleep();
    one.close_streams(&[here])?;
    let read = other.finish_read(reading)?;
    other.expect_read(read, &[])
}

fn left_before_attaching(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, offer) = one.create_stream(CAPACITY)?;
    let sent = payload(cx, 0, 77);
    one.write_all(here, sent)?;
    one.close_streams(&[here])?;
    let there = other.attach_stream(&offer)?;
    other.read_exactly(there, &sent.bytes())?;
    other.reads_end(there)
}

fn writing_to_who_left_fails(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, 256)?;
    other.close_streams(&[there])?;
    let (written, stopped) = one.try_write(here, payload(cx, 0, 5000), WriteManner::All, cx.within())?;
    let Some(problem) = stopped else { return Err(Stop::Fail(format!("{written} bytes went to a peer that left"))) };
    one.expect_code(&problem, &[Code::RingClosed])
}

/// A buffer that was to be filled and is not: an error that says how far it was, and the bytes are there.
fn early_end(cx: &Context<'_>, len: usize) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, len);
    one.write_all(here, sent)?;
    one.close_streams(&[here])?;
    let (came, stopped) = other.try_read(there, 100, ReadManner::Exact, cx.within())?;
    let Some(problem) = stopped else { return Err(Stop::Fail(format!("{len} bytes filled a buffer of 100"))) };
    other.expect_code(&problem, &[Code::StreamEnded])?;
    other.expect_read((came, None), &sent.bytes())
}

fn exact_end_is_no_error(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 100);
    one.write_all(here, sent)?;
    one.close_streams(&[here])?;
    other.read_exactly(there, &sent.bytes())?;
    other.read_exactly(there, &[])
}

fn left_with_bytes_pending(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    let sent = payload(cx, 0, 1000);
    one.write_all(here, sent)?;
    other.write_all(there, sent)?;
    other.read_exactly(there, &sent.bytes()[..10])?;
    other.close_streams(&[there])?;
    one.read_exactly(here, &sent.bytes())?;
    one.reads_end(here)?;
    one.close_streams(&[here])
}

fn streams_made_and_left_100_times(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    one.limit_descriptors(Some(16))?;
    other.limit_descriptors(Some(16))?;
    for _ in 0..100 {
        let (here, there) = one.stream_to(&other, 64)?;
        one.close_streams(&[here])?;
        other.close_streams(&[there])?;
    }
    Ok(())
}

fn death_after_bytes(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    other.watch_stream(there, &one)?;
    let sent = payload(cx, 0, 400);
    one.write_all(here, sent)?;
    end(&one, kill)?;
    other.read_exactly(there, &sent.bytes())?;
    other.read_ends_with(there, cx.within(), GONE)
}

fn death_ends_a_read(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, there) = one.stream_to(&other, CAPACITY)?;
    other.watch_stream(there, &one)?;
    other.sleep_soundly_in(there)?;
    let reading = other.begin_read(there, 10, ReadManner::Some, cx.within())?;
    let_it_sleep();
    end(&one, kill)?;
    let (came, stopped) = other.finish_read(reading)?;
    other.expect_end(came.len, stopped, GONE)
}

fn death_ends_a_write(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, _there) = one.stream_to(&other, 64)?;
    one.watch_stream(here, &other)?;
    one.sleep_soundly_in(here)?;
    let writing = one.begin_write(here, payload(cx, 0, 500), cx.within())?;
    let_it_sleep();
    end(&other, kill)?;
    let (written, stopped) = one.finish_write(writing)?;
    require(written < 500, || "500 bytes went into a stream that holds 64 and nobody reads".into())?;
    one.expect_end(0, stopped, GONE)
}

/// Part of what is waited for is there, and no more comes: the death is told, and is no end.
fn death_within_what_is_read(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    other.watch_stream(there, &one)?;
    one.write_all(here, payload(cx, 0, 30))?;
    let reading = other.begin_read(there, 100, ReadManner::Exact, cx.within())?;
    let_it_sleep();
    one.kill()?;
    let (_, stopped) = other.finish_read(reading)?;
    other.expect_end(0, stopped, GONE)
}

fn end_then_death_is_the_end(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    other.watch_stream(there, &one)?;
    one.close_streams(&[here])?;
    one.kill()?;
    let_it_sleep();
    other.reads_end(there)
}

fn unwatched_death_is_a_timeout(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, there) = one.stream_to(&other, CAPACITY)?;
    one.kill()?;
    other.read_ends_with(there, 40, &[Code::RingTimedOut])
}

fn stopped_peer_is_not_dead(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (here, there) = one.stream_to(&other, CAPACITY)?;
    other.watch_stream(there, &one)?;
    one.pause()?;
    let waited = other.read_ends_with(there, 30, &[Code::RingTimedOut]);
    one.resume()?;
    waited?;
    let sent = payload(cx, 0, 35);
    one.write_all(here, sent)?;
    other.read_exactly(there, &sent.bytes())
}
