//! What an export returns.

use gpushare_harness::protocol::Code;

use super::{Subject, rules};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, Handle, Party};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let new: &[&str] = rules!(subject, "export_returns_new_fd");
    let closed: &[&str] = rules!(subject, "exported_fd_is_close_on_exec");
    subject.case(cases, "export_is_new", new).about(subject, export_is_new);
    subject.case(cases, "exports_close_apart", new).about(subject, exports_close_apart);
    subject.case(cases, "export_is_close_on_exec", closed).about(subject, export_is_close_on_exec);
    subject.case(cases, "export_is_not_inherited", closed).about(subject, export_is_not_inherited);
    subject
        .case(cases, "library_export_is_close_on_exec", &["library.handles_are_close_on_exec"])
        .about(subject, library_export_is_close_on_exec);
    let declared: &[&str] = rules!(subject, "export_type_was_declared");
    subject.case(cases, "undeclared_export_is_refused", declared).about(subject, undeclared_export_is_refused);
    subject
        .case(cases, "export_without_descriptors_is_refused", &["ledger.refusal_leaves_nothing"])
        .about(subject, export_without_descriptors);
}

/// Two exports are two descriptors, both open at once.
fn export_is_new(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let first = subject.export(&producer, exported)?.object()?;
    let second = subject.export(&producer, exported)?.object()?;
    let (first, second) = (producer.inspect(first)?, producer.inspect(second)?);
    require(first.number != second.number, || format!("two exports returned descriptor {} both times", first.number))
}

/// Closing one of two exported descriptors leaves the other usable.
fn exports_close_apart(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let first = subject.export(&producer, exported)?.object()?;
    let second = subject.export(&producer, exported)?;
    producer.close([first])?;
    let imported = consumer.import_sync(subject.kind, &producer.hand_sync(&second, &consumer)?)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// A descriptor as the driver made it.
fn raw(subject: Subject, producer: &Party<'_, '_>) -> Outcome<Handle> {
    let exported = subject.create(producer)?;
    if subject.is_copy() {
        // As the driver made it, and of a signal that has not come where the backend lets us.
        let held = subject.api == gpushare::Api::Host;
        producer.gate(!held)?;
        producer.signal(exported, 1)?;
    }
    let shared = producer.try_export_sync(exported, subject.handle_type, false)?;
    shared.map_err(|problem| producer.refused(&problem))?.object()
}

fn export_is_close_on_exec(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let handle = raw(subject, &producer)?;
    is_close_on_exec(&producer, handle)
}

fn is_close_on_exec(producer: &Party<'_, '_>, handle: Handle) -> Outcome {
    let report = producer.inspect(handle)?;
    require(report.close_on_exec, || format!("exported descriptor {} is not close-on-exec", report.number))
}

/// A program that the exporter starts by `execve` does not find it.
fn export_is_not_inherited(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let handle = raw(subject, &producer)?;
    let number = producer.inspect(handle)?.number;
    match producer.exec()?.iter().find(|open| open.number == number) {
        None => Ok(()),
        Some(open) => Err(Stop::Fail(format!("a new program found exported descriptor {number} open ({})", open.target))),
    }
}

/// What the sharing library returns is close-on-exec, whatever the driver returned.
fn library_export_is_close_on_exec(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let handle = subject.export(&producer, exported)?.object()?;
    is_close_on_exec(&producer, handle)
}

/// One that was created without declaring export cannot be exported.
fn undeclared_export_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer] = cx.peers()?;
    let kept = producer.create_sync(subject.kind, &[])?;
    producer.signal(kept, 1)?;
    match producer.try_export_sync(kept, subject.handle_type, true)? {
        Err(problem) if problem.code == Code::NotExportable => producer.wait(kept, 1),
        Err(problem) => Err(Stop::Fail(format!("refused as {:?}: {}", problem.code, problem.message))),
        Ok(_) => Err(Stop::Fail(format!("exported a {} that was not declared exportable", subject.kind))),
    }
}

/// With no descriptor left in the process an export is an error; with one again it succeeds.
fn export_without_descriptors(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    // Once with descriptors to spare, so that what is set up at the first export is there.
    if let Some(first) = subject.export(&producer, exported)?.handle {
        producer.close([first])?;
    }
    if subject.is_copy() {
        producer.gate(subject.api != gpushare::Api::Host)?;
        producer.signal(exported, 1)?;
    }
    producer.limit_descriptors(Some(0))?;
    let refused = producer.try_export_sync(exported, subject.handle_type, true)?;
    producer.limit_descriptors(None)?;
    if let Ok(shared) = refused {
        // A signal that had come needs no descriptor.
        return require(shared.handle.is_none(), || "an export succeeded in a process that can open no descriptor".into());
    }
    let shared = producer.share_sync(exported, subject.handle_type, &consumer)?;
    producer.gate(true)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}
