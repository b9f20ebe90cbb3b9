//! What a device says of sharing semaphores, timelines and fences, and whether it agrees with itself.

use gpushare::SyncKind;
use gpushare::sync::SyncCapability;

use super::answers;
use crate::case::{Cases, Outcome, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    let report = cases.report();
    cases.area("capability", "semaphore");
    define_for(cases, &report.semaphores, &["capability.semaphore_compatible_types_include_self"]);
    cases.case("same_in_every_process", &["capability.answers_are_stable"]).about(SyncKind::Semaphore, same_in_every_process);
    cases.area("capability", "timeline");
    define_for(cases, &report.timelines, &["capability.semaphore_compatible_types_include_self"]);
    cases.case("same_in_every_process", &["capability.answers_are_stable"]).about(SyncKind::Timeline, same_in_every_process);
    cases
        .case("difference_is_large_enough", &["timeline.difference_is_at_least_two_to_the_31"])
        .skip_if(report.max_timeline_difference.is_none().then(|| "the driver has no timeline semaphores".into()))
        .once(difference_is_large_enough);
    cases.area("capability", "fence");
    define_for(cases, &report.fences, &["capability.fence_compatible_types_include_self"]);
    cases.case("same_in_every_process", &["capability.answers_are_stable"]).about(SyncKind::Fence, same_in_every_process);
}

fn define_for(cases: &mut Cases<'_>, answers: &[SyncCapability], rules: &'static [&'static str]) {
    let supported: Vec<_> = answers.iter().filter(|can| can.exportable || can.importable).cloned().collect();
    let none = supported.is_empty().then(|| "the driver shares none over any handle".into());
    let name = |can: &SyncCapability| can.handle_type.name().to_owned();
    // Where there is nothing to be asked, one case says so.
    let asked = if supported.is_empty() { answers.iter().take(1).cloned().collect() } else { supported };
    cases.case("compatible_types_include_self", rules).skip_if(none).each(asked, name, compatible_types_include_self);
}

/// `compatibleHandleTypes` holds at least the type that was asked about.
fn compatible_types_include_self(_: &Context<'_>, can: SyncCapability) -> Outcome {
    require(can.compatible.contains(&can.handle_type), || {
        format!("compatibleHandleTypes of {} is {:?}", can.handle_type, can.compatible)
    })
}

/// Two processes get the answers that the probe, a third one, got.
fn same_in_every_process(cx: &Context<'_>, kind: SyncKind) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (place, probed) = (cx.lane().device as usize, answers(cx.report(), kind));
    for party in [producer, consumer] {
        let reports = party.probe()?;
        let seen = reports.get(place).map(|report| answers(report, kind)).unwrap_or_default();
        require(seen == probed, || format!("{} sees {seen:?}, another process saw {probed:?}", party.role()))?;
    }
    Ok(())
}

/// The least that a device with timelines may report is 2³¹ − 1.
fn difference_is_large_enough(cx: &Context<'_>) -> Outcome {
    let found = cx.report().max_timeline_difference.unwrap_or(0);
    require(found >= (1 << 31) - 1, || format!("maxTimelineSemaphoreValueDifference is {found}"))
}
