//! Limits of size, number, time and descriptors: an error, and nothing lost.

use gpushare_harness::protocol::{Code, Object, Payload};

use super::{LIMITS, NOTE, between, with_bare_end};
use crate::case::{Cases, Outcome, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const LIMITED: &[&str] = &["channel.limits_are_kept"];
    const DEADLINE: &[&str] = &["channel.deadlines_are_kept"];
    cases.case("oversized_message_is_refused", LIMITED).once(oversized_message_is_refused);
    cases.case("too_many_handles_are_refused", LIMITED).once(too_many_handles_are_refused);
    cases.case("silence_ends_at_deadline", DEADLINE).once(silence_ends_at_deadline);
    cases.case("message_after_timeout_arrives", DEADLINE).once(message_after_timeout_arrives);
    cases.case("full_channel_ends_at_deadline", DEADLINE).once(full_channel_ends_at_deadline);
    cases.case("no_descriptors_left_is_told", &["channel.lost_handles_are_told"]).once(no_descriptors_left_is_told);
}

/// One byte more than the limit is refused by the sender, and the channel still works.
fn oversized_message_is_refused(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let refused = producer.try_send(out, Payload { len: LIMITS.0 + 1, seed: 0 }, &[], cx.within())?;
    let told = refused.as_ref().is_err_and(|problem| problem.code == Code::ChannelTooLarge);
    require(told, || format!("sending more than the limit ended in {refused:?}"))?;
    producer.send(out, NOTE, &[])?;
    consumer.receive(into, NOTE, 0).map(drop)
}

/// One handle more than the system carries is refused by the sender, and the channel still works.
fn too_many_handles_are_refused(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let handle = producer.make(Object::Memory { len: 4096 })?;
    let refused = producer.try_send(out, NOTE, &vec![handle; LIMITS.1 + 1], cx.within())?;
    let told = refused.as_ref().is_err_and(|problem| problem.code == Code::ChannelTooLarge);
    require(told, || format!("sending too many handles ended in {refused:?}"))?;
    producer.send(out, NOTE, &[handle])?;
    consumer.receive(into, NOTE, 1).map(drop)
}

/// Nothing comes: the wait ends as a timeout.
fn silence_ends_at_deadline(cx: &Context<'_>) -> Outcome {
    let (channel, _bare) = with_bare_end(cx, LIMITS)?;
    let [receiver] = cx.peers()?;
    receiver.receive_is_refused(channel, 5, &[Code::ChannelTimedOut]).map(drop)
}

/// A wait that timed out in the middle of a message loses nothing of it.
fn message_after_timeout_arrives(cx: &Context<'_>) -> Outcome {
    let (channel, bare) = with_bare_end(cx, LIMITS)?;
    let [receiver] = cx.peers()?;
    let message = super::hostile::frame(&NOTE.bytes(), 0);
    let (first, second) = message.split_at(13);
    super::hostile::write(&bare, first, &[])?;
    receiver.receive_is_refused(channel, 5, &[Code::ChannelTimedOut])?;
    super::hostile::write(&bare, second, &[])?;
    receiver.receive(channel, NOTE, 0).map(drop)
}

/// The other side does not read: sending ends as a timeout, not never.
fn full_channel_ends_at_deadline(cx: &Context<'_>) -> Outcome {
    let (channel, _bare) = with_bare_end(cx, LIMITS)?;
    let [sender] = cx.peers()?;
    for _ in 0..64 {
        if let Err(problem) = sender.try_send(channel, Payload { len: 65_536, seed: 0 }, &[], 5)? {
            return require(problem.code == Code::ChannelTimedOut, || format!("a full channel ended in {problem:?}"));
        }
    }
    Err(crate::case::Stop::Fail("4 MiB went into a channel that nobody reads".into()))
}

/// A receiver that can open no descriptor learns that handles were lost; those that fitted are closed.
fn no_descriptors_left_is_told(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = between(&producer, &consumer)?;
    let handles = (0..4).map(|_| producer.make(Object::Memory { len: 4096 })).collect::<Outcome<Vec<_>>>()?;
    producer.send(out, NOTE, &handles)?;
    consumer.limit_descriptors(Some(2))?;
    let lost = consumer.receive_is_refused(into, cx.within(), &[Code::ChannelHandlesLost]);
    consumer.limit_descriptors(None)?;
    lost.map(drop)
}
