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

/// The position behind so many messages of 64 bytes.
const fn lines(messages: u64) -> u64 {
    64 * messages
}

/// A producer's memory without a producer's care, and an honest consumer.
fn hostile_producer<const N: usize>() -> (Shared, Consumer<N>) {
    let (shared, offer) = create(Role::Producer, shape_of::<N>(CAPACITY).unwrap()).unwrap();
    (shared, Consumer::attach(offer).unwrap())
}

fn hostile_consumer<const N: usize>() -> (Shared, Producer<N>) {
    let (producer, offer) = Producer::create(CAPACITY).unwrap();
    (attach(Role::Consumer, offer, shape_of::<N>).unwrap().0, producer)
}

/// Positions between messages of this size, and within them.
fn interesting(size: u64) -> impl Iterator<Item = u64> {
    let near = [0, 7 * size, CAPACITY * size, 2 * CAPACITY * size, 1 << 31, 1 << 32, 1 << 62, 1 << 63];
    let around = move |value: u64, by| [value.wrapping_sub(by), value.wrapping_add(by)];
    near.into_iter().flat_map(move |value| (0..=16).flat_map(move |by| [around(value, by), around(value, by * size)].concat()))
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

#[rstest]
#[case::bytes(positions_of_a_producer::<1>)]
#[case::words(positions_of_a_producer::<8>)]
#[case::odd_sizes(positions_of_a_producer::<24>)]
fn every_position_of_a_producer_is_taken_or_refused(#[case] positions: fn(rounds: u64)) {
    positions(0);
}

#[rstest]
#[case::bytes(positions_of_a_producer::<1>)]
#[case::words(positions_of_a_producer::<8>)]
#[case::odd_sizes(positions_of_a_producer::<24>)]
fn every_position_of_a_later_round_is_taken_or_refused(#[case] positions: fn(rounds: u64)) {
    positions(1);
}

/// After so many times the whole ring.
fn positions_of_a_producer<const N: usize>(rounds: u64) {
    let size = N as u64;
    let before = rounds * CAPACITY;
    for found in interesting(size) {
        let (shared, mut consumer) = hostile_producer::<N>();
        shared.own().position().store(before * size, Ordering::Release);
        assert_eq!(take_all(&mut consumer).0, before);

        shared.own().position().store(found, Ordering::Release);
        let (taken, end) = take_all(&mut consumer);

        if found % size == 0 && (before..=before + CAPACITY).contains(&(found / size)) {
            assert!(taken == found / size - before && end.is_ok(), "{found:#x}");
        } else {
            assert!(taken == 0 && matches!(end, Err(RingError::Corrupt(_))), "{found:#x}");
        }
    }
}

#[test]
fn a_producer_cannot_overwrite_what_was_not_released() {
    let (shared, mut consumer) = hostile_producer::<64>();
    shared.own().position().store(lines(CAPACITY), Ordering::Release);
    assert_eq!(consumer.try_receive_batch(&mut [[0; 64]; 1]).unwrap(), 1);
    // An eighth is one message here, so there is room for one more and not for two.
    shared.own().position().store(lines(CAPACITY + 2), Ordering::Release);

    let (taken, end) = take_all(&mut consumer);

    // By the time that the position is looked at again, all room was given back.
    assert!(taken == CAPACITY + 1 && end.is_ok(), "{taken} {end:?}");
    shared.own().position().store(lines(2 * CAPACITY + 3), Ordering::Release);
    let (taken, end) = take_all(&mut consumer);
    let refused = matches!(end, Err(RingError::Corrupt(Corruption::Position { most, .. })) if most == lines(30));
    assert!(taken == 0 && refused, "{taken} {end:?}");
}

#[test]
fn a_count_is_held_against_the_room_that_was_given_back() {
    let (shared, offer) = create(Role::Producer, shape_of::<64>(64).unwrap()).unwrap();
    let mut consumer = Consumer::<64>::attach(offer).unwrap();
    // Less than an eighth is taken, so nothing is given back.
    shared.own().position().store(lines(3), Ordering::Release);
    assert_eq!(consumer.try_receive_batch(&mut [[0; 64]; 3]).unwrap(), 3);

    shared.own().position().store(lines(65), Ordering::Release);

    let expected = Corruption::Position { found: lines(65), least: lines(3), most: lines(64) };
    let answer = consumer.try_receive();
    assert!(matches!(answer, Err(RingError::Corrupt(found)) if found == expected), "{answer:?}");
}

#[test]
fn a_consumer_cannot_have_taken_what_was_not_sent() {
    let (shared, mut producer) = hostile_consumer::<64>();
    assert_eq!(producer.try_send_batch(&[[0; 64]; 14]).unwrap(), 14);
    shared.own().position().store(lines(7), Ordering::Release);
    assert_eq!(producer.try_send_batch(&[[0; 64]; 9]).unwrap(), 7);

    shared.own().position().store(lines(22), Ordering::Release);

    let expected = Corruption::Position { found: lines(22), least: lines(7), most: lines(21) };
    let answer = producer.try_send(&[0; 64]);
    assert!(matches!(answer, Err(RingError::Corrupt(found)) if found == expected), "{answer:?}");
}

#[rstest]
#[case(2, 14)]
#[case(15, 14)]
fn every_position_of_a_consumer_is_taken_or_refused(#[case] sent: u64, #[case] most: u64) {
    for found in interesting(64) {
        let (shared, mut producer) = hostile_consumer::<64>();
        for _ in 0..sent.min(CAPACITY) {
            assert!(producer.try_send(&[0; 64]).unwrap());
        }
        shared.own().position().store(found, Ordering::Release);

        let answer = producer.try_send_batch(&[[0; 64]; 14]);

        let sent = sent.min(most);
        match answer {
            Ok(count) => {
                let taken = found / 64;
                assert!(found % 64 == 0 && taken <= sent && count as u64 == 14 - (sent - taken), "{found:#x}: {count}");
            }
            Err(RingError::Corrupt(Corruption::Position { least: 0, .. })) => {
                assert!(found > lines(sent) || found % 64 != 0, "{found:#x}");
            }
            Err(error) => panic!("{found:#x}: {error}"),
        }
    }
}

#[test]
fn a_broken_ring_stays_broken_and_the_peer_is_told() {
    let (shared, mut consumer) = hostile_producer::<8>();
    shared.own().position().store(8 * 99, Ordering::Release);
    assert!(matches!(consumer.try_receive(), Err(RingError::Corrupt(_))));

    shared.own().position().store(0, Ordering::Release);

    assert_eq!(consumer.wait(Deadline::after(Duration::ZERO)).unwrap(), Wait::Woken, "there is an error to be had");
    shared.own().position().store(8 * 3, Ordering::Release);
    assert!(matches!(consumer.try_receive(), Err(RingError::Corrupt(_))));
    assert!(matches!(consumer.receive_batch(&mut [[0; 8]; 2], Deadline::NEVER), Err(RingError::Corrupt(_))));
    let mut producer = Producer::<8, Shared>::over(shared, CAPACITY, true);
    let answer = producer.send_batch(&[[0; 8]; 15], Deadline::NEVER);
    assert!(matches!(answer, Err((_, RingError::GivenUp))), "{answer:?}");

    let (shared, mut producer) = hostile_consumer::<8>();
    producer.send_batch(&[[0; 8]; 14], Deadline::NEVER).unwrap();
    shared.own().position().store(8 * 15, Ordering::Release);
    assert!(matches!(producer.try_send(&[0; 8]), Err(RingError::Corrupt(_))));
    shared.own().position().store(8 * 14, Ordering::Release);
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
        scribble::<N>(&shared, round, &mut || {
            let deadline = Deadline::after(Duration::from_millis(5));
            if round % 2 == 0 { consumer.receive(deadline).map(drop) } else { consumer.receive_alone(&mut message, deadline) }
        });
    }
}

fn scribble_at_producer<const N: usize>() {
    for round in 0..100 {
        let (shared, mut producer) = hostile_consumer::<N>();
        scribble::<N>(&shared, round, &mut || producer.send(&[1; N], Deadline::after(Duration::from_millis(5))));
    }
}

/// Write every field with every interesting value, while the other side works until it meets an error.
fn scribble<const N: usize>(shared: &Shared, round: u64, work: &mut (dyn FnMut() -> Result<(), RingError> + Send)) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for value in interesting(N as u64) {
                    // Smaller ones from round to round, and at first behind whole messages, so that the other side gets somewhere.
                    let value = value >> (round % 64);
                    let position = if round < 64 { value - value % N as u64 } else { value };
                    shared.own().position().store(position, Ordering::Release);
                    shared.own_lone().position.store(position.wrapping_add(round & 1), Ordering::Release);
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
