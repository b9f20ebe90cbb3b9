//! The rings themselves, for messages of one size and for any.

use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use gpushare::ring::{Consumer, Producer, fixed};
use gpushare::{Deadline, Peer};

use super::{Batch, SLOTS, message, take, threads, time};
use crate::machine::{self, pin};

/// Inlined, as the others are that one contender alone calls.
#[inline(always)]
fn send_fixed<const N: usize, const BATCH: usize>(producer: &mut fixed::Producer<N>, number: u64, count: u64) -> u64 {
    if BATCH == 1 {
        return u64::from(producer.try_send(&message(number)).expect("the consumer lives"));
    }
    let messages = Batch::<N, BATCH>::from(number);
    producer.try_send_batch(messages.until(number, count)).expect("the consumer lives") as u64
}

/// As above.
#[inline(always)]
pub(super) fn receive_fixed<const N: usize, const BATCH: usize>(
    consumer: &mut fixed::Consumer<N>,
    Batch { messages, .. }: &mut Batch<N, BATCH>,
    sum: &mut u64,
) -> u64 {
    if BATCH == 1 {
        if !consumer.try_receive_into(&mut messages[0]).expect("the producer lives") {
            return 0;
        }
        take(&messages[0], sum);
        return 1;
    }
    let taken = consumer.try_receive_batch(messages).expect("the producer lives");
    messages[..taken].iter().for_each(|bytes| take(bytes, sum));
    taken as u64
}

pub(super) fn fixed_in_process<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    fixed_between_threads(count, receive_fixed::<N, BATCH>)
}

/// `receive` takes what there is and says how many.
pub(super) fn fixed_between_threads<const N: usize, const BATCH: usize>(
    count: u64,
    receive: impl Fn(&mut fixed::Consumer<N>, &mut Batch<N, BATCH>, &mut u64) -> u64,
) -> f64 {
    let (mut producer, offer) = fixed::Producer::<N>::create(SLOTS as u64).expect("memory");
    let mut consumer = fixed::Consumer::attach(offer).expect("just offered");
    let send = move |number| send_fixed::<N, BATCH>(&mut producer, number, count);
    let mut messages = Batch::<N, BATCH>::EMPTY;
    // The producer closes the ring when it has sent all: what was sent is received nevertheless.
    threads(count, send, move |sum| receive(&mut consumer, &mut messages, sum))
}

pub(super) fn fixed_alone<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut producer, offer) = fixed::Producer::<N>::create(SLOTS as u64).expect("memory");
    let mut consumer = fixed::Consumer::attach(offer).expect("just offered");
    let send = |number| send_fixed::<N, BATCH>(&mut producer, number, count);
    let mut messages = Batch::<N, BATCH>::EMPTY;
    slower_alone(count, send, |sum| receive_fixed(&mut consumer, &mut messages, sum))
}

/// One thread fills a ring and empties it, in turns: what the slower of the two sides takes where nothing crosses between processors.
#[inline(always)]
pub(super) fn slower_alone(count: u64, mut send: impl FnMut(u64) -> u64, mut receive: impl FnMut(&mut u64) -> u64) -> f64 {
    pin(0);
    let (mut number, mut sum) = (0, 0);
    let mut took = [Duration::ZERO; 2];
    while number < count {
        let start = Instant::now();
        while number < count {
            match send(number) {
                0 => break,
                sent => number += sent,
            }
        }
        took[0] += start.elapsed();
        let start = Instant::now();
        while receive(&mut sum) != 0 {}
        took[1] += start.elapsed();
    }
    black_box(sum);
    took[0].max(took[1]).as_secs_f64()
}

pub(super) fn fixed_across<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut consumer, offer) = fixed::Consumer::<N>::create(SLOTS as u64).expect("memory");
    let child = machine::fork(move || {
        pin(1);
        let mut producer = fixed::Producer::attach(offer).expect("just offered");
        producer.watch(&Peer::parent().expect("a parent"));
        let mut number = 0;
        while number < count {
            match send_fixed::<N, BATCH>(&mut producer, number, count) {
                0 => spin_loop(),
                sent => number += sent,
            }
        }
        std::thread::sleep(Duration::from_secs(600));
    });
    consumer.watch(&Peer::process(child.0.unsigned_abs()).expect("a child"));
    let mut messages = Batch::<N, BATCH>::EMPTY;
    time(count, |sum| receive_fixed(&mut consumer, &mut messages, sum))
}

/// Room for as many messages as the others have slots.
fn capacity<const N: usize>() -> u64 {
    (SLOTS * (8 + N)).next_power_of_two() as u64
}

fn send<const N: usize, const BATCH: usize>(producer: &mut Producer, number: u64, count: u64) -> u64 {
    if BATCH == 1 {
        producer.send(&message::<N>(number), Deadline::NEVER).expect("the consumer lives");
        return 1;
    }
    let batch = (number..count).take(BATCH);
    let mut open = producer.batch();
    let mut sent = 0;
    for number in batch {
        // A batch that finds no room goes out as far as it came.
        if !open.try_send(&message::<N>(number)).expect("the consumer lives") {
            break;
        }
        sent += 1;
    }
    drop(open);
    if sent == 0 {
        // No room at all: wait for it.
        let _ = producer.wait(N, Deadline::NEVER).expect("the consumer lives");
    }
    sent
}

fn receive<const N: usize, const BATCH: usize>(consumer: &mut Consumer, sum: &mut u64) -> u64 {
    let mut bytes = [0; N];
    if BATCH == 1 {
        let message = consumer.peek(Deadline::NEVER).expect("the producer lives");
        message.read(0, &mut bytes);
        message.release();
        take(&bytes, sum);
        return 1;
    }
    let taken = consumer.drain(BATCH, Deadline::NEVER, |message| {
        message.read(0, &mut bytes);
        take(&bytes, sum);
    });
    taken.expect("the producer lives") as u64
}

pub(super) fn in_process<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut producer, offer) = Producer::create(capacity::<N>()).expect("memory");
    let mut consumer = Consumer::attach(offer).expect("just offered");
    let send = move |number| {
        let sent = send::<N, BATCH>(&mut producer, number, count);
        if number + sent == count {
            // Dropping would close, which is not what is measured. Who has all may have left.
            let _ = producer.send(&message::<N>(count), Deadline::NEVER);
        }
        sent
    };
    threads(count, send, move |sum| receive::<N, BATCH>(&mut consumer, sum))
}

pub(super) fn across<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut consumer, offer) = Consumer::create(capacity::<N>()).expect("memory");
    let child = machine::fork(move || {
        pin(1);
        let mut producer = Producer::attach(offer).expect("just offered");
        producer.watch(&Peer::parent().expect("a parent"));
        let mut number = 0;
        while number < count {
            number += send::<N, BATCH>(&mut producer, number, count);
        }
        let _ = producer.wait(usize::try_from(capacity::<N>()).unwrap_or(0) - 8, Deadline::NEVER);
    });
    consumer.watch(&Peer::process(child.0.unsigned_abs()).expect("a child"));
    time(count, |sum| receive::<N, BATCH>(&mut consumer, sum))
}
