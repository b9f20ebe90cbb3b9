//! Each frame arrives whole, once and in order, and its slot is used again when it was returned and not before.

use gpushare::frames::Policy;
use gpushare::timeline::Side;
use gpushare::{Format, TextureSpec, Tiling};

use super::{Pair, SHORT, TIMED_OUT, impossible, no_pending_signals, pair, shot};
use crate::case::{ANY_TEXTURE, Cases, Outcome};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const ORDER: &[&str] = &["frames.each_once_in_order"];
    const REUSE: &[&str] = &["frames.reused_when_returned"];
    let skip = impossible(cases);
    let slots = |slots: &u32| format!("{slots}_slots");
    cases.case("paced_arrive_in_order", ORDER).skip_if(skip.clone()).each([1, 2, 3, 32], slots, arrive_in_order);
    let none = (!cases.report().frames).then(|| "the library has no frames".to_owned());
    cases.case("contents_arrive", ORDER).skip_if(none).textures(kinds(), contents_arrive);
    cases.case("held_frame_stays", REUSE).skip_if(skip.clone()).once(held_frame_stays);
    cases.case("released_in_any_order", REUSE).skip_if(skip.clone()).once(released_in_any_order);
    cases.case("two_consumers_return_it", REUSE).skip_if(skip.clone()).once(two_consumers_return_it);
    cases.case("late_consumer_gets_what_follows", ORDER).skip_if(skip.clone()).once(late_consumer_gets_what_follows);
    let skip = skip.or_else(|| no_pending_signals(cases));
    let rendered: &[&str] = &["frames.not_before_rendered"];
    cases.case("not_before_it_is_rendered", rendered).skip_if(skip.clone()).once(not_before_it_is_rendered);
    let read: &[&str] = &["frames.not_reused_before_read"];
    cases.case("not_reused_before_it_is_read", read).skip_if(skip).once(not_reused_before_it_is_read);
}

fn kinds() -> [TextureSpec; 6] {
    [
        ANY_TEXTURE,
        ANY_TEXTURE.with_tiling(Tiling::Linear),
        TextureSpec::new(Format::R16G16B16A16Sfloat, 61, 47),
        TextureSpec::new(Format::G8B8R8Planes2Every2x2, 62, 46),
        ANY_TEXTURE.with_levels(6),
        ANY_TEXTURE.with_layers(3),
    ]
}

fn arrive_in_order(cx: &Context<'_>, slots: u32) -> Outcome {
    const FRAMES: u64 = 40;
    let Pair { producer, consumer, source, sink, .. } = pair(cx, slots, Policy::Paced)?;
    let producing = producer.begin_produce(source, FRAMES, cx.pattern(0))?;
    consumer.consume(sink, 1, FRAMES, cx.pattern(0))?;
    producer.finish_produce(producing, FRAMES)?;
    consumer.no_frame_comes(sink, 0, TIMED_OUT)
}

fn contents_arrive(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let source = producer.create_frames(spec, 2, Policy::Paced)?;
    let (_, sink) = producer.invite(source, &consumer)?;
    let producing = producer.begin_produce(source, 6, cx.pattern(0))?;
    consumer.consume(sink, 1, 6, cx.pattern(0))?;
    producer.finish_produce(producing, 6)
}

/// The consumer keeps a frame while others go by; nobody draws over it.
fn held_frame_stays(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    producer.produce(source, 1, cx.pattern(0))?;
    let (held, _) = consumer.next_frame(sink)?;
    for number in 2..6 {
        producer.produce(source, 1, cx.pattern(0))?;
        consumer.look_at(held, shot(cx, 1))?;
        consumer.consume(sink, number, number, cx.pattern(0))?;
    }
    consumer.look_at(held, shot(cx, 1))?;
    consumer.release(held)
}

fn released_in_any_order(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::Paced)?;
    for round in 0..4 {
        producer.produce(source, 3, cx.pattern(0))?;
        let mut taken = Vec::new();
        for place in 1..=3 {
            let (frame, _) = consumer.next_frame(sink)?;
            consumer.look_at(frame, shot(cx, round * 3 + place))?;
            taken.push(frame);
        }
        taken.rotate_left(1);
        taken.into_iter().try_for_each(|frame| consumer.release(frame))?;
    }
    Ok(())
}

/// What one has returned and the other has not is not free.
fn two_consumers_return_it(cx: &Context<'_>) -> Outcome {
    let [producer, one, other] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 1, Policy::Paced)?;
    let (_, first) = producer.invite(source, &one)?;
    let (_, second) = producer.invite(source, &other)?;
    producer.produce(source, 1, cx.pattern(0))?;
    one.consume(first, 1, 1, cx.pattern(0))?;
    producer.acquire_is_refused(source, SHORT, TIMED_OUT)?;
    other.consume(second, 1, 1, cx.pattern(0))?;
    producer.produce(source, 1, cx.pattern(0))?;
    other.consume(second, 2, 2, cx.pattern(0))?;
    one.consume(first, 2, 2, cx.pattern(0))
}

fn late_consumer_gets_what_follows(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 2, Policy::Paced)?;
    producer.produce(source, 5, cx.pattern(0))?;
    let (_, sink) = producer.invite(source, &consumer)?;
    producer.produce(source, 2, cx.pattern(0))?;
    consumer.consume(sink, 6, 7, cx.pattern(0))
}

/// The device's signal is held back: the frame is announced and not delivered.
fn not_before_it_is_rendered(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    producer.signal_by(source, Side::Device)?;
    let (slot, _) = producer.acquire(source)?;
    producer.draw(slot, shot(cx, 1))?;
    producer.gate(false)?;
    producer.submit(slot)?;
    consumer.no_frame_comes(sink, SHORT, TIMED_OUT)?;
    producer.gate(true)?;
    consumer.consume(sink, 1, 1, cx.pattern(0))
}

/// The consumer's device has not read it yet, whatever the consumer says.
fn not_reused_before_it_is_read(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 1, Policy::Paced)?;
    consumer.signal_by(sink, Side::Device)?;
    producer.produce(source, 1, cx.pattern(0))?;
    let (frame, _) = consumer.next_frame(sink)?;
    consumer.gate(false)?;
    consumer.release(frame)?;
    producer.acquire_is_refused(source, SHORT, TIMED_OUT)?;
    consumer.gate(true)?;
    producer.produce(source, 1, cx.pattern(0))
}
