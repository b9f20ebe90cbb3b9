//! What an export returns.

use gpushare::TextureSpec;
use gpushare_harness::protocol::Code;

use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, Party, Shared};

pub(super) fn define(cases: &mut Cases<'_>) {
    cases.case("export_is_new", &["memory.export_returns_new_fd"]).any_texture(export_is_new);
    cases.case("export_is_close_on_exec", &["memory.exported_fd_is_close_on_exec"]).any_texture(export_is_close_on_exec);
    cases.case("export_is_not_inherited", &["memory.exported_fd_is_close_on_exec"]).any_texture(export_is_not_inherited);
    cases
        .case("library_export_is_not_inherited", &["library.handles_are_close_on_exec"])
        .any_texture(library_export_is_not_inherited);
    cases.case("exports_close_apart", &["memory.export_returns_new_fd"]).any_texture(exports_close_apart);
    cases.case("undeclared_export_is_refused", &["memory.export_type_was_declared"]).any_texture(undeclared_export_is_refused);
    cases
        .case("export_without_descriptors_is_refused", &["ledger.refusal_leaves_nothing"])
        .any_texture(export_without_descriptors);
}

/// Two exports of one texture are two descriptors.
fn export_is_new(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let (first, second) = (producer.export(texture)?, producer.export(texture)?);
    let (first, second) = (producer.inspect(first.handle)?, producer.inspect(second.handle)?);
    require(first.number != second.number, || format!("two exports returned descriptor {} both times", first.number))
}

/// `FD_CLOEXEC` is set on what the driver returns.
fn export_is_close_on_exec(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer] = cx.peers()?;
    let shared = exported(&producer, spec, false)?;
    let report = producer.inspect(shared.handle)?;
    require(report.close_on_exec, || format!("exported descriptor {} is not close-on-exec", report.number))
}

/// A program that the exporter starts by `execve` does not find the descriptor as the driver returned it.
fn export_is_not_inherited(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer] = cx.peers()?;
    let shared = exported(&producer, spec, false)?;
    not_inherited(&producer, &shared)
}

/// What the sharing library returns is close-on-exec, whatever the driver returned.
fn library_export_is_not_inherited(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer] = cx.peers()?;
    let shared = exported(&producer, spec, true)?;
    let report = producer.inspect(shared.handle)?;
    require(report.close_on_exec, || format!("exported descriptor {} is not close-on-exec", report.number))?;
    not_inherited(&producer, &shared)
}

fn exported(producer: &Party<'_, '_>, spec: TextureSpec, guarded: bool) -> Outcome<Shared> {
    let texture = producer.create(spec)?;
    producer.try_export(texture, guarded)?.map_err(|problem| producer.refused(&problem))
}

fn not_inherited(producer: &Party<'_, '_>, shared: &Shared) -> Outcome {
    let number = producer.inspect(shared.handle)?.number;
    match producer.exec()?.iter().find(|open| open.number == number) {
        None => Ok(()),
        Some(open) => Err(Stop::Fail(format!("a new program found exported descriptor {number} open ({})", open.target))),
    }
}

/// Closing one of two exported descriptors leaves the other usable.
fn exports_close_apart(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let (first, second) = (producer.export(texture)?, producer.export(texture)?);
    producer.close([first.handle])?;
    let handle = producer.hand_over(second.handle, &consumer)?;
    let imported = consumer.import(&Shared { handle, ..second })?;
    consumer.verify(imported, cx.pattern(0))
}

/// A texture whose memory was allocated without declaring export cannot be exported.
fn undeclared_export_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer] = cx.peers()?;
    let texture = producer.create(TextureSpec { exportable: false, ..spec })?;
    producer.fill(texture, cx.pattern(0))?;
    match producer.try_export(texture, true)? {
        Err(problem) if problem.code == Code::NotExportable => producer.verify(texture, cx.pattern(0)),
        Err(problem) => Err(Stop::Fail(format!("refused as {:?}: {}", problem.code, problem.message))),
        Ok(_) => Err(Stop::Fail("exported a texture that was not declared exportable".into())),
    }
}

/// With no descriptor left in the process an export is an error; with one again it succeeds.
fn export_without_descriptors(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    // Once with descriptors to spare, so that what is set up at the first export is there.
    let first = producer.export(texture)?;
    producer.close([first.handle])?;
    producer.limit_descriptors(Some(0))?;
    let refused = producer.try_export(texture, true)?;
    producer.limit_descriptors(None)?;
    require(refused.is_err(), || "an export succeeded in a process that can open no descriptor".into())?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.verify(imported, cx.pattern(0))
}
