//! Many messages of random size, with random batches, sleeps and wakes: none lost, doubled, reordered or torn.

use std::io::{Read, Write};
use std::time::Duration;

use gpushare::Patience;
use gpushare::ring::{Consumer, Producer, RingError};
use rstest::rstest;

use crate::amount;
use crate::other::{Other, SLEEPY, soon};

/// The same numbers on both sides.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }
}

/// Message `number`: its length and every byte follow from the number and the seed. Most are short, some nearly fill the ring.
fn message(seed: u64, number: u64, into: &mut Vec<u8>) {
    let mut random = Random(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    random.next();
    let len = match random.below(256) {
        0 => random.below(4000),
        1..32 => random.below(200),
        _ => random.below(24),
    };
    into.clear();
    let mut word = random.next().to_ne_bytes();
    for at in 0..usize::try_from(len).unwrap() {
        if at % 8 == 0 {
            word = random.next().to_ne_bytes();
        }
        into.push(word[at % 8]);
    }
}

const CAPACITY: u64 = 4096;

fn count() -> u64 {
    amount(200_000, 100_000_000)
}

/// A pause now and then, so that each side finds the other awake, asleep, and on its way there.
pub(crate) fn pause(random: &mut Random) {
    match random.below(4096) {
        0 => std::thread::sleep(Duration::from_micros(random.below(300))),
        1..8 => std::thread::yield_now(),
        _ => {}
    }
}

pub(crate) fn send(producer: &mut Producer, seed: u64) {
    producer.set_patience(patience(seed));
    let mut random = Random(seed | 1);
    let (mut number, mut bytes) = (0, Vec::new());
    while number < count() {
        pause(&mut random);
        match random.below(3) {
            0 => {
                message(seed, number, &mut bytes);
                producer.send(&bytes, soon()).unwrap();
                number += 1;
            }
            1 => {
                message(seed, number, &mut bytes);
                let mut room = producer.reserve(bytes.len() + 40, soon()).unwrap();
                room.write(0, &bytes);
                room.commit(bytes.len());
                number += 1;
            }
            _ => {
                let most = (1 + random.below(32)).min(count() - number);
                let batch: Vec<Vec<u8>> = (number..number + most)
                    .map(|number| {
                        message(seed, number, &mut bytes);
                        bytes.clone()
                    })
                    .collect();
                producer.send_batch(batch.iter().map(Vec::as_slice), soon()).unwrap();
                number += most;
            }
        }
    }
}

pub(crate) fn receive(consumer: &mut Consumer, seed: u64) {
    consumer.set_patience(patience(seed));
    let mut random = Random(!seed | 1);
    let (mut number, mut expected, mut bytes) = (0, Vec::new(), Vec::new());
    loop {
        pause(&mut random);
        let most = random.below(40);
        let answer = if most < 8 {
            consumer.receive(&mut bytes, soon()).map(|()| {
                message(seed, number, &mut expected);
                assert_eq!(bytes, expected, "message {number}");
                number += 1;
            })
        } else {
            consumer
                .drain(usize::try_from(most).unwrap(), soon(), |found| {
                    message(seed, number, &mut expected);
                    assert_eq!(found.to_vec(), expected, "message {number}");
                    number += 1;
                })
                .map(drop)
        };
        match answer {
            Ok(()) => {}
            Err(RingError::Closed) => break,
            Err(error) => panic!("after {number} messages: {error}"),
        }
    }
    assert_eq!(number, count(), "messages that arrived");
}

/// Even seeds sleep at once, odd ones spin first.
pub(crate) fn patience(seed: u64) -> Patience {
    if seed.is_multiple_of(2) { SLEEPY } else { Patience { park: Duration::MAX, ..Patience::default() } }
}

#[rstest]
fn nothing_is_lost_doubled_reordered_or_torn(
    #[values(true, false)] pinned: bool,
    #[values(2, 3)] seed: u64,
    #[values(true, false)] other_sends: bool,
) {
    let mut other = Other::start(&format!("{}:{seed}", if other_sends { "send" } else { "receive" }));
    if pinned {
        // Both on one processor: every hand-over is a change of process.
        crate::sys::pin(0, 0);
        crate::sys::pin(other.child.id(), 0);
    }
    let peer = other.watch();
    if other_sends {
        let (mut consumer, offer) = Consumer::create(CAPACITY).unwrap();
        consumer.watch(&peer);
        other.offer(offer);
        receive(&mut consumer, seed);
    } else {
        let (mut producer, offer) = Producer::create(CAPACITY).unwrap();
        producer.watch(&peer);
        other.offer(offer);
        send(&mut producer, seed);
        // Closing tells the other side that this was all.
        drop(producer);
    }
    other.finish();
}

#[test]
fn a_stream_carries_bytes_both_ways_and_ends() {
    let mut other = Other::start("copy");
    let mut stream = other.stream(CAPACITY);
    stream.set_timeout(Some(Duration::from_secs(60)));
    let mut random = Random(11);
    let (mut bytes, mut back) = (Vec::new(), Vec::new());
    for number in 0..amount(2_000, 1_000_000) {
        message(11, number, &mut bytes);
        // No more than both rings hold: this side reads only when it has written.
        stream.write_all(&bytes).unwrap();
        back.resize(bytes.len(), 0);
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, bytes, "message {number}");
        pause(&mut random);
    }
    stream.close_write();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "the other side read the end, and ended too");
    other.finish();
}
