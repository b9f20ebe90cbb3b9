//! Ways in which a handle gets from one process to another.

use gpushare::{Channel, TextureSpec};
use gpushare_harness::protocol::{DuplicateCall, Payload};

use crate::case::{Cases, Outcome, Stop, require};
use crate::context::{Context, Party, PeerChannel, Shared};

const CROSSES: &[&str] = &["memory.opaque_fd_crosses_socket"];
const SURVIVES_DUP: &[&str] = &["memory.opaque_fd_survives_dup"];

pub(super) fn define(cases: &mut Cases<'_>) {
    cases.case("crosses_socket", CROSSES).any_texture(crosses_socket);
    cases.case("crosses_socket_through_third_process", CROSSES).any_texture(crosses_through_third);
    cases.case("crosses_many_in_one_message", CROSSES).any_texture_each([2, 16, 200], ToString::to_string, crosses_many);
    cases.case("crosses_twice_in_one_message", CROSSES).any_texture(crosses_twice);
    cases.case("sender_may_close_before_arrival", CROSSES).any_texture(sender_may_close_before_arrival);
    let calls = [DuplicateCall::Dup, DuplicateCall::Dup2, DuplicateCall::Dup3];
    cases.case("works_after", SURVIVES_DUP).any_texture_each(calls, |call| format!("{call:?}").to_lowercase(), works_after);
    cases.case("original_works_after_copy_closed", SURVIVES_DUP).any_texture(original_works_after_copy_closed);
    cases.case("copy_of_copy_works", SURVIVES_DUP).any_texture(copy_of_copy_works);
}

/// A connection between two peers, with nobody between them.
fn connect(cx: &Context<'_>, one: &Party<'_, '_>, other: &Party<'_, '_>) -> Outcome<(PeerChannel, PeerChannel)> {
    let (a, b) = Channel::pair().map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let _ = cx;
    Ok((one.open_channel(a.into_handle(), 1 << 20, 253)?, other.open_channel(b.into_handle(), 1 << 20, 253)?))
}

const NOTE: Payload = Payload { len: 40, seed: 1 };

/// From the exporter to the importer over their own Unix socket (`SCM_RIGHTS`).
fn crosses_socket(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = connect(cx, &producer, &consumer)?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.export(texture)?;
    producer.send(out, NOTE, &[shared.handle])?;
    producer.close([shared.handle])?;
    let arrived = consumer.receive(into, NOTE, 1)?;
    let imported = consumer.import(&Shared { handle: arrived.handles[0], ..shared })?;
    consumer.verify(imported, cx.pattern(0))
}

/// From the exporter to a process that never imports it, and from there to the importer; the exporter dies in between.
fn crosses_through_third(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (out, into_third) = connect(cx, &producer, &third)?;
    let (out_of_third, into) = connect(cx, &third, &consumer)?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.export(texture)?;
    producer.send(out, NOTE, &[shared.handle])?;
    let passing = third.receive(into_third, NOTE, 1)?;
    producer.close([shared.handle])?;
    producer.free([texture])?;
    third.send(out_of_third, NOTE, &passing.handles)?;
    third.close(passing.handles)?;
    let arrived = consumer.receive(into, NOTE, 1)?;
    let imported = consumer.import(&Shared { handle: arrived.handles[0], ..shared })?;
    consumer.verify(imported, cx.pattern(0))
}

/// Many textures beside one message arrive in order.
fn crosses_many(cx: &Context<'_>, spec: TextureSpec, count: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let small = TextureSpec { width: 8, height: 8, ..spec };
    let mut shared = Vec::new();
    for number in 0..count {
        let texture = producer.create(small)?;
        producer.fill(texture, cx.pattern(number))?;
        shared.push(producer.export(texture)?);
    }
    let handles: Vec<_> = shared.iter().map(|shared| shared.handle).collect();
    let arrived = producer.hand_over_all(&handles, &consumer)?;
    for (number, (shared, handle)) in (0..).zip(shared.into_iter().zip(arrived)) {
        let imported = consumer.import(&Shared { handle, ..shared })?;
        consumer.verify(imported, cx.pattern(number))?;
    }
    Ok(())
}

/// One descriptor twice beside one message arrives as two, each importable.
fn crosses_twice(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = connect(cx, &producer, &consumer)?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.export(texture)?;
    producer.send(out, NOTE, &[shared.handle, shared.handle])?;
    let arrived = consumer.receive(into, NOTE, 2)?;
    for handle in arrived.handles {
        let imported = consumer.import(&Shared { handle, ..shared.clone() })?;
        consumer.verify(imported, cx.pattern(0))?;
    }
    Ok(())
}

/// The sender closes its descriptor and frees the texture while the message still lies in the socket.
fn sender_may_close_before_arrival(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = connect(cx, &producer, &consumer)?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.export(texture)?;
    producer.send(out, NOTE, &[shared.handle])?;
    producer.close([shared.handle])?;
    producer.free([texture])?;
    let arrived = consumer.receive(into, NOTE, 1)?;
    require(arrived.close_on_exec, || "a received descriptor is not close-on-exec".into())?;
    let imported = consumer.import(&Shared { handle: arrived.handles[0], ..shared })?;
    consumer.verify(imported, cx.pattern(0))
}

/// A duplicate made by each of the calls, the original closed, leads to the payload.
fn works_after(cx: &Context<'_>, spec: TextureSpec, call: DuplicateCall) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.export(texture)?;
    let copy = producer.duplicate(shared.handle, call)?;
    producer.close([shared.handle])?;
    let handle = producer.hand_over(copy, &consumer)?;
    let imported = consumer.import(&Shared { handle, ..shared })?;
    consumer.verify(imported, cx.pattern(0))
}

/// The other way round: the duplicate is closed and the original used.
fn original_works_after_copy_closed(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    let copy = consumer.duplicate(shared.handle, DuplicateCall::Dup)?;
    consumer.close([copy])?;
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

/// Duplicates of duplicates in the importing process: each imports the same payload.
fn copy_of_copy_works(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    let second = consumer.duplicate(shared.handle, DuplicateCall::Dup)?;
    let third = consumer.duplicate(second, DuplicateCall::Dup3)?;
    let mut imported = Vec::new();
    for handle in [third, shared.handle, second] {
        imported.push(consumer.import(&Shared { handle, ..shared.clone() })?);
    }
    consumer.fill(imported[0], cx.pattern(1))?;
    imported.into_iter().try_for_each(|texture| consumer.verify(texture, cx.pattern(1)))
}
