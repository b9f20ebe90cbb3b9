//! Full and empty, wrapping, messages without bytes, and messages that never fit.

use gpushare::ring::Role;
use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};

use super::{CAPACITY, message, messages, taken_up};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const FULL: &[&str] = &["ring.full_and_empty_differ", "ring.messages_arrive_once_in_order"];
    const EMPTY: &[&str] = &["ring.messages_without_bytes_are_messages"];
    const WRAP: &[&str] = &["ring.messages_wrap"];
    const LARGE: &[&str] = &["ring.too_large_is_refused"];
    cases.case("empty_is_told", FULL).once(empty_is_told);
    cases.case("full_is_told", FULL).once(full_is_told);
    cases.case("filled_exactly_by_one", FULL).once(filled_exactly_by_one);
    cases.case("filled_exactly_by_many", FULL).once(filled_exactly_by_many);
    cases.case("filled_exactly_by_batch", FULL).once(filled_exactly_by_batch);
    cases.case("full_and_empty_in_turn", FULL).once(full_and_empty_in_turn);
    cases.case("room_comes_back_message_by_message", FULL).once(room_comes_back_message_by_message);
    cases.case("without_bytes_arrives", EMPTY).each(
        [SendManner::Single, SendManner::Batch { hold: 0 }, SendManner::InPlace { spare: 0, hold: 0 }],
        |manner| {
            match manner {
                SendManner::Batch { .. } => "batch",
                SendManner::InPlace { .. } => "in_place",
                _ => "single",
            }
            .into()
        },
        without_bytes_arrives,
    );
    cases.case("without_bytes_keeps_backlog", EMPTY).once(without_bytes_keeps_backlog);
    cases.case("without_bytes_fill_the_ring", EMPTY).once(without_bytes_fill_the_ring);
    let offsets = [8_usize, 16, 24, 32, 40, 48, 56];
    let name = |offset: &usize| format!("at_{offset}");
    cases.case("message_wraps", WRAP).each(offsets, name, message_wraps);
    cases.case("message_wraps_in_place", WRAP).each(offsets, name, message_wraps_in_place);
    cases.case("batch_wraps", WRAP).once(batch_wraps);
    cases.case("too_large_is_refused", LARGE).each(
        [1_usize, 8, 4096, 1 << 20],
        |over| format!("{over}_over"),
        too_large_is_refused,
    );
    cases.case("too_large_in_place_is_refused", LARGE).once(too_large_in_place_is_refused);
    cases.case("too_large_in_batch_is_told", LARGE).once(too_large_in_batch_is_told);
    cases.case("small_buffer_leaves_message", &["ring.small_buffer_loses_nothing"]).once(small_buffer_leaves_message);
    cases.case("impossible_capacity_is_refused", &["ring.impossible_capacity_is_refused"]).each(
        [0, 1, 8, 15, 24, 4095, 4097, 1 << 32, 1 << 63, u64::MAX],
        |capacity| format!("{capacity}_bytes"),
        impossible_capacity_is_refused,
    );
}

fn empty_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.finds_empty(into)?;
    let sent = [message(cx, 1)];
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

fn full_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    let sent = messages(cx, [24, 8]);
    producer.send_all(out, &sent, SendManner::Single)?;
    // 16 bytes are left: a message of 8 fits, one of 9 does not.
    producer.finds_full(out, message(cx, 9))?;
    let last = [message(cx, 8)];
    producer.send_all(out, &last, SendManner::Single)?;
    producer.finds_full(out, message(cx, 0))?;
    consumer.receive_all(into, &[sent[0], sent[1], last[0]], ReceiveManner::Single)
}

/// One message takes all there is: it is not mistaken for none.
fn filled_exactly_by_one(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let sent = [message(cx, 248)];
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.finds_full(out, message(cx, 0))?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

fn filled_exactly_by_many(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let sent = messages(cx, [24; 8]);
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.finds_full(out, message(cx, 0))?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

fn filled_exactly_by_batch(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let batch = messages(cx, [56; 5]);
    let (count, stopped) = producer.try_send_messages(out, &batch, SendManner::Batch { hold: 0 }, None)?;
    require(count == 4 && stopped.is_none(), || format!("{count} messages of 64 bytes fill 256: {stopped:?}"))?;
    consumer.receive_all(into, &batch[..4], ReceiveManner::Batch)?;
    consumer.finds_empty(into)
}

/// Full, empty, full, at other places each time.
fn full_and_empty_in_turn(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 128)?;
    let (step, filling) = (messages(cx, [0]), messages(cx, [24; 4]));
    for _ in 0..5 {
        producer.send_all(out, &filling, SendManner::Single)?;
        producer.finds_full(out, message(cx, 0))?;
        consumer.receive_all(into, &filling, ReceiveManner::Single)?;
        consumer.finds_empty(into)?;
        // Eight bytes further on.
        producer.send_all(out, &step, SendManner::Single)?;
        consumer.receive_all(into, &step, ReceiveManner::Single)?;
    }
    Ok(())
}

/// Each message that is taken makes room for one of its kind, and for no more.
fn room_comes_back_message_by_message(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 128)?;
    let all = messages(cx, [24; 12]);
    producer.send_all(out, &all[..4], SendManner::Single)?;
    for next in 4..all.len() {
        producer.finds_full(out, all[next])?;
        consumer.receive_all(into, &all[next - 4..=next - 4], ReceiveManner::Single)?;
        producer.send_all(out, &all[next..=next], SendManner::Single)?;
    }
    consumer.receive_all(into, &all[8..], ReceiveManner::Single)
}

fn without_bytes_arrives(cx: &Context<'_>, manner: SendManner) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = messages(cx, [0, 0, 0]);
    producer.send_all(out, &sent, manner)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

/// A message without bytes takes nothing with it of what comes before and behind.
fn without_bytes_keeps_backlog(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = messages(cx, [10, 0, 20, 0, 0, 30]);
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// Messages without bytes take up room, too: there are not endlessly many.
fn without_bytes_fill_the_ring(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 128)?;
    let most = usize::try_from(128 / taken_up(0)).unwrap_or(0);
    let sent = messages(cx, vec![0; most]);
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.finds_full(out, message(cx, 0))?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

/// A message that begins so many bytes before the end of the memory goes on at its beginning.
fn wraps(cx: &Context<'_>, offset: usize, send: SendManner, receive: ReceiveManner) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    let before = messages(cx, [offset - 8]);
    producer.send_all(out, &before, SendManner::Single)?;
    consumer.receive_all(into, &before, ReceiveManner::Single)?;
    for len in [56, 49, 8] {
        let sent = [message(cx, len)];
        producer.send_all(out, &sent, send)?;
        consumer.receive_all(into, &sent, receive)?;
    }
    Ok(())
}

fn message_wraps(cx: &Context<'_>, offset: usize) -> Outcome {
    wraps(cx, offset, SendManner::Single, ReceiveManner::Single)
}

fn message_wraps_in_place(cx: &Context<'_>, offset: usize) -> Outcome {
    wraps(cx, offset, SendManner::InPlace { spare: 0, hold: 0 }, ReceiveManner::InPlace { hold: 0 })
}

fn batch_wraps(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 128)?;
    for round in 0..10 {
        let batch = messages(cx, [17, 20 + round, 3]);
        producer.send_all(out, &batch, SendManner::Batch { hold: 0 })?;
        consumer.receive_all(into, &batch, ReceiveManner::Batch)?;
    }
    Ok(())
}

/// Refused at once, although there is time, and the ring goes on working.
fn too_large_is_refused(cx: &Context<'_>, over: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let large = message(cx, producer.max_message(out)? + over);
    producer.send_ends_with(out, large, Some(cx.within()), &[Code::RingTooLarge])?;
    producer.send_ends_with(out, large, None, &[Code::RingTooLarge])?;
    let sent = [message(cx, 8)];
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

fn too_large_in_place_is_refused(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = [message(cx, 8)];
    for spare in [CAPACITY as usize, usize::MAX - 8] {
        let manner = SendManner::InPlace { spare, hold: 0 };
        let (count, stopped) = producer.try_send_messages(out, &sent, manner, Some(cx.within()))?;
        producer.expect_end(count as usize, stopped, &[Code::RingTooLarge])?;
    }
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// What comes before it in the batch arrives, and the producer learns how many those were.
fn too_large_in_batch_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let batch = messages(cx, [10, 20, CAPACITY as usize, 30]);
    let (count, stopped) = producer.try_send_messages(out, &batch, SendManner::Batch { hold: 0 }, Some(cx.within()))?;
    let Some(problem) = stopped else {
        return Err(Stop::Fail(format!("{count} of a batch were sent, one too large among them")));
    };
    producer.expect_code(&problem, &[Code::RingTooLarge])?;
    require(count == 2, || format!("{count} messages are said to have been sent before the third"))?;
    consumer.receive_all(into, &batch[..2], ReceiveManner::Batch)?;
    consumer.finds_empty(into)
}

/// A buffer that is too small is an error that takes nothing: with a larger one the message arrives.
fn small_buffer_leaves_message(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = messages(cx, [100, 3]);
    producer.send_all(out, &sent, SendManner::Single)?;
    for room in [0, 99] {
        let (came, stopped) = consumer.try_receive_messages(into, 2, ReceiveManner::Into { room }, Some(cx.within()))?;
        consumer.expect_end(came.len(), stopped, &[Code::RingBufferTooSmall])?;
    }
    consumer.receive_all(into, &sent, ReceiveManner::Into { room: 100 })
}

fn impossible_capacity_is_refused(cx: &Context<'_>, capacity: u64) -> Outcome {
    let [peer] = cx.peers()?;
    for role in [Role::Producer, Role::Consumer] {
        match peer.try_create_ring(role, capacity)? {
            Ok(_) => return Err(Stop::Fail(format!("a {role} created a ring of {capacity} bytes"))),
            Err(problem) => peer.expect_code(&problem, &[Code::RingCapacity])?,
        }
    }
    Ok(())
}
