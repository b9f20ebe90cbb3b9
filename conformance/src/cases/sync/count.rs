//! Many imports and exports.

use super::{Subject, rules};
use crate::case::{Cases, Outcome};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let takes: &[&str] = rules!(subject, "fd_import_takes_ownership");
    let new: &[&str] = rules!(subject, "export_returns_new_fd");
    subject.case(cases, "imported_4096_times", takes).about(subject, imported_4096_times);
    subject.case(cases, "exported_1024_times", new).about(subject, exported_1024_times);
    subject.case(cases, "shared_and_freed_100_times", &["ledger.nothing_is_left"]).about(subject, shared_and_freed);
    subject.case(cases, "many_at_once", &["ledger.nothing_is_left"]).about(subject, many_at_once);
}

/// Over one export, each freed again; the last one works, and nothing is left open.
fn imported_4096_times(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let handle = shared.object()?;
    for _ in 0..4095 {
        let copy = consumer.duplicate(handle, gpushare_harness::protocol::DuplicateCall::Dup)?;
        let imported = consumer.import_sync(subject.kind, &shared.through(copy))?;
        consumer.free_sync(imported)?;
    }
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// Each export is a descriptor that can be closed; the last one works.
fn exported_1024_times(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    for _ in 0..1023 {
        let shared = subject.export(&producer, exported)?;
        if let Some(handle) = shared.handle {
            producer.close([handle])?;
        }
    }
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

fn shared_and_freed(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    for _ in 0..100 {
        let exported = subject.create(&producer)?;
        let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
        let imported = consumer.import_sync(subject.kind, &shared)?;
        subject.works(&producer, exported, &consumer, imported, 1)?;
        consumer.free_sync(imported)?;
        producer.free_sync(exported)?;
    }
    Ok(())
}

/// A hundred at once, signalled in one order and waited for in the other.
fn many_at_once(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let mut pairs = Vec::new();
    for _ in 0..100 {
        let exported = subject.create(&producer)?;
        let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
        pairs.push((exported, consumer.import_sync(subject.kind, &shared)?));
    }
    if !subject.is_copy() {
        pairs.iter().try_for_each(|(exported, _)| producer.signal(*exported, 1))?;
    }
    pairs.iter().rev().try_for_each(|(_, imported)| consumer.wait(*imported, 1))
}
