//! Somebody leaves or dies: the other side learns it in time, keeps what it holds, and goes on with somebody else.

use std::time::Duration;

use gpushare::frames::Policy;
use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::frames::Why;

use super::{Pair, SHORT, TIMED_OUT, impossible, pair, shot};
use crate::case::{ANY_TEXTURE, Cases, Outcome, Stop};
use crate::context::{Context, Party, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const CONSUMER: &[&str] = &["frames.gone_consumer_holds_nothing"];
    const PRODUCER: &[&str] = &["frames.gone_producer_is_told"];
    const APART: &[&str] = &["frames.consumers_are_apart"];
    let skip = impossible(cases);
    let soon = Duration::from_secs(5);
    let deaths = || [("kill", true), ("exit", false)];
    let name = |(name, _): &(&str, bool)| (*name).to_owned();
    let left = cases.case("consumer_that_left_holds_nothing", CONSUMER);
    left.skip_if(skip.clone()).patience(soon).once(consumer_that_left);
    let died = cases.case("consumer_that_died_holds_nothing", CONSUMER);
    died.skip_if(skip.clone()).fresh().patience(soon).each(deaths(), name, consumer_that_died);
    let waiting = cases.case("wait_ends_with_the_consumer", CONSUMER);
    waiting.skip_if(skip.clone()).fresh().patience(soon).once(wait_ends_with_the_consumer);
    let back = cases.case("consumer_comes_back", CONSUMER);
    back.skip_if(skip.clone()).patience(soon).once(consumer_comes_back);
    let dismissed = cases.case("dismissed_consumer_holds_nothing", CONSUMER);
    dismissed.skip_if(skip.clone()).patience(soon).once(dismissed_consumer);
    let left = cases.case("producer_that_left_is_told_after_its_frames", PRODUCER);
    left.skip_if(skip.clone()).patience(soon).once(producer_that_left);
    let died = cases.case("producer_that_died_is_told_after_its_frames", PRODUCER);
    died.skip_if(skip.clone()).fresh().patience(soon).each(deaths(), name, producer_that_died);
    let waiting = cases.case("wait_ends_with_the_producer", PRODUCER);
    waiting.skip_if(skip.clone()).fresh().patience(soon).once(wait_ends_with_the_producer);
    let apart = cases.case("one_consumer_dies_and_the_other_goes_on", APART);
    apart.skip_if(skip.clone()).fresh().patience(soon).once(one_dies_the_other_goes_on);
    let slow = cases.case("slow_consumer_does_not_lose_frames", APART);
    slow.skip_if(skip.clone()).once(slow_consumer);
    let stopped = cases.case("stopped_consumer_is_not_gone", CONSUMER);
    stopped.skip_if(skip).patience(soon).once(stopped_consumer_is_not_gone);
}

fn end(party: &Party<'_, '_>, kill: bool) -> Outcome {
    if kill { party.kill() } else { party.exit() }
}

fn consumer_that_left(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, known } = pair(cx, 2, Policy::Paced)?;
    producer.produce(source, 2, cx.pattern(0))?;
    consumer.next_frame(sink)?;
    consumer.close_frames(sink)?;
    producer.departs(source, known, Why::Left)?;
    producer.produce(source, 3, cx.pattern(0))
}

fn consumer_that_died(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let Pair { producer, consumer, source, sink, known } = pair(cx, 2, Policy::Paced)?;
    producer.produce(source, 2, cx.pattern(0))?;
    consumer.next_frame(sink)?;
    end(&consumer, kill)?;
    producer.departs(source, known, Why::Died)?;
    producer.produce(source, 3, cx.pattern(0))?;
    let [_, _, next] = cx.peers()?;
    let (_, sink) = producer.invite(source, &next)?;
    producer.produce(source, 1, cx.pattern(0))?;
    next.consume(sink, 6, 6, cx.pattern(0))
}

fn wait_ends_with_the_consumer(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 1, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.next_frame(sink)?;
    let (slot, acquiring) = producer.begin_acquire(source, cx.within())?;
    let_it_sleep();
    consumer.kill()?;
    let acquired = producer.finish_acquire(slot, acquiring)?;
    acquired.map(drop).map_err(|problem| producer.refused(&problem))
}

fn consumer_comes_back(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, known } = pair(cx, 2, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.consume(sink, 1, 1, cx.pattern(0))?;
    consumer.close_frames(sink)?;
    producer.departs(source, known, Why::Left)?;
    producer.produce(source, 2, cx.pattern(0))?;
    let (again, sink) = producer.invite(source, &consumer)?;
    if again == known {
        return Err(Stop::Fail("the producer takes it for the one that left".into()));
    }
    producer.produce(source, 2, cx.pattern(0))?;
    consumer.consume(sink, 4, 5, cx.pattern(0))
}

fn dismissed_consumer(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, known } = pair(cx, 1, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    producer.dismiss(source, known)?;
    producer.departs(source, known, Why::Dismissed)?;
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.next_frame(sink)?;
    consumer.no_frame_comes(sink, cx.within(), &[Code::FramesClosed])
}

/// What it submitted comes first; what is held stays; another producer can be joined.
fn producer_that_left(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::Paced)?;
    producer.produce(source, 3, cx.pattern(0))?;
    let (held, _) = consumer.next_frame(sink)?;
    producer.close_frames(source)?;
    consumer.consume(sink, 2, 3, cx.pattern(0))?;
    for _ in 0..2 {
        consumer.no_frame_comes(sink, cx.within(), &[Code::FramesClosed])?;
    }
    consumer.look_at(held, shot(cx, 1))?;
    consumer.release(held)?;
    let source = producer.create_frames(ANY_TEXTURE, 2, Policy::Paced)?;
    let (_, sink) = producer.invite(source, &consumer)?;
    producer.produce(source, 1, cx.pattern(1))?;
    consumer.consume(sink, 1, 1, cx.pattern(1))
}

fn producer_that_died(cx: &Context<'_>, (_, kill): (&str, bool)) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::Paced)?;
    producer.produce(source, 3, cx.pattern(0))?;
    let (held, _) = consumer.next_frame(sink)?;
    end(&producer, kill)?;
    consumer.consume(sink, 2, 3, cx.pattern(0))?;
    for _ in 0..2 {
        consumer.no_frame_comes(sink, cx.within(), &[Code::FramesPeerGone])?;
    }
    consumer.look_at(held, shot(cx, 1))?;
    consumer.release(held)?;
    let [_, _, next] = cx.peers()?;
    let source = next.create_frames(ANY_TEXTURE, 2, Policy::Paced)?;
    let (_, sink) = next.invite(source, &consumer)?;
    next.produce(source, 1, cx.pattern(1))?;
    consumer.consume(sink, 1, 1, cx.pattern(1))
}

fn wait_ends_with_the_producer(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, sink, .. } = pair(cx, 1, Policy::Paced)?;
    let (_, coming) = consumer.begin_next_frame(sink, cx.within())?;
    let_it_sleep();
    producer.kill()?;
    match coming.finish()? {
        Err(problem) => consumer.expect_code(&problem, &[Code::FramesPeerGone]),
        Ok(other) => Err(consumer.unexpected(&other)),
    }
}

fn one_dies_the_other_goes_on(cx: &Context<'_>) -> Outcome {
    let [producer, one, other] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 2, Policy::Paced)?;
    let (first, sink) = producer.invite(source, &one)?;
    let (_, second) = producer.invite(source, &other)?;
    producer.produce(source, 2, cx.pattern(0))?;
    one.next_frame(sink)?;
    other.consume(second, 1, 2, cx.pattern(0))?;
    producer.acquire_is_refused(source, SHORT, TIMED_OUT)?;
    one.kill()?;
    producer.departs(source, first, Why::Died)?;
    let producing = producer.begin_produce(source, 10, cx.pattern(0))?;
    other.consume(second, 3, 12, cx.pattern(0))?;
    producer.finish_produce(producing, 10)
}

/// The quick one waits for the slow one, and neither misses a frame.
fn slow_consumer(cx: &Context<'_>) -> Outcome {
    let [producer, quick, slow] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 2, Policy::Paced)?;
    let (_, first) = producer.invite(source, &quick)?;
    let (_, second) = producer.invite(source, &slow)?;
    let producing = producer.begin_produce(source, 12, cx.pattern(0))?;
    let consuming = quick.begin_consume(first, 12, cx.pattern(0), cx.within())?;
    for number in 1..=12 {
        slow.consume(second, number, number, cx.pattern(0))?;
    }
    quick.finish_consume_of(consuming, 1, 12)?;
    producer.finish_produce(producing, 12)
}

fn stopped_consumer_is_not_gone(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 1, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.pause()?;
    let refused = producer.acquire_is_refused(source, SHORT, TIMED_OUT);
    consumer.resume()?;
    refused?;
    consumer.consume(sink, 1, 1, cx.pattern(0))?;
    producer.produce(source, 1, cx.pattern(0))
}
