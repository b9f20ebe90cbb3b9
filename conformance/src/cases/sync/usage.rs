//! What valid usage forbids: the sharing library refuses, names the rule, and the object goes on as before.

use gpushare::{HandleType, Permanence, Side, SyncKind};
use gpushare_harness::protocol::{Code, Problem};

use super::{Subject, rules};
use crate::case::{Cases, Outcome, Stop};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let supported: &[&str] = rules!(subject, "export_types_are_supported");
    subject.case(cases, "unsupported_export_type_is_refused", supported).about(subject, unsupported_export_type_is_refused);
    let idle: &[&str] = rules!(subject, "import_target_is_idle");
    match subject.kind {
        SyncKind::Timeline => {
            let increases: &[&str] = &["semaphore.timeline_signal_increases"];
            let by = [Side::Host, Side::Device];
            let name = |by: &Side| format!("{by:?}").to_lowercase();
            let case = subject.case(cases, "same_value_is_refused", increases);
            case.about_each(subject, by, name, |cx, subject, by| not_increasing(cx, subject, by, 5));
            let case = subject.case(cases, "lower_value_is_refused", increases);
            case.about_each(subject, by, name, |cx, subject, by| not_increasing(cx, subject, by, 3));
        }
        SyncKind::Semaphore => {
            let once: &[&str] = &["semaphore.signals_and_waits_alternate"];
            subject.case(cases, "second_signal_is_refused", once).about(subject, second_signal_is_refused);
            subject.case(cases, "wait_without_signal_is_refused", once).about(subject, wait_without_signal_is_refused);
            subject.case(cases, "import_into_pending_is_refused", idle).about(subject, import_into_pending_is_refused);
        }
        SyncKind::Fence => {
            let idle_reset: &[&str] = &["fence.reset_is_of_idle_fence"];
            subject.case(cases, "second_submit_is_refused", idle_reset).about(subject, second_signal_is_refused);
            subject.case(cases, "reset_of_pending_is_refused", idle_reset).about(subject, reset_of_pending_is_refused);
            subject.case(cases, "import_into_pending_is_refused", idle).about(subject, import_into_pending_is_refused);
        }
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Problem>, codes: &[Code], what: &str) -> Outcome {
    match answer {
        Err(problem) if codes.contains(&problem.code) => Ok(()),
        other => Err(Stop::Fail(format!("{what} ended in {other:?}, expected a refusal as {codes:?}"))),
    }
}

/// A type that no device exports such an object as.
fn unsupported_export_type_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let created = producer.try_create_sync(subject.kind, &[HandleType::DmaBuf])?;
    refused(created, &[Code::Unsupported, Code::InvalidUse], "declaring an export as dma_buf")?;
    let other = subject.create(&producer)?;
    producer.signal(other, 1)?;
    producer.wait(other, 1)
}

fn not_increasing(cx: &Context<'_>, subject: Subject, by: Side, value: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = producer.create_timeline(5, &[subject.handle_type])?;
    let imported = consumer.import_sync_from(&producer, exported, subject.handle_type)?;
    refused(producer.try_advance(exported, value, by)?, &[Code::NotIncreasing], "a signal that does not increase")?;
    refused(consumer.try_advance(imported, value, by)?, &[Code::NotIncreasing], "a signal that does not increase")?;
    producer.advance(exported, 6, by)?;
    consumer.wait(imported, 6)
}

/// Nobody waited between two signals.
fn second_signal_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let own = subject.create(&producer)?;
    producer.gate(false)?;
    producer.signal(own, 1)?;
    refused(producer.try_signal(own, 1)?, &[Code::InvalidUse], "a second signal")?;
    producer.gate(true)?;
    producer.wait(own, 1)
}

/// Nobody signalled: a wait would never end.
fn wait_without_signal_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let own = subject.create(&producer)?;
    refused(producer.try_wait(own, 1, cx.within())?, &[Code::InvalidUse], "a wait for what nobody signals")?;
    producer.signal(own, 1)?;
    producer.wait(own, 1)
}

fn reset_of_pending_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let own = subject.create(&producer)?;
    producer.gate(false)?;
    producer.signal(own, 1)?;
    refused(producer.try_reset(own)?, &[Code::InvalidUse], "the reset of a fence whose signal is pending")?;
    producer.gate(true)?;
    producer.wait(own, 1)
}

/// The queue still refers to it.
fn import_into_pending_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let target = consumer.create_sync(subject.kind, &[])?;
    consumer.gate(false)?;
    consumer.signal(target, 1)?;
    let refusal = consumer.try_import_into(target, &shared, Permanence::Temporary)?;
    refused(refusal, &[Code::InvalidUse], "an import into what the queue refers to")?;
    consumer.gate(true)?;
    consumer.wait(target, 1)?;
    consumer.import_into(target, &shared, Permanence::Temporary)?;
    subject.works(&producer, exported, &consumer, target, 1)
}
