//! Reference transference: all that share a payload act as one object.

use super::{Subject, rules};
use crate::case::{Cases, Outcome};
use crate::context::{Context, Sync};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let shares: &[&str] = rules!(subject, "reference_import_shares_payload");
    subject.case(cases, "signal_reaches_importer", shares).about(subject, signal_reaches_importer);
    subject.case(cases, "signal_reaches_exporter", shares).about(subject, signal_reaches_exporter);
    subject.case(cases, "signal_reaches_other_importer", shares).about(subject, signal_reaches_other_importer);
    subject.case(cases, "wait_is_for_all", shares).about(subject, wait_is_for_all);
    subject.case(cases, "ping_pong", shares).about(subject, ping_pong);
    subject.case(cases, "alternating_signals", shares).about(subject, alternating_signals);
    subject.case(cases, "signal_before_export_is_kept", shares).about(subject, signal_before_export_is_kept);
    subject.case(cases, "signal_between_export_and_import_is_kept", shares).about(subject, signal_before_import_is_kept);
    subject.case(cases, "export_leaves_signal_to_exporter", shares).about(subject, export_leaves_signal);
    subject.case(cases, "imported_twice", shares).about(subject, imported_twice);
    subject.case(cases, "imported_by_two_processes", shares).about(subject, imported_by_two_processes);
    subject.case(cases, "imported_by_its_exporter", shares).about(subject, imported_by_its_exporter);
    subject.case(cases, "exported_twice", shares).about(subject, exported_twice);
    subject.case(cases, "two_stay_apart", shares).about(subject, two_stay_apart);
    subject.case(cases, "signalled_in_another_order", shares).about(subject, signalled_in_another_order);
    let again = subject.not_exported_again(cases.report());
    subject.case(cases, "exported_by_importer", shares).skip_if(again).about(subject, exported_by_importer);
}

fn signal_reaches_importer(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)
}

fn signal_reaches_exporter(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    consumer.signal(imported, 1)?;
    producer.wait(exported, 1)
}

/// One importer signals, another waits; the exporter does nothing.
fn signal_reaches_other_importer(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let other = third.import_sync_from(&producer, exported, subject.handle_type)?;
    consumer.signal(imported, 1)?;
    third.wait(other, 1)
}

/// What one has waited for, or reset, is gone for the other: the next signal is as good as the first.
fn wait_is_for_all(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    for value in 1..=4 {
        producer.signal(exported, value)?;
        consumer.wait(imported, value)?;
    }
    Ok(())
}

/// Two of them, one in each direction, sixteen times.
fn ping_pong(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (to_consumer, in_consumer) = subject.shared(&producer, &consumer)?;
    let (to_producer, in_producer) = subject.shared(&consumer, &producer)?;
    for value in 1..=16 {
        producer.signal(to_consumer, value)?;
        consumer.wait(in_consumer, value)?;
        consumer.signal(to_producer, value)?;
        producer.wait(in_producer, value)?;
    }
    Ok(())
}

/// One of them, which both sides signal and wait for in turn.
fn alternating_signals(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    for value in (1..=16).step_by(2) {
        producer.signal(exported, value)?;
        consumer.wait(imported, value)?;
        consumer.signal(imported, value + 1)?;
        producer.wait(exported, value + 1)?;
    }
    Ok(())
}

/// Neither the export nor the import changes what has been signalled.
fn signal_before_export_is_kept(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    producer.signal(exported, 1)?;
    let imported = consumer.import_sync_from(&producer, exported, subject.handle_type)?;
    consumer.wait(imported, 1)
}

fn signal_before_import_is_kept(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.share_sync(exported, subject.handle_type, &consumer)?;
    producer.signal(exported, 1)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    consumer.wait(imported, 1)
}

/// An export by reference takes no signal away.
fn export_leaves_signal(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    producer.signal(exported, 1)?;
    producer.export_sync(exported, subject.handle_type)?;
    producer.wait(exported, 1)
}

/// Two imports in one process are two objects over one payload: freeing one leaves the other.
fn imported_twice(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, first) = subject.shared(&producer, &consumer)?;
    let second = consumer.import_sync_from(&producer, exported, subject.handle_type)?;
    producer.signal(exported, 1)?;
    consumer.wait(second, 1)?;
    consumer.free_sync(second)?;
    producer.signal(exported, 2)?;
    consumer.wait(first, 2)
}

fn imported_by_two_processes(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let other = third.import_sync_from(&producer, exported, subject.handle_type)?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)?;
    producer.signal(exported, 2)?;
    third.wait(other, 2)
}

/// The exporting process can import what it exported, by way of another process.
fn imported_by_its_exporter(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let away = producer.share_sync(exported, subject.handle_type, &consumer)?;
    let back = consumer.hand_sync(&away, &producer)?;
    let imported = producer.import_sync(subject.kind, &back)?;
    producer.signal(exported, 1)?;
    producer.wait(imported, 1)
}

/// Two exports lead to the same payload.
fn exported_twice(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, first) = subject.shared(&producer, &consumer)?;
    let second = consumer.import_sync_from(&producer, exported, subject.handle_type)?;
    consumer.signal(first, 1)?;
    consumer.wait(second, 1)
}

fn pair(subject: Subject, cx: &Context<'_>) -> Outcome<[(Sync, Sync); 2]> {
    let [producer, consumer] = cx.peers()?;
    Ok([subject.shared(&producer, &consumer)?, subject.shared(&producer, &consumer)?])
}

/// A signal of one is none of another, whatever order their handles came in.
fn two_stay_apart(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let [(one, one_imported), (two, two_imported)] = pair(subject, cx)?;
    producer.signal(two, 1)?;
    // A wait for a semaphore is valid once its signal is submitted, and a timeline's may come at any time.
    let held = subject.kind != gpushare::SyncKind::Timeline;
    if held {
        producer.gate(false)?;
        producer.signal(one, 1)?;
    }
    consumer.waits_in_vain(one_imported, 1)?;
    if held {
        producer.gate(true)?;
    } else {
        producer.signal(one, 1)?;
    }
    consumer.wait(one_imported, 1)?;
    consumer.wait(two_imported, 1)
}

/// Signalled second, first, and waited for first, second.
fn signalled_in_another_order(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let [(one, one_imported), (two, two_imported)] = pair(subject, cx)?;
    for value in 1..=4 {
        producer.signal(two, value)?;
        producer.signal(one, value)?;
        consumer.wait(one_imported, value)?;
        consumer.wait(two_imported, value)?;
    }
    Ok(())
}

/// What was imported can be exported again, and leads a third process to the same payload.
fn exported_by_importer(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.share_sync(exported, subject.handle_type, &consumer)?;
    let imported = match subject.kind {
        gpushare::SyncKind::Timeline => consumer.import_sync(subject.kind, &shared)?,
        _ => {
            let into = subject.create(&consumer)?;
            consumer.import_into(into, &shared, gpushare::Permanence::Permanent)?;
            into
        }
    };
    let other = third.import_sync_from(&consumer, imported, subject.handle_type)?;
    producer.signal(exported, 1)?;
    third.wait(other, 1)?;
    third.signal(other, 2)?;
    producer.wait(exported, 2)
}
