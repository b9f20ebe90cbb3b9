//! Bytes and handles that no honest peer sends. The orchestrator itself is the hostile one, at the bare socket.

use gpushare::OwnedHandle;
use gpushare_harness::protocol::{Code, Object, Payload};

use super::{LIMITS, NOTE, with_bare_end};
use crate::case::{Cases, Outcome, Stop};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const REFUSED: &[&str] = &["channel.malformed_messages_are_refused"];
    const HANDLES: &[&str] = &["channel.unannounced_handles_are_closed", "ledger.refusal_leaves_nothing"];
    const LOST: &[&str] = &["channel.lost_handles_are_told", "ledger.refusal_leaves_nothing"];
    cases.case("garbage_is_refused", REFUSED).once(garbage_is_refused);
    cases.case("announced_size_is_limited", REFUSED).once(announced_size_is_limited);
    cases.case("announced_handles_are_limited", REFUSED).once(announced_handles_are_limited);
    cases.case("cut_header_is_told", &["channel.cut_messages_are_told"]).once(cut_header_is_told);
    cases.case("cut_body_is_told", &["channel.cut_messages_are_told"]).once(cut_body_is_told);
    cases.case("one_byte_at_a_time_arrives", &["channel.messages_arrive_whole"]).once(one_byte_at_a_time_arrives);
    cases.case("missing_handles_are_refused", HANDLES).once(missing_handles_are_refused);
    cases.case("unannounced_handles_are_refused", HANDLES).once(unannounced_handles_are_refused);
    cases.case("handles_in_body_are_refused", HANDLES).once(handles_in_body_are_refused);
    cases.case("more_handles_than_room_are_told", LOST).each([1, 2, 4], |room| format!("{room}_of_9"), more_handles_than_room);
    cases.case("broken_channel_stays_broken", REFUSED).once(broken_channel_stays_broken);
}

/// A message as `docs/protocol.md` has it: `GS`, the number of handles, the length, the bytes.
pub(super) fn frame(bytes: &[u8], handles: u16) -> Vec<u8> {
    header(u32::try_from(bytes.len()).unwrap_or(u32::MAX), handles).into_iter().chain(bytes.iter().copied()).collect()
}

fn header(len: u32, handles: u16) -> Vec<u8> {
    let mut header = b"GS".to_vec();
    header.extend_from_slice(&handles.to_le_bytes());
    header.extend_from_slice(&len.to_le_bytes());
    header
}

/// Write to the bare socket, with handles beside the first byte.
pub(super) fn write(socket: &OwnedHandle, bytes: &[u8], handles: &[OwnedHandle]) -> Outcome {
    gpushare_harness::raw::send(socket, bytes, handles)
        .map_err(|error| Stop::Inconclusive(format!("writing to a bare socket: {error}")))
}

fn some_handles(count: usize) -> Outcome<Vec<OwnedHandle>> {
    let make = || gpushare_harness::raw::make(Object::Memory { len: 4096 });
    (0..count).map(|_| make().map_err(|error| Stop::Inconclusive(error.to_string()))).collect()
}

/// Send bytes and handles; receiving has to fail as one of `codes`.
fn is_refused(cx: &Context<'_>, bytes: &[u8], handles: usize, codes: &[Code]) -> Outcome {
    let (channel, bare) = with_bare_end(cx, LIMITS)?;
    let [receiver] = cx.peers()?;
    write(&bare, bytes, &some_handles(handles)?)?;
    receiver.receive_is_refused(channel, cx.within(), codes).map(drop)
}

fn garbage_is_refused(cx: &Context<'_>) -> Outcome {
    is_refused(cx, b"GET / HTTP/1.1\r\n\r\n", 0, &[Code::ChannelNotAMessage])
}

/// The receiver refuses what is announced before it sets memory aside for it.
fn announced_size_is_limited(cx: &Context<'_>) -> Outcome {
    is_refused(cx, &header(u32::MAX, 0), 0, &[Code::ChannelTooLarge])
}

fn announced_handles_are_limited(cx: &Context<'_>) -> Outcome {
    is_refused(cx, &header(0, u16::MAX), 0, &[Code::ChannelTooLarge])
}

/// The sender goes away after half a header.
fn cut_header_is_told(cx: &Context<'_>) -> Outcome {
    cut_is_told(cx, 5)
}

/// The sender goes away after half the bytes.
fn cut_body_is_told(cx: &Context<'_>) -> Outcome {
    cut_is_told(cx, 20)
}

fn cut_is_told(cx: &Context<'_>, after: usize) -> Outcome {
    let (channel, bare) = with_bare_end(cx, LIMITS)?;
    let [receiver] = cx.peers()?;
    write(&bare, &frame(&NOTE.bytes(), 0)[..after], &[])?;
    drop(bare);
    receiver.receive_is_refused(channel, cx.within(), &[Code::ChannelCutOff]).map(drop)
}

/// A message in pieces of one byte is one message.
fn one_byte_at_a_time_arrives(cx: &Context<'_>) -> Outcome {
    let (channel, bare) = with_bare_end(cx, LIMITS)?;
    let [receiver] = cx.peers()?;
    let payload = Payload { len: 100, seed: 7 };
    let handles = some_handles(1)?;
    for (index, byte) in frame(&payload.bytes(), 1).into_iter().enumerate() {
        write(&bare, &[byte], if index == 0 { &handles } else { &[] })?;
    }
    receiver.receive(channel, payload, 1).map(drop)
}

/// Fewer handles than announced.
fn missing_handles_are_refused(cx: &Context<'_>) -> Outcome {
    is_refused(cx, &frame(&NOTE.bytes(), 3), 2, &[Code::ChannelHandleCount])
}

/// More handles than announced: none may stay open, which the ledger sees.
fn unannounced_handles_are_refused(cx: &Context<'_>) -> Outcome {
    is_refused(cx, &frame(&NOTE.bytes(), 0), 5, &[Code::ChannelHandleCount])
}

/// Handles beside a later byte of the message count like any other.
fn handles_in_body_are_refused(cx: &Context<'_>) -> Outcome {
    let (channel, bare) = with_bare_end(cx, LIMITS)?;
    let [receiver] = cx.peers()?;
    let message = frame(&NOTE.bytes(), 0);
    write(&bare, &message[..12], &[])?;
    write(&bare, &message[12..], &some_handles(2)?)?;
    receiver.receive_is_refused(channel, cx.within(), &[Code::ChannelHandleCount]).map(drop)
}

/// More handles than the receiver has room for are cut off by the kernel; it notices and closes those that came.
fn more_handles_than_room(cx: &Context<'_>, room: usize) -> Outcome {
    let (channel, bare) = with_bare_end(cx, (LIMITS.0, room))?;
    let [receiver] = cx.peers()?;
    write(&bare, &frame(&NOTE.bytes(), 1), &some_handles(9)?)?;
    receiver.receive_is_refused(channel, cx.within(), &[Code::ChannelHandlesLost, Code::ChannelTooLarge]).map(drop)
}

/// After garbage nobody knows where the next message begins: nothing more is read from that channel.
fn broken_channel_stays_broken(cx: &Context<'_>) -> Outcome {
    let (channel, bare) = with_bare_end(cx, LIMITS)?;
    let [receiver] = cx.peers()?;
    write(&bare, b"garbage, garbage", &[])?;
    receiver.receive_is_refused(channel, cx.within(), &[Code::ChannelNotAMessage])?;
    write(&bare, &frame(&NOTE.bytes(), 0), &[])?;
    receiver.receive_is_refused(channel, cx.within(), &[Code::ChannelBroken]).map(drop)
}
