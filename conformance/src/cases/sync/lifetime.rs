//! A handle and an import each hold the payload, whoever frees, exits or dies.

use super::{Subject, rules};
use crate::case::{Cases, Outcome};
use crate::context::{Context, Party, Sync};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let holds: &[&str] = rules!(subject, "opaque_fd_holds_payload");
    subject.case(cases, "handle_survives_exporter_free", holds).about(subject, handle_survives_exporter_free);
    subject.case(cases, "handle_survives_exporter_exit", holds).fresh().about(subject, handle_survives_exporter_exit);
    subject.case(cases, "handle_survives_exporter_kill", holds).fresh().about(subject, handle_survives_exporter_kill);
    subject.case(cases, "handle_in_flight_survives_exporter_kill", holds).fresh().about(subject, in_flight);
    subject.case(cases, "import_survives_exporter_free", holds).about(subject, import_survives_exporter_free);
    subject.case(cases, "import_survives_exporter_kill", holds).fresh().about(subject, import_survives_exporter_kill);
    if !subject.is_copy() {
        subject.case(cases, "exporter_survives_importer_free", holds).about(subject, exporter_survives_importer_free);
        subject.case(cases, "exporter_survives_importer_kill", holds).fresh().about(subject, exporter_survives_importer_kill);
        subject.case(cases, "importers_survive_exporter_kill", holds).fresh().about(subject, importers_survive_exporter_kill);
        subject.case(cases, "new_importer_after_kill", holds).fresh().about(subject, new_importer_after_kill);
    }
}

/// One that is signalled, and done with it.
fn signalled(subject: Subject, producer: &Party<'_, '_>) -> Outcome<(Sync, crate::context::SharedSync)> {
    let exported = subject.create(producer)?;
    let shared = subject.export(producer, exported)?;
    if !subject.is_copy() {
        producer.signal(exported, 1)?;
        // Whoever dies now leaves nothing undone on its queue.
        let done = producer.create_sync(gpushare::SyncKind::Fence, &[])?;
        producer.signal(done, 1)?;
        producer.wait(done, 1)?;
    }
    Ok((exported, shared))
}

fn handle_survives_exporter_free(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, shared) = signalled(subject, &producer)?;
    let shared = producer.hand_sync(&shared, &consumer)?;
    producer.free_sync(exported)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    consumer.wait(imported, 1)
}

fn handle_survives_exporter_exit(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_, shared) = signalled(subject, &producer)?;
    let shared = producer.hand_sync(&shared, &consumer)?;
    producer.exit()?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    consumer.wait(imported, 1)
}

fn handle_survives_exporter_kill(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_, shared) = signalled(subject, &producer)?;
    let shared = producer.hand_sync(&shared, &consumer)?;
    producer.kill()?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    consumer.wait(imported, 1)
}

/// No process with a driver holds the handle while its exporter dies.
fn in_flight(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_, shared) = signalled(subject, &producer)?;
    let given = producer.give(&[shared.object()?])?;
    producer.kill()?;
    let kept = consumer.keep(&given)?;
    drop(given);
    let imported = consumer.import_sync(subject.kind, &shared.through(kept[0]))?;
    consumer.wait(imported, 1)
}

fn import_survives_exporter_free(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, shared) = signalled(subject, &producer)?;
    let shared = producer.hand_sync(&shared, &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    producer.free_sync(exported)?;
    consumer.wait(imported, 1)
}

fn import_survives_exporter_kill(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_, shared) = signalled(subject, &producer)?;
    let shared = producer.hand_sync(&shared, &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    producer.kill()?;
    consumer.wait(imported, 1)
}

fn exporter_survives_importer_free(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)?;
    consumer.free_sync(imported)?;
    producer.signal(exported, 2)?;
    producer.wait(exported, 2)
}

fn exporter_survives_importer_kill(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)?;
    consumer.kill()?;
    producer.signal(exported, 2)?;
    producer.wait(exported, 2)
}

/// Two importers go on with each other.
fn importers_survive_exporter_kill(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let other = third.import_sync_from(&producer, exported, subject.handle_type)?;
    producer.kill()?;
    consumer.signal(imported, 1)?;
    third.wait(other, 1)?;
    third.signal(other, 2)?;
    consumer.wait(imported, 2)
}

fn new_importer_after_kill(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (exported, _) = subject.shared(&producer, &consumer)?;
    consumer.kill()?;
    let imported = third.import_sync_from(&producer, exported, subject.handle_type)?;
    producer.signal(exported, 1)?;
    third.wait(imported, 1)
}
