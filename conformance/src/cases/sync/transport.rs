//! Ways in which a handle gets from one process to another.

use gpushare::Channel;
use gpushare_harness::protocol::{DuplicateCall, Payload};

use super::{Subject, rules};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, Party, PeerChannel};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let crosses: &[&str] = rules!(subject, "opaque_fd_crosses_socket");
    let survives: &[&str] = rules!(subject, "opaque_fd_survives_dup");
    subject.case(cases, "crosses_socket", crosses).about(subject, crosses_socket);
    subject.case(cases, "crosses_socket_through_third_process", crosses).about(subject, crosses_through_third);
    subject.case(cases, "crosses_many_in_one_message", crosses).about_each(subject, [2, 64], ToString::to_string, crosses_many);
    subject.case(cases, "crosses_twice_in_one_message", crosses).about(subject, crosses_twice);
    subject.case(cases, "sender_may_close_before_arrival", crosses).about(subject, sender_may_close);
    let calls = [DuplicateCall::Dup, DuplicateCall::Dup2, DuplicateCall::Dup3];
    let name = |call: &DuplicateCall| format!("{call:?}").to_lowercase();
    subject.case(cases, "works_after", survives).about_each(subject, calls, name, works_after);
    subject.case(cases, "original_works_after_copy_closed", survives).about(subject, original_works);
    subject.case(cases, "copy_of_copy_works", survives).about(subject, copy_of_copy_works);
}

const NOTE: Payload = Payload { len: 40, seed: 1 };

/// A connection between two peers, with nobody between them.
fn connect(one: &Party<'_, '_>, other: &Party<'_, '_>) -> Outcome<(PeerChannel, PeerChannel)> {
    let (a, b) = Channel::pair().map_err(|error| Stop::Inconclusive(error.to_string()))?;
    Ok((one.open_channel(a.into_handle(), 1 << 20, 253)?, other.open_channel(b.into_handle(), 1 << 20, 253)?))
}

/// Over the peers' own Unix socket (`SCM_RIGHTS`).
fn crosses_socket(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = connect(&producer, &consumer)?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let handle = shared.object()?;
    producer.send(out, NOTE, &[handle])?;
    producer.close([handle])?;
    let arrived = consumer.receive(into, NOTE, 1)?;
    let imported = consumer.import_sync(subject.kind, &shared.through(arrived.handles[0]))?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// To a process that never imports it, and from there to the importer.
fn crosses_through_third(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (out, into_third) = connect(&producer, &third)?;
    let (out_of_third, into) = connect(&third, &consumer)?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let handle = shared.object()?;
    producer.send(out, NOTE, &[handle])?;
    let passing = third.receive(into_third, NOTE, 1)?;
    producer.close([handle])?;
    third.send(out_of_third, NOTE, &passing.handles)?;
    third.close(passing.handles)?;
    let arrived = consumer.receive(into, NOTE, 1)?;
    let imported = consumer.import_sync(subject.kind, &shared.through(arrived.handles[0]))?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// Many beside one message arrive in order: each signal reaches its own importer and, where it can come late, no other.
fn crosses_many(cx: &Context<'_>, subject: Subject, count: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let mut all = Vec::new();
    for _ in 0..count {
        let exported = subject.create(&producer)?;
        let shared = subject.export(&producer, exported)?;
        all.push((exported, shared.object()?, shared));
    }
    let handles: Vec<_> = all.iter().map(|(_, handle, _)| *handle).collect();
    let arrived = producer.hand_over_all(&handles, &consumer)?;
    let mut pairs = Vec::new();
    for ((exported, _, shared), handle) in all.into_iter().zip(arrived) {
        pairs.push((exported, consumer.import_sync(subject.kind, &shared.through(handle))?));
    }
    for (exported, imported) in pairs.into_iter().rev() {
        subject.works(&producer, exported, &consumer, imported, 1)?;
    }
    Ok(())
}

/// One descriptor twice beside one message arrives as two, each importable.
fn crosses_twice(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = connect(&producer, &consumer)?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let handle = shared.object()?;
    producer.send(out, NOTE, &[handle, handle])?;
    let arrived = consumer.receive(into, NOTE, 2)?;
    for (handle, value) in arrived.handles.into_iter().zip(1..) {
        let imported = consumer.import_sync(subject.kind, &shared.through(handle))?;
        subject.works(&producer, exported, &consumer, imported, value)?;
    }
    Ok(())
}

/// The sender closes its descriptor and frees the object while the message still lies in the socket.
fn sender_may_close(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = connect(&producer, &consumer)?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let handle = shared.object()?;
    producer.send(out, NOTE, &[handle])?;
    producer.close([handle])?;
    if !subject.is_copy() {
        producer.signal(exported, 1)?;
    }
    producer.free_sync(exported)?;
    let arrived = consumer.receive(into, NOTE, 1)?;
    require(arrived.close_on_exec, || "a received descriptor is not close-on-exec".into())?;
    let imported = consumer.import_sync(subject.kind, &shared.through(arrived.handles[0]))?;
    consumer.wait(imported, 1)
}

/// A duplicate made by each of the calls, the original closed, leads to the payload.
fn works_after(cx: &Context<'_>, subject: Subject, call: DuplicateCall) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = subject.export(&producer, exported)?;
    let handle = shared.object()?;
    let copy = producer.duplicate(handle, call)?;
    producer.close([handle])?;
    let shared = producer.hand_sync(&shared.through(copy), &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// The other way round: the duplicate is closed and the original used.
fn original_works(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let copy = consumer.duplicate(shared.object()?, DuplicateCall::Dup)?;
    consumer.close([copy])?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// Duplicates of duplicates in the importing process: each imports the same payload.
fn copy_of_copy_works(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let first = shared.object()?;
    let second = consumer.duplicate(first, DuplicateCall::Dup)?;
    let third = consumer.duplicate(second, DuplicateCall::Dup3)?;
    for (handle, value) in [third, first, second].into_iter().zip(1..) {
        let imported = consumer.import_sync(subject.kind, &shared.through(handle))?;
        subject.works(&producer, exported, &consumer, imported, value)?;
    }
    Ok(())
}
