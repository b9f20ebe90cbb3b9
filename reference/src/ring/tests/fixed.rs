//! The ring for messages of one size: what it does, and what it makes of what cannot be.

mod hostile;
mod machine;
mod models;

use std::time::Duration;

use rstest::rstest;

use crate::deadline::Deadline;
use crate::ring::fixed::{Consumer, Producer, shape_of};
use crate::ring::layout::Role;
use crate::ring::{self, Offer, RingError, Terms};
use crate::shm::SharedMemoryError;
use crate::waiter::{Patience, Wait};

const NOW: Deadline = Deadline::NEVER;

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(20))
}

#[rstest]
#[case::one(create::<8>, 1)]
#[case::two_lines(create::<8>, 16)]
#[case::across_lines(create::<28>, 3)]
#[case::large(create::<4096>, 5)]
fn there_is_room_for_as_many_as_were_asked_for(#[case] create: fn(u64) -> (u64, u64), #[case] messages: u64) {
    assert_eq!(create(messages), (messages, messages), "said, and sent");
}

/// The capacity that a ring says it has, and the messages that it takes.
fn create<const N: usize>(messages: u64) -> (u64, u64) {
    let (mut producer, _offer) = Producer::<N>::create(messages).unwrap();
    let mut sent = 0;
    while producer.try_send(&[0; N]).unwrap() {
        sent += 1;
    }
    (producer.capacity(), sent)
}

#[test]
fn rings_that_cannot_be() {
    assert!(matches!(Producer::<8>::create(0), Err(RingError::Messages { found: 0, .. })));
    assert!(matches!(Consumer::<8>::create(u64::MAX), Err(RingError::Messages { found: u64::MAX, most: 268_435_456 })));
    assert!(matches!(Consumer::<4096>::create(524_289), Err(RingError::Messages { most: 524_288, .. })));
}

#[test]
fn the_most_that_there_can_be_is_not_too_many() {
    assert_eq!(shape_of::<8>(268_435_456).unwrap().data, 1 << 31);
    assert_eq!(shape_of::<4096>(524_288).unwrap().data, 1 << 31);
}

#[test]
fn a_size_has_to_be_the_same_on_both_sides() {
    let (_producer, offer) = Producer::<8>::create(70).unwrap();
    let (terms, handles) = offer.into_parts();

    let refused = Consumer::<7>::attach(Offer::from_parts(Terms { capacity: 80, ..terms }, handles)).unwrap_err();
    let field = |error| match error {
        RingError::Mismatch { field, .. } => field,
        error => panic!("{error}"),
    };
    assert_eq!(field(refused.error), "capacity", "as many bytes");
    let (_, handles) = refused.offer.into_parts();
    let refused = ring::Consumer::attach(Offer::from_parts(terms, handles)).unwrap_err();
    assert!(matches!(refused.error, RingError::Capacity { found: 70, .. }), "{}", refused.error);

    // Where sizes are told in whole pages, the header tells the difference.
    let told = |error| matches!(error, RingError::Memory(SharedMemoryError::Size { .. }) | RingError::Mismatch { .. });
    let (_producer, offer) = Producer::<64>::create(64).unwrap();
    assert!(told(ring::Consumer::attach(offer).unwrap_err().error));
    let (_producer, offer) = Producer::<28>::create(4).unwrap();
    assert!(told(Consumer::<27>::attach(offer).unwrap_err().error));
}

#[test]
fn each_role_is_taken_once() {
    let (_consumer, offer) = Consumer::<40>::create(9).unwrap();
    let (terms, handles) = offer.into_parts();
    let again = handles.iter().map(|handle| handle.try_clone().unwrap()).collect();
    let _producer = Producer::<40>::attach(Offer::from_parts(terms, handles)).unwrap();

    let refused = Producer::<40>::attach(Offer::from_parts(terms, again)).unwrap_err();

    assert!(matches!(refused.error, RingError::Taken(Role::Producer)), "{}", refused.error);
}

fn pair<const N: usize>(messages: u64) -> (Producer<N>, Consumer<N>) {
    let (producer, offer) = Producer::create(messages).unwrap();
    (producer, Consumer::attach(offer).unwrap())
}

#[rstest]
#[case::beside_the_position(what_is_waited_for_arrives::<48>)]
#[case::in_its_place(what_is_waited_for_arrives::<49>)]
fn what_is_waited_for(#[case] arrives: fn()) {
    arrives();
}

/// Each of two sides waits for the other's message, and for its room.
fn what_is_waited_for_arrives<const N: usize>() {
    let ((mut asks, mut taken), (mut answers, mut answered)) = (pair::<N>(1), pair::<N>(1));
    let other = std::thread::spawn(move || {
        let mut message = [0; N];
        while taken.receive_alone(&mut message, NOW).is_ok() {
            answers.send_alone(&message, NOW).unwrap();
        }
    });
    for number in 1..=9 {
        asks.send_alone(&[number; N], NOW).unwrap();
        let mut message = [0; N];
        answered.receive_alone(&mut message, NOW).unwrap();
        assert_eq!(message, [number; N]);
    }

    let mut message = [0; N];
    assert!(matches!(answered.receive_alone(&mut message, soon()), Err(RingError::TimedOut)));
    drop(asks);
    assert!(matches!(answered.receive_alone(&mut message, NOW), Err(RingError::Closed)));
    other.join().unwrap();
}

#[test]
fn waits_end_with_their_deadline() {
    let (mut producer, mut consumer) = pair::<8>(7);
    assert!(matches!(consumer.receive(soon()), Err(RingError::TimedOut)));
    assert!(matches!(consumer.receive_batch(&mut [[0; 8]; 3], soon()), Err(RingError::TimedOut)));
    assert_eq!(consumer.wait(soon()).unwrap(), Wait::TimedOut);
    assert_eq!(producer.wait(soon()).unwrap(), Wait::Woken, "there is room");

    let answer = producer.send_batch(&[[1; 8]; 9], soon());

    assert!(matches!(answer, Err((7, RingError::TimedOut))), "{answer:?}");
    assert!(matches!(producer.send(&[1; 8], soon()), Err(RingError::TimedOut)));
    assert!(!producer.try_send_alone(&[1; 8]).unwrap());
    assert!(matches!(producer.send_alone(&[1; 8], soon()), Err(RingError::TimedOut)));
    assert_eq!(producer.wait(soon()).unwrap(), Wait::TimedOut);
    assert_eq!(consumer.wait(NOW).unwrap(), Wait::Woken, "there are messages");
    assert_eq!(consumer.receive(NOW).unwrap(), [1; 8]);
    assert_eq!(consumer.wait(soon()).unwrap(), Wait::Woken, "there are more");
}

#[rstest]
#[case::small(7)]
#[case::large(8)]
fn a_batch_without_messages_is_none(#[case] capacity: u64) {
    let (mut producer, mut consumer) = pair::<8>(capacity);
    assert_eq!(producer.try_send_batch(&[]).unwrap(), 0);
    producer.send_batch(&[], NOW).unwrap();
    assert!(consumer.try_receive().unwrap().is_none());
    assert_eq!(consumer.receive_batch(&mut [], NOW).unwrap(), 0);
    drop(consumer);
    assert!(matches!(producer.try_send_batch(&[[0; 8]; 99]), Err(RingError::Closed)));
    assert!(producer.try_send_batch(&[]).map_or_else(|error| matches!(error, RingError::Closed), |count| count == 0));
}

#[test]
fn what_was_sent_before_the_end_arrives_before_it() {
    let (mut producer, mut consumer) = pair::<8>(7);
    producer.send_batch(&[[1; 8], [2; 8]], NOW).unwrap();
    drop(producer);
    let mut batch = [[0; 8]; 5];
    assert_eq!(consumer.receive_batch(&mut batch, NOW).unwrap(), 2);
    assert_eq!(batch[..2], [[1; 8], [2; 8]]);
    assert!(matches!(consumer.try_receive(), Err(RingError::Closed)));
    assert!(matches!(consumer.receive_batch(&mut batch, NOW), Err(RingError::Closed)));
}

#[test]
fn a_producer_learns_that_nobody_reads_when_it_looks_for_room() {
    let (mut producer, consumer) = pair::<64>(2);
    drop(consumer);
    assert!(producer.try_send(&[0; 64]).unwrap() && producer.try_send(&[0; 64]).unwrap());
    assert!(matches!(producer.send(&[0; 64], NOW), Err(RingError::Closed)));
    assert_eq!(producer.wait(NOW).unwrap(), Wait::Woken);
    assert!(matches!(producer.try_send(&[0; 64]), Err(RingError::Closed)), "and for good");
}

#[test]
fn what_a_batch_learns_holds_for_the_next_message() {
    let (mut producer, consumer) = pair::<8>(256);
    assert!(producer.try_send(&[0; 8]).unwrap());
    drop(consumer);
    assert!(matches!(producer.try_send_batch(&[[0; 8]; 256]), Err(RingError::Closed)));
    assert!(matches!(producer.try_send(&[0; 8]), Err(RingError::Closed)), "though there is room");
}

#[test]
fn a_batch_that_fills_the_ring_is_sent_without_a_look_at_the_consumer() {
    let (mut producer, consumer) = pair::<64>(2);
    drop(consumer);
    assert_eq!(producer.try_send_batch(&[[0; 64]; 2]).unwrap(), 2);
    assert!(matches!(producer.try_send_batch(&[[0; 64]; 1]), Err(RingError::Closed)), "now there is one");
}

#[test]
fn a_look_that_finds_no_room_is_a_stall_and_one_that_finds_some_is_none() {
    let (mut producer, mut consumer) = pair::<64>(2);
    producer.send_batch(&[[0; 64]; 2], NOW).unwrap();
    assert_eq!(producer.counts().stalls, 0);
    assert!(!producer.try_send(&[0; 64]).unwrap() && !producer.try_send(&[0; 64]).unwrap());
    assert_eq!(producer.counts().stalls, 2);
    consumer.receive(NOW).unwrap();
    assert!(producer.try_send(&[0; 64]).unwrap());
    assert_eq!(producer.counts().stalls, 2);
}

#[test]
fn room_comes_back_with_an_eighth_or_when_nothing_is_left() {
    let (mut producer, mut consumer) = pair::<64>(16);
    producer.send_batch(&[[0; 64]; 16], NOW).unwrap();
    consumer.receive(NOW).unwrap();
    assert!(!producer.try_send(&[0; 64]).unwrap(), "one of sixteen is less than an eighth");
    consumer.receive(NOW).unwrap();
    assert_eq!(producer.try_send_batch(&[[0; 64]; 9]).unwrap(), 2);
    assert_eq!(consumer.try_receive_batch(&mut [[0; 64]; 15]).unwrap(), 15);
    consumer.receive(NOW).unwrap();
    assert_eq!(producer.try_send_batch(&[[0; 64]; 99]).unwrap(), 15);
    assert_eq!(consumer.try_receive_batch(&mut [[0; 64]; 13]).unwrap(), 13);
    consumer.receive(NOW).unwrap();
    consumer.receive(NOW).unwrap();
    assert!(consumer.try_receive().unwrap().is_none());
    assert_eq!(producer.try_send_batch(&[[0; 64]; 99]).unwrap(), 16);
}

#[test]
fn nobody_who_is_awake_is_woken() {
    let (mut producer, mut consumer) = pair::<16>(64);
    for _ in 0..200 {
        producer.send(&[0; 16], NOW).unwrap();
        consumer.receive(NOW).unwrap();
    }
    assert_eq!((producer.counts().wakes, consumer.counts().wakes), (0, 0));
}

#[test]
fn patience_is_that_of_each_side() {
    let (mut producer, offer) = Producer::<8>::create(1).unwrap();
    let mut consumer = Consumer::<8>::attach(offer).unwrap();
    let patience = Patience { spin: 0, park: Duration::ZERO };
    producer.set_patience(patience);
    consumer.set_patience(patience);

    // A sleep without an end of its own lasts until the deadline, so there would be one for each attempt. Where the machine is
    // very busy there may be no time for a second one.
    let slept_more_than_once = |sleeps: &mut dyn FnMut() -> u64| (1..=20).any(|attempts| sleeps() > attempts);
    assert!(slept_more_than_once(&mut || {
        assert_eq!(consumer.wait(soon()).unwrap(), Wait::TimedOut);
        consumer.counts().sleeps
    }));
    assert!(producer.try_send(&[0; 8]).unwrap());
    assert!(slept_more_than_once(&mut || {
        assert_eq!(producer.wait(soon()).unwrap(), Wait::TimedOut);
        producer.counts().sleeps
    }));
}
