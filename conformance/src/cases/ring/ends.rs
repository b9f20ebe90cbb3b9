//! One side leaves or dies: the other learns which, after everything that was sent before.

use std::time::Duration;

use gpushare::SharedMemory;
use gpushare::ring::{Field, Role};
use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};

use super::{CAPACITY, message, messages};
use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, Party, Ring, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const CLOSE: &[&str] = &["ring.close_is_told"];
    const DEATH: &[&str] = &["ring.death_is_told"];
    const UNFINISHED: &[&str] = &["ring.unfinished_is_never_seen", "ring.death_is_told"];
    const LEFT: &[&str] = &["ring.close_is_told", "ledger.nothing_is_left"];
    let deaths = || [("kill", true), ("exit", false)];
    let name = |(name, _): &(&str, bool)| (*name).to_owned();
    cases.case("close_is_told_after_messages", CLOSE).once(close_is_told_after_messages);
    cases.case("close_ends_a_receive", CLOSE).once(close_ends_a_receive);
    cases.case("close_by_consumer_is_told", CLOSE).once(close_by_consumer_is_told);
    cases.case("close_by_consumer_ends_a_send", CLOSE).once(close_by_consumer_ends_a_send);
    cases.case("closed_before_attaching_is_told", CLOSE).once(closed_before_attaching_is_told);
    cases.case("close_stays_told", CLOSE).once(close_stays_told);
    cases.case("closed_with_messages_pending", LEFT).once(closed_with_messages_pending);
    cases.case("rings_made_and_left_100_times", LEFT).once(rings_made_and_left_100_times);
    cases.case("death_is_told_after_messages", DEATH).fresh().each(deaths(), name, death_is_told_after_messages);
    cases.case("death_ends_a_receive", DEATH).fresh().each(deaths(), name, death_ends_a_receive);
    cases.case("death_of_consumer_ends_a_send", DEATH).fresh().each(deaths(), name, death_of_consumer_ends_a_send);
    cases.case("death_of_consumer_is_told", DEATH).fresh().each(deaths(), name, death_of_consumer_is_told);
    cases.case("death_before_attaching_is_told", DEATH).fresh().once(death_before_attaching_is_told);
    cases.case("who_only_looks_sees_the_death", DEATH).fresh().once(who_only_looks_sees_the_death);
    cases.case("close_then_death_is_close", DEATH).fresh().once(close_then_death_is_close);
    cases.case("unwatched_death_is_a_timeout", DEATH).fresh().once(unwatched_death_is_a_timeout);
    cases.case("death_within_a_message", UNFINISHED).fresh().once(death_within_a_message);
    cases.case("death_within_a_batch", UNFINISHED).fresh().once(death_within_a_batch);
    cases.case("stopped_peer_is_not_dead", DEATH).once(stopped_peer_is_not_dead);
    cases.case("survivor_takes_a_new_peer", DEATH).fresh().once(survivor_takes_a_new_peer);
}

const CLOSED: &[Code] = &[Code::RingClosed];
const GONE: &[Code] = &[Code::RingPeerGone];

fn end(party: &Party<'_, '_>, kill: bool) -> Outcome {
    if kill { party.kill() } else { party.exit() }
}

fn close_is_told_after_messages(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = messages(cx, [30, 0, 40]);
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.close_rings(&[out])?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.receive_ends_with(into, Some(cx.within()), CLOSED)
}

fn close_ends_a_receive(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.sleep_soundly(into)?;
    let receiving = consumer.begin_receive(into, 1, ReceiveManner::Single, cx.within())?;
    let_it_sleep();
    producer.close_rings(&[out])?;
    let (came, stopped) = consumer.finish_receive(receiving)?;
    consumer.expect_end(came.len(), stopped, CLOSED)
}

/// The producer learns it at the latest when there is no room any more.
fn close_by_consumer_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    consumer.close_rings(&[into])?;
    told_when_full(cx, &producer, out, CLOSED)
}

fn told_when_full(cx: &Context<'_>, producer: &Party<'_, '_>, out: Ring, codes: &[Code]) -> Outcome {
    let many = messages(cx, [24; 9]);
    match producer.try_send_messages(out, &many, SendManner::Single, Some(cx.within()))? {
        (count, Some(problem)) if count <= 8 => producer.expect_code(&problem, codes),
        other => Err(Stop::Fail(format!("9 messages of 32 bytes into 256 that nobody reads ended as {other:?}"))),
    }
}

fn close_by_consumer_ends_a_send(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 64)?;
    producer.sleep_soundly(out)?;
    let sending = producer.begin_send(out, &messages(cx, [56, 8]), SendManner::Single, Some(cx.within()))?;
    let_it_sleep();
    consumer.close_rings(&[into])?;
    let (count, stopped) = producer.finish_send(sending)?;
    producer.expect_end((count as usize).saturating_sub(1), stopped, CLOSED)
}

fn closed_before_attaching_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, offer) = producer.create_ring(Role::Producer, CAPACITY)?;
    let sent = messages(cx, [25]);
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.close_rings(&[out])?;
    let into = consumer.attach_ring(Role::Consumer, &offer)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.receive_ends_with(into, Some(cx.within()), CLOSED)
}

fn close_stays_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    producer.close_rings(&[out])?;
    for within in [None, Some(0), Some(cx.within())] {
        consumer.receive_ends_with(into, within, CLOSED)?;
    }
    Ok(())
}

/// The consumer leaves with messages in the ring: the producer is told, and neither holds more than before.
fn closed_with_messages_pending(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 256)?;
    let sent = messages(cx, [24; 6]);
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent[..2], ReceiveManner::Single)?;
    consumer.close_rings(&[into])?;
    told_when_full(cx, &producer, out, CLOSED)?;
    producer.close_rings(&[out])
}

/// Descriptors and mappings of a ring are gone with it; the ledger counts.
fn rings_made_and_left_100_times(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    // With as few descriptors as one ring takes, and some for what passes by.
    producer.limit_descriptors(Some(12))?;
    consumer.limit_descriptors(Some(12))?;
    for _ in 0..100 {
        let (out, into) = producer.ring_to(&consumer, 64)?;
        producer.close_rings(&[out])?;
        consumer.close_rings(&[into])?;
    }
    Ok(())
}

fn death_is_told_after_messages(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    let sent = messages(cx, [30, 0, 40]);
    producer.send_all(out, &sent, SendManner::Single)?;
    end(&producer, kill)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.receive_ends_with(into, Some(cx.within()), GONE)
}

fn death_ends_a_receive(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    consumer.sleep_soundly(into)?;
    let receiving = consumer.begin_receive(into, 1, ReceiveManner::Single, cx.within())?;
    let_it_sleep();
    end(&producer, kill)?;
    let (came, stopped) = consumer.finish_receive(receiving)?;
    consumer.expect_end(came.len(), stopped, GONE)
}

fn death_of_consumer_ends_a_send(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, _into) = producer.ring_to(&consumer, 64)?;
    producer.watch_ring(out, &consumer)?;
    producer.sleep_soundly(out)?;
    let sending = producer.begin_send(out, &messages(cx, [56, 8]), SendManner::Single, Some(cx.within()))?;
    let_it_sleep();
    end(&consumer, kill)?;
    let (count, stopped) = producer.finish_send(sending)?;
    producer.expect_end((count as usize).saturating_sub(1), stopped, GONE)
}

fn death_of_consumer_is_told(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, _into) = producer.ring_to(&consumer, 256)?;
    producer.watch_ring(out, &consumer)?;
    end(&consumer, kill)?;
    told_when_full(cx, &producer, out, GONE)
}

/// The memory outlives its creator, and what was sent is in it.
fn death_before_attaching_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, offer) = producer.create_ring(Role::Producer, CAPACITY)?;
    let sent = messages(cx, [25, 26]);
    producer.send_all(out, &sent, SendManner::Single)?;
    let into = consumer.attach_ring(Role::Consumer, &offer)?;
    consumer.watch_ring(into, &producer)?;
    producer.kill()?;
    consumer.receive_all(into, &sent, ReceiveManner::Batch)?;
    consumer.receive_ends_with(into, Some(cx.within()), GONE)
}

/// Also without waiting: a reader that only ever looks is told, in the end.
fn who_only_looks_sees_the_death(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    producer.kill()?;
    for _ in 0..100 {
        let (came, stopped) = consumer.try_receive_messages(into, 1, ReceiveManner::Single, None)?;
        match stopped {
            Some(problem) => return consumer.expect_code(&problem, GONE),
            None if came.is_empty() => std::thread::sleep(Duration::from_millis(5)),
            None => return Err(Stop::Fail(format!("{came:?} came through an empty ring"))),
        }
    }
    Err(Stop::Fail("half a second of looking after the producer's death never showed it".into()))
}

/// Whoever closes and then ends has closed.
fn close_then_death_is_close(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    producer.close_rings(&[out])?;
    producer.kill()?;
    let_it_sleep();
    consumer.receive_ends_with(into, Some(cx.within()), CLOSED)
}

/// Nobody said whose death to watch for: the deadline ends the wait.
fn unwatched_death_is_a_timeout(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_out, into) = producer.ring_to(&consumer, CAPACITY)?;
    producer.kill()?;
    consumer.receive_ends_with(into, Some(50), &[Code::RingTimedOut])
}

/// The producer is killed while it writes a message in place: nothing of it is ever seen.
fn death_within_a_message(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (into, offer) = consumer.create_ring(Role::Consumer, CAPACITY)?;
    let bytes = gpushare_harness::raw::memory_len(&offer.handles[0]).map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let [own, _] = offer.try_clone()?.handles;
    let seen = SharedMemory::attach(own, bytes).map_err(|refused| Stop::Inconclusive(refused.to_string()))?;
    let out = producer.attach_ring(Role::Producer, &offer)?;
    consumer.watch_ring(into, &producer)?;
    let first = message(cx, 16);
    producer.send_all(out, &[first], SendManner::Single)?;
    let half = message(cx, 512);
    let hold = u64::try_from(cx.limit().as_millis()).unwrap_or(u64::MAX);
    let writing = producer.begin_send(out, &[half], SendManner::InPlace { spare: 0, hold }, None)?;
    // Its bytes are there, behind the first message and two headers, before it is killed.
    let mut written = vec![0; half.len];
    while written != half.bytes() {
        if writing.elapsed() > cx.limit() / 2 {
            return Err(Stop::Fail("a message that is written in place does not show in the memory".into()));
        }
        let at = Field::Messages.offset() + super::taken_up(first.len) + 8;
        seen.read(at, &mut written).map_err(|error| Stop::Inconclusive(error.to_string()))?;
    }
    producer.kill()?;
    consumer.receive_all(into, &[first], ReceiveManner::Single)?;
    consumer.receive_ends_with(into, Some(cx.within()), GONE)
}

/// The same with a batch that was written and not published.
fn death_within_a_batch(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    let first = messages(cx, [16]);
    producer.send_all(out, &first, SendManner::Single)?;
    let hold = u64::try_from(cx.limit().as_millis()).unwrap_or(u64::MAX);
    let _writing = producer.begin_send(out, &messages(cx, [8, 8, 8]), SendManner::Batch { hold }, None)?;
    let_it_sleep();
    producer.kill()?;
    consumer.receive_all(into, &first, ReceiveManner::Batch)?;
    consumer.receive_ends_with(into, Some(cx.within()), GONE)
}

/// A process that was stopped lives: the deadline ends the wait, and once it goes on so does the ring.
fn stopped_peer_is_not_dead(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    producer.pause()?;
    let waited = consumer.receive_ends_with(into, Some(30), &[Code::RingTimedOut]);
    producer.resume()?;
    waited?;
    let sent = messages(cx, [35]);
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// A producer's death costs its consumer that ring and nothing else.
fn survivor_takes_a_new_peer(cx: &Context<'_>) -> Outcome {
    let [first, consumer, second] = cx.peers()?;
    let (out, into) = first.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &first)?;
    let sent = messages(cx, [45, 46]);
    first.send_all(out, &sent[..1], SendManner::Single)?;
    first.kill()?;
    consumer.receive_all(into, &sent[..1], ReceiveManner::Single)?;
    consumer.receive_ends_with(into, Some(cx.within()), GONE)?;
    consumer.close_rings(&[into])?;
    let (out, into) = second.ring_to(&consumer, CAPACITY)?;
    consumer.watch_ring(into, &second)?;
    second.send_all(out, &sent[1..], SendManner::Single)?;
    consumer.receive_all(into, &sent[1..], ReceiveManner::Single)
}
