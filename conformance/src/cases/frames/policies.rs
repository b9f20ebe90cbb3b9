//! What becomes of frames that come faster than they are used.

use std::time::{Duration, Instant};

use gpushare::frames::Policy;
use gpushare_harness::protocol::Code;

use super::{Pair, TIMED_OUT, impossible, pair, shot};
use crate::case::{Cases, Outcome, require};
use crate::context::{Context, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const PACED: &[&str] = &["frames.paced_waits"];
    const EVERY: &[&str] = &["frames.others_do_not_wait", "frames.each_once_in_order"];
    const LATEST: &[&str] = &["frames.latest_is_newest", "frames.others_do_not_wait"];
    let skip = impossible(cases);
    cases.case("paced_waits_until_the_deadline", PACED).skip_if(skip.clone()).once(paced_waits_until_the_deadline);
    cases.case("paced_goes_on_when_released", PACED).skip_if(skip.clone()).once(paced_goes_on_when_released);
    cases.case("every_frame_is_refused_when_full", EVERY).skip_if(skip.clone()).once(every_frame_is_refused_when_full);
    cases.case("latest_only_is_newest", LATEST).skip_if(skip.clone()).once(latest_only_is_newest);
    cases.case("latest_only_returns_the_skipped", LATEST).skip_if(skip.clone()).once(latest_only_returns_the_skipped);
    let every: &[&str] = &["frames.each_once_in_order"];
    cases.case("latest_only_never_goes_back", every).skip_if(skip).once(latest_only_never_goes_back);
}

fn paced_waits_until_the_deadline(cx: &Context<'_>) -> Outcome {
    const WITHIN: u64 = 60;
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    producer.produce(source, 2, cx.pattern(0))?;
    let start = Instant::now();
    producer.acquire_is_refused(source, WITHIN, TIMED_OUT)?;
    let took = start.elapsed();
    require(took >= Duration::from_millis(WITHIN), || format!("it waited {took:?} of {WITHIN} ms"))?;
    consumer.consume(sink, 1, 2, cx.pattern(0))
}

fn paced_goes_on_when_released(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 1, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    let (slot, acquiring) = producer.begin_acquire(source, cx.within())?;
    let_it_sleep();
    consumer.consume(sink, 1, 1, cx.pattern(0))?;
    match producer.finish_acquire(slot, acquiring)? {
        Ok(_) => Ok(()),
        Err(problem) => Err(producer.refused(&problem)),
    }
}

const FULL: &[Code] = &[Code::FramesFull];

/// Nothing that was submitted is lost; what has no slot is not drawn.
fn every_frame_is_refused_when_full(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::EveryFrame)?;
    for round in 0..3 {
        producer.produce(source, 3, cx.pattern(0))?;
        producer.acquire_is_refused(source, cx.within(), FULL)?;
        consumer.consume(sink, round * 3 + 1, round * 3 + 3, cx.pattern(0))?;
    }
    Ok(())
}

fn latest_only_is_newest(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 4, Policy::LatestOnly)?;
    for (count, number, skipped) in [(3, 3, 2), (1, 4, 0), (2, 6, 1)] {
        producer.produce(source, count, cx.pattern(0))?;
        let (frame, came) = consumer.next_frame(sink)?;
        require((came.number, came.skipped) == (number, skipped), || {
            format!("frame {} came after {} were skipped; the newest is {number}", came.number, came.skipped)
        })?;
        consumer.look_at(frame, shot(cx, number))?;
        consumer.release(frame)?;
    }
    Ok(())
}

/// Slots that hold what nobody will see are free at once.
fn latest_only_returns_the_skipped(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::LatestOnly)?;
    producer.produce(source, 3, cx.pattern(0))?;
    producer.acquire_is_refused(source, cx.within(), FULL)?;
    let (held, _) = consumer.next_frame(sink)?;
    producer.produce(source, 2, cx.pattern(0))?;
    producer.acquire_is_refused(source, cx.within(), FULL)?;
    consumer.look_at(held, shot(cx, 3))?;
    consumer.release(held)
}

/// While one draws and the other looks: what comes is whole, and newer than what came before.
fn latest_only_never_goes_back(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::LatestOnly)?;
    let (mut submitted, mut last) = (0, 0);
    for _ in 0..12 {
        let consuming = consumer.begin_consume(sink, 1, cx.pattern(0), cx.within())?;
        submitted += producer.produced(producer.begin_produce(source, 3, cx.pattern(0))?)?.0;
        let came = consumer.finish_consume(consuming)?;
        let number = came.runs.first().map_or(0, |(from, _)| *from);
        require(last < number && number <= submitted && number - last == came.skipped + 1, || {
            format!("after frame {last} came {number} of {submitted}, with {} skipped", came.skipped)
        })?;
        last = number;
    }
    Ok(())
}
