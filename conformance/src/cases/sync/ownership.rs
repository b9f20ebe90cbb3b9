//! Who closes a descriptor, and when.

use gpushare_harness::protocol::{Code, ImportManner, Object};

use super::refusal::{ANY_REFUSAL, is_refused};
use super::{Subject, rules};
use crate::case::{Cases, Outcome, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let takes: &[&str] = rules!(subject, "fd_import_takes_ownership");
    subject.case(cases, "import_takes_descriptor", takes).about(subject, import_takes);
    subject.case(cases, "import_closes_no_other_descriptor", takes).about(subject, import_closes_no_other);
    let keeps: &[&str] = rules!(subject, "failed_fd_import_keeps_ownership");
    subject.case(cases, "refused_import_keeps_descriptor", keeps).upsets().about(subject, refused_import_keeps_descriptor);
    subject
        .case(cases, "library_refusal_keeps_descriptor", &["library.descriptor_is_checked", "ledger.refusal_leaves_nothing"])
        .about(subject, library_refusal_keeps_descriptor);
    let validated: &[&str] = rules!(subject, "import_is_validated");
    subject.case(cases, "import_works_after_refusal", validated).upsets().about(subject, import_works_after_refusal);
    subject
        .case(cases, "nothing_left_after_refusals", &["ledger.refusal_leaves_nothing"])
        .upsets()
        .about(subject, nothing_left_after_refusals);
}

/// A successful import and its free leave nothing open, thirty times over: the driver took the descriptor and closed it.
fn import_takes(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    for value in 1..=30 {
        let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
        let imported = consumer.import_sync(subject.kind, &shared)?;
        subject.works(&producer, exported, &consumer, imported, value)?;
        consumer.free_sync(imported)?;
    }
    Ok(())
}

/// Freeing an import must not close what has its descriptor's number by then.
fn import_closes_no_other(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    let sentinels = (1..=8).map(|pages| consumer.make(Object::Memory { len: pages * 4096 })).collect::<Outcome<Vec<_>>>()?;
    let before = sentinels.iter().map(|sentinel| consumer.inspect(*sentinel)).collect::<Outcome<Vec<_>>>()?;
    consumer.free_sync(imported)?;
    for (sentinel, before) in sentinels.into_iter().zip(before) {
        let after = consumer.try_inspect(sentinel)?;
        let same = after.as_ref().is_ok_and(|after| after.object == before.object);
        require(same, || format!("freeing an import closed descriptor {}, which belongs to somebody else", before.number))?;
    }
    Ok(())
}

/// An import that the driver refuses leaves the caller's descriptor open, the same object as before.
fn refused_import_keeps_descriptor(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let wrong = consumer.make(Object::Pipe)?;
    let before = consumer.inspect(wrong)?;
    let problem = is_refused(&consumer, subject, &shared.through(wrong), ImportManner::Driver, ANY_REFUSAL)?;
    require(!problem.handle_taken, || {
        format!("the driver refused the import ({}) and closed the caller's descriptor {}", problem.message, before.number)
    })?;
    let after = consumer.try_inspect(wrong)?;
    let kept = after.as_ref().is_ok_and(|after| (after.number, after.object) == (before.number, before.object));
    require(kept, || format!("a refused import left descriptor {} as {after:?}", before.number))
}

/// What the sharing library refuses before the driver is asked stays the caller's.
fn library_refusal_keeps_descriptor(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let handle = shared.object()?;
    let before = consumer.inspect(handle)?;
    let lie = shared.with(|fields| fields.version = 99);
    let problem = is_refused(&consumer, subject, &lie, ImportManner::Library, &[Code::Descriptor])?;
    require(!problem.handle_taken, || format!("a refused import used up descriptor {}", before.number))?;
    let after = consumer.try_inspect(handle)?;
    require(after.as_ref() == Ok(&before), || format!("a refused import left descriptor {} as {after:?}", before.number))
}

/// After a refusal the right handle is imported as if nothing had been.
fn import_works_after_refusal(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let wrong = consumer.make(Object::Pipe)?;
    is_refused(&consumer, subject, &shared.through(wrong), ImportManner::Driver, ANY_REFUSAL)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// Thirty refused imports leave nothing behind; the ledger decides.
fn nothing_left_after_refusals(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    for _ in 0..30 {
        let wrong = consumer.make(Object::Pipe)?;
        let problem = is_refused(&consumer, subject, &shared.through(wrong), ImportManner::Driver, ANY_REFUSAL)?;
        if !problem.handle_taken {
            consumer.close([wrong])?;
        }
    }
    Ok(())
}
