//! A peer that writes whatever it likes: an error within the deadline at worst.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rstest::rstest;

use crate::deadline::Deadline;
use crate::ring::attach::{attach, create};
use crate::ring::layout::{Role, Shape};
use crate::ring::memory::{Memory, Shared};
use crate::ring::{Consumer, Corruption, Offer, Producer, RingError, Terms, layout};
use crate::sys::wait::WakePath;
use crate::waiter::{Bell, Words};

const CAPACITY: u64 = 256;

/// A producer's memory without a producer's care, and an honest consumer.
fn hostile_producer() -> (Shared, Consumer) {
    let (shared, offer) = create(Role::Producer, Shape::bytes(CAPACITY).unwrap()).unwrap();
    (shared, Consumer::attach(offer).unwrap())
}

/// The same with the roles exchanged.
fn hostile_consumer() -> (Shared, Producer) {
    let (producer, offer) = Producer::create(CAPACITY).unwrap();
    (attach(Role::Consumer, offer, Shape::bytes).unwrap().0, producer)
}

fn interesting() -> impl Iterator<Item = u64> {
    let near = [0, 1 << 3, CAPACITY, 2 * CAPACITY, 1 << 31, 1 << 32, 1 << 33, 1 << 62, 1 << 63];
    near.into_iter().flat_map(|value| (0..=16).flat_map(move |by| [value.wrapping_sub(by), value.wrapping_add(by)]))
}

#[test]
fn every_position_of_a_producer_is_taken_or_refused() {
    for position in interesting() {
        let (shared, mut consumer) = hostile_producer();
        shared.write_header(0, layout::message_header(0, 0));
        shared.own().position().store(position, Ordering::Release);

        let first = consumer.try_receive(&mut Vec::new());

        let possible = position <= CAPACITY && position.is_multiple_of(8);
        match first {
            Ok(came) => assert!(possible && came == (position != 0), "{position:#x}"),
            Err(RingError::Corrupt(Corruption::Position { found, least: 0, most: CAPACITY })) => {
                assert!(!possible && found == position, "{position:#x}");
            }
            Err(error) => panic!("{position:#x}: {error}"),
        }
    }
}

#[test]
fn every_position_of_a_consumer_is_taken_or_refused() {
    for position in interesting() {
        let (shared, mut producer) = hostile_consumer();
        for _ in 0..4 {
            assert!(producer.try_send(&[7; 56]).unwrap());
        }
        shared.own().position().store(position, Ordering::Release);

        // The ring is full, so the producer has to look.
        let answer = producer.try_send(&[8; 56]);

        let possible = position <= CAPACITY && position.is_multiple_of(8);
        match answer {
            Ok(sent) => assert!(possible && sent == (position >= 64), "{position:#x}"),
            Err(RingError::Corrupt(Corruption::Position { .. })) => assert!(!possible, "{position:#x}"),
            Err(error) => panic!("{position:#x}: {error}"),
        }
    }
}

#[test]
fn a_position_cannot_go_back() {
    let (shared, mut consumer) = hostile_producer();
    shared.write_header(0, layout::message_header(0, 8));
    shared.own().position().store(16, Ordering::Release);
    assert!(consumer.try_receive(&mut Vec::new()).unwrap());

    shared.own().position().store(8, Ordering::Release);

    assert!(matches!(consumer.try_receive(&mut Vec::new()), Err(RingError::Corrupt(Corruption::Position { found: 8, .. }))));
}

#[test]
fn a_producer_cannot_overwrite_what_was_not_released() {
    let (shared, mut consumer) = hostile_producer();
    shared.write_header(0, layout::message_header(0, 0));
    shared.own().position().store(8, Ordering::Release);
    let taken = consumer.try_drain(2, |_| {
        // In the middle of a batch nothing was given back yet: there is no room for a whole ring.
        shared.own().position().store(8 + CAPACITY, Ordering::Release);
    });

    assert_eq!(taken.unwrap(), 1);
    // Now it was, and the position is possible; no message lies there.
    assert!(matches!(consumer.try_receive(&mut Vec::new()), Err(RingError::Corrupt(Corruption::Position { .. }))));
}

#[test]
fn every_length_is_taken_or_refused() {
    let published = 64;
    for len in interesting().map(|value| value & u64::from(u32::MAX)) {
        let (shared, mut consumer) = hostile_producer();
        shared.write_header(0, layout::message_header(0, len));
        shared.own().position().store(published, Ordering::Release);
        let mut message = Vec::new();

        let answer = consumer.try_receive(&mut message);

        match answer {
            Ok(true) => assert!(len <= published - 8 && message.len() as u64 == len, "{len:#x}"),
            Err(RingError::Corrupt(Corruption::Length { position: 0, found, most })) => {
                assert_eq!((found, most), (len, published - 8));
                assert!(len > published - 8);
            }
            answer => panic!("{len:#x}: {answer:?}"),
        }
    }
}

#[test]
fn a_length_is_held_against_what_was_published_behind_its_message() {
    let (shared, mut consumer) = hostile_producer();
    shared.write_header(0, layout::message_header(0, 40));
    shared.write_header(48, layout::message_header(48, 9));
    shared.own().position().store(64, Ordering::Release);
    assert!(consumer.try_receive(&mut Vec::new()).unwrap());

    let answer = consumer.try_receive(&mut Vec::new());

    let expected = Corruption::Length { position: 48, found: 9, most: 8 };
    assert!(matches!(answer, Err(RingError::Corrupt(found)) if found == expected), "{answer:?}");
}

#[test]
fn a_reader_that_lost_its_way_notices() {
    let (shared, mut consumer) = hostile_producer();
    // Two messages in truth, and the first one's length was made shorter: the next header is read from its bytes.
    shared.write(8, &[0x55; 48]);
    shared.write_header(0, layout::message_header(0, 8));
    shared.own().position().store(128, Ordering::Release);

    assert!(consumer.try_receive(&mut Vec::new()).unwrap());
    let answer = consumer.try_receive(&mut Vec::new());

    assert!(matches!(answer, Err(RingError::Corrupt(Corruption::Mark { position: 16, found: 0x5555_5555, .. }))), "{answer:?}");
}

#[test]
fn a_broken_ring_stays_broken_and_the_peer_is_told() {
    let (shared, mut consumer) = hostile_producer();
    shared.own().position().store(7, Ordering::Release);
    assert!(matches!(consumer.try_peek().map(drop), Err(RingError::Corrupt(_))));

    shared.own().position().store(0, Ordering::Release);

    assert!(matches!(consumer.try_peek().map(drop), Err(RingError::Corrupt(_))));
    assert!(matches!(consumer.drain(3, Deadline::NEVER, |_| {}), Err(RingError::Corrupt(_))));
    let mut producer = Producer::over(shared, CAPACITY, true);
    assert!(matches!(producer.send(&[0; 248], Deadline::NEVER), Err(RingError::GivenUp) | Ok(())));
    assert!(matches!(producer.send(&[0; 248], Deadline::NEVER), Err(RingError::GivenUp)));
}

#[rstest]
#[case(Role::Producer)]
#[case(Role::Consumer)]
fn waits_end_with_the_deadline_whatever_is_scribbled(#[case] hostile: Role) {
    let rounds = if std::env::var_os("GPUSHARE_LONG").is_some() { 20_000 } else { 150 };
    let stop = AtomicBool::new(false);
    let values: Vec<u64> = interesting().collect();
    for round in 0..rounds {
        stop.store(false, Ordering::Relaxed);
        // Either side in turn is the one that breaks the rules, on every field at once.
        let (shared, mut honest): (Shared, Box<dyn FnMut() -> Result<(), RingError> + Send>) = match hostile {
            Role::Producer => {
                let (shared, mut consumer) = hostile_producer();
                let mut message = Vec::new();
                (shared, Box::new(move || consumer.receive(&mut message, Deadline::after(Duration::from_millis(5)))))
            }
            Role::Consumer => {
                let (shared, mut producer) = hostile_consumer();
                (shared, Box::new(move || producer.send(&[9; 100], Deadline::after(Duration::from_millis(5)))))
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| scribble(&shared, hostile, round, &values, &stop));
            for _ in 0..64 {
                let start = Instant::now();
                let answer = honest();
                let took = start.elapsed();
                assert!(took < Duration::from_secs(2), "took {took:?}: {answer:?}");
                if matches!(answer, Err(RingError::Corrupt(_) | RingError::TimedOut)) {
                    break;
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}

/// Mostly what an honest peer would write, so that the honest side gets somewhere, and now and then anything at all.
fn scribble(shared: &Shared, role: Role, seed: usize, values: &[u64], stop: &AtomicBool) {
    let mut state = seed as u64 + 1;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut position = 0;
    while !stop.load(Ordering::Relaxed) {
        let value = values[random() as usize % values.len()];
        match random() % 64 {
            0 => shared.own().position().store(value, Ordering::Release),
            1 => shared.own().status().store(value & !0xf | random() & 3, Ordering::Release),
            2 => shared.own_signal().store(value as u32, Ordering::Release),
            3 if role == Role::Producer => shared.write_header((value % CAPACITY) as usize & !7, value),
            4 if role == Role::Producer => shared.write((value % (CAPACITY - 8)) as usize, &value.to_ne_bytes()),
            5 => shared.wake(),
            6 if WakePath::lends() => shared.peer_signal().store(value as u32, Ordering::Release),
            _ => {
                position += 16;
                if role == Role::Producer {
                    shared.write_header(((position - 16) % CAPACITY) as usize, layout::message_header(position - 16, 8));
                }
                shared.own().position().store(position, Ordering::Release);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// The consumer reads memory full of anything: no panic, and nothing longer than what was published.
    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), CAPACITY as usize), position in 0..CAPACITY / 8) {
        let (shared, mut consumer) = hostile_producer();
        shared.write(0, &bytes);
        shared.write_header(0, layout::message_header(0, u64::from(bytes[0])));
        shared.own().position().store(position * 8, Ordering::Release);
        let mut left = position * 8;
        while let Ok(Some(message)) = consumer.try_peek() {
            let used = 8 + message.to_vec().len() as u64;
            prop_assert!(used <= left);
            left -= used;
            message.release();
        }
    }

    /// Terms are a stranger's words.
    #[test]
    fn any_terms_can_be_attached(capacity in any::<u64>(), power in 0..64u32, exact in any::<bool>(), generation in any::<u64>()) {
        let (_producer, offer) = Producer::create(CAPACITY).unwrap();
        let (terms, handles) = offer.into_parts();
        let capacity = if exact { 1 << power } else { capacity };
        let refused = Consumer::attach(Offer::from_parts(Terms { capacity, generation, ..terms }, handles)).unwrap_err();
        let (_, handles) = refused.offer.into_parts();
        prop_assert!(Consumer::attach(Offer::from_parts(terms, handles)).is_ok(), "a refusal changes nothing");
    }
}
