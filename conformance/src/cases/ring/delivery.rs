//! Messages arrive whole, once and in order, whatever way they are sent and received.

use gpushare::ring::Role;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};

use super::{CAPACITY, message, messages};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::Context;

const SEND: [(&str, SendManner); 3] = [
    ("single", SendManner::Single),
    ("batch", SendManner::Batch { hold: 0 }),
    ("in_place", SendManner::InPlace { spare: 0, hold: 0 }),
];

const RECEIVE: [(&str, ReceiveManner); 4] = [
    ("single", ReceiveManner::Single),
    ("buffer", ReceiveManner::Into { room: 200 }),
    ("batch", ReceiveManner::Batch),
    ("in_place", ReceiveManner::InPlace { hold: 0 }),
];

pub(super) fn define(cases: &mut Cases<'_>) {
    const ARRIVE: &[&str] = &["ring.messages_arrive_once_in_order"];
    const BATCH: &[&str] = &["ring.batches_are_seen_at_once", "ring.messages_arrive_once_in_order"];
    let capacities = [16, 64, 4096, 1 << 16, 1 << 20];
    cases.case("message_arrives", ARRIVE).each(capacities, capacity_name, message_arrives);
    cases.case("longest_message_arrives", ARRIVE).each(capacities, capacity_name, longest_message_arrives);
    cases.case("messages_arrive_in_order", ARRIVE).once(messages_arrive_in_order);
    let manners = SEND.into_iter().flat_map(|send| RECEIVE.map(|receive| (send, receive)));
    let name = |(send, receive): &((&str, _), (&str, _))| format!("{}_to_{}", send.0, receive.0);
    cases.case("any_way_in_any_way_out", ARRIVE).each(manners, name, any_way_in_any_way_out);
    cases.case("consumer_creates_the_ring", ARRIVE).once(consumer_creates_the_ring);
    cases.case("sent_before_attaching_arrives", ARRIVE).once(sent_before_attaching_arrives);
    cases.case("changing_ways_keep_order", ARRIVE).once(changing_ways_keep_order);
    cases.case("batch_is_seen_at_once", BATCH).once(batch_is_seen_at_once);
    cases.case("batch_larger_than_ring_arrives", BATCH).once(batch_larger_than_ring_arrives);
    cases.case("short_ring_used_many_times", ARRIVE).once(short_ring_used_many_times);
    cases.case("random_lengths_arrive", ARRIVE).each([1, 2, 3, 4], |seed| format!("seed_{seed}"), random_lengths_arrive);
    cases.case("two_rings_stay_apart", ARRIVE).once(two_rings_stay_apart);
    cases.case("both_directions_at_once", ARRIVE).once(both_directions_at_once);
    cases.case("passed_on_by_a_third", ARRIVE).once(passed_on_by_a_third);
    cases.case("nothing_arrives_twice", ARRIVE).once(nothing_arrives_twice);
}

fn capacity_name(capacity: &u64) -> String {
    format!("{capacity}_bytes")
}

/// The smallest thing that has to work, in rings of any size.
fn message_arrives(cx: &Context<'_>, capacity: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, capacity)?;
    let sent = [message(cx, 8)];
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// What the ring says is the longest message that it takes has to fit, and to arrive.
fn longest_message_arrives(cx: &Context<'_>, capacity: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, capacity)?;
    let longest = producer.max_message(out)?;
    require(longest as u64 + 8 >= capacity, || format!("a ring of {capacity} bytes takes {longest} at most"))?;
    for _ in 0..3 {
        let sent = [message(cx, longest)];
        producer.send_all(out, &sent, SendManner::Single)?;
        consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    }
    Ok(())
}

/// More than the ring holds at once, of every length up to 100 bytes.
fn messages_arrive_in_order(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let all = messages(cx, (0..300).map(|number| number % 101));
    let sending = producer.begin_send(out, &all, SendManner::Single, Some(cx.within()))?;
    consumer.receive_all(into, &all, ReceiveManner::Single)?;
    let sent = producer.finish_send(sending)?;
    require(sent == (300, None), || format!("the producer says of 300 messages: {sent:?}"))
}

/// How a message is sent does not show in what arrives, nor does how it is received.
fn any_way_in_any_way_out(cx: &Context<'_>, ((_, send), (_, receive)): ((&str, SendManner), (&str, ReceiveManner))) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let all = messages(cx, (0..120).map(|number| number * 7 % 61));
    let sending = producer.begin_send(out, &all, send, Some(cx.within()))?;
    consumer.receive_all(into, &all, receive)?;
    let sent = producer.finish_send(sending)?;
    require(sent == (120, None), || format!("the producer says of 120 messages: {sent:?}"))
}

/// Either side may create the ring.
fn consumer_creates_the_ring(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (into, offer) = consumer.create_ring(Role::Consumer, CAPACITY)?;
    let out = producer.attach_ring(Role::Producer, &offer)?;
    let all = messages(cx, [5, 0, 600]);
    producer.send_all(out, &all, SendManner::Single)?;
    consumer.receive_all(into, &all, ReceiveManner::Single)
}

/// A producer need not wait for its consumer.
fn sent_before_attaching_arrives(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, offer) = producer.create_ring(Role::Producer, CAPACITY)?;
    let all = messages(cx, [40, 41, 42]);
    producer.send_all(out, &all, SendManner::Batch { hold: 0 })?;
    let into = consumer.attach_ring(Role::Consumer, &offer)?;
    consumer.receive_all(into, &all, ReceiveManner::Single)
}

/// Each few messages go another way, through one ring.
fn changing_ways_keep_order(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 512)?;
    for ((_, send), (_, receive)) in SEND.into_iter().chain(SEND).zip(RECEIVE.into_iter().rev().chain(RECEIVE)) {
        let some = messages(cx, [3, 60, 17, 0, 29]);
        producer.send_all(out, &some, send)?;
        consumer.receive_all(into, &some, receive)?;
    }
    Ok(())
}

/// A batch that is being written is not there yet; then all of it is.
fn batch_is_seen_at_once(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let batch = messages(cx, [10, 20, 30]);
    cx.while_held(|hold| {
        let sending = producer.begin_send(out, &batch, SendManner::Batch { hold }, None)?;
        crate::context::let_it_sleep();
        let early = consumer.try_receive_messages(into, 3, ReceiveManner::Peek, None)?;
        let in_time = sending.elapsed().as_millis() < u128::from(hold);
        let sent = producer.finish_send(sending)?;
        require(sent == (3, None), || format!("the producer says of 3 messages: {sent:?}"))?;
        if in_time {
            consumer.expect_messages(early, &[])?;
        }
        consumer.receive_all(into, &batch, ReceiveManner::Batch)?;
        Ok(in_time)
    })
}

/// A batch waits for room as a single message does, and keeps its order.
fn batch_larger_than_ring_arrives(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let batch = messages(cx, (0..60).map(|number| 20 + number % 30));
    let sending = producer.begin_send(out, &batch, SendManner::Batch { hold: 0 }, Some(cx.within()))?;
    // A consumer that keeps up would leave nothing to wait for.
    crate::context::let_it_sleep();
    consumer.receive_all(into, &batch, ReceiveManner::Batch)?;
    let sent = producer.finish_send(sending)?;
    require(sent == (60, None), || format!("the producer says of 60 messages: {sent:?}"))
}

/// The memory is used over and over again: 1,000 messages through room for four.
fn short_ring_used_many_times(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    let all = messages(cx, (0..1000).map(|number| number % 9));
    let sending = producer.begin_send(out, &all, SendManner::Single, Some(cx.within()))?;
    consumer.receive_all(into, &all, ReceiveManner::Single)?;
    let sent = producer.finish_send(sending)?;
    require(sent == (1000, None), || format!("the producer says of 1000 messages: {sent:?}"))
}

/// Lengths that follow from the case's seed, most short and some nearly as long as the ring.
fn random_lengths_arrive(cx: &Context<'_>, seed: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 1024)?;
    let mut state = cx.seed().wrapping_add(seed) | 1;
    let all = messages(
        cx,
        (0..200).map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(if state.is_multiple_of(16) { state >> 8 & 1000 } else { state >> 8 & 63 }).unwrap_or(0)
        }),
    );
    let (_, send) = SEND[state as usize % SEND.len()];
    let sending = producer.begin_send(out, &all, send, Some(cx.within()))?;
    // The longest is shorter than 1,001 bytes.
    consumer.receive_all(into, &all, ReceiveManner::Into { room: 1000 })?;
    let sent = producer.finish_send(sending)?;
    require(sent == (200, None), || format!("the producer says of 200 messages: {sent:?}"))
}

/// Two rings between the same peers share nothing.
fn two_rings_stay_apart(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (first_out, first_into) = producer.ring_to(&consumer, CAPACITY)?;
    let (second_out, second_into) = producer.ring_to(&consumer, CAPACITY)?;
    let (first, second) = (messages(cx, [11, 12]), messages(cx, [21, 22, 23]));
    producer.send_all(first_out, &first, SendManner::Single)?;
    consumer.finds_empty(second_into)?;
    producer.send_all(second_out, &second, SendManner::Single)?;
    consumer.receive_all(first_into, &first, ReceiveManner::Single)?;
    consumer.finds_empty(first_into)?;
    consumer.receive_all(second_into, &second, ReceiveManner::Single)
}

/// A ring there and a ring back, both in use at the same time.
fn both_directions_at_once(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (there_out, there_into) = one.ring_to(&other, 256)?;
    let (back_out, back_into) = other.ring_to(&one, 256)?;
    for round in 0..4 {
        let (there, back) = (messages(cx, [round, 50, 7]), messages(cx, [40, round]));
        one.send_all(there_out, &there, SendManner::Single)?;
        other.send_all(back_out, &back, SendManner::Single)?;
        other.receive_all(there_into, &there, ReceiveManner::Single)?;
        one.receive_all(back_into, &back, ReceiveManner::Single)?;
    }
    Ok(())
}

/// Three processes in a row.
fn passed_on_by_a_third(cx: &Context<'_>) -> Outcome {
    let [first, last, middle] = cx.peers()?;
    let (out, in_the_middle) = first.ring_to(&middle, CAPACITY)?;
    let (onwards, into) = middle.ring_to(&last, CAPACITY)?;
    let all = messages(cx, [100, 0, 33]);
    first.send_all(out, &all, SendManner::Single)?;
    middle.receive_all(in_the_middle, &all, ReceiveManner::Single)?;
    middle.send_all(onwards, &all, SendManner::Batch { hold: 0 })?;
    last.receive_all(into, &all, ReceiveManner::Batch)
}

/// What was taken is gone, also after the ring has gone round.
fn nothing_arrives_twice(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    for round in 0..12 {
        let sent = messages(cx, [round]);
        producer.send_all(out, &sent, SendManner::Single)?;
        consumer.receive_all(into, &sent, ReceiveManner::Single)?;
        match consumer.try_receive_messages(into, 1, ReceiveManner::Single, None)? {
            (more, None) if more.is_empty() => {}
            (more, stopped) => return Err(Stop::Fail(format!("after the only message came {more:?}, {stopped:?}"))),
        }
    }
    Ok(())
}
