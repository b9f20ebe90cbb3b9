//! What only fences do: they tell their state, and keep it until they are reset.

use super::Subject;
use crate::case::{Cases, Outcome, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let shares: &[&str] = &["fence.reference_import_shares_payload"];
    subject.case(cases, "status_is_shared", shares).about(subject, status_is_shared);
    subject.case(cases, "reset_reaches_exporter", shares).about(subject, reset_reaches_exporter);
    subject.case(cases, "reset_reaches_importer", shares).about(subject, reset_reaches_importer);
    subject.case(cases, "signalled_from_the_start_crosses", shares).about(subject, signalled_from_the_start);
    let stays: &[&str] = &["fence.signal_stays_until_reset"];
    subject.case(cases, "wait_leaves_it_signalled", stays).about(subject, wait_leaves_it_signalled);
    subject.case(cases, "signalled_again_after_reset", stays).about(subject, signalled_again_after_reset);
    subject.case(cases, "pending_is_not_signalled", stays).about(subject, pending_is_not_signalled);
}

fn status_is_shared(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    require(!consumer.is_signalled(imported)?, || "an import of what nobody signalled is signalled".into())?;
    producer.signal(exported, 1)?;
    consumer.try_wait(imported, 1, cx.within())?.map_err(|problem| consumer.refused(&problem))?;
    require(consumer.is_signalled(imported)?, || "a fence that was waited for is not signalled".into())?;
    require(producer.is_signalled(exported)?, || "the importer sees the signal, and the exporter does not".into())
}

fn reset_reaches_exporter(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)?;
    require(!producer.is_signalled(exported)?, || "the importer reset the fence, and the exporter sees it signalled".into())
}

fn reset_reaches_importer(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.signal(exported, 1)?;
    producer.wait(exported, 1)?;
    require(!consumer.is_signalled(imported)?, || "the exporter reset the fence, and the importer sees it signalled".into())
}

fn signalled_from_the_start(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = producer.create_signalled_fence(&[subject.handle_type])?;
    let imported = consumer.import_sync_from(&producer, exported, subject.handle_type)?;
    require(consumer.is_signalled(imported)?, || "a fence created signalled arrives unsignalled".into())
}

/// Waits take nothing away, however many there are and wherever.
fn wait_leaves_it_signalled(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.signal(exported, 1)?;
    for (party, fence) in [(consumer, imported), (consumer, imported), (producer, exported)] {
        party.try_wait(fence, 1, cx.within())?.map_err(|problem| party.refused(&problem))?;
    }
    Ok(())
}

fn signalled_again_after_reset(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    for _ in 0..4 {
        producer.signal(exported, 1)?;
        producer.try_wait(exported, 1, cx.within())?.map_err(|problem| producer.refused(&problem))?;
        producer.reset(exported)?;
        consumer.waits_in_vain(imported, 1)?;
    }
    Ok(())
}

fn pending_is_not_signalled(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.gate(false)?;
    producer.signal(exported, 1)?;
    require(!consumer.is_signalled(imported)?, || "a fence is signalled before the work is done".into())?;
    producer.gate(true)?;
    consumer.wait(imported, 1)
}
