//! Waiting for another process and waking it: four answers, none too early, none lost. Rings are what is waited for.

use std::time::{Duration, Instant};

use gpushare::SharedMemory;
use gpushare::ring::{Field, Role};
use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner, Waited};

use super::ring::{CAPACITY, message, messages};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Begun, Context, Party, Ring, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const WOKEN: &[&str] = &["waiter.news_wakes"];
    const TIME: &[&str] = &["waiter.deadline_ends_a_wait"];
    const SIGNAL: &[&str] = &["waiter.interruption_is_no_timeout"];
    const DEATH: &[&str] = &["waiter.death_ends_a_wait"];
    const CALLS: &[&str] = &["waiter.no_call_when_nobody_sleeps"];
    let soon = Duration::from_secs(3);
    cases.case("message_wakes_consumer", WOKEN).patience(soon).once(message_wakes_consumer);
    cases.case("room_wakes_producer", WOKEN).patience(soon).once(room_wakes_producer);
    cases.case("batch_wakes_once", WOKEN).patience(soon).once(batch_wakes_once);
    cases.case("message_there_already_is_news", WOKEN).patience(soon).once(message_there_already_is_news);
    cases.case("room_there_already_is_news", WOKEN).patience(soon).once(room_there_already_is_news);
    cases.case("too_little_room_is_no_news", WOKEN).patience(soon).once(too_little_room_is_no_news);
    cases.case("close_wakes_consumer", WOKEN).patience(soon).once(close_wakes_consumer);
    cases.case("close_wakes_producer", WOKEN).patience(soon).once(close_wakes_producer);
    cases.case("corruption_wakes_its_author", WOKEN).patience(soon).once(corruption_wakes_its_author);
    cases.case("woken_again_and_again", WOKEN).once(woken_again_and_again);
    cases.case("turns_taken_asleep", WOKEN).once(turns_taken_asleep);
    cases.case("other_rings_wake_nobody", WOKEN).patience(soon).once(other_rings_wake_nobody);
    cases.case("silence_times_out", TIME).patience(soon).each([0, 1, 25], |ms| format!("{ms}_ms"), silence_times_out);
    cases.case("full_ring_times_out", TIME).patience(soon).once(full_ring_times_out);
    cases.case("timeout_takes_its_time_asleep", TIME).patience(soon).once(timeout_takes_its_time_asleep);
    cases.case("news_after_timeout_wakes", TIME).patience(soon).once(news_after_timeout_wakes);
    cases.case("stopped_waiter_goes_on", TIME).patience(soon).once(stopped_waiter_goes_on);
    cases.case("signal_interrupts_consumer", SIGNAL).patience(soon).once(signal_interrupts_consumer);
    cases.case("signal_interrupts_producer", SIGNAL).patience(soon).once(signal_interrupts_producer);
    cases.case("receive_outlasts_signals", SIGNAL).patience(soon).once(receive_outlasts_signals);
    cases.case("send_outlasts_signals", SIGNAL).patience(soon).once(send_outlasts_signals);
    cases.case("death_ends_wait_of_consumer", DEATH).fresh().patience(soon).once(death_ends_wait_of_consumer);
    cases.case("death_ends_wait_of_producer", DEATH).fresh().patience(soon).once(death_ends_wait_of_producer);
    cases.case("death_before_the_wait_is_told", DEATH).fresh().patience(soon).once(death_before_the_wait_is_told);
    cases.case("message_before_death_is_news", DEATH).fresh().patience(soon).once(message_before_death_is_news);
    cases.case("other_deaths_end_no_wait", DEATH).fresh().patience(soon).once(other_deaths_end_no_wait);
    cases.case("only_a_process_can_be_watched", DEATH).patience(soon).once(only_a_process_can_be_watched);
    cases.case("no_call_while_awake", CALLS).once(no_call_while_awake);
    cases.case("one_call_for_one_sleep", CALLS).once(one_call_for_one_sleep);
}

/// A ring whose consumer sleeps at once, and soundly: a wake-up that is lost is not made up for.
fn sleepy<'cx, 'run>(cx: &'cx Context<'run>, capacity: u64) -> Outcome<(Party<'cx, 'run>, Ring, Party<'cx, 'run>, Ring)> {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, capacity)?;
    producer.sleep_soundly(out)?;
    consumer.sleep_soundly(into)?;
    Ok((producer, out, consumer, into))
}

fn message_wakes_consumer(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    let sent = [message(cx, 8)];
    let waiting = consumer.begin_ring_wait(into, 0, cx.within())?;
    let_it_sleep();
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.ring_wait_ended(waiting, Waited::Woken)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

fn room_wakes_producer(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, 64)?;
    let sent = [message(cx, 56)];
    producer.send_all(out, &sent, SendManner::Single)?;
    let waiting = producer.begin_ring_wait(out, 8, cx.within())?;
    let_it_sleep();
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    producer.ring_wait_ended(waiting, Waited::Woken)?;
    producer.send_all(out, &sent, SendManner::Single)
}

/// One sleeper, one batch, one wake-up.
fn batch_wakes_once(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    let batch = messages(cx, [8; 20]);
    let receiving = consumer.begin_receive(into, 20, ReceiveManner::Batch, cx.within())?;
    let_it_sleep();
    producer.send_all(out, &batch, SendManner::Batch { hold: 0 })?;
    let came = consumer.finish_receive(receiving)?;
    consumer.expect_messages(came, &batch)?;
    let wakes = producer.wakes(out)?;
    require(wakes <= 1, || format!("one batch for one sleeper cost {wakes} wake-ups"))
}

fn message_there_already_is_news(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    producer.send_all(out, &messages(cx, [0]), SendManner::Single)?;
    for within in [0, cx.within()] {
        consumer.ring_wait_ends(into, 0, within, Waited::Woken)?;
    }
    Ok(())
}

fn room_there_already_is_news(cx: &Context<'_>) -> Outcome {
    let (producer, out, _consumer, _into) = sleepy(cx, CAPACITY)?;
    let longest = producer.max_message(out)?;
    for within in [0, cx.within()] {
        producer.ring_wait_ends(out, longest, within, Waited::Woken)?;
    }
    Ok(())
}

/// Room for less than what is waited for may wake, but is not taken for room enough.
fn too_little_room_is_no_news(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, 128)?;
    let sent = messages(cx, [24; 4]);
    producer.send_all(out, &sent, SendManner::Single)?;
    let sending = producer.begin_send(out, &messages(cx, [56]), SendManner::Single, Some(30))?;
    let_it_sleep();
    consumer.receive_all(into, &sent[..1], ReceiveManner::Single)?;
    let (count, stopped) = producer.finish_send(sending)?;
    producer.expect_end(count as usize, stopped, &[Code::RingTimedOut])
}

fn close_wakes_consumer(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    let waiting = consumer.begin_ring_wait(into, 0, cx.within())?;
    let_it_sleep();
    producer.close_rings(&[out])?;
    consumer.ring_wait_ended(waiting, Waited::Woken)?;
    consumer.receive_ends_with(into, None, &[Code::RingClosed])
}

fn close_wakes_producer(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, 64)?;
    producer.send_all(out, &messages(cx, [56]), SendManner::Single)?;
    let waiting = producer.begin_ring_wait(out, 8, cx.within())?;
    let_it_sleep();
    consumer.close_rings(&[into])?;
    producer.ring_wait_ended(waiting, Waited::Woken)?;
    producer.send_ends_with(out, message(cx, 8), None, &[Code::RingClosed])
}

/// A producer that waits for room is woken when its consumer gives the ring up.
fn corruption_wakes_its_author(cx: &Context<'_>) -> Outcome {
    let [consumer, producer] = cx.peers()?;
    let (into, offer) = consumer.create_ring(Role::Consumer, 64)?;
    let inconclusive = |text: String| Stop::Inconclusive(text);
    let bytes = gpushare_harness::raw::memory_len(&offer.handles[0]).map_err(|error| inconclusive(error.to_string()))?;
    let [own, _] = offer.try_clone()?.handles;
    let memory = SharedMemory::attach(own, bytes).map_err(|refused| inconclusive(refused.to_string()))?;
    let out = producer.attach_ring(Role::Producer, &offer)?;
    producer.sleep_soundly(out)?;
    producer.send_all(out, &messages(cx, [56]), SendManner::Single)?;
    let waiting = producer.begin_ring_wait(out, 8, cx.within())?;
    let_it_sleep();
    memory.write(Field::Position.offset(), &u64::MAX.to_ne_bytes()).map_err(|error| inconclusive(error.to_string()))?;
    consumer.receive_ends_with(into, Some(cx.within()), &[Code::RingCorrupt])?;
    producer.ring_wait_ended(waiting, Waited::Woken)?;
    producer.send_ends_with(out, message(cx, 8), None, &[Code::RingGivenUp])
}

/// Each sleep is ended by its own message.
fn woken_again_and_again(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    for round in 0..30 {
        let sent = messages(cx, [round]);
        let receiving = consumer.begin_receive(into, 1, ReceiveManner::Single, cx.within())?;
        if round % 3 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        producer.send_all(out, &sent, SendManner::Single)?;
        let came = consumer.finish_receive(receiving)?;
        consumer.expect_messages(came, &sent)?;
    }
    Ok(())
}

/// Much goes through a ring with room for two messages, so that both sides sleep again and again, with nobody to help them.
fn turns_taken_asleep(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, 32)?;
    let all = messages(cx, [8; 500]);
    let sending = producer.begin_send(out, &all, SendManner::Single, Some(cx.within()))?;
    consumer.receive_all(into, &all, ReceiveManner::Single)?;
    let sent = producer.finish_send(sending)?;
    require(sent == (500, None), || format!("the producer says of 500 messages: {sent:?}"))
}

fn other_rings_wake_nobody(cx: &Context<'_>) -> Outcome {
    let (producer, _out, consumer, into) = sleepy(cx, CAPACITY)?;
    let (other_out, _other_into) = producer.ring_to(&consumer, CAPACITY)?;
    let waiting = consumer.begin_ring_wait(into, 0, 30)?;
    producer.send_all(other_out, &messages(cx, [8, 9]), SendManner::Single)?;
    consumer.ring_wait_ended(waiting, Waited::TimedOut)
}

fn lasts(start: Instant, within: u64) -> Outcome {
    let took = start.elapsed();
    require(took >= Duration::from_millis(within), || format!("a wait of {within} ms timed out after {took:?}"))
}

fn silence_times_out(cx: &Context<'_>, within: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let start = Instant::now();
    consumer.ring_wait_ends(into, 0, within, Waited::TimedOut)?;
    lasts(start, within)
}

fn full_ring_times_out(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, _into) = producer.ring_to(&consumer, 64)?;
    producer.send_all(out, &messages(cx, [56]), SendManner::Single)?;
    let start = Instant::now();
    producer.ring_wait_ends(out, 0, 25, Waited::TimedOut)?;
    lasts(start, 25)
}

fn timeout_takes_its_time_asleep(cx: &Context<'_>) -> Outcome {
    let (_producer, _out, consumer, into) = sleepy(cx, CAPACITY)?;
    let start = Instant::now();
    consumer.ring_wait_ends(into, 0, 40, Waited::TimedOut)?;
    lasts(start, 40)
}

fn news_after_timeout_wakes(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    consumer.ring_wait_ends(into, 0, 5, Waited::TimedOut)?;
    let sent = [message(cx, 8)];
    let waiting = consumer.begin_ring_wait(into, 0, cx.within())?;
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.ring_wait_ended(waiting, Waited::Woken)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// A process that is stopped in a wait and goes on finds what was sent meanwhile.
fn stopped_waiter_goes_on(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    let sent = [message(cx, 8)];
    let receiving = consumer.begin_receive(into, 1, ReceiveManner::Single, cx.within())?;
    let_it_sleep();
    consumer.pause()?;
    let went = producer.send_all(out, &sent, SendManner::Single);
    consumer.resume()?;
    went?;
    let came = consumer.finish_receive(receiving)?;
    consumer.expect_messages(came, &sent)
}

/// Send signals until the wait ends; one that came before the sleep interrupts nothing.
fn interrupt(party: &Party<'_, '_>, waiting: Begun<'_, '_>) -> Outcome<Waited> {
    for _ in 0..10 {
        let_it_sleep();
        party.interrupt()?;
    }
    party.finish_ring_wait(waiting)
}

fn interrupted(waited: Waited) -> Outcome {
    require(waited == Waited::Interrupted, || format!("a wait with a signal handler run in it ended as {waited:?}"))
}

fn signal_interrupts_consumer(cx: &Context<'_>) -> Outcome {
    let (_producer, _out, consumer, into) = sleepy(cx, CAPACITY)?;
    let waiting = consumer.begin_ring_wait(into, 0, cx.within())?;
    interrupted(interrupt(&consumer, waiting)?)
}

fn signal_interrupts_producer(cx: &Context<'_>) -> Outcome {
    let (producer, out, _consumer, _into) = sleepy(cx, 64)?;
    producer.send_all(out, &messages(cx, [56]), SendManner::Single)?;
    let waiting = producer.begin_ring_wait(out, 0, cx.within())?;
    interrupted(interrupt(&producer, waiting)?)
}

/// A receive goes on waiting, for what is left of its time, and gets its message.
fn receive_outlasts_signals(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    let sent = [message(cx, 8)];
    let receiving = consumer.begin_receive(into, 1, ReceiveManner::Single, cx.within())?;
    for _ in 0..3 {
        let_it_sleep();
        consumer.interrupt()?;
    }
    producer.send_all(out, &sent, SendManner::Single)?;
    let came = consumer.finish_receive(receiving)?;
    consumer.expect_messages(came, &sent)
}

fn send_outlasts_signals(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, 64)?;
    let sent = messages(cx, [56, 8]);
    let sending = producer.begin_send(out, &sent, SendManner::Single, Some(cx.within()))?;
    for _ in 0..3 {
        let_it_sleep();
        producer.interrupt()?;
    }
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    let answer = producer.finish_send(sending)?;
    require(answer == (2, None), || format!("the producer says of 2 messages: {answer:?}"))
}

fn death_ends_wait_of_consumer(cx: &Context<'_>) -> Outcome {
    let (producer, _out, consumer, into) = sleepy(cx, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    let waiting = consumer.begin_ring_wait(into, 0, cx.within())?;
    let_it_sleep();
    producer.kill()?;
    consumer.ring_wait_ended(waiting, Waited::PeerGone)
}

fn death_ends_wait_of_producer(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, _into) = sleepy(cx, 64)?;
    producer.watch_ring(out, &consumer)?;
    producer.send_all(out, &messages(cx, [56]), SendManner::Single)?;
    let waiting = producer.begin_ring_wait(out, 8, cx.within())?;
    let_it_sleep();
    consumer.kill()?;
    producer.ring_wait_ended(waiting, Waited::PeerGone)
}

fn death_before_the_wait_is_told(cx: &Context<'_>) -> Outcome {
    let (producer, _out, consumer, into) = sleepy(cx, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    producer.kill()?;
    let_it_sleep();
    consumer.ring_wait_ends(into, 0, cx.within(), Waited::PeerGone)
}

/// What the dead peer sent is there: that is news, and its death comes after it.
fn message_before_death_is_news(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    consumer.watch_ring(into, &producer)?;
    let sent = [message(cx, 8)];
    producer.send_all(out, &sent, SendManner::Single)?;
    producer.kill()?;
    let_it_sleep();
    consumer.ring_wait_ends(into, 0, cx.within(), Waited::Woken)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)?;
    consumer.ring_wait_ends(into, 0, cx.within(), Waited::PeerGone)
}

/// A third process dies: that is nobody's concern who did not watch it.
fn other_deaths_end_no_wait(cx: &Context<'_>) -> Outcome {
    let (producer, _out, consumer, into) = sleepy(cx, CAPACITY)?;
    let [_, _, third] = cx.peers()?;
    consumer.watch_ring(into, &producer)?;
    let waiting = consumer.begin_ring_wait(into, 0, 60)?;
    third.kill()?;
    consumer.ring_wait_ended(waiting, Waited::TimedOut)
}

/// A handle to something else could be polled, too, and would tell of something else.
fn only_a_process_can_be_watched(cx: &Context<'_>) -> Outcome {
    let (_producer, _out, consumer, into) = sleepy(cx, CAPACITY)?;
    consumer.watching_is_refused(into, gpushare_harness::protocol::Object::Pipe, &[Code::System])?;
    consumer.watching_is_refused(into, gpushare_harness::protocol::Object::EventFd, &[Code::System])
}

/// A thousand messages to a consumer that is not asleep: no wake-up may cost a system call.
fn no_call_while_awake(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, 1 << 16)?;
    let all = messages(cx, [8; 1000]);
    producer.send_all(out, &all, SendManner::Single)?;
    consumer.receive_all(into, &all, ReceiveManner::Single)?;
    let (there, back) = (producer.wakes(out)?, consumer.wakes(into)?);
    require((there, back) == (0, 0), || {
        format!("1000 messages between peers that did not wait cost {there} wake-ups there and {back} back")
    })
}

/// One sleeper and many messages: at most one wake-up for each sleep.
fn one_call_for_one_sleep(cx: &Context<'_>) -> Outcome {
    let (producer, out, consumer, into) = sleepy(cx, CAPACITY)?;
    let waiting = consumer.begin_ring_wait(into, 0, cx.within())?;
    let_it_sleep();
    let all = messages(cx, [8; 100]);
    producer.send_all(out, &all, SendManner::Single)?;
    consumer.ring_wait_ended(waiting, Waited::Woken)?;
    consumer.receive_all(into, &all, ReceiveManner::Single)?;
    let wakes = producer.wakes(out)?;
    require(wakes <= 1, || format!("100 messages for a consumer that slept once cost {wakes} wake-ups"))
}
