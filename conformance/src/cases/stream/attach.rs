//! Who gets in: one other end, with the right memory, once.

use gpushare_harness::protocol::{Code, Object};
use gpushare_harness::raw;

use super::{CAPACITY, payload};
use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, StreamHandles};

pub(super) fn define(cases: &mut Cases<'_>) {
    const ONCE: &[&str] = &["stream.attached_once"];
    const CHECKED: &[&str] = &["stream.both_rings_are_checked", "ledger.refusal_leaves_nothing"];
    cases.case("second_attacher_is_refused", ONCE).once(second_attacher_is_refused);
    cases.case("attached_in_a_third_process", ONCE).once(attached_in_a_third_process);
    let directions = [0_usize, 1];
    let name = |direction: &usize| if *direction == 0 { "incoming" } else { "outgoing" }.to_owned();
    cases.case("another_generation_is_refused", CHECKED).each(directions, name, another_generation_is_refused);
    cases.case("another_capacity_is_refused", CHECKED).each(directions, name, another_capacity_is_refused);
    cases.case("exchanged_directions_are_refused", CHECKED).once(exchanged_directions_are_refused);
    cases.case("handles_of_two_streams_are_refused", CHECKED).each(
        [0_usize, 1, 2, 3],
        |place| format!("handle_{place}"),
        mixed,
    );
    cases.case("no_memory_is_refused", CHECKED).each([0_usize, 1, 2, 3], |place| format!("handle_{place}"), no_memory);
    cases.case("impossible_capacity_is_refused", &["ring.impossible_capacity_is_refused"]).each(
        [0, 8, 100, 1 << 32],
        |capacity| format!("{capacity}_bytes"),
        impossible_capacity,
    );
}

fn clone(offer: &StreamHandles) -> Outcome<StreamHandles> {
    let copies = offer.handles.iter().map(gpushare::OwnedHandle::try_clone).collect::<Result<Vec<_>, _>>();
    let copies = copies.map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let handles = copies.try_into().map_err(|_| Stop::Inconclusive("a stream has four handles".into()))?;
    Ok(StreamHandles { terms: offer.terms, handles })
}

fn second_attacher_is_refused(cx: &Context<'_>) -> Outcome {
    let [one, other, third] = cx.peers()?;
    let (here, offer) = one.create_stream(CAPACITY)?;
    let there = other.attach_stream(&offer)?;
    third.stream_is_refused(&offer, &[Code::RingTaken])?;
    let sent = payload(cx, 0, 10);
    one.write_all(here, sent)?;
    other.read_exactly(there, &sent.bytes())
}

/// Whoever has the handles may be the other end, not only a child or a parent.
fn attached_in_a_third_process(cx: &Context<'_>) -> Outcome {
    let [one, through, third] = cx.peers()?;
    let (here, offer) = one.create_stream(CAPACITY)?;
    let kept = through.keep(&offer.handles)?;
    let passed = through.hand_over_all(&kept, &third)?;
    let handles = third.give(&passed)?;
    let handles = handles.try_into().map_err(|_| Stop::Fail("a stream has four handles".into()))?;
    let there = third.attach_stream(&StreamHandles { terms: offer.terms, handles })?;
    let (forth, back) = (payload(cx, 1, 40), payload(cx, 2, 50));
    one.write_all(here, forth)?;
    third.write_all(there, back)?;
    third.read_exactly(there, &forth.bytes())?;
    one.read_exactly(here, &back.bytes())
}

fn another_generation_is_refused(cx: &Context<'_>, direction: usize) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, mut offer) = one.create_stream(CAPACITY)?;
    offer.terms[direction].generation ^= 1;
    other.stream_is_refused(&offer, &[Code::RingMismatch])
}

fn another_capacity_is_refused(cx: &Context<'_>, direction: usize) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, mut offer) = one.create_stream(CAPACITY)?;
    offer.terms[direction].capacity *= 2;
    other.stream_is_refused(&offer, &[Code::MemorySize, Code::RingMismatch])
}

fn exchanged_directions_are_refused(cx: &Context<'_>) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, mut offer) = one.create_stream(CAPACITY)?;
    offer.terms.reverse();
    offer.handles.rotate_left(2);
    other.stream_is_refused(&offer, &[Code::RingWrongRole])
}

fn mixed(cx: &Context<'_>, place: usize) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, offer) = one.create_stream(CAPACITY)?;
    let (_also_here, second) = one.create_stream(CAPACITY)?;
    let mut mixed = clone(&offer)?;
    mixed.handles[place] = clone(&second)?.handles.into_iter().nth(place).ok_or_else(|| Stop::Inconclusive("four".into()))?;
    other.stream_is_refused(&mixed, &[Code::RingMismatch])
}

fn no_memory(cx: &Context<'_>, place: usize) -> Outcome {
    let [one, other] = cx.peers()?;
    let (_here, mut offer) = one.create_stream(CAPACITY)?;
    offer.handles[place] = raw::make(Object::Pipe).map_err(|error| Stop::Inconclusive(error.to_string()))?;
    other.stream_is_refused(&offer, &[Code::MemoryNotShared])
}

fn impossible_capacity(cx: &Context<'_>, capacity: u64) -> Outcome {
    let [one] = cx.peers()?;
    match one.try_create_stream(capacity)? {
        Ok(_) => Err(Stop::Fail(format!("a stream of {capacity} bytes was created"))),
        Err(problem) => one.expect_code(&problem, &[Code::RingCapacity]),
    }
}
