//! Getting in: once, with the right objects, as the right side, and without changing anything.

use rstest::rstest;

use crate::handle::OwnedHandle;
use crate::ring::layout::{Role, Shape};
use crate::ring::{Consumer, Offer, Producer, RingError, Terms};
use crate::shm::{SharedMemory, SharedMemoryError};
use crate::sys;

fn clone(offer: &Offer) -> Offer {
    Offer::from_parts(offer.terms(), offer_handles(offer))
}

fn offer_handles(offer: &Offer) -> Vec<OwnedHandle> {
    offer.handles.iter().map(|handle| handle.try_clone().unwrap()).collect()
}

/// An offer of these memory objects; what carries wake-ups is another ring's.
fn offer(terms: Terms, own: &SharedMemory, peer: &SharedMemory) -> Offer {
    let (_, mut handles) = Producer::create(64).unwrap().1.into_parts();
    handles[0] = own.handle().unwrap();
    handles[1] = peer.handle().unwrap();
    Offer::from_parts(terms, handles)
}

#[test]
fn attaching_does_not_touch_what_was_sent() {
    let (mut producer, offer) = Producer::create(64).unwrap();
    assert!(producer.try_send(b"before").unwrap());

    let mut consumer = Consumer::attach(offer).unwrap();

    let mut message = Vec::new();
    assert!(consumer.try_receive(&mut message).unwrap());
    assert_eq!(message, b"before");
}

#[test]
fn a_second_consumer_is_refused_and_gets_its_offer_back() {
    let (_producer, offer) = Producer::create(64).unwrap();
    let again = clone(&offer);
    let _first = Consumer::attach(offer).unwrap();

    let refused = Consumer::attach(again).unwrap_err();

    assert!(matches!(refused.error, RingError::Taken(Role::Consumer)), "{}", refused.error);
    let refused = Consumer::attach(refused.offer).unwrap_err();
    assert!(matches!(refused.error, RingError::Taken(Role::Consumer)), "also after the first try");
}

#[test]
fn a_role_that_nobody_has_is_not_taken_because_its_object_can_only_be_read() {
    let shape = Shape::bytes(64).unwrap();
    let terms = Terms { role: Role::Consumer, capacity: 64, generation: 5 };
    let own = SharedMemory::create_owned(shape.object_bytes(Role::Consumer), &shape.header(Role::Consumer, 5, false)).unwrap();
    let peer = SharedMemory::create_owned(shape.object_bytes(Role::Producer), &shape.header(Role::Producer, 5, true)).unwrap();

    let error = Consumer::attach(offer(terms, &own, &peer)).unwrap_err().error;

    assert!(matches!(error, RingError::Memory(SharedMemoryError::ReadOnly { .. })), "{error}");
}

#[test]
fn a_second_producer_is_refused() {
    let (_consumer, offer) = Consumer::create(64).unwrap();
    let again = clone(&offer);
    let _first = Producer::attach(offer).unwrap();

    let refused = Producer::attach(again).unwrap_err();

    assert!(matches!(refused.error, RingError::Taken(Role::Producer)), "{}", refused.error);
}

#[test]
fn of_many_that_attach_at_once_one_gets_in() {
    for _ in 0..50 {
        let (_producer, offer) = Producer::create(64).unwrap();
        let offers: Vec<Offer> = (0..4).map(|_| clone(&offer)).collect();
        let barrier = std::sync::Barrier::new(offers.len());
        let attach = &|offer| {
            barrier.wait();
            Consumer::attach(offer)
        };
        let attached = std::thread::scope(|scope| {
            let threads: Vec<_> = offers.into_iter().map(|offer| scope.spawn(move || attach(offer))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(attached.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in attached.into_iter().filter_map(Result::err) {
            assert!(matches!(refused.error, RingError::Taken(Role::Consumer)), "{}", refused.error);
        }
    }
}

#[rstest]
#[case::magic(0, "magic")]
#[case::version(8, "version")]
#[case::role(12, "role")]
#[case::capacity(16, "capacity")]
#[case::generation(24, "generation")]
#[case::message(32, "message size")]
fn an_object_that_is_another_is_refused(
    #[case] at: usize,
    #[case] name: &str,
    #[values(Role::Producer, Role::Consumer)] whose: Role,
) {
    let shape = Shape::bytes(64).unwrap();
    let terms = Terms { role: Role::Consumer, capacity: 64, generation: 5 };
    let object = |role| {
        let mut header = shape.header(role, 5, role == Role::Producer);
        if role == whose {
            header[at] ^= 1;
        }
        header
    };
    let own = SharedMemory::create_lent(shape.object_bytes(Role::Consumer), &object(Role::Consumer)).unwrap();
    let peer = SharedMemory::create_owned(shape.object_bytes(Role::Producer), &object(Role::Producer)).unwrap();

    let error = Consumer::attach(offer(terms, &own, &peer)).unwrap_err().error;

    assert!(matches!(error, RingError::Mismatch { role, field, .. } if role == whose && field == name), "{error}");
}

#[test]
fn handles_of_two_rings_cannot_be_mixed() {
    let (_a, offer_a) = Producer::create(64).unwrap();
    let (_b, offer_b) = Producer::create(64).unwrap();
    let (terms, mut handles) = offer_a.into_parts();
    handles[1] = offer_b.into_parts().1.remove(1);

    let error = Consumer::attach(Offer::from_parts(terms, handles)).unwrap_err().error;

    assert!(matches!(error, RingError::Mismatch { role: Role::Producer, field: "generation", .. }), "{error}");
}

#[test]
fn the_terms_of_an_earlier_ring_are_refused() {
    let (_a, stale) = Producer::create(64).unwrap();
    let (_b, offer) = Producer::create(64).unwrap();
    let (terms, handles) = offer.into_parts();

    let error = Consumer::attach(Offer::from_parts(stale.terms(), handles)).unwrap_err().error;

    let RingError::Mismatch { field: "generation", found, expected, .. } = error else { panic!("{error}") };
    assert_eq!((found, expected), (terms.generation, stale.terms().generation));
}

#[test]
fn the_wrong_role_is_refused() {
    let (_producer, offer) = Producer::create(64).unwrap();

    let error = Producer::attach(offer).unwrap_err().error;

    assert!(matches!(error, RingError::WrongRole { offered: Role::Consumer, attached: Role::Producer }), "{error}");
}

#[rstest]
#[case(0)]
#[case(8)]
#[case(100)]
#[case(1 << 32)]
#[case(u64::MAX)]
fn capacities_that_no_ring_has(#[case] capacity: u64) {
    assert!(matches!(Producer::create(capacity), Err(RingError::Capacity { .. })));
    assert!(matches!(Consumer::create(capacity), Err(RingError::Capacity { .. })));
}

#[test]
fn an_object_of_another_size_is_refused() {
    let (_producer, offer) = Producer::create(64).unwrap();
    let (terms, handles) = offer.into_parts();

    let error = Consumer::attach(Offer::from_parts(Terms { capacity: 1 << 16, ..terms }, handles)).unwrap_err().error;

    assert!(matches!(error, RingError::Memory(SharedMemoryError::Size { .. })), "{error}");
}

#[test]
fn an_object_that_can_be_resized_or_written_by_others_is_refused() {
    let shape = Shape::bytes(64).unwrap();
    let terms = Terms { role: Role::Consumer, capacity: 64, generation: 5 };
    let own = SharedMemory::create_lent(shape.object_bytes(Role::Consumer), &shape.header(Role::Consumer, 5, false)).unwrap();
    let open = SharedMemory::create(shape.object_bytes(Role::Producer)).unwrap();
    open.write(0, &shape.header(Role::Producer, 5, true)).unwrap();

    let error = Consumer::attach(offer(terms, &own, &open)).unwrap_err().error;

    assert!(matches!(error, RingError::Memory(SharedMemoryError::OpenToWriters)), "{error}");
}

#[test]
fn nobody_else_can_write_to_a_side() {
    let shape = Shape::bytes(64).unwrap();
    let (_producer, offer) = Producer::create(64).unwrap();
    let mut handles = offer_handles(&offer);
    let (producers, consumers) = (handles.remove(1), handles.remove(0));
    let refused = SharedMemory::attach(producers, shape.object_bytes(Role::Producer)).unwrap_err();
    assert!(matches!(refused.error, SharedMemoryError::ReadOnly { .. }), "{}", refused.error);

    let _consumer = Consumer::attach(offer).unwrap();

    if sys::shm::CLOSING_BINDS_EVERYBODY {
        let refused = SharedMemory::attach(consumers, shape.object_bytes(Role::Consumer)).unwrap_err();
        assert!(matches!(refused.error, SharedMemoryError::ReadOnly { .. }), "{}", refused.error);
    }
}

#[rstest]
#[case::none(0)]
#[case::one_less(Offer::HANDLES - 1)]
#[case::one_more(Offer::HANDLES + 1)]
fn another_number_of_handles_is_refused_and_they_come_back(#[case] count: usize) {
    let (_producer, offer) = Producer::create(64).unwrap();
    let all = offer_handles(&offer);
    let handles = all.iter().cycle().take(count).map(|handle| handle.try_clone().unwrap()).collect();

    let refused = Consumer::attach(Offer::from_parts(offer.terms(), handles)).unwrap_err();

    let RingError::HandleCount { found, expected } = refused.error else { panic!("{}", refused.error) };
    assert_eq!((found, expected, refused.offer.handles.len()), (count, Offer::HANDLES, count));
}
