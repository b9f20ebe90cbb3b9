//! Many messages of one size, with random batches, sleeps and wakes: none lost, doubled, reordered or torn. And a side that dies.

use std::time::Duration;

use gpushare::ring::RingError;
use gpushare::ring::fixed::{Consumer, Producer};
use rstest::rstest;

use crate::amount;
use crate::other::{Other, SLEEPY, Starter, soon};
use crate::stress::{Random, patience, pause};

fn count() -> u64 {
    amount(100_000, 100_000_000)
}

/// Message `number`: every byte follows from the number and the seed.
fn message<const N: usize>(seed: u64, number: u64) -> [u8; N] {
    let word = (seed ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::array::from_fn(|at| (word.rotate_left(at as u32) >> 24) as u8)
}

fn send<const N: usize>(producer: &mut Producer<N>, seed: u64) {
    producer.set_patience(patience(seed));
    let mut random = Random(seed | 1);
    let mut number = 0;
    while number < count() {
        pause(&mut random);
        let manner = random.below(4);
        if manner > 1 {
            let most = (1 + random.below(90)).min(count() - number);
            let batch: Vec<[u8; N]> = (number..number + most).map(|number| message(seed, number)).collect();
            producer.send_batch(&batch, soon()).unwrap();
            number += most;
        } else {
            let send = if manner == 0 { Producer::send } else { Producer::send_alone };
            send(producer, &message(seed, number), soon()).unwrap();
            number += 1;
        }
    }
}

fn receive<const N: usize>(consumer: &mut Consumer<N>, seed: u64) {
    consumer.set_patience(patience(seed));
    let mut random = Random(!seed | 1);
    let (mut number, mut batch) = (0, [[0; N]; 90]);
    let end = loop {
        pause(&mut random);
        let most = random.below(90) as usize;
        let answer = match most {
            0..4 => consumer.receive_into(&mut batch[0], soon()).map(|()| 1),
            4..12 => consumer.receive_alone(&mut batch[0], soon()).map(|()| 1),
            _ => consumer.receive_batch(&mut batch[..most], soon()),
        };
        match answer {
            Ok(taken) => {
                for found in &batch[..taken] {
                    assert_eq!(*found, message(seed, number), "message {number}");
                    number += 1;
                }
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(end, RingError::Closed), "after {number} messages: {end}");
    assert_eq!(number, count(), "messages that arrived");
}

/// The other side's part.
pub(crate) fn run(starter: &mut Starter, what: &str) {
    let (role, seed) = what.split_once(':').unwrap();
    let seed = seed.parse().unwrap();
    match role {
        "send-8" => send_to::<8>(starter, seed),
        "send-64" => send_to::<64>(starter, seed),
        "sleep" => {
            let _consumer = Consumer::<8>::attach(starter.offered()).unwrap();
            starter.say_ready();
            std::thread::sleep(Duration::from_secs(600));
        }
        _ => {
            let mut producer = Producer::<8>::attach(starter.offered()).unwrap();
            producer.watch(&starter.peer);
            starter.say_ready();
            while producer.send(&[seed as u8; 8], soon()).is_ok() {}
        }
    }
}

fn send_to<const N: usize>(starter: &mut Starter, seed: u64) {
    let mut producer = Producer::<N>::attach(starter.offered()).unwrap();
    producer.watch(&starter.peer);
    send(&mut producer, seed);
}

fn nothing_is_lost<const N: usize>(seed: u64, pinned: bool) {
    let mut other = Other::start(&format!("fixed:send-{N}:{seed}"));
    if pinned {
        crate::sys::pin(0, 0);
        crate::sys::pin(other.child.id(), 0);
    }
    let (mut consumer, offer) = Consumer::<N>::create(256).unwrap();
    consumer.watch(&other.watch());
    other.offer(offer);
    receive(&mut consumer, seed);
    other.finish();
}

#[rstest]
fn nothing_is_lost_doubled_reordered_or_torn(
    #[values(true, false)] pinned: bool,
    #[values(2, 3)] seed: u64,
    #[values(nothing_is_lost::<8>, nothing_is_lost::<64>)] run: fn(u64, bool),
) {
    run(seed, pinned);
}

#[test]
fn a_death_ends_a_wait_for_room() {
    let mut other = Other::start("fixed:sleep:0");
    let (mut producer, offer) = Producer::<8>::create(7).unwrap();
    producer.watch(&other.watch());
    producer.set_patience(SLEEPY);
    other.offer(offer);
    other.ready();
    producer.send_batch(&[[0; 8]; 7], soon()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            other.kill();
        });
        let end = producer.send(&[0; 8], soon());
        assert!(matches!(end, Err(RingError::PeerGone)), "{end:?}");
    });
}

#[test]
fn a_death_ends_a_wait_and_what_was_sent_before_arrives() {
    let mut other = Other::start("fixed:flood:7");
    let (mut consumer, offer) = Consumer::<8>::create(70).unwrap();
    consumer.watch(&other.watch());
    consumer.set_patience(SLEEPY);
    other.offer(offer);
    other.ready();
    consumer.receive(soon()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            other.kill();
        });
        let end = loop {
            match consumer.receive(soon()) {
                Ok(message) => assert_eq!(message, [7; 8]),
                Err(error) => break error,
            }
        };
        assert!(matches!(end, RingError::PeerGone), "{end}");
    });
}
