//! Copy transference: an import goes its own way, and an export uses the exporter's signal up.

use std::time::{Duration, Instant};

use gpushare::{Api, HandleType, Permanence};
use gpushare_harness::protocol::{Code, Object};
use gpushare_harness::raw;

use super::{Subject, rules};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, SharedSync};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let apart: &[&str] = rules!(subject, "copy_import_is_independent");
    subject.case(cases, "signal_reaches_importer", apart).about(subject, signal_reaches_importer);
    subject.case(cases, "later_signal_stays_with_exporter", apart).about(subject, later_signal_stays);
    subject.case(cases, "each_signal_is_copied_anew", apart).about(subject, each_signal_is_copied);
    subject.case(cases, "copied_to_two_processes", apart).about(subject, copied_to_two_processes);
    let uses: &[&str] = rules!(subject, "copy_export_uses_signal_up");
    subject.case(cases, "export_uses_signal_up", uses).about(subject, export_uses_signal_up);
    let signalled: &[&str] = rules!(subject, "sync_fd_minus_one_is_signalled");
    subject.case(cases, "minus_one_is_signalled", signalled).about(subject, minus_one_is_signalled);
    subject.case(cases, "minus_one_is_signalled_once", signalled).about(subject, minus_one_is_signalled_once);
    let restored: &[&str] = rules!(subject, "temporary_import_is_restored");
    subject.case(cases, "import_is_restored", restored).about(subject, import_is_restored);
    let temporary: &[&str] = rules!(subject, "copy_import_is_temporary");
    subject.case(cases, "permanent_import_is_refused", temporary).about(subject, permanent_import_is_refused);
    let submitted: &[&str] = rules!(subject, "copy_export_signal_is_submitted");
    subject.case(cases, "export_without_signal_is_refused", submitted).about(subject, export_without_signal_is_refused);
    let follows: &[&str] = rules!(subject, "wait_follows_signal");
    if subject.handle_type == HandleType::SyncFd {
        define_foreign(cases, subject);
    }
    let pending = (subject.api != Api::Host)
        .then(|| "a driver may wait for its queue before it exports a copy, and one that is held back would never end".into());
    subject.case(cases, "pending_signal_is_waited_for", follows).skip_if(pending).about(subject, pending_signal_is_waited_for);
}

/// Sync files that no Vulkan driver has made.
fn define_foreign(cases: &mut Cases<'_>, subject: Subject) {
    let native: &[&str] = rules!(subject, "sync_fd_import_accepts_any_native");
    let cannot_make = |after| {
        let made = raw::make(Object::SyncFile { after });
        made.err().map(|error| format!("no such sync file can be made here: {error}"))
    };
    let case = subject.case(cases, "foreign_signal_is_imported", native).skip_if(cannot_make(0));
    case.about(subject, foreign_signal_is_imported);
    let case = subject.case(cases, "foreign_signal_is_waited_for", native).skip_if(cannot_make(1));
    case.about(subject, foreign_signal_is_waited_for);
}

fn foreign_signal_is_imported(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [_, consumer] = cx.peers()?;
    let beside = without_handle(subject, cx)?;
    let file = consumer.make(Object::SyncFile { after: 0 })?;
    let imported = consumer.import_sync(subject.kind, &SharedSync { handle: Some(file), ..beside })?;
    consumer.wait(imported, 1)
}

/// One that is signalled only later: a wait that ends before that has not waited for it.
fn foreign_signal_is_waited_for(cx: &Context<'_>, subject: Subject) -> Outcome {
    const AFTER: Duration = Duration::from_secs(2);
    let [_, consumer] = cx.peers()?;
    let beside = without_handle(subject, cx)?;
    let began = Instant::now();
    let file = consumer.make(Object::SyncFile { after: 2000 })?;
    let imported = consumer.import_sync(subject.kind, &SharedSync { handle: Some(file), ..beside })?;
    if began.elapsed() >= AFTER {
        return Err(Stop::Inconclusive("the import took longer than the signal".into()));
    }
    consumer.wait(imported, 1)?;
    let waited = began.elapsed();
    require(waited >= AFTER, || {
        format!("the wait ended {} ms after the sync file was made, which is signalled after 2000", waited.as_millis())
    })
}

fn signal_reaches_importer(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    consumer.wait(imported, 1)
}

/// What the exporter does after the export is not seen by the importer, and the other way round.
fn later_signal_stays(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)?;
    producer.wait(exported, 1)
}

fn each_signal_is_copied(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    for _ in 0..8 {
        let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
        let imported = consumer.import_sync(subject.kind, &shared)?;
        consumer.wait(imported, 1)?;
        consumer.free_sync(imported)?;
    }
    Ok(())
}

/// One export, duplicated on its way: each importer has the signal, and waits for it by itself.
fn copied_to_two_processes(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let copy = match shared.handle {
        Some(handle) => shared.through(producer.duplicate(handle, gpushare_harness::protocol::DuplicateCall::Dup)?),
        None => shared.clone(),
    };
    for (party, shared) in [(consumer, shared), (third, copy)] {
        let arrived = producer.hand_sync(&shared, &party)?;
        let imported = party.import_sync(subject.kind, &arrived)?;
        party.wait(imported, 1)?;
    }
    Ok(())
}

/// After the export the exporter is not signalled: the next signal is valid, and waited for.
fn export_uses_signal_up(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    for _ in 0..3 {
        subject.export(&producer, exported)?;
        if subject.kind == gpushare::SyncKind::Fence {
            require(!producer.is_signalled(exported)?, || "the fence is signalled after a copy of it was exported".into())?;
        }
        producer.signal(exported, 1)?;
        producer.wait(exported, 1)?;
    }
    Ok(())
}

/// The descriptor of an export, and no handle.
fn without_handle(subject: Subject, cx: &Context<'_>) -> Outcome<SharedSync> {
    let [producer, _] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    if let Some(handle) = shared.handle {
        producer.close([handle])?;
    }
    Ok(SharedSync { handle: None, ..shared })
}

fn minus_one_is_signalled(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [_, consumer] = cx.peers()?;
    let imported = consumer.import_sync(subject.kind, &without_handle(subject, cx)?)?;
    consumer.wait(imported, 1)
}

/// It is a signal like any other: it is waited for once, and the target's own payload is back.
fn minus_one_is_signalled_once(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [_, consumer] = cx.peers()?;
    let imported = consumer.import_sync(subject.kind, &without_handle(subject, cx)?)?;
    consumer.wait(imported, 1)?;
    consumer.gate(false)?;
    consumer.signal(imported, 1)?;
    if subject.kind == gpushare::SyncKind::Fence {
        require(!consumer.is_signalled(imported)?, || "the fence is signalled before its own signal came".into())?;
    }
    consumer.gate(true)?;
    consumer.wait(imported, 1)
}

/// After the wait (of a fence, reset) the target has its own payload again.
fn import_is_restored(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let target = consumer.create_sync(subject.kind, &[])?;
    for _ in 0..3 {
        let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
        consumer.import_into(target, &shared, Permanence::Temporary)?;
        consumer.wait(target, 1)?;
        consumer.signal(target, 1)?;
        consumer.wait(target, 1)?;
    }
    Ok(())
}

/// The sharing library refuses before the driver is asked, and gives the handle back.
fn permanent_import_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let target = consumer.create_sync(subject.kind, &[])?;
    match consumer.try_import_into(target, &shared, Permanence::Permanent)? {
        Err(problem) if problem.code == Code::InvalidUse && !problem.handle_taken => {}
        other => return Err(Stop::Fail(format!("a permanent import of a copy ended in {other:?}"))),
    }
    consumer.import_into(target, &shared, Permanence::Temporary)?;
    consumer.wait(target, 1)
}

fn export_without_signal_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    match producer.try_export_sync(exported, subject.handle_type, true)? {
        Err(problem) if problem.code == Code::InvalidUse => {}
        other => return Err(Stop::Fail(format!("a copy of what nobody signals was exported: {other:?}"))),
    }
    producer.signal(exported, 1)?;
    producer.wait(exported, 1)
}

/// A copy of a signal that has not come yet is waited for until it does.
fn pending_signal_is_waited_for(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    producer.gate(false)?;
    producer.signal(exported, 1)?;
    let shared = producer.share_sync(exported, subject.handle_type, &consumer)?;
    shared.object()?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    consumer.waits_in_vain(imported, 1)?;
    producer.gate(true)?;
    consumer.wait(imported, 1)
}
