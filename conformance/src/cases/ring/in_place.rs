//! Writing and reading where the message lies: reserve and commit, peek and release.

use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};

use super::{CAPACITY, message, messages};
use crate::case::{Cases, Outcome, require};
use crate::context::{Context, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const COMMIT: &[&str] = &["ring.reserved_is_unseen_until_committed"];
    const RELEASE: &[&str] = &["ring.peeked_stays_until_released"];
    cases.case("reserved_is_not_seen", COMMIT).once(reserved_is_not_seen);
    cases.case("shorter_than_reserved_arrives", COMMIT).each(
        [1_usize, 8, 100, 1000],
        |spare| format!("{spare}_spare"),
        shorter_than_reserved,
    );
    cases.case("empty_commit_arrives", COMMIT).once(empty_commit_arrives);
    cases.case("abandoned_reservation_leaves_nothing", COMMIT).once(abandoned_reservation_leaves_nothing);
    cases.case("abandoned_reservation_gives_room_back", COMMIT).once(abandoned_reservation_gives_room_back);
    cases.case("peeked_message_stays", RELEASE).once(peeked_message_stays);
    cases.case("peeked_message_is_not_overwritten", RELEASE).once(peeked_message_is_not_overwritten);
    cases.case("peeked_message_takes_room", RELEASE).once(peeked_message_takes_room);
}

/// A message that is being written in place is not there yet.
fn reserved_is_not_seen(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = [message(cx, 50)];
    cx.while_held(|hold| {
        let sending = producer.begin_send(out, &sent, SendManner::InPlace { spare: 0, hold }, None)?;
        let_it_sleep();
        let early = consumer.try_receive_messages(into, 1, ReceiveManner::Peek, None)?;
        let in_time = sending.elapsed().as_millis() < u128::from(hold);
        let answer = producer.finish_send(sending)?;
        require(answer == (1, None), || format!("the producer says of one message: {answer:?}"))?;
        if in_time {
            consumer.expect_messages(early, &[])?;
        }
        consumer.receive_all(into, &sent, ReceiveManner::Single)?;
        Ok(in_time)
    })
}

/// Less is committed than was reserved: that much arrives, and the next message behind it.
fn shorter_than_reserved(cx: &Context<'_>, spare: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let all = messages(cx, [30, 0, 77]);
    producer.send_all(out, &all, SendManner::InPlace { spare, hold: 0 })?;
    consumer.receive_all(into, &all, ReceiveManner::Single)
}

/// Nothing of a reservation is committed: a message without bytes.
fn empty_commit_arrives(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let all = messages(cx, [0, 9]);
    producer.send_all(out, &all[..1], SendManner::InPlace { spare: 500, hold: 0 })?;
    producer.send_all(out, &all[1..], SendManner::Single)?;
    consumer.receive_all(into, &all, ReceiveManner::Single)
}

/// What was written and given up never arrives; what comes after it does.
fn abandoned_reservation_leaves_nothing(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let (abandoned, sent) = (messages(cx, [70, 80]), messages(cx, [60, 61]));
    producer.send_all(out, &abandoned, SendManner::Abandoned)?;
    consumer.finds_empty(into)?;
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

/// More is reserved and given up than the ring holds, one after the other.
fn abandoned_reservation_gives_room_back(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let abandoned = messages(cx, [200; 10]);
    let (count, stopped) = producer.try_send_messages(out, &abandoned, SendManner::Abandoned, None)?;
    require(count == 10 && stopped.is_none(), || format!("of 10 reservations {count} had room: {stopped:?}"))?;
    let sent = messages(cx, [248]);
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// To look is not to take.
fn peeked_message_stays(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = messages(cx, [40, 50]);
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &[sent[0]; 3], ReceiveManner::Peek)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.finds_empty(into)
}

/// While the consumer reads a message in place, the producer fills all the room that there is: the message stays as it is.
fn peeked_message_is_not_overwritten(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let sent = [message(cx, 100)];
    producer.send_all(out, &sent, SendManner::Single)?;
    cx.while_held(|hold| {
        let reading = consumer.begin_receive(into, 1, ReceiveManner::InPlace { hold }, cx.within())?;
        let_it_sleep();
        let more = messages(cx, [24; 20]);
        let (count, stopped) = producer.try_send_messages(out, &more, SendManner::Single, None)?;
        let in_time = reading.elapsed().as_millis() < u128::from(hold);
        let came = consumer.finish_receive(reading)?;
        consumer.expect_messages(came, &sent)?;
        require(!in_time || count == 4, || {
            format!("{count} messages of 32 bytes went into a ring of 256 with 112 in use: {stopped:?}")
        })?;
        consumer.receive_all(into, &more[..count as usize], ReceiveManner::Single)?;
        producer.send_all(out, &sent, SendManner::Single)?;
        if in_time {
            consumer.receive_all(into, &sent, ReceiveManner::Single)?;
        }
        Ok(in_time)
    })
}

/// Room is given back by releasing, not by looking.
fn peeked_message_takes_room(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    let sent = [message(cx, 56)];
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Peek)?;
    producer.finds_full(out, message(cx, 0))?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}
