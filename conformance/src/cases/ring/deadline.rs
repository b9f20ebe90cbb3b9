//! What cannot be done in time ends as a timeout, not before, and loses nothing.

use std::time::{Duration, Instant};

use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};

use super::{CAPACITY, message, messages};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const KEPT: &[&str] = &["ring.deadlines_are_kept"];
    let soon = Duration::from_secs(3);
    let receiving = [
        ("single", ReceiveManner::Single),
        ("buffer", ReceiveManner::Into { room: 64 }),
        ("batch", ReceiveManner::Batch),
        ("in_place", ReceiveManner::Peek),
    ];
    let sending = [
        ("single", SendManner::Single),
        ("batch", SendManner::Batch { hold: 0 }),
        ("in_place", SendManner::InPlace { spare: 0, hold: 0 }),
    ];
    cases.case("silence_ends_at_deadline", KEPT).patience(soon).each(receiving, |(name, _)| (*name).into(), silence);
    cases.case("full_ring_ends_at_deadline", KEPT).patience(soon).each(sending, |(name, _)| (*name).into(), full_ring);
    cases.case("passed_deadline_still_looks", KEPT).patience(soon).once(passed_deadline_still_looks);
    cases.case("message_after_timeout_arrives", KEPT).patience(soon).once(message_after_timeout_arrives);
    cases.case("timed_out_send_sends_nothing", KEPT).patience(soon).once(timed_out_send_sends_nothing);
    cases.case("timed_out_batch_says_how_many", KEPT).patience(soon).once(timed_out_batch_says_how_many);
    cases.case("late_room_is_used", KEPT).patience(soon).once(late_room_is_used);
}

const TIMED_OUT: &[Code] = &[Code::RingTimedOut];

/// The wait has to last its time.
fn not_early(start: Instant, within: u64) -> Outcome {
    let took = start.elapsed();
    require(took >= Duration::from_millis(within), || format!("a deadline of {within} ms had passed after {took:?}"))
}

fn silence(cx: &Context<'_>, (_, manner): (&str, ReceiveManner)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let start = Instant::now();
    let (came, stopped) = consumer.try_receive_messages(into, 1, manner, Some(15))?;
    consumer.expect_end(came.len(), stopped, TIMED_OUT)?;
    not_early(start, 15)
}

fn full_ring(cx: &Context<'_>, (_, manner): (&str, SendManner)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    let filling = [message(cx, 56)];
    producer.send_all(out, &filling, SendManner::Single)?;
    let start = Instant::now();
    let (count, stopped) = producer.try_send_messages(out, &messages(cx, [0]), manner, Some(15))?;
    producer.expect_end(count as usize, stopped, TIMED_OUT)?;
    not_early(start, 15)?;
    consumer.receive_all(into, &filling, ReceiveManner::Single)
}

/// With no time at all, what is there is still found, and room is still used.
fn passed_deadline_still_looks(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.receive_ends_with(into, Some(0), TIMED_OUT)?;
    let sent = messages(cx, [10, 20]);
    let answer = producer.try_send_messages(out, &sent, SendManner::Single, Some(0))?;
    require(answer == (2, None), || format!("with room and without time the producer says of 2 messages: {answer:?}"))?;
    let came = consumer.try_receive_messages(into, 2, ReceiveManner::Single, Some(0))?;
    consumer.expect_messages(came, &sent)
}

fn message_after_timeout_arrives(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = messages(cx, [10, 20]);
    for one in sent.chunks(1) {
        consumer.receive_ends_with(into, Some(5), TIMED_OUT)?;
        producer.send_all(out, one, SendManner::Single)?;
        consumer.receive_all(into, one, ReceiveManner::Single)?;
    }
    Ok(())
}

/// What was told as not sent does not arrive later.
fn timed_out_send_sends_nothing(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    let (filling, late, next) = (message(cx, 56), message(cx, 24), message(cx, 16));
    producer.send_all(out, &[filling], SendManner::Single)?;
    producer.send_ends_with(out, late, Some(5), TIMED_OUT)?;
    consumer.receive_all(into, &[filling], ReceiveManner::Single)?;
    producer.send_all(out, &[next], SendManner::Single)?;
    consumer.receive_all(into, &[next], ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

/// Of a batch that did not fit in time, exactly those arrive that are said to have been sent.
fn timed_out_batch_says_how_many(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 128)?;
    let batch = messages(cx, [24; 7]);
    let (count, stopped) = producer.try_send_messages(out, &batch, SendManner::Batch { hold: 0 }, Some(10))?;
    let Some(problem) = stopped else { return Err(Stop::Fail(format!("{count} messages of 32 bytes went into 128"))) };
    producer.expect_code(&problem, TIMED_OUT)?;
    require(count == 4, || format!("{count} messages of 32 bytes are said to be in 128"))?;
    consumer.receive_all(into, &batch[..4], ReceiveManner::Batch)?;
    consumer.finds_empty(into)
}

/// Room that comes within the deadline is used.
fn late_room_is_used(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    let (filling, late) = ([message(cx, 56)], [message(cx, 24)]);
    producer.send_all(out, &filling, SendManner::Single)?;
    let sending = producer.begin_send(out, &late, SendManner::Single, Some(cx.within()))?;
    crate::context::let_it_sleep();
    consumer.receive_all(into, &filling, ReceiveManner::Single)?;
    let sent = producer.finish_send(sending)?;
    require(sent == (1, None), || format!("the producer says of one message: {sent:?}"))?;
    consumer.receive_all(into, &late, ReceiveManner::Single)
}
