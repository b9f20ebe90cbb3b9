//! What only timelines do: they count.

use std::time::Duration;

use gpushare::{Api, HandleType, Side, Which};
use gpushare_harness::protocol::Code;

use super::Subject;
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let value: &[&str] = &["timeline.value_is_shared_and_only_grows"];
    subject.case(cases, "initial_value_crosses", value).about_each(
        subject,
        [0, 1, 1 << 32, u64::MAX - 10],
        |value| format!("{value:#x}"),
        initial_value_crosses,
    );
    subject.case(cases, "value_is_read_by_both", value).about(subject, value_is_read_by_both);
    subject.case(cases, "value_never_goes_back", value).about(subject, value_never_goes_back);
    subject.case(cases, "import_keeps_value", value).about(subject, import_keeps_value);
    subject.case(cases, "survivor_goes_on_from_value", value).fresh().about(subject, survivor_goes_on);
    let reached: &[&str] = &["timeline.wait_ends_at_its_value"];
    subject.case(cases, "value_before_is_not_enough", reached).about(subject, value_before_is_not_enough);
    subject.case(cases, "passed_value_is_there_at_once", reached).about(subject, passed_value_is_there);
    subject.case(cases, "leap_wakes_every_value_below", reached).about(subject, leap_wakes_every_value);
    subject.case(cases, "several_waiters_wait_for_several_values", reached).about(subject, several_waiters);
    let sides =
        [(Side::Host, Side::Host), (Side::Host, Side::Device), (Side::Device, Side::Host), (Side::Device, Side::Device)];
    let name = |sides: &(Side, Side)| format!("{:?}_to_{:?}", sides.0, sides.1).to_lowercase();
    subject.case(cases, "signal_and_wait", reached).about_each(subject, sides, name, signal_and_wait);
    subject.case(cases, "wait_before_signal", reached).about_each(subject, sides, name, wait_before_signal);
    let ahead: &[&str] = &["timeline.difference_is_kept"];
    subject.case(cases, "greatest_difference_is_reached", ahead).about(subject, greatest_difference);
    let most = cases.report().max_timeline_difference.unwrap_or(u64::MAX);
    let unlimited = most == u64::MAX || (subject.handle_type == HandleType::SharedMemory && subject.api == Api::Vulkan);
    let unlimited = unlimited.then(|| "a timeline in shared memory and this device have no greatest difference".into());
    subject.case(cases, "beyond_difference_is_refused", ahead).skip_if(unlimited).about(subject, beyond_difference);
    let several: &[&str] = &["timeline.several_are_waited_for"];
    subject.case(cases, "any_ends_with_the_first", several).about(subject, any_ends_with_the_first);
    subject.case(cases, "any_ends_with_the_second", several).about(subject, any_ends_with_the_second);
    subject.case(cases, "all_ends_with_the_last", several).about(subject, all_ends_with_the_last);
    subject.case(cases, "all_wants_each", several).about(subject, all_wants_each);
    subject.case(cases, "any_wants_one", several).about(subject, any_wants_one);
}

fn initial_value_crosses(cx: &Context<'_>, subject: Subject, initial: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = producer.create_timeline(initial, &[subject.handle_type])?;
    let imported = consumer.import_sync_from(&producer, exported, subject.handle_type)?;
    let found = consumer.value(imported)?;
    require(found == initial, || format!("a timeline created at {initial} arrives at {found}"))?;
    producer.advance(exported, initial + 1, Side::Host)?;
    consumer.wait(imported, initial + 1)
}

fn value_is_read_by_both(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    for value in [1, 2, 10, 1000, 1 << 20] {
        producer.advance(exported, value, Side::Host)?;
        let (ours, theirs) = (producer.value(exported)?, consumer.value(imported)?);
        require(ours == value && theirs == value, || {
            format!("after the signal of {value} the exporter reads {ours}, the importer {theirs}")
        })?;
    }
    Ok(())
}

/// Read again and again while it is moved on.
fn value_never_goes_back(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let mut last = 0;
    for value in 1..=32 {
        producer.signal(exported, value)?;
        for _ in 0..3 {
            let found = consumer.value(imported)?;
            require(found >= last && found <= value, || format!("read {found} after {last}, with {value} signalled"))?;
            last = found;
        }
    }
    consumer.wait(imported, 32)
}

fn import_keeps_value(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, first) = subject.shared(&producer, &consumer)?;
    producer.advance(exported, 7, Side::Host)?;
    consumer.free_sync(first)?;
    let second = consumer.import_sync_from(&producer, exported, subject.handle_type)?;
    let (ours, theirs) = (producer.value(exported)?, consumer.value(second)?);
    require(ours == 7 && theirs == 7, || format!("after another import the exporter reads {ours}, the importer {theirs}"))
}

/// After its exporter was killed the timeline stands where it stood, and the importer moves it on.
fn survivor_goes_on(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.advance(exported, 7, Side::Host)?;
    producer.kill()?;
    let found = consumer.value(imported)?;
    require(found == 7, || format!("the timeline stood at 7, and after its exporter's death at {found}"))?;
    consumer.advance(imported, 8, Side::Host)?;
    consumer.wait(imported, 8)
}

/// One less than what is waited for is not enough.
fn value_before_is_not_enough(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    for value in [5, 100] {
        producer.advance(exported, value - 1, Side::Host)?;
        consumer.waits_in_vain(imported, value)?;
        producer.advance(exported, value, Side::Host)?;
        consumer.wait(imported, value)?;
    }
    Ok(())
}

fn passed_value_is_there(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.advance(exported, 100, Side::Host)?;
    for value in [100, 99, 1, 0, 50] {
        consumer.wait(imported, value)?;
    }
    Ok(())
}

fn leap_wakes_every_value(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let other = third.import_sync_from(&producer, exported, subject.handle_type)?;
    let low = consumer.begin_wait(imported, 2, None)?;
    let high = third.begin_wait(other, 99, None)?;
    std::thread::sleep(Duration::from_millis(5));
    producer.advance(exported, 100, Side::Host)?;
    low.finish()?.map_err(|problem| consumer.refused(&problem))?;
    high.finish()?.map(drop).map_err(|problem| third.refused(&problem))
}

/// Three processes wait for three values; each is woken by its own, and the later ones are not by the earlier.
fn several_waiters(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third, fourth] = cx.peers()?;
    let (exported, in_consumer) = subject.shared(&producer, &consumer)?;
    let in_third = third.import_sync_from(&producer, exported, subject.handle_type)?;
    let in_fourth = fourth.import_sync_from(&producer, exported, subject.handle_type)?;
    let first = consumer.begin_wait(in_consumer, 1, None)?;
    let second = third.begin_wait(in_third, 2, None)?;
    producer.advance(exported, 1, Side::Host)?;
    first.finish()?.map_err(|problem| consumer.refused(&problem))?;
    producer.advance(exported, 2, Side::Host)?;
    second.finish()?.map_err(|problem| third.refused(&problem))?;
    fourth.waits_in_vain(in_fourth, 3)?;
    producer.advance(exported, 3, Side::Host)?;
    fourth.wait(in_fourth, 3)
}

/// The host or the device signals, and the host or the device of another process waits.
fn signal_and_wait(cx: &Context<'_>, subject: Subject, (signals, waits): (Side, Side)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    for value in 1..=4 {
        producer.advance(exported, value, signals)?;
        let waited = consumer.try_wait_for(&[(imported, value)], Which::All, waits, cx.within())?;
        waited.map_err(|problem| consumer.refused(&problem))?;
    }
    Ok(())
}

fn wait_before_signal(cx: &Context<'_>, subject: Subject, (signals, waits): (Side, Side)) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let waiting = consumer.begin_wait_for(&[(imported, 3)], Which::All, waits)?;
    std::thread::sleep(Duration::from_millis(5));
    producer.advance(exported, 3, signals)?;
    waiting.finish()?.map(drop).map_err(|problem| consumer.refused(&problem))
}

/// From zero to the greatest difference in one step, and on from there.
fn greatest_difference(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let most = cx.report().max_timeline_difference.unwrap_or(u64::MAX).min(u64::MAX - 16);
    producer.advance(exported, most, Side::Host)?;
    consumer.wait(imported, most)?;
    consumer.waits_in_vain(imported, most + 1)?;
    producer.advance(exported, most + 1, Side::Device)?;
    consumer.wait(imported, most + 1)
}

fn beyond_difference(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let most = cx.report().max_timeline_difference.unwrap_or(0);
    match producer.try_advance(exported, most + 1, Side::Host)? {
        Err(problem) if problem.code == Code::InvalidUse => producer.advance(exported, most, Side::Host),
        other => Err(Stop::Fail(format!("a signal {} ahead ended in {other:?}", most + 1))),
    }
}

/// Two timelines of the producer, and their imports.
fn two(cx: &Context<'_>, subject: Subject) -> Outcome<[(crate::context::Sync, crate::context::Sync); 2]> {
    let [producer, consumer] = cx.peers()?;
    Ok([subject.shared(&producer, &consumer)?, subject.shared(&producer, &consumer)?])
}

fn any_of(cx: &Context<'_>, subject: Subject, signalled: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let both = two(cx, subject)?;
    let waiting = consumer.begin_wait_for(&both.map(|(_, imported)| (imported, 1)), Which::Any, Side::Host)?;
    std::thread::sleep(Duration::from_millis(5));
    producer.advance(both[signalled].0, 1, Side::Host)?;
    waiting.finish()?.map(drop).map_err(|problem| consumer.refused(&problem))
}

fn any_ends_with_the_first(cx: &Context<'_>, subject: Subject) -> Outcome {
    any_of(cx, subject, 0)
}

fn any_ends_with_the_second(cx: &Context<'_>, subject: Subject) -> Outcome {
    any_of(cx, subject, 1)
}

fn all_ends_with_the_last(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let both = two(cx, subject)?;
    let waiting = consumer.begin_wait_for(&both.map(|(_, imported)| (imported, 1)), Which::All, Side::Host)?;
    producer.advance(both[1].0, 1, Side::Host)?;
    producer.advance(both[0].0, 1, Side::Host)?;
    waiting.finish()?.map(drop).map_err(|problem| consumer.refused(&problem))
}

/// With one of two reached, a wait for all ends in a timeout.
fn all_wants_each(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let both = two(cx, subject)?;
    for reached in [0, 1] {
        let [(_, first), (_, second)] = both;
        producer.advance(both[reached].0, reached as u64 + 1, Side::Host)?;
        let points = [(first, 1), (second, 3)];
        timed_out(consumer.try_wait_for(&points, Which::All, Side::Host, 25)?)?;
    }
    Ok(())
}

/// With none of two reached, a wait for any ends in a timeout.
fn any_wants_one(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let [(exported, first), (_, second)] = two(cx, subject)?;
    producer.advance(exported, 4, Side::Host)?;
    timed_out(consumer.try_wait_for(&[(first, 5), (second, 1)], Which::Any, Side::Host, 25)?)
}

fn timed_out(answer: Result<(), gpushare_harness::Problem>) -> Outcome {
    match answer {
        Err(problem) if problem.code == Code::Timeout => Ok(()),
        other => Err(Stop::Fail(format!("the wait ended in {other:?}, expected a timeout"))),
    }
}
