//! Who gets in: one attaching side, with the right memory, once; and nothing is begun anew by it.

use gpushare::ring::{Field, Role};
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};
use gpushare_harness::protocol::{Code, Object};
use gpushare_harness::raw;

use super::{CAPACITY, message, messages};
use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, Ring, RingOffer};

pub(super) fn define(cases: &mut Cases<'_>) {
    const ONCE: &[&str] = &["ring.attached_once"];
    const KEEPS: &[&str] = &["ring.attaching_begins_nothing_anew"];
    const CHECKED: &[&str] = &["ring.memory_is_checked", "ledger.refusal_leaves_nothing"];
    const TERMS: &[&str] = &["ring.terms_are_checked", "ledger.refusal_leaves_nothing"];
    let roles = [Role::Producer, Role::Consumer];
    let name = |role: &Role| role.to_string();
    cases.case("second_attacher_is_refused", ONCE).each(roles, name, second_attacher_is_refused);
    cases.case("second_attacher_of_same_process_is_refused", ONCE).each(roles, name, second_attacher_of_same_process);
    cases.case("attacher_after_attacher_left_is_refused", ONCE).each(roles, name, attacher_after_attacher_left);
    cases.case("creator_is_not_attached_to", ONCE).each(roles, name, creator_is_not_attached_to);
    cases.case("attaching_keeps_messages", KEEPS).once(attaching_keeps_messages);
    cases.case("refused_attaching_keeps_messages", KEEPS).once(refused_attaching_keeps_messages);
    cases.case("refused_attaching_leaves_the_role", KEEPS).each(roles, name, refused_attaching_leaves_the_role);
    cases.case("wrong_field_is_refused", CHECKED).each(wrong_fields(), wrong_field_name, wrong_field_is_refused);
    cases.case("short_object_is_refused", CHECKED).each(objects(), object_name, short_object_is_refused);
    cases.case("long_object_is_refused", CHECKED).each(objects(), object_name, long_object_is_refused);
    cases.case("unsealed_object_is_refused", CHECKED).each(objects(), object_name, unsealed_object_is_refused);
    cases.case("object_open_to_writers_is_refused", CHECKED).each(roles, name, object_open_to_writers_is_refused);
    cases.case("object_without_permission_is_refused", CHECKED).each(roles, name, object_without_permission);
    let strangers = [Object::Pipe, Object::File, Object::Directory, Object::DevNull, Object::EventFd, Object::ThisProcess];
    let places = objects().flat_map(|(role, place)| strangers.map(|object| (role, place, object)));
    let stranger_name = |(role, place, object): &(Role, usize, Object)| {
        format!("{}_for_{}", crate::cases::handle::refusal::object_name(object), object_name(&(*role, *place)))
    };
    cases.case("no_memory_is_refused", CHECKED).each(places, stranger_name, no_memory_is_refused);
    cases.case("another_capacity_is_refused", TERMS).each(
        [2048, 8192, 0, 15, u64::MAX],
        |capacity| format!("{capacity}_bytes"),
        another_capacity_is_refused,
    );
    cases.case("another_generation_is_refused", TERMS).each(roles, name, another_generation_is_refused);
    cases.case("wrong_role_is_refused", TERMS).each(roles, name, wrong_role_is_refused);
    cases.case("exchanged_handles_are_refused", TERMS).each(roles, name, exchanged_handles_are_refused);
    cases.case("handles_of_two_rings_are_refused", TERMS).each(objects(), object_name, handles_of_two_rings);
    cases.case("offer_in_a_channel_arrives", &["ring.messages_arrive_once_in_order"]).once(offer_in_a_channel_arrives);
}

/// The role that is attached, and which of the two handles is meant: its own object, or the creator's.
fn objects() -> impl Iterator<Item = (Role, usize)> + Clone {
    [Role::Producer, Role::Consumer].into_iter().flat_map(|role| [0, 1].map(|place| (role, place)))
}

fn object_name((role, place): &(Role, usize)) -> String {
    format!("{role}s_{}", if *place == 0 { "own" } else { "other" })
}

/// A ring of the first peer; the offer is for this role.
fn offered(cx: &Context<'_>, role: Role) -> Outcome<(Ring, RingOffer)> {
    let [creator] = cx.peers()?;
    creator.create_ring(role.other(), CAPACITY)
}

/// After a refusal the offer itself has to be as good as before.
fn still_works(cx: &Context<'_>, role: Role, ring: Ring, offer: &RingOffer) -> Outcome {
    let [creator, attacher] = cx.peers()?;
    let attached = attacher.attach_ring(role, offer)?;
    let sent = messages(cx, [33]);
    let (producer, out, consumer, into) = match role {
        Role::Producer => (attacher, attached, creator, ring),
        Role::Consumer => (creator, ring, attacher, attached),
    };
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// The role is refused while it is somebody's, and that somebody does not notice.
fn second_attacher_is_refused(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, first, second] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let attached = first.attach_ring(role, &offer)?;
    second.attach_is_refused(role, &offer, &[Code::RingTaken])?;
    let [creator] = cx.peers()?;
    let sent = messages(cx, [10]);
    let (producer, out, consumer, into) = match role {
        Role::Producer => (first, attached, creator, ring),
        Role::Consumer => (creator, ring, first, attached),
    };
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

fn second_attacher_of_same_process(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (_, offer) = offered(cx, role)?;
    attacher.attach_ring(role, &offer)?;
    attacher.attach_is_refused(role, &offer, &[Code::RingTaken])
}

/// A role that was left is not free again: positions belong to whoever had it.
fn attacher_after_attacher_left(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, first, second] = cx.peers()?;
    let (_, offer) = offered(cx, role)?;
    let attached = first.attach_ring(role, &offer)?;
    first.close_rings(&[attached])?;
    second.attach_is_refused(role, &offer, &[Code::RingTaken])
}

/// With the handles exchanged and the terms turned round, somebody asks for the side that the creator has.
fn creator_is_not_attached_to(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let mut turned = offer.try_clone()?;
    turned.handles.reverse();
    turned.terms.role = role.other();
    let codes = [Code::RingTaken, Code::MemoryReadOnly, Code::MemoryOpenToWriters];
    attacher.attach_is_refused(role.other(), &turned, &codes)?;
    still_works(cx, role, ring, &offer)
}

fn attaching_keeps_messages(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, offer) = producer.create_ring(Role::Producer, CAPACITY)?;
    let all = messages(cx, [100, 0, 200, 8]);
    producer.send_all(out, &all[..3], SendManner::Single)?;
    let into = consumer.attach_ring(Role::Consumer, &offer)?;
    producer.send_all(out, &all[3..], SendManner::Single)?;
    consumer.receive_all(into, &all, ReceiveManner::Single)
}

fn refused_attaching_keeps_messages(cx: &Context<'_>) -> Outcome {
    let [producer, consumer, stranger] = cx.peers()?;
    let (out, offer) = producer.create_ring(Role::Producer, CAPACITY)?;
    let all = messages(cx, [100, 0, 200]);
    producer.send_all(out, &all, SendManner::Single)?;
    let mut stale = offer.try_clone()?;
    stale.terms.generation ^= 1;
    stranger.attach_is_refused(Role::Consumer, &stale, &[Code::RingMismatch])?;
    let into = consumer.attach_ring(Role::Consumer, &offer)?;
    stranger.attach_is_refused(Role::Consumer, &offer, &[Code::RingTaken])?;
    consumer.receive_all(into, &all, ReceiveManner::Single)
}

/// Whoever is refused has not taken the role.
fn refused_attaching_leaves_the_role(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let mut stale = offer.try_clone()?;
    stale.terms.generation ^= 1 << 63;
    for _ in 0..3 {
        attacher.attach_is_refused(role, &stale, &[Code::RingMismatch])?;
    }
    still_works(cx, role, ring, &offer)
}

/// A field of one of the two objects, and what it is changed to.
#[derive(Clone, Copy)]
struct WrongField {
    role: Role,
    place: usize,
    field: Field,
    name: &'static str,
    bytes: &'static [u8],
}

fn wrong_fields() -> Vec<WrongField> {
    let fields: [(Field, &str, &[u8]); 8] = [
        (Field::Magic, "magic", b"GPURING\n"),
        (Field::Magic, "zero_magic", &[0; 8]),
        (Field::Version, "version", &[0xff, 0, 0, 0]),
        (Field::Version, "zero_version", &[0; 4]),
        (Field::Role, "role", &[9, 0, 0, 0]),
        (Field::Capacity, "capacity", &[0, 0, 1, 0, 0, 0, 0, 0]),
        (Field::Capacity, "huge_capacity", &[0xff; 8]),
        (Field::Generation, "generation", &[0x5a; 8]),
    ];
    objects()
        .flat_map(|(role, place)| fields.map(|(field, name, bytes)| WrongField { role, place, field, name, bytes }))
        .collect()
}

fn wrong_field_name(wrong: &WrongField) -> String {
    format!("{}_in_{}", wrong.name, object_name(&(wrong.role, wrong.place)))
}

fn system<T>(outcome: std::io::Result<T>) -> Outcome<T> {
    outcome.map_err(|error| Stop::Inconclusive(format!("making a memory object: {error}")))
}

/// A copy of one of the two objects, changed, as an honest creator would hand it over but for that.
fn replaced(offer: &RingOffer, place: usize, more: i64, changes: &[(u64, &[u8])], seal: bool) -> Outcome<RingOffer> {
    let mut forged = offer.try_clone()?;
    let len = system(raw::memory_len(&offer.handles[place]))?.saturating_add_signed(more);
    let copy = system(raw::copy_memory(&offer.handles[place], len, changes))?;
    if seal {
        system(raw::seal_size(&copy))?;
        if place == 1 {
            system(raw::seal_writing(&copy))?;
        }
    }
    forged.handles[place] = copy;
    Ok(forged)
}

fn wrong_field_is_refused(cx: &Context<'_>, wrong: WrongField) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, wrong.role)?;
    let forged = replaced(&offer, wrong.place, 0, &[(wrong.field.offset(), wrong.bytes)], true)?;
    attacher.attach_is_refused(wrong.role, &forged, &[Code::RingMismatch])?;
    still_works(cx, wrong.role, ring, &offer)
}

/// An object that ends before its ring does would make every access behind it fault.
fn short_object_is_refused(cx: &Context<'_>, (role, place): (Role, usize)) -> Outcome {
    wrong_size_is_refused(cx, role, place, -8)
}

fn long_object_is_refused(cx: &Context<'_>, (role, place): (Role, usize)) -> Outcome {
    wrong_size_is_refused(cx, role, place, 4096)
}

fn wrong_size_is_refused(cx: &Context<'_>, role: Role, place: usize, more: i64) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let forged = replaced(&offer, place, more, &[], true)?;
    attacher.attach_is_refused(role, &forged, &[Code::MemorySize])?;
    still_works(cx, role, ring, &offer)
}

/// An object whose size can change is refused: its owner could shrink it under the other side, which dies of it (`SIGBUS`).
fn unsealed_object_is_refused(cx: &Context<'_>, (role, place): (Role, usize)) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let forged = replaced(&offer, place, 0, &[], false)?;
    attacher.attach_is_refused(role, &forged, &[Code::MemoryUnsealed])?;
    still_works(cx, role, ring, &offer)
}

/// What this side only reads must be the other side's alone to write.
fn object_open_to_writers_is_refused(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let mut forged = offer.try_clone()?;
    forged.handles[1] = system(raw::memory_len(&offer.handles[1]).and_then(|len| {
        let copy = raw::copy_memory(&offer.handles[1], len, &[])?;
        raw::seal_size(&copy)?;
        Ok(copy)
    }))?;
    attacher.attach_is_refused(role, &forged, &[Code::MemoryOpenToWriters])?;
    still_works(cx, role, ring, &offer)
}

/// A handle that does not allow writing is no way in.
fn object_without_permission(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let mut forged = offer.try_clone()?;
    forged.handles[0] = system(raw::read_only(&offer.handles[0]))?;
    attacher.attach_is_refused(role, &forged, &[Code::MemoryReadOnly])?;
    still_works(cx, role, ring, &offer)
}

fn no_memory_is_refused(cx: &Context<'_>, (role, place, object): (Role, usize, Object)) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let mut forged = offer.try_clone()?;
    forged.handles[place] = system(raw::make(object))?;
    attacher.attach_is_refused(role, &forged, &[Code::MemoryNotShared])?;
    still_works(cx, role, ring, &offer)
}

fn another_capacity_is_refused(cx: &Context<'_>, capacity: u64) -> Outcome {
    let [_, attacher] = cx.peers()?;
    for role in [Role::Producer, Role::Consumer] {
        let (ring, offer) = offered(cx, role)?;
        let mut wrong = offer.try_clone()?;
        wrong.terms.capacity = capacity;
        attacher.attach_is_refused(role, &wrong, &[Code::RingCapacity, Code::MemorySize, Code::RingMismatch])?;
        still_works(cx, role, ring, &offer)?;
    }
    Ok(())
}

/// Handles of an older ring do not pass for those of a newer one.
fn another_generation_is_refused(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (_, older) = offered(cx, role)?;
    let (ring, newer) = offered(cx, role)?;
    let stale = RingOffer { terms: newer.terms, handles: older.try_clone()?.handles };
    attacher.attach_is_refused(role, &stale, &[Code::RingMismatch])?;
    still_works(cx, role, ring, &newer)
}

fn wrong_role_is_refused(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    attacher.attach_is_refused(role.other(), &offer, &[Code::RingWrongRole])?;
    still_works(cx, role, ring, &offer)
}

fn exchanged_handles_are_refused(cx: &Context<'_>, role: Role) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let mut exchanged = offer.try_clone()?;
    exchanged.handles.reverse();
    let codes = [Code::RingMismatch, Code::MemorySize, Code::MemoryOpenToWriters, Code::MemoryReadOnly];
    attacher.attach_is_refused(role, &exchanged, &codes)?;
    still_works(cx, role, ring, &offer)
}

/// One object of this ring and one of another of the same size.
fn handles_of_two_rings(cx: &Context<'_>, (role, place): (Role, usize)) -> Outcome {
    let [_, attacher] = cx.peers()?;
    let (ring, offer) = offered(cx, role)?;
    let (_, other) = offered(cx, role)?;
    let mut mixed = offer.try_clone()?;
    mixed.handles[place] = system(other.handles[place].try_clone())?;
    attacher.attach_is_refused(role, &mixed, &[Code::RingMismatch])?;
    still_works(cx, role, ring, &offer)
}

/// The handles go from peer to peer beside a message, as applications send them.
fn offer_in_a_channel_arrives(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, offer) = producer.create_ring(Role::Producer, CAPACITY)?;
    let (channel, theirs) = crate::cases::channel::between(&producer, &consumer)?;
    let note = message(cx, 20);
    let kept = producer.keep(&offer.handles)?;
    producer.send(channel, note, &kept)?;
    let arrived = consumer.receive(theirs, note, 2)?;
    let handles = consumer.give(&arrived.handles)?;
    let handles = handles.try_into().map_err(|_| Stop::Fail("two handles were sent".into()))?;
    let into = consumer.attach_ring(Role::Consumer, &RingOffer { terms: offer.terms, handles })?;
    let sent = messages(cx, [12]);
    producer.send_all(out, &sent, SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}
