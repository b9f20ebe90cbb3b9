//! A peer that writes whatever it likes: an error within the deadline at worst.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::deadline::Deadline;
use crate::ring::attach::{attach, create};
use crate::ring::fixed::{Consumer, Producer, shape_of};
use crate::ring::layout::Role;
use crate::ring::memory::{Memory, Shared};
use crate::ring::{Corruption, RingError};
use crate::sys::wait::WakePath;
use crate::waiter::{Bell, Wait, Words};

const CAPACITY: u64 = 14;

/// A producer's memory without a producer's care, and an honest consumer.
fn hostile_producer<const N: usize>() -> (Shared, Consumer<N>) {
    let (shared, offer) = create(Role::Producer, shape_of::<N>(CAPACITY).unwrap()).unwrap();
    (shared, Consumer::attach(offer).unwrap())
}

fn hostile_consumer<const N: usize>() -> (Shared, Producer<N>) {
    let (producer, offer) = Producer::create(CAPACITY).unwrap();
    (attach(Role::Consumer, offer, shape_of::<N>).unwrap().0, producer)
}

fn interesting() -> impl Iterator<Item = u64> {
    let near = [0, 7, CAPACITY, 2 * CAPACITY, 1 << 31, 1 << 32, 1 << 62, 1 << 63];
    near.into_iter().flat_map(|value| (0..=16).flat_map(move |by| [value.wrapping_sub(by), value.wrapping_add(by)]))
}

/// Take all that is there, and say how many it was and what came then.
fn take_all<const N: usize>(consumer: &mut Consumer<N>) -> (u64, Result<(), RingError>) {
    let mut taken = 0;
    loop {
        match consumer.try_receive() {
            Ok(Some(_)) => taken += 1,
            Ok(None) => return (taken, Ok(())),
            Err(error) => return (taken, Err(error)),
        }
        assert!(taken <= 2 * CAPACITY, "more than there can be");
    }
}

#[test]
fn every_position_of_a_producer_is_taken_or_refused() {
    for found in interesting() {
        let (shared, mut consumer) = hostile_producer::<8>();
        shared.own().position().store(found, Ordering::Release);

        let (taken, end) = take_all(&mut consumer);

        if found <= CAPACITY {
            assert!(taken == found && end.is_ok(), "{found:#x}");
        } else {
            assert!(taken == 0 && matches!(end, Err(RingError::Corrupt(_))), "{found:#x}");
        }
    }
}

#[test]
fn every_position_of_a_later_round_is_taken_or_refused() {
    for found in interesting() {
        let (shared, mut consumer) = hostile_producer::<8>();
        shared.own().position().store(CAPACITY, Ordering::Release);
        assert_eq!(take_all(&mut consumer).0, CAPACITY);

        shared.own().position().store(found, Ordering::Release);
        let (taken, end) = take_all(&mut consumer);

        if (CAPACITY..=2 * CAPACITY).contains(&found) {
            assert!(taken == found - CAPACITY && end.is_ok(), "{found:#x}");
        } else {
            assert!(taken == 0 && matches!(end, Err(RingError::Corrupt(_))), "{found:#x}");
        }
    }
}

#[test]
fn a_producer_cannot_overwrite_what_was_not_released() {
    let (shared, mut consumer) = hostile_producer::<64>();
    shared.own().position().store(CAPACITY, Ordering::Release);
    assert_eq!(consumer.try_receive_batch(&mut [[0; 64]; 1]).unwrap(), 1);
    // An eighth is one message here, so there is room for one more and not for two.
    shared.own().position().store(CAPACITY + 2, Ordering::Release);

    let (taken, end) = take_all(&mut consumer);

    // By the time that the position is looked at again, all room was given back.
    assert!(taken == CAPACITY + 1 && end.is_ok(), "{taken} {end:?}");
    shared.own().position().store(2 * CAPACITY + 3, Ordering::Release);
    assert!(matches!(take_all(&mut consumer), (0, Err(RingError::Corrupt(Corruption::Position { most: 30, .. })))));
}

#[test]
fn a_count_is_held_against_the_room_that_was_given_back() {
    let (shared, offer) = create(Role::Producer, shape_of::<64>(64).unwrap()).unwrap();
    let mut consumer = Consumer::<64>::attach(offer).unwrap();
    // Less than an eighth is taken, so nothing is given back.
    shared.own().position().store(3, Ordering::Release);
    assert_eq!(consumer.try_receive_batch(&mut [[0; 64]; 3]).unwrap(), 3);

    shared.own().position().store(65, Ordering::Release);

    let expected = Corruption::Position { found: 65, least: 3, most: 64 };
    let answer = consumer.try_receive();
    assert!(matches!(answer, Err(RingError::Corrupt(found)) if found == expected), "{answer:?}");
}

#[test]
fn a_consumer_cannot_have_taken_what_was_not_sent() {
    let (shared, mut producer) = hostile_consumer::<64>();
    assert_eq!(producer.try_send_batch(&[[0; 64]; 14]).unwrap(), 14);
    shared.own().position().store(7, Ordering::Release);
    assert_eq!(producer.try_send_batch(&[[0; 64]; 9]).unwrap(), 7);

    shared.own().position().store(22, Ordering::Release);

    let expected = Corruption::Position { found: 22, least: 7, most: 21 };
    let answer = producer.try_send(&[0; 64]);
    assert!(matches!(answer, Err(RingError::Corrupt(found)) if found == expected), "{answer:?}");
}

#[rstest]
#[case(2, 14)]
#[case(15, 14)]
fn every_position_of_a_consumer_is_taken_or_refused(#[case] sent: u64, #[case] most: u64) {
    for found in interesting() {
        let (shared, mut producer) = hostile_consumer::<64>();
        for _ in 0..sent.min(CAPACITY) {
            assert!(producer.try_send(&[0; 64]).unwrap());
        }
        shared.own().position().store(found, Ordering::Release);

        let answer = producer.try_send_batch(&[[0; 64]; 14]);

        let sent = sent.min(most);
        match answer {
            Ok(count) => assert!(found <= sent && count as u64 == 14 - (sent - found), "{found:#x}: {count}"),
            Err(RingError::Corrupt(Corruption::Position { least: 0, .. })) => assert!(found > sent, "{found:#x}"),
            Err(error) => panic!("{found:#x}: {error}"),
        }
    }
}

#[test]
fn a_broken_ring_stays_broken_and_the_peer_is_told() {
    let (shared, mut consumer) = hostile_producer::<8>();
    shared.own().position().store(99, Ordering::Release);
    assert!(matches!(consumer.try_receive(), Err(RingError::Corrupt(_))));

    shared.own().position().store(0, Ordering::Release);

    assert_eq!(consumer.wait(Deadline::after(Duration::ZERO)).unwrap(), Wait::Woken, "there is an error to be had");
    shared.own().position().store(3, Ordering::Release);
    assert!(matches!(consumer.try_receive(), Err(RingError::Corrupt(_))));
    assert!(matches!(consumer.receive_batch(&mut [[0; 8]; 2], Deadline::NEVER), Err(RingError::Corrupt(_))));
    let mut producer = Producer::<8, Shared>::over(shared, CAPACITY, true);
    let answer = producer.send_batch(&[[0; 8]; 15], Deadline::NEVER);
    assert!(matches!(answer, Err((_, RingError::GivenUp))), "{answer:?}");

    let (shared, mut producer) = hostile_consumer::<8>();
    producer.send_batch(&[[0; 8]; 14], Deadline::NEVER).unwrap();
    shared.own().position().store(15, Ordering::Release);
    assert!(matches!(producer.try_send(&[0; 8]), Err(RingError::Corrupt(_))));
    shared.own().position().store(14, Ordering::Release);
    assert!(matches!(producer.send(&[0; 8], Deadline::NEVER), Err(RingError::Corrupt(_))));
    assert!(matches!(producer.try_send_batch(&[[0; 8]; 2]), Err(RingError::Corrupt(_))));
    let mut consumer = Consumer::<8, Shared>::over(shared, CAPACITY, true);
    let (_, end) = take_all(&mut consumer);
    assert!(matches!(end, Err(RingError::GivenUp)), "{end:?}");
}

#[rstest]
#[case::at_a_producer(scribble_at_producer::<8>)]
#[case::at_a_producer_of_lines(scribble_at_producer::<64>)]
#[case::at_a_consumer(scribble_at_consumer::<8>)]
#[case::at_a_consumer_of_lines(scribble_at_consumer::<64>)]
fn waits_end_with_the_deadline_whatever_is_scribbled(#[case] scribble: fn()) {
    scribble();
}

fn scribble_at_consumer<const N: usize>() {
    for round in 0..100 {
        let (shared, mut consumer) = hostile_producer::<N>();
        let mut message = [0; N];
        scribble(&shared, round, &mut || {
            let deadline = Deadline::after(Duration::from_millis(5));
            if round % 2 == 0 { consumer.receive(deadline).map(drop) } else { consumer.receive_alone(&mut message, deadline) }
        });
    }
}

fn scribble_at_producer<const N: usize>() {
    for round in 0..100 {
        let (shared, mut producer) = hostile_consumer::<N>();
        scribble(&shared, round, &mut || producer.send(&[1; N], Deadline::after(Duration::from_millis(5))));
    }
}

/// Write every field with every interesting value, while the other side works until it meets an error.
fn scribble(shared: &Shared, round: u64, work: &mut (dyn FnMut() -> Result<(), RingError> + Send)) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for value in interesting() {
                    // Small ones first, so that the other side gets somewhere.
                    let value = value >> (round % 64);
                    shared.own().position().store(value, Ordering::Release);
                    shared.own_lone().number.store(value.wrapping_add(round & 1), Ordering::Release);
                    shared.own_lone().bytes[0].store(value, Ordering::Release);
                    shared.own().status().store(value.rotate_left(7) & !12, Ordering::Release);
                    shared.own_signal().store(value as u32, Ordering::Release);
                    if WakePath::lends() {
                        shared.peer_signal().store(value as u32, Ordering::Release);
                    }
                }
            }
        });
        let end = Instant::now() + Duration::from_millis(4);
        let error = loop {
            let start = Instant::now();
            let answer = work();
            assert!(start.elapsed() < Duration::from_secs(2), "past the deadline");
            match answer {
                Ok(()) if Instant::now() < end => {}
                answer => break answer.err(),
            }
        };
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(error, None | Some(RingError::Corrupt(_) | RingError::TimedOut)), "{error:?}");
    });
}
