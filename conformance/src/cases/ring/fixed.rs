//! Rings for messages of one size: they have to do what the others do, and tell each other apart.

use gpushare::ring::{Field, Role};
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};
use gpushare_harness::protocol::{Code, Payload};

use super::hostile::Hostile;
use super::{message, messages};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, let_it_sleep};

/// Sizes of which several messages share a line of cache, and larger ones.
const SIZES: [usize; 4] = [8, 24, 64, 1000];
const SEND: [(&str, SendManner); 3] =
    [("single", SendManner::Single), ("alone", SendManner::Alone), ("batch", SendManner::Batch { hold: 0 })];
const RECEIVE: [(&str, ReceiveManner); 3] =
    [("single", ReceiveManner::Single), ("alone", ReceiveManner::Alone), ("batch", ReceiveManner::Batch)];

pub(super) fn define(cases: &mut Cases<'_>) {
    const ARRIVE: &[&str] = &["ring.messages_arrive_once_in_order"];
    const FULL: &[&str] = &["ring.full_and_empty_differ"];
    const CORRUPT: &[&str] = &["ring.corruption_is_told", "ring.corruption_is_for_good"];
    let size_name = |size: &usize| format!("{size}_bytes");
    cases.case("fixed_messages_arrive", ARRIVE).each(SIZES, size_name, messages_arrive);
    let manners = SEND.into_iter().flat_map(|send| RECEIVE.map(|receive| (send, receive)));
    let name = |(send, receive): &((&str, _), (&str, _))| format!("{}_to_{}", send.0, receive.0);
    cases.case("fixed_any_way_in_any_way_out", ARRIVE).each(manners, name, any_way_in_any_way_out);
    cases.case("fixed_questions_are_answered", ARRIVE).each(SIZES, size_name, questions_are_answered);
    cases.case("fixed_more_than_the_ring_holds", ARRIVE).each(SIZES, size_name, more_than_the_ring_holds);
    cases.case("fixed_consumer_creates_the_ring", ARRIVE).each(SIZES, size_name, consumer_creates_the_ring);
    cases.case("fixed_full_and_empty_in_turn", FULL).each(SIZES, size_name, full_and_empty_in_turn);
    cases.case("fixed_other_size_is_refused", &["ring.memory_is_checked"]).each(SIZES, size_name, other_size_is_refused);
    cases.case("fixed_no_room_at_all_is_refused", &["ring.impossible_capacity_is_refused"]).once(no_room_at_all_is_refused);
    cases.case("fixed_message_wakes_consumer", &["waiter.news_wakes"]).each(SIZES, size_name, message_wakes_consumer);
    cases.case("fixed_room_wakes_producer", &["waiter.news_wakes"]).each(SIZES, size_name, room_wakes_producer);
    cases.case("fixed_close_is_told_after_messages", &["ring.close_is_told"]).each(SIZES, size_name, close_is_told);
    cases.case("fixed_death_is_told_after_messages", &["ring.death_is_told"]).fresh().each([8, 64], size_name, death_is_told);
    // One message more than there is room for, many more, and parts of one.
    let whole = [(8, 33 * 8), (8, 1 << 32), (24, 33 * 24), (64, 33 * 64), (64, 1 << 63), (64, u64::MAX - 63)];
    let parts = [(8, 1), (8, u64::MAX), (24, 32), (64, 63), (64, u64::MAX)];
    let name = |(size, position): &(usize, u64)| format!("{size}_bytes_x{position:x}");
    let positions = [&whole[..], &parts].concat();
    cases.case("fixed_impossible_position_is_told", CORRUPT).each(positions, name, impossible_position);
    cases.case("fixed_impossible_room_is_told", CORRUPT).each(SIZES, size_name, impossible_room);
}

/// Room asked for; there is at least as much.
const ROOM: u64 = 32;

fn of_size(cx: &Context<'_>, size: usize, count: u64) -> Vec<Payload> {
    messages(cx, (0..count).map(|_| size))
}

fn messages_arrive(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into, _) = producer.fixed_ring_to(&consumer, size, ROOM)?;
    for sent in of_size(cx, size, 3) {
        producer.send_all(out, &[sent], SendManner::Single)?;
        consumer.receive_all(into, &[sent], ReceiveManner::Single)?;
        consumer.finds_empty(into)?;
    }
    Ok(())
}

/// Batches that begin and end within a line, across lines, and across the end of the memory.
fn any_way_in_any_way_out(cx: &Context<'_>, (send, receive): ((&str, SendManner), (&str, ReceiveManner))) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    for size in SIZES {
        let (out, into, _) = producer.fixed_ring_to(&consumer, size, ROOM)?;
        for count in [1, 2, 5, 7, 8, 15, 26, 3, 28] {
            let sent = of_size(cx, size, count);
            producer.send_all(out, &sent, send.1)?;
            consumer.receive_all(into, &sent, receive.1)?;
        }
    }
    Ok(())
}

/// Each message is taken before the next one is sent, which the next one may overwrite beside the position.
fn questions_are_answered(cx: &Context<'_>, size: usize) -> Outcome {
    let [asks, answers] = cx.peers()?;
    let (there, taken, _) = asks.fixed_ring_to(&answers, size, ROOM)?;
    let (back, answered, _) = answers.fixed_ring_to(&asks, size, ROOM)?;
    for sent in of_size(cx, size, 3 * ROOM) {
        asks.send_all(there, &[sent], SendManner::Alone)?;
        answers.receive_all(taken, &[sent], ReceiveManner::Alone)?;
        answers.send_all(back, &[sent], SendManner::Alone)?;
        asks.receive_all(answered, &[sent], ReceiveManner::Alone)?;
    }
    Ok(())
}

fn more_than_the_ring_holds(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into, _) = producer.fixed_ring_to(&consumer, size, ROOM)?;
    let all = of_size(cx, size, 500);
    let sending = producer.begin_send(out, &all, SendManner::Batch { hold: 0 }, Some(cx.within()))?;
    // A consumer that keeps up would leave nothing to wait for.
    let_it_sleep();
    consumer.receive_all(into, &all, ReceiveManner::Batch)?;
    let sent = producer.finish_send(sending)?;
    require(sent == (500, None), || format!("the producer says of 500 messages: {sent:?}"))
}

fn consumer_creates_the_ring(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (into, offer) = consumer.create_fixed_ring(Role::Consumer, size, ROOM)?;
    let out = producer.attach_fixed_ring(Role::Producer, size, &offer)?;
    let sent = of_size(cx, size, 20);
    producer.send_all(out, &sent, SendManner::Batch { hold: 0 })?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// All the room that the terms speak of can be used, every time round.
fn full_and_empty_in_turn(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into, room) = producer.fixed_ring_to(&consumer, size, ROOM)?;
    require(room >= ROOM, || format!("room for {room} messages where {ROOM} were asked for"))?;
    // From the beginning, and from a place further on.
    for ahead in [0, 0, 3, 0] {
        let sent = of_size(cx, size, ahead);
        producer.send_all(out, &sent, SendManner::Single)?;
        consumer.receive_all(into, &sent, ReceiveManner::Single)?;
        consumer.finds_empty(into)?;
        let (sent, stopped) =
            producer.try_send_messages(out, &of_size(cx, size, 2 * room), SendManner::Batch { hold: 0 }, None)?;
        let filled = u64::from(sent);
        require(stopped.is_none() && filled == room, || {
            format!("{sent} messages were sent into room for {room}: {stopped:?}")
        })?;
        producer.finds_full(out, message(cx, size))?;
        consumer.receive_all(into, &of_size(cx, size, filled), ReceiveManner::Batch)?;
        consumer.finds_empty(into)?;
    }
    Ok(())
}

/// A side that takes messages for longer or shorter than they are would read what is none.
fn other_size_is_refused(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, offer) = producer.create_fixed_ring(Role::Producer, size, 56)?;
    // Its capacity may be impossible there, or its memory too long or too short, before anything else is looked at.
    let codes = &[Code::RingMismatch, Code::RingCapacity, Code::MemorySize];
    for other in SIZES.into_iter().filter(|other| *other != size) {
        consumer.attaching_for_size_is_refused(Role::Consumer, Some(other), &offer, codes)?;
    }
    consumer.attaching_for_size_is_refused(Role::Consumer, None, &offer, codes)?;
    let (_, any_length) = producer.create_ring(Role::Producer, 64)?;
    consumer.attaching_for_size_is_refused(Role::Consumer, Some(size), &any_length, codes)?;
    // A refusal leaves the side to be had.
    let into = consumer.attach_fixed_ring(Role::Consumer, size, &offer)?;
    let sent = of_size(cx, size, 5);
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

fn no_room_at_all_is_refused(cx: &Context<'_>) -> Outcome {
    let [peer] = cx.peers()?;
    for (size, messages) in [(8, 0), (8, u64::MAX), (1000, 0), (1000, 1 << 31), (64, 1 << 32)] {
        match peer.try_create_fixed_ring(Role::Producer, size, messages)? {
            Ok(_) => return Err(Stop::Fail(format!("a ring for {messages} messages of {size} bytes was created"))),
            Err(problem) => peer.expect_code(&problem, &[Code::RingCapacity])?,
        }
    }
    Ok(())
}

fn message_wakes_consumer(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into, _) = producer.fixed_ring_to(&consumer, size, ROOM)?;
    consumer.sleep_soundly(into)?;
    for sent in of_size(cx, size, 10) {
        let receiving = consumer.begin_receive(into, 1, ReceiveManner::Single, cx.within())?;
        let_it_sleep();
        producer.send_all(out, &[sent], SendManner::Single)?;
        let came = consumer.finish_receive(receiving)?;
        consumer.expect_messages(came, &[sent])?;
    }
    Ok(())
}

fn room_wakes_producer(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into, room) = producer.fixed_ring_to(&consumer, size, ROOM)?;
    producer.sleep_soundly(out)?;
    let all = of_size(cx, size, room + 1);
    let sending = producer.begin_send(out, &all, SendManner::Single, Some(cx.within()))?;
    let_it_sleep();
    consumer.receive_all(into, &all, ReceiveManner::Single)?;
    let sent = producer.finish_send(sending)?;
    require(sent.1.is_none(), || format!("the producer says of {room} messages and one: {sent:?}"))
}

fn close_is_told(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into, _) = producer.fixed_ring_to(&consumer, size, ROOM)?;
    let sent = of_size(cx, size, 9);
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.close_rings(&[out])?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.receive_ends_with(into, Some(cx.within()), &[Code::RingClosed])
}

fn death_is_told(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into, _) = producer.fixed_ring_to(&consumer, size, ROOM)?;
    consumer.watch_ring(into, &producer)?;
    let sent = of_size(cx, size, 9);
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.kill()?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.receive_ends_with(into, Some(cx.within()), &[Code::RingPeerGone])
}

const CORRUPT: &[Code] = &[Code::RingCorrupt];

/// The producer says that it sent more than can be there, or a part of a message.
fn impossible_position(cx: &Context<'_>, (size, position): (usize, u64)) -> Outcome {
    let [consumer] = cx.peers()?;
    let (into, offer) = consumer.create_fixed_ring(Role::Consumer, size, ROOM)?;
    let hostile = Hostile::attach(offer)?;
    hostile.write(Field::Position, &position.to_ne_bytes())?;
    consumer.receive_ends_with(into, Some(cx.within()), CORRUPT)?;
    // For good, also when it is mended.
    hostile.write(Field::Position, &0_u64.to_ne_bytes())?;
    consumer.receive_ends_with(into, Some(cx.within()), CORRUPT)
}

/// The consumer says that it took more than was sent.
fn impossible_room(cx: &Context<'_>, size: usize) -> Outcome {
    let [producer] = cx.peers()?;
    let (out, offer) = producer.create_fixed_ring(Role::Producer, size, ROOM)?;
    let room = offer.terms.capacity;
    let behind = |messages: u64| (messages * size as u64).to_ne_bytes();
    let hostile = Hostile::attach(offer)?;
    producer.send_all(out, &of_size(cx, size, room), SendManner::Single)?;
    hostile.write(Field::Position, &behind(room + 1))?;
    producer.send_ends_with(out, message(cx, size), Some(cx.within()), CORRUPT)?;
    hostile.write(Field::Position, &behind(room))?;
    producer.send_ends_with(out, message(cx, size), Some(cx.within()), CORRUPT)
}
