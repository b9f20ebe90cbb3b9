//! Messages arrive whole, in order, with their handles.

use gpushare_harness::protocol::{Code, Object, Payload};

use super::{NOTE, between};
use crate::case::{Cases, Outcome, Stop, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const WHOLE: &[&str] = &["channel.messages_arrive_whole"];
    const HANDLES: &[&str] = &["channel.handles_arrive_in_order"];
    let sizes = [0, 1, 7, 4095, 4096, 65_536, 1 << 20];
    cases.case("message_arrives", WHOLE).each(sizes, |len| format!("{len}_bytes"), message_arrives);
    cases.case("messages_arrive_in_order", WHOLE).once(messages_arrive_in_order);
    cases.case("both_directions_at_once", WHOLE).once(both_directions_at_once);
    cases.case("handles_arrive", HANDLES).each([1, 2, 16, 253], |count| format!("{count}_handles"), handles_arrive);
    cases.case("handles_beside_empty_message", HANDLES).once(handles_beside_empty_message);
    cases.case("received_handles_are_close_on_exec", &["channel.received_handles_are_close_on_exec"]).once(close_on_exec);
    cases.case("sent_handles_stay_with_sender", HANDLES).once(sent_handles_stay_with_sender);
    cases.case("close_is_told", &["channel.close_is_told"]).once(close_is_told);
    cases.case("message_before_close_arrives", &["channel.close_is_told"]).once(message_before_close_arrives);
    cases.case("killed_peer_is_told", &["channel.death_is_told"]).fresh().once(killed_peer_is_told);
    cases.case("killed_receiver_is_told", &["channel.death_is_told"]).fresh().once(killed_receiver_is_told);
    cases.case("exited_peer_is_told", &["channel.death_is_told"]).fresh().once(exited_peer_is_told);
}

/// One message of each size, from nothing to the limit.
fn message_arrives(cx: &Context<'_>, len: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let payload = Payload { len, seed: cx.seed() };
    // More than a socket holds has to be received while it is sent: in two halves where it is large.
    if len > 100_000 {
        return large_message_arrives(cx, payload);
    }
    producer.send(out, payload, &[])?;
    consumer.receive(into, payload, 0).map(drop)
}

/// The orchestrator sends, because a peer that sends cannot be told to receive at the same time.
fn large_message_arrives(cx: &Context<'_>, payload: Payload) -> Outcome {
    let [_, consumer] = cx.peers()?;
    let (ours, theirs) = super::pair()?;
    let into = consumer.open_channel(theirs.into_handle(), super::LIMITS.0, super::LIMITS.1)?;
    let limit = cx.limit();
    std::thread::scope(|scope| {
        let mut ours = ours;
        let sending = scope.spawn(move || ours.send(&payload.bytes(), &[], gpushare::Deadline::after(limit)));
        let received = consumer.receive(into, payload, 0).map(drop);
        let sent = sending.join().map_err(|_| Stop::Inconclusive("the sending thread panicked".into()))?;
        received?;
        sent.map_err(|error| Stop::Fail(format!("sending {} bytes: {error}", payload.len)))
    })
}

/// Fifty messages of different sizes arrive in the order in which they were sent.
fn messages_arrive_in_order(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let payloads = (0..50).map(|number| Payload { len: number * 37 % 1000, seed: cx.seed().wrapping_add(number as u64) });
    payloads.clone().try_for_each(|payload| producer.send(out, payload, &[]))?;
    payloads.into_iter().try_for_each(|payload| consumer.receive(into, payload, 0).map(drop))
}

/// Both ends send before either receives.
fn both_directions_at_once(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (one, other) = between(&producer, &consumer)?;
    let (there, back) = (Payload { len: 3000, seed: 1 }, Payload { len: 5000, seed: 2 });
    producer.send(one, there, &[])?;
    consumer.send(other, back, &[])?;
    producer.receive(one, back, 0)?;
    consumer.receive(other, there, 0).map(drop)
}

/// Handles arrive in order and lead to the same objects, up to as many as the system carries.
fn handles_arrive(cx: &Context<'_>, count: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let handles = (1..=count).map(|pages| producer.make(Object::Memory { len: pages * 4096 })).collect::<Outcome<Vec<_>>>()?;
    producer.send(out, NOTE, &handles)?;
    let arrived = consumer.receive(into, NOTE, handles.len())?;
    for (number, (sent, received)) in handles.into_iter().zip(arrived.handles).enumerate() {
        let (sent, received) = (producer.inspect(sent)?, consumer.inspect(received)?);
        require(sent.object == received.object, || format!("handle {number} leads to {received:?}, sent was {sent:?}"))?;
    }
    Ok(())
}

/// A message of no bytes can carry handles.
fn handles_beside_empty_message(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let handle = producer.make(Object::Memory { len: 4096 })?;
    let empty = Payload { len: 0, seed: 0 };
    producer.send(out, empty, &[handle])?;
    consumer.receive(into, empty, 1).map(drop)
}

/// Every received descriptor is close-on-exec, whatever it was at the sender, and a new program does not find it.
fn close_on_exec(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let original = producer.make(Object::Memory { len: 4096 })?;
    let inheritable = producer.duplicate(original, gpushare_harness::protocol::DuplicateCall::Dup)?;
    producer.send(out, NOTE, &[original, inheritable])?;
    let arrived = consumer.receive(into, NOTE, 2)?;
    require(arrived.close_on_exec, || "a received descriptor is not close-on-exec".into())?;
    let numbers =
        arrived.handles.into_iter().map(|handle| Ok(consumer.inspect(handle)?.number)).collect::<Outcome<Vec<_>>>()?;
    let inherited = consumer.exec()?;
    let found = inherited.iter().find(|open| numbers.contains(&open.number));
    require(found.is_none(), || format!("a new program found a received descriptor open: {found:?}"))
}

/// Sending duplicates: the sender's handle is as it was.
fn sent_handles_stay_with_sender(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let handle = producer.make(Object::Memory { len: 4096 })?;
    let before = producer.inspect(handle)?;
    producer.send(out, NOTE, &[handle])?;
    let arrived = consumer.receive(into, NOTE, 1)?;
    consumer.close(arrived.handles)?;
    let after = producer.inspect(handle)?;
    require(before == after, || format!("the sender's handle was {before:?} and is {after:?}"))
}

/// A closed channel is an answer of its own, not a timeout and not an error in a message.
fn close_is_told(cx: &Context<'_>) -> Outcome {
    let (channel, bare) = super::with_bare_end(cx, super::LIMITS)?;
    drop(bare);
    let [receiver] = cx.peers()?;
    receiver.receive_is_refused(channel, cx.within(), &[Code::ChannelClosed]).map(drop)
}

/// What was sent before the channel was closed arrives first.
fn message_before_close_arrives(cx: &Context<'_>) -> Outcome {
    let [producer] = cx.peers()?;
    let (mut ours, theirs) = super::pair()?;
    let into = producer.open_channel(theirs.into_handle(), super::LIMITS.0, super::LIMITS.1)?;
    let sent = ours.send(&NOTE.bytes(), &[], gpushare::Deadline::after(cx.limit()));
    sent.map_err(|error| Stop::Fail(format!("sending: {error}")))?;
    drop(ours);
    producer.receive(into, NOTE, 0)?;
    producer.receive_is_refused(into, cx.within(), &[Code::ChannelClosed]).map(drop)
}

/// The sender is killed: the receiver learns it well within its deadline.
fn killed_peer_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_, into) = between(&producer, &consumer)?;
    producer.kill()?;
    consumer.receive_is_refused(into, cx.within(), &[Code::ChannelClosed]).map(drop)
}

/// The receiver is killed: sending is an error, and no signal kills the sender.
fn killed_receiver_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, _) = between(&producer, &consumer)?;
    consumer.kill()?;
    let sent = producer.try_send(out, NOTE, &[], cx.within())?;
    let told = sent.as_ref().is_err_and(|problem| problem.code == Code::ChannelClosed);
    require(told, || format!("sending to a dead peer ended in {sent:?}"))
}

/// The sender exits.
fn exited_peer_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    producer.send(out, NOTE, &[])?;
    producer.exit()?;
    consumer.receive(into, NOTE, 0)?;
    consumer.receive_is_refused(into, cx.within(), &[Code::ChannelClosed]).map(drop)
}
