//! Size and format change while frames are under way.

use gpushare::frames::Policy;
use gpushare::{Format, TextureSpec};
use gpushare_harness::protocol::Code;

use super::{Pair, impossible, pair, shot};
use crate::case::{ANY_TEXTURE, Cases, Outcome, Stop, require, unshareable};
use crate::context::{Context, EndOfFrames, OneFrame, Party};

/// Another size.
const LARGER: TextureSpec = TextureSpec::new(Format::R8G8B8A8Unorm, 128, 40);
/// Another size and format.
const OTHER: TextureSpec = TextureSpec::new(Format::R16G16B16A16Sfloat, 24, 90);

pub(super) fn define(cases: &mut Cases<'_>) {
    const ORDER: &[&str] = &["frames.change_comes_in_order", "frames.each_once_in_order"];
    const FREED: &[&str] = &["frames.old_textures_are_freed"];
    let other = unshareable(cases.report(), &OTHER).or_else(|| unshareable(cases.report(), &LARGER));
    let skip = impossible(cases).or(other);
    let changes = [("size", LARGER), ("format", OTHER)];
    let name = |change: &(&str, TextureSpec)| change.0.to_owned();
    cases.case("change_comes_in_order", ORDER).skip_if(skip.clone()).each(changes, name, change_comes_in_order);
    cases.case("changes_while_frames_go_round", ORDER).skip_if(skip.clone()).once(changes_while_frames_go_round);
    cases.case("late_consumer_gets_the_new_textures", ORDER).skip_if(skip.clone()).once(late_consumer);
    cases.case("unused_generations_are_passed_over", ORDER).skip_if(skip.clone()).once(unused_generations);
    cases.case("old_slot_is_not_submitted", ORDER).skip_if(skip.clone()).once(old_slot_is_not_submitted);
    cases.case("old_textures_are_freed_when_returned", FREED).skip_if(skip.clone()).once(old_textures_are_freed);
    let left: &[&str] = &["frames.old_textures_are_freed", "ledger.nothing_is_left"];
    cases.case("changed_40_times_leaves_nothing", left).skip_if(skip).once(changed_40_times);
}

/// What was submitted before the change is what it was, and is held on to beyond it.
fn change_comes_in_order(cx: &Context<'_>, (_, spec): (&str, TextureSpec)) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    producer.reconfigure(source, spec)?;
    producer.produce(source, 1, cx.pattern(0))?;
    let old = take_in(cx, &consumer, sink, 1, ANY_TEXTURE)?;
    let new = take_in(cx, &consumer, sink, 2, spec)?;
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.look_at(old, shot(cx, 1))?;
    consumer.release(new)?;
    consumer.release(old)
}

/// The next frame has this number, is in such a texture, and holds its picture.
fn take_in(
    cx: &Context<'_>,
    consumer: &Party<'_, '_>,
    sink: EndOfFrames,
    number: u64,
    expected: TextureSpec,
) -> Outcome<OneFrame> {
    let (frame, came) = consumer.next_frame(sink)?;
    let same = (came.spec.format, came.spec.width, came.spec.height) == (expected.format, expected.width, expected.height);
    require(same && came.number == number, || format!("{came:?} came, expected frame {number} in {expected:?}"))?;
    consumer.look_at(frame, shot(cx, number))?;
    Ok(frame)
}

fn comes_in(cx: &Context<'_>, consumer: &Party<'_, '_>, sink: EndOfFrames, number: u64, expected: TextureSpec) -> Outcome {
    consumer.release(take_in(cx, consumer, sink, number, expected)?)
}

fn changes_while_frames_go_round(cx: &Context<'_>) -> Outcome {
    const CHANGES: u64 = 8;
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::Paced)?;
    let consuming = consumer.begin_consume(sink, CHANGES * 5, cx.pattern(0), cx.within())?;
    for spec in [LARGER, OTHER, ANY_TEXTURE, OTHER].into_iter().cycle().take(CHANGES as usize) {
        producer.produce(source, 5, cx.pattern(0))?;
        producer.reconfigure(source, spec)?;
    }
    consumer.finish_consume_of(consuming, 1, CHANGES * 5)
}

fn late_consumer(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 2, Policy::Paced)?;
    producer.reconfigure(source, OTHER)?;
    let (_, sink) = producer.invite(source, &consumer)?;
    producer.produce(source, 1, cx.pattern(0))?;
    comes_in(cx, &consumer, sink, 1, OTHER)
}

fn unused_generations(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    for spec in [OTHER, LARGER, ANY_TEXTURE, LARGER] {
        producer.reconfigure(source, spec)?;
    }
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.consume(sink, 1, 1, cx.pattern(0))?;
    comes_in(cx, &consumer, sink, 2, LARGER)
}

/// It belongs to textures that nobody will look at any more.
fn old_slot_is_not_submitted(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    let (slot, _) = producer.acquire(source)?;
    producer.reconfigure(source, OTHER)?;
    match producer.try_submit(slot)? {
        Err(problem) => producer.expect_code(&problem, &[Code::FramesRetired])?,
        Ok(number) => require(false, || format!("frame {number} was submitted in textures that were replaced"))?,
    }
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.consume(sink, 1, 1, cx.pattern(0))
}

fn old_textures_are_freed(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    let generations = |party: &Party<'_, '_>| -> Outcome<u32> { Ok(party.departures(source)?.1) };
    let before = [producer.holdings()?, consumer.holdings()?];
    producer.produce(source, 2, cx.pattern(0))?;
    producer.reconfigure(source, ANY_TEXTURE)?;
    let held = generations(&producer)?;
    require(held == 2, || format!("{held} generations have textures while one of before is with the consumer"))?;
    consumer.consume(sink, 1, 2, cx.pattern(0))?;
    let held = generations(&producer)?;
    require(held == 1, || format!("{held} generations have textures after all were returned"))?;
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.consume(sink, 3, 3, cx.pattern(0))?;
    for (party, before) in [producer, consumer].iter().zip(before) {
        grows_not(party, &before)?;
    }
    Ok(())
}

pub(super) fn grows_not(party: &Party<'_, '_>, before: &gpushare_harness::Ledger) -> Outcome {
    let growth = before.growth(&party.holdings()?);
    if growth.is_empty() {
        return Ok(());
    }
    let each: Vec<_> = growth.iter().map(ToString::to_string).collect();
    Err(Stop::Leak(format!("{} holds more than before: {}", party.role(), each.join(", "))))
}

fn changed_40_times(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    let mut before = None;
    for round in 0..40 {
        producer.reconfigure(source, if round % 2 == 0 { LARGER } else { ANY_TEXTURE })?;
        producer.produce(source, 1, cx.pattern(0))?;
        consumer.consume(sink, round + 1, round + 1, cx.pattern(0))?;
        // The first rounds set up what a driver sets up once.
        if round == 5 {
            before = Some([producer.holdings()?, consumer.holdings()?]);
        }
    }
    let Some([of_producer, of_consumer]) = before else { return Ok(()) };
    grows_not(&producer, &of_producer)?;
    grows_not(&consumer, &of_consumer)
}
