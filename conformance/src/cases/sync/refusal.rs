//! Handles that carry no such payload: an import must answer with an error, and with the right one.

use std::time::Duration;

use gpushare_harness::protocol::{Code, HandleSource, ImportManner, Object, Problem};

use super::{Subject, rules};
use crate::case::{ANY_TEXTURE, Cases, Outcome, Stop, unshareable};
use crate::context::{Context, Party, SharedSync};

/// Any error, where the case is about what comes after it.
pub(super) const ANY_REFUSAL: &[Code] = &[Code::InvalidHandle, Code::Driver, Code::System, Code::Unsupported];

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let refused: &[&str] = rules!(subject, "invalid_handle_is_refused", "import_is_validated");
    let objects = [
        Object::Pipe,
        Object::Socket,
        Object::File,
        Object::Directory,
        Object::DevNull,
        Object::EventFd,
        Object::Epoll,
        Object::Memory { len: 16 },
        Object::Memory { len: 1 << 16 },
    ];
    // The import has to fail; one that blocks on a strange descriptor never does.
    let due = Duration::from_secs(3);
    subject.case(cases, "kind_is_refused", refused).upsets().patience(due).about_each(subject, objects, name, kind_is_refused);
    let never = [Object::Pipe, Object::Socket, Object::Directory];
    let by_library: &[&str] = &["library.signal_kind_is_checked"];
    let case = subject.case(cases, "kind_is_refused_by_library", by_library).patience(due);
    case.about_each(subject, never, name, kind_is_refused_by_library);
    subject.case(cases, "closed_number_is_refused", refused).upsets().about(subject, closed_number_is_refused);
    if !subject.is_copy() {
        subject.case(cases, "minus_one_is_refused", refused).upsets().about(subject, minus_one_is_refused);
    }
    let no_texture = unshareable(cases.report(), &ANY_TEXTURE);
    let case = subject.case(cases, "memory_handle_is_refused", refused).skip_if(no_texture.clone()).upsets().patience(due);
    case.about(subject, memory_handle_is_refused);
    let memory: &[&str] = &["memory.invalid_handle_is_refused", "memory.import_is_validated"];
    let case = subject.case(cases, "is_refused_as_memory", memory).skip_if(no_texture).upsets().patience(due);
    case.about(subject, is_refused_as_memory);
}

fn name(object: &Object) -> String {
    match object {
        Object::Pipe => "pipe".into(),
        Object::Socket => "socket".into(),
        Object::File => "file".into(),
        Object::Directory => "directory".into(),
        Object::DevNull => "dev_null".into(),
        Object::EventFd => "eventfd".into(),
        Object::Epoll => "epoll".into(),
        Object::ThisProcess => "process".into(),
        Object::Memory { len } | Object::UnsealedMemory { len } => format!("memory_{len}"),
        Object::DmaBuf { .. } => "dma_buf".into(),
        Object::SyncFile { .. } => "sync_file".into(),
    }
}

/// The import has to be refused with one of these codes.
pub(super) fn is_refused(
    party: &Party<'_, '_>,
    subject: Subject,
    shared: &SharedSync,
    manner: ImportManner,
    codes: &[Code],
) -> Outcome<Problem> {
    match party.try_import_sync(subject.kind, shared, manner)? {
        Ok(_) => Err(Stop::Fail(format!("{} accepted an import that had to be refused", party.role()))),
        Err(problem) if codes.contains(&problem.code) => Ok(problem),
        Err(Problem { code, message, .. }) => {
            Err(Stop::Fail(format!("{} refused as {code:?} ({message}), expected {codes:?}", party.role())))
        }
    }
}

/// The driver alone has to refuse, with `VK_ERROR_INVALID_EXTERNAL_HANDLE`.
fn driver_refuses(party: &Party<'_, '_>, subject: Subject, shared: &SharedSync) -> Outcome {
    match party.try_import_sync(subject.kind, shared, ImportManner::Driver)? {
        Err(problem) if problem.code == Code::InvalidHandle => Ok(()),
        Err(problem) => {
            Err(Stop::Fail(format!("refused, but as {}; VK_ERROR_INVALID_EXTERNAL_HANDLE is due", problem.message)))
        }
        Ok(_) => Err(Stop::Fail("the driver accepted the import".into())),
    }
}

/// A descriptor of another kind, straight to the driver.
fn kind_is_refused(cx: &Context<'_>, subject: Subject, object: Object) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let wrong = consumer.make(object)?;
    driver_refuses(&consumer, subject, &shared.through(wrong))?;
    // The device has to be as well as before.
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// What can never be a semaphore or fence, the sharing library refuses before a driver can block on it.
fn kind_is_refused_by_library(cx: &Context<'_>, subject: Subject, object: Object) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let wrong = consumer.make(object)?;
    is_refused(&consumer, subject, &shared.through(wrong), ImportManner::Library, &[Code::InvalidHandle])?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

fn number_is_refused(cx: &Context<'_>, subject: Subject, source: HandleSource) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    match consumer.try_import_sync_from(subject.kind, &shared, source, ImportManner::Driver)? {
        Err(problem) if problem.code == Code::InvalidHandle => Ok(()),
        Err(problem) => {
            Err(Stop::Fail(format!("refused, but as {}; VK_ERROR_INVALID_EXTERNAL_HANDLE is due", problem.message)))
        }
        Ok(_) => Err(Stop::Fail("the driver accepted a number that is no open descriptor".into())),
    }
}

fn closed_number_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    number_is_refused(cx, subject, HandleSource::ClosedNumber)
}

fn minus_one_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    number_is_refused(cx, subject, HandleSource::MinusOne)
}

/// The memory of a texture is no semaphore and no fence.
fn memory_handle_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let texture = producer.create(ANY_TEXTURE)?;
    let memory = producer.share(texture, &consumer)?;
    driver_refuses(&consumer, subject, &shared.through(memory.handle))
}

/// A semaphore or fence is no memory of a texture.
fn is_refused_as_memory(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let texture = producer.create(ANY_TEXTURE)?;
    let memory = producer.share(texture, &consumer)?;
    let source = HandleSource::Held(shared.object()?.0);
    match consumer.try_import(&memory, source, ImportManner::Driver)? {
        Err(problem) if matches!(problem.code, Code::InvalidHandle | Code::ShortObject) => Ok(()),
        Err(problem) => {
            Err(Stop::Fail(format!("refused, but as {}; VK_ERROR_INVALID_EXTERNAL_HANDLE is due", problem.message)))
        }
        Ok(_) => Err(Stop::Fail(format!("the driver accepted a {} as the memory of a texture", subject.kind))),
    }
}
