//! Temporary and permanent imports by reference, of semaphores and fences.
//!
//! A *witness* is an import of the target's own permanent payload, made before: where the target's signal arrives tells which payload it
//! has.

use std::time::Duration;

use gpushare::Permanence::{Permanent, Temporary};

use super::{Subject, rules};
use crate::case::{Cases, Outcome, require};
use crate::context::{Context, Party, Sync};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let restored: &[&str] = rules!(subject, "temporary_import_is_restored");
    // Where a payload is the wrong one its signal never comes, and the wait for it should not take a lane's time.
    let due = Duration::from_secs(6);
    subject.case(cases, "temporary_import_shares", restored).about(subject, temporary_import_shares);
    subject.case(cases, "temporary_import_is_restored", restored).about(subject, temporary_import_is_restored);
    subject.case(cases, "several_temporary_imports_are_restored", restored).patience(due).about(subject, several_are_restored);
    subject.case(cases, "temporary_import_over_permanent_is_restored", restored).about(subject, over_permanent);
    subject.case(cases, "temporary_import_leaves_exporter", restored).about(subject, leaves_exporter);
    let shares: &[&str] = rules!(subject, "reference_import_shares_payload");
    subject.case(cases, "permanent_import_stays", shares).about(subject, permanent_import_stays);
    subject.case(cases, "permanent_import_replaces_permanent", shares).about(subject, permanent_replaces_permanent);
}

/// A target in the consumer with a witness in the producer, and what the producer exports to it.
fn target_and_witness(subject: Subject, producer: &Party<'_, '_>, consumer: &Party<'_, '_>) -> Outcome<(Sync, Sync, Sync)> {
    let (target, witness) = subject.shared(consumer, producer)?;
    Ok((target, witness, subject.create(producer)?))
}

fn import(
    subject: Subject,
    from: &Party<'_, '_>,
    exported: Sync,
    to: &Party<'_, '_>,
    into: Sync,
    permanently: bool,
) -> Outcome {
    let shared = from.share_sync(exported, subject.handle_type, to)?;
    to.import_into(into, &shared, if permanently { Permanent } else { Temporary })
}

/// The target's wait took the signal of a semaphore away. A fence's reset was of the target's own payload: what it imported stays
/// signalled.
fn settle(subject: Subject, party: &Party<'_, '_>, exported: Sync) -> Outcome {
    if subject.kind == gpushare::SyncKind::Fence { party.reset(exported) } else { Ok(()) }
}

/// While it is there, the temporary payload is the one that is waited for.
fn temporary_import_shares(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (target, _, exported) = target_and_witness(subject, &producer, &consumer)?;
    import(subject, &producer, exported, &consumer, target, false)?;
    producer.signal(exported, 1)?;
    consumer.wait(target, 1)
}

/// After the next wait (of a fence, reset) the target has its own payload again: its signal arrives at the witness.
fn temporary_import_is_restored(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (target, witness, exported) = target_and_witness(subject, &producer, &consumer)?;
    for _ in 0..2 {
        import(subject, &producer, exported, &consumer, target, false)?;
        producer.signal(exported, 1)?;
        consumer.wait(target, 1)?;
        settle(subject, &producer, exported)?;
        consumer.signal(target, 1)?;
        producer.wait(witness, 1)?;
        idle(&consumer)?;
    }
    Ok(())
}

/// Until its queue is done: a signal may have arrived elsewhere while the work that gave it is not yet told to be over, and an
/// import into what the queue refers to is no valid usage.
fn idle(party: &Party<'_, '_>) -> Outcome {
    let done = party.create_sync(gpushare::SyncKind::Fence, &[])?;
    party.signal(done, 1)?;
    party.wait(done, 1)?;
    party.free_sync(done)
}

/// However many temporary imports came, one wait brings the permanent payload back.
fn several_are_restored(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (target, witness, first) = target_and_witness(subject, &producer, &consumer)?;
    let second = subject.create(&producer)?;
    import(subject, &producer, first, &consumer, target, false)?;
    import(subject, &producer, second, &consumer, target, false)?;
    producer.signal(second, 1)?;
    consumer.wait(target, 1)?;
    consumer.signal(target, 1)?;
    producer.wait(witness, 1)
}

/// What comes back is the last permanent payload, an imported one too.
fn over_permanent(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (target, _, permanent) = target_and_witness(subject, &producer, &consumer)?;
    let temporary = subject.create(&producer)?;
    import(subject, &producer, permanent, &consumer, target, true)?;
    import(subject, &producer, temporary, &consumer, target, false)?;
    producer.signal(temporary, 1)?;
    consumer.wait(target, 1)?;
    producer.signal(permanent, 1)?;
    consumer.wait(target, 1)
}

/// The exporter keeps its payload, whatever becomes of the import.
fn leaves_exporter(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (target, _, exported) = target_and_witness(subject, &producer, &consumer)?;
    import(subject, &producer, exported, &consumer, target, false)?;
    producer.signal(exported, 1)?;
    consumer.wait(target, 1)?;
    consumer.free_sync(target)?;
    settle(subject, &producer, exported)?;
    producer.signal(exported, 1)?;
    producer.wait(exported, 1)
}

/// A permanent import is there after a wait, and after the next.
fn permanent_import_stays(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (target, _, exported) = target_and_witness(subject, &producer, &consumer)?;
    import(subject, &producer, exported, &consumer, target, true)?;
    for _ in 0..3 {
        producer.signal(exported, 1)?;
        consumer.wait(target, 1)?;
        if subject.kind == gpushare::SyncKind::Fence {
            require(!producer.is_signalled(exported)?, || "the reset of a permanent import did not reach its exporter".into())?;
        }
        consumer.signal(target, 1)?;
        producer.wait(exported, 1)?;
    }
    Ok(())
}

/// A second permanent import takes the place of the first.
fn permanent_replaces_permanent(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (target, _, first) = target_and_witness(subject, &producer, &consumer)?;
    let second = subject.create(&producer)?;
    import(subject, &producer, first, &consumer, target, true)?;
    import(subject, &producer, second, &consumer, target, true)?;
    consumer.signal(target, 1)?;
    producer.wait(second, 1)?;
    producer.signal(second, 1)?;
    consumer.wait(target, 1)?;
    consumer.signal(target, 1)?;
    // A fence that still has the signal before the last one was not reset by the importer: the two no longer share.
    producer.wait(second, 1)?;
    if subject.kind == gpushare::SyncKind::Fence {
        require(!consumer.is_signalled(target)?, || "the exporter's reset did not reach the permanent import".into())?;
    }
    producer.signal(first, 1)?;
    producer.wait(first, 1)
}
