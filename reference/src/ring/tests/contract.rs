//! What one side sees of the other, one case at a time.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::deadline::Deadline;
use crate::ring::{Consumer, Producer, RingError, fixed};
use crate::waiter::{Patience, Wait};

fn ring(capacity: u64) -> (Producer, Consumer) {
    let (mut producer, offer) = Producer::create(capacity).unwrap();
    let mut consumer = Consumer::attach(offer).unwrap();
    // Sleeps that only a wake-up or the deadline ends: a lost wake-up is a test that never ends.
    let patience = Patience { spin: 0, park: Duration::MAX };
    producer.set_patience(patience);
    consumer.set_patience(patience);
    (producer, consumer)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

trait Single {
    fn can_be_cloned() -> bool {
        false
    }
}

impl<T> Single for T {}

struct Of<T>(PhantomData<T>);

/// Preferred to the trait's, where it applies.
impl<T: Clone> Of<T> {
    fn can_be_cloned() -> bool {
        true
    }
}

#[test]
fn of_a_producer_and_of_a_consumer_there_is_no_second() {
    assert!(Of::<u64>::can_be_cloned(), "the question is answered");
    assert!(!Of::<Producer>::can_be_cloned());
    assert!(!Of::<Consumer>::can_be_cloned());
    assert!(!Of::<fixed::Producer<8>>::can_be_cloned());
    assert!(!Of::<fixed::Consumer<8>>::can_be_cloned());
}

#[test]
fn a_message_that_fills_the_ring_exactly_is_not_an_empty_ring() {
    let (mut producer, mut consumer) = ring(64);
    for round in 0..10u8 {
        assert_eq!(producer.max_message(), 56);
        assert!(producer.try_send(&[round; 56]).unwrap());
        assert!(!producer.try_send(b"").unwrap(), "it is full");
        let mut message = Vec::new();
        assert!(consumer.try_receive(&mut message).unwrap());
        assert_eq!(message, [round; 56]);
        assert!(!consumer.try_receive(&mut message).unwrap(), "it is empty");
    }
}

#[test]
fn a_message_without_bytes_is_a_message() {
    let (mut producer, mut consumer) = ring(64);
    for message in [&b""[..], b"x", b""] {
        assert!(producer.try_send(message).unwrap());
    }
    let mut lengths = Vec::new();
    assert_eq!(consumer.try_drain(9, |message| lengths.push(message.len())).unwrap(), 3);
    assert_eq!(lengths, [0, 1, 0]);
}

#[test]
fn a_reservation_waits_for_room_and_for_nothing_else() {
    let (mut producer, mut consumer) = ring(64);
    let short = || Deadline::after(Duration::from_millis(5));

    producer.reserve(56, short()).unwrap().commit(56);
    assert!(matches!(producer.reserve(56, short()), Err(RingError::TimedOut)));

    consumer.receive(&mut Vec::new(), short()).unwrap();
    assert_eq!(producer.reserve(56, short()).unwrap().len(), 56);
}

#[test]
fn a_drain_of_none_waits_for_nothing() {
    let (_producer, mut consumer) = ring(64);
    assert_eq!(consumer.drain(0, Deadline::after(Duration::ZERO), |_| {}).unwrap(), 0);
}

#[test]
fn a_drain_tells_of_the_end_once_there_is_nothing_before_it() {
    let (mut producer, mut consumer) = ring(64);
    assert!(producer.try_send(b"last").unwrap());
    drop(producer);
    assert_eq!(consumer.try_drain(9, |_| {}).unwrap(), 1);
    assert!(matches!(consumer.try_drain(9, |_| {}), Err(RingError::Closed)));
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[case(56)]
fn a_reservation_and_its_message_say_how_long_they_are(#[case] len: usize) {
    let (mut producer, mut consumer) = ring(64);
    let reservation = producer.try_reserve(len).unwrap().unwrap();
    assert_eq!((reservation.len(), reservation.is_empty()), (len, len == 0));
    reservation.commit(len);
    let message = consumer.try_peek().unwrap().unwrap();
    assert_eq!((message.len(), message.is_empty()), (len, len == 0));
}

#[rstest]
#[case(57)]
#[case(1000)]
#[case(usize::MAX)]
fn what_never_fits_is_an_error_at_once(#[case] len: usize) {
    let (mut producer, _consumer) = ring(64);
    let expect = |answer: Result<(), RingError>| {
        assert!(matches!(answer, Err(RingError::TooLarge { found, most: 56 }) if found == len), "{answer:?}");
    };
    expect(producer.try_reserve(len).map(drop));
    expect(producer.reserve(len, Deadline::NEVER).map(drop));
    expect(producer.wait(len, Deadline::NEVER).map(drop));
    if len < 10_000 {
        expect(producer.send(&vec![0; len], Deadline::NEVER));
    }
    assert!(producer.try_send(b"still usable").unwrap());
}

#[test]
fn every_length_at_every_place_of_the_ring() {
    for first in 0..=56 {
        let (mut producer, mut consumer) = ring(64);
        let mut message = Vec::new();
        assert!(producer.try_send(&vec![1; first]).unwrap());
        assert!(consumer.try_receive(&mut message).unwrap());
        for len in 0..=56u8 {
            let bytes: Vec<u8> = (0..len).map(|at| at ^ 0x5a).collect();
            assert!(producer.try_send(&bytes).unwrap(), "{first} {len}");
            assert!(consumer.try_receive(&mut message).unwrap());
            assert_eq!(message, bytes, "{first}");
        }
    }
}

#[test]
fn a_timeout_takes_as_long_as_it_should() {
    let (mut producer, mut consumer) = ring(16);
    let span = Duration::from_millis(30);
    let start = Instant::now();
    assert!(matches!(consumer.receive(&mut Vec::new(), Deadline::after(span)), Err(RingError::TimedOut)));
    assert!(start.elapsed() >= span, "{:?}", start.elapsed());

    assert!(producer.try_send(b"").unwrap() && producer.try_send(b"").unwrap());
    let start = Instant::now();
    assert!(matches!(producer.send(b"", Deadline::after(span)), Err(RingError::TimedOut)));
    assert!(start.elapsed() >= span, "{:?}", start.elapsed());
    assert_eq!(consumer.wait(Deadline::after(span)).unwrap(), Wait::Woken, "the two messages are still there");
}

#[test]
fn no_system_call_while_nobody_sleeps() {
    let (mut producer, mut consumer) = ring(1 << 12);
    let mut message = Vec::new();
    for _ in 0..10_000 {
        assert!(producer.try_send(b"awake").unwrap());
        assert!(consumer.try_receive(&mut message).unwrap());
    }
    assert_eq!((producer.counts().wakes, consumer.counts().wakes), (0, 0));
}

#[test]
fn one_wake_up_for_one_sleep() {
    let (mut producer, mut consumer) = ring(1 << 12);
    let sleeper = std::thread::spawn(move || {
        let mut message = Vec::new();
        consumer.receive(&mut message, soon()).unwrap();
        consumer
    });
    std::thread::sleep(Duration::from_millis(50));
    for _ in 0..100 {
        assert!(producer.try_send(b"x").unwrap());
    }
    drop(sleeper.join().unwrap());
    assert_eq!(producer.counts().wakes, 1, "the first message wakes, the others find nobody asleep or somebody woken already");
}

#[test]
fn back_and_forth_with_sleeps() {
    let (mut there, mut echo_in) = ring(64);
    let (mut echo_out, mut back) = ring(64);
    let echo = std::thread::spawn(move || {
        let mut message = Vec::new();
        while echo_in.receive(&mut message, soon()).is_ok() {
            echo_out.send(&message, soon()).unwrap();
        }
    });
    let mut message = Vec::new();
    for round in 0..5_000u32 {
        there.send(&round.to_ne_bytes(), soon()).unwrap();
        back.receive(&mut message, soon()).unwrap();
        assert_eq!(message, round.to_ne_bytes());
    }
    drop(there);
    echo.join().unwrap();
}

#[test]
fn closing_ends_a_wait_on_either_side() {
    let (producer, mut consumer) = ring(16);
    let waiting = std::thread::spawn(move || consumer.receive(&mut Vec::new(), Deadline::NEVER));
    std::thread::sleep(Duration::from_millis(20));
    drop(producer);
    assert!(matches!(waiting.join().unwrap(), Err(RingError::Closed)));

    let (mut producer, consumer) = ring(16);
    assert!(producer.try_send(&[0; 8]).unwrap());
    let waiting = std::thread::spawn(move || producer.send(b"", Deadline::NEVER));
    std::thread::sleep(Duration::from_millis(20));
    drop(consumer);
    assert!(matches!(waiting.join().unwrap(), Err(RingError::Closed)));
}

#[test]
fn a_producer_wakes_for_the_room_it_needs_and_not_before() {
    let (mut producer, mut consumer) = ring(64);
    for _ in 0..4 {
        assert!(producer.try_send(&[1; 8]).unwrap());
    }
    let waiting = std::thread::spawn(move || {
        producer.send(&[2; 40], soon()).unwrap();
        producer
    });
    let mut message = Vec::new();
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(10));
        assert!(consumer.try_receive(&mut message).unwrap());
        assert_eq!(message, [1; 8]);
    }
    consumer.receive(&mut message, soon()).unwrap();
    assert_eq!(message, [2; 40]);
    drop(waiting.join().unwrap());
}

#[test]
fn in_place_pieces_cover_the_message() {
    let (mut producer, mut consumer) = ring(64);
    // Where the message's first byte lies.
    let mut at = 8;
    for round in 0..20usize {
        let len = round * 3 % 50;
        let mut reservation = producer.try_reserve(len).unwrap().unwrap();
        let pieces = reservation.pieces();
        let until_the_end = len.min(64 - at);
        assert_eq!(pieces.map(<*mut [u8]>::len), [until_the_end, len - until_the_end]);
        assert_eq!(pieces[0].addr() - pieces[1].addr(), at, "the second begins where the ring does");
        reservation.write(0, &vec![3; len]);
        reservation.commit(len);
        let message = consumer.try_peek().unwrap().unwrap();
        assert_eq!(message.pieces().map(<*const [u8]>::len), pieces.map(<*mut [u8]>::len));
        message.release();
        at = (at + 8 + len.next_multiple_of(8)) % 64;
    }
}

#[test]
#[should_panic(expected = "5 bytes from 4 on do not fit into 8")]
fn a_reservation_has_an_end() {
    let (mut producer, _consumer) = ring(64);
    producer.try_reserve(8).unwrap().unwrap().write(4, &[0; 5]);
}

#[test]
fn a_batch_that_needs_more_than_the_ring_goes_in_parts() {
    let (mut producer, mut consumer) = ring(64);
    let messages: Vec<Vec<u8>> = (0..100u8).map(|number| vec![number; usize::from(number % 50)]).collect();
    let expected = messages.clone();
    let sender = std::thread::spawn(move || producer.send_batch(messages.iter().map(Vec::as_slice), soon()));
    let mut taken = Vec::new();
    while taken.len() < expected.len() {
        consumer.drain(7, soon(), |message| taken.push(message.to_vec())).unwrap();
    }
    assert!(matches!(sender.join().unwrap(), Ok(())));
    assert_eq!(taken, expected);
}

#[rstest]
#[case(1 << 31)]
#[case(1 << 32)]
#[case(1 << 34)]
#[case(1 << 62)]
fn positions_go_on_where_fewer_bits_would_wrap(#[case] wrap: u64) {
    let (mut producer, mut consumer) = ring(64);
    producer.skip_to(wrap - 64);
    consumer.skip_to(wrap - 64);
    let mut message = Vec::new();
    for round in 0..40u8 {
        assert!(producer.try_send(&[round; 9]).unwrap());
        assert!(producer.try_send(&[round; 32]).unwrap());
        assert!(!producer.try_send(b"").unwrap(), "it is full");
        assert!(consumer.try_receive(&mut message).unwrap());
        assert_eq!(message, [round; 9]);
        assert!(consumer.try_receive(&mut message).unwrap());
        assert_eq!(message, [round; 32]);
        assert!(!consumer.try_receive(&mut message).unwrap(), "it is empty");
    }
}
