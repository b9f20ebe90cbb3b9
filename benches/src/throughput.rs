//! Messages a second, one way: contenders in one process and across processes.

use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use gpushare::ring::{Consumer, Producer, fixed};
use gpushare::{Deadline, Peer};

use crate::machine::{self, pin};
use crate::unchecked;

/// Slots of every contender, and the ring's capacity in messages.
const SLOTS: usize = 1024;

/// Something that carries messages.
pub struct Contender {
    /// Its name in the report.
    pub name: &'static str,
    /// Seconds for so many messages.
    pub run: fn(u64) -> f64,
}

/// Those for messages of `N` bytes, `BATCH` at a time.
#[must_use]
pub fn contenders<const N: usize, const BATCH: usize>() -> Vec<Contender> {
    let mut all = vec![
        Contender { name: RTRB, run: rtrb::<N, BATCH> },
        Contender { name: "ringbuf, in process", run: ringbuf::<N, BATCH> },
        Contender { name: UNCHECKED, run: without_checks::<N, BATCH> },
        Contender { name: FIXED_HERE, run: fixed_in_process::<N, BATCH> },
        Contender { name: FIXED, run: fixed_across::<N, BATCH> },
        Contender { name: "gpushare ring, any length, in process", run: ours_in_process::<N, BATCH> },
        Contender { name: "gpushare ring, any length, across processes", run: ours_across::<N, BATCH> },
        Contender { name: "pipe", run: |count| stream::<N, BATCH>(count, false) },
        Contender { name: "socketpair", run: |count| stream::<N, BATCH>(count, true) },
    ];
    if BATCH == 1 {
        all.insert(2, Contender { name: "crossbeam ArrayQueue, in process", run: crossbeam::<N> });
        #[cfg(feature = "iceoryx2")]
        all.push(Contender { name: ICEORYX2, run: crate::iceoryx::one_way::<N> });
    }
    all
}

/// Names of rows that the targets speak of.
pub const RTRB: &str = "rtrb, in process";
/// As it is, without its checks.
pub const UNCHECKED: &str = "gpushare ring, fixed size, in process, without checks";
/// The ring for messages of one size.
pub const FIXED_HERE: &str = "gpushare ring, fixed size, in process";
/// The same between processes.
pub const FIXED: &str = "gpushare ring, fixed size, across processes";
/// The published peer across processes.
pub const ICEORYX2: &str = "iceoryx2 publish-subscribe, across processes";

fn message<const N: usize>(number: u64) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..8].copy_from_slice(&number.to_ne_bytes());
    bytes
}

/// The receiver's view of one message: it looks at the number, as a receiver of messages would.
#[inline]
fn take<const N: usize>(bytes: &[u8; N], sum: &mut u64) {
    let bytes = black_box(bytes);
    *sum =
        sum.wrapping_add(u64::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]));
}

fn check(sum: u64, count: u64) {
    assert_eq!(sum, (0..count).fold(0, u64::wrapping_add), "the messages are not those that were sent");
}

/// Receive in this thread, on processor 0, until all have come; the time from the first on. `receive` says how many it took. No
/// number at all where nothing comes any more for seconds: a contender that loses messages, or was set up wrongly.
fn time(count: u64, mut receive: impl FnMut(&mut u64) -> u64) -> f64 {
    const STALL: Duration = Duration::from_secs(3);
    pin(0);
    let (mut sum, mut taken, mut idle) = (0, 0, 0u32);
    let mut start = Instant::now();
    while taken < count {
        match receive(&mut sum) {
            0 => {
                idle += 1;
                if idle == 1 << 20 && start.elapsed() > STALL {
                    return f64::NAN;
                }
                idle &= (1 << 20) - 1;
                spin_loop();
            }
            more => {
                if taken == 0 {
                    start = Instant::now();
                }
                taken += more;
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    check(sum, taken);
    seconds
}

/// Send in another thread, on processor 1. `send` gets the next number and says how many it sent.
fn threads(count: u64, mut send: impl FnMut(u64) -> u64 + Send, receive: impl FnMut(&mut u64) -> u64) -> f64 {
    std::thread::scope(|scope| {
        scope.spawn(move || {
            pin(1);
            let mut sent = 0;
            while sent < count {
                match send(sent) {
                    0 => spin_loop(),
                    more => sent += more,
                }
            }
        });
        time(count, receive)
    })
}

fn rtrb<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<[u8; N]>::new(SLOTS);
    if BATCH == 1 {
        let send = move |number| u64::from(producer.push(message(number)).is_ok());
        return threads(count, send, move |sum| match consumer.pop() {
            Ok(bytes) => {
                take(&bytes, sum);
                1
            }
            Err(_) => 0,
        });
    }
    // Its fastest: as much of a slice as there is room for.
    let send = move |number| {
        let batch: [[u8; N]; BATCH] = std::array::from_fn(|at| message(number + at as u64));
        let room = usize::try_from(count - number).map_or(BATCH, |left| left.min(BATCH));
        producer.push_partial_slice(&batch[..room]).0.len() as u64
    };
    let mut batch = [[0; N]; BATCH];
    threads(count, send, move |sum| {
        let (taken, _) = consumer.pop_partial_slice(&mut batch);
        taken.iter().for_each(|bytes| take(bytes, sum));
        taken.len() as u64
    })
}

fn ringbuf<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
    let (mut producer, mut consumer) = ringbuf::HeapRb::<[u8; N]>::new(SLOTS).split();
    if BATCH == 1 {
        let send = move |number| u64::from(producer.try_push(message(number)).is_ok());
        return threads(count, send, move |sum| match consumer.try_pop() {
            Some(bytes) => {
                take(&bytes, sum);
                1
            }
            None => 0,
        });
    }
    let send = move |number| {
        let batch: [[u8; N]; BATCH] = std::array::from_fn(|at| message(number + at as u64));
        let room = usize::try_from(count - number).map_or(BATCH, |left| left.min(BATCH));
        producer.push_slice(&batch[..room]) as u64
    };
    let mut batch = [[0; N]; BATCH];
    threads(count, send, move |sum| {
        let taken = consumer.pop_slice(&mut batch);
        batch[..taken].iter().for_each(|bytes| take(bytes, sum));
        taken as u64
    })
}

fn crossbeam<const N: usize>(count: u64) -> f64 {
    let queue = crossbeam_queue::ArrayQueue::<[u8; N]>::new(SLOTS);
    let send = |number| u64::from(queue.push(message(number)).is_ok());
    threads(count, send, |sum| match queue.pop() {
        Some(bytes) => {
            take(&bytes, sum);
            1
        }
        None => 0,
    })
}

/// The next messages, at most `BATCH`, from this number on.
#[inline]
fn batch<const N: usize, const BATCH: usize>(number: u64) -> [[u8; N]; BATCH] {
    std::array::from_fn(|at| message(number + at as u64))
}

fn without_checks<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut producer, mut consumer) = unchecked::ring::<N>(SLOTS);
    let send = move |number| {
        let messages = batch::<N, BATCH>(number);
        producer.send(&messages[..(count - number).min(BATCH as u64) as usize]) as u64
    };
    let mut messages = [[0; N]; BATCH];
    threads(count, send, move |sum| {
        let taken = consumer.receive(&mut messages);
        messages[..taken].iter().for_each(|bytes| take(bytes, sum));
        taken as u64
    })
}

#[inline]
fn send_fixed<const N: usize, const BATCH: usize>(producer: &mut fixed::Producer<N>, number: u64, count: u64) -> u64 {
    if BATCH == 1 {
        return u64::from(producer.try_send(&message(number)).expect("the consumer lives"));
    }
    let messages = batch::<N, BATCH>(number);
    let now = &messages[..(count - number).min(BATCH as u64) as usize];
    producer.try_send_batch(now).expect("the consumer lives") as u64
}

#[inline]
fn receive_fixed<const N: usize, const BATCH: usize>(
    consumer: &mut fixed::Consumer<N>,
    messages: &mut [[u8; N]; BATCH],
    sum: &mut u64,
) -> u64 {
    if BATCH == 1 {
        return match consumer.try_receive().expect("the producer lives") {
            Some(bytes) => {
                take(&bytes, sum);
                1
            }
            None => 0,
        };
    }
    let taken = consumer.try_receive_batch(messages).expect("the producer lives");
    messages[..taken].iter().for_each(|bytes| take(bytes, sum));
    taken as u64
}

fn fixed_in_process<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut producer, offer) = fixed::Producer::<N>::create(SLOTS as u64).expect("memory");
    let mut consumer = fixed::Consumer::attach(offer).expect("just offered");
    let done = &std::sync::atomic::AtomicBool::new(false);
    let send = move |number| {
        let sent = send_fixed::<N, BATCH>(&mut producer, number, count);
        if number + sent == count {
            // Dropping would close, which is not what is measured.
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                spin_loop();
            }
        }
        sent
    };
    let (mut messages, mut taken) = ([[0; N]; BATCH], 0);
    threads(count, send, move |sum| {
        let now = receive_fixed(&mut consumer, &mut messages, sum);
        taken += now;
        if taken == count {
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        now
    })
}

fn fixed_across<const N: usize, const BATCH: usize>(count: u64) -> f64 {
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
    let mut messages = [[0; N]; BATCH];
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

fn ours_in_process<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    let (mut producer, offer) = Producer::create(capacity::<N>()).expect("memory");
    let mut consumer = Consumer::attach(offer).expect("just offered");
    let send = move |number| {
        let sent = send::<N, BATCH>(&mut producer, number, count);
        if number + sent == count {
            // Dropping would close, which is not what is measured.
            producer.send(&message::<N>(count), Deadline::NEVER).expect("the consumer lives");
        }
        sent
    };
    threads(count, send, move |sum| receive::<N, BATCH>(&mut consumer, sum))
}

fn ours_across<const N: usize, const BATCH: usize>(count: u64) -> f64 {
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

fn stream<const N: usize, const BATCH: usize>(count: u64, socket: bool) -> f64 {
    let [reader, writer] = machine::pair(socket);
    let _child = machine::fork(move || {
        pin(1);
        let mut bytes = Vec::with_capacity(N * BATCH);
        let mut number = 0;
        while number < count {
            bytes.clear();
            let next = (number + BATCH as u64).min(count);
            (number..next).for_each(|number| bytes.extend(message::<N>(number)));
            machine::write_all(writer, &bytes);
            number = next;
        }
        // Stay until the reader has what it wants.
        std::thread::sleep(Duration::from_secs(600));
    });
    let mut bytes = vec![[0; N]; BATCH];
    let mut left = count;
    let seconds = time(count, |sum| {
        let want = usize::try_from(left).map_or(BATCH, |left| left.min(BATCH));
        let flat = bytes[..want].as_flattened_mut();
        machine::read_all(reader, flat);
        bytes[..want].iter().for_each(|bytes| take(bytes, sum));
        left -= want as u64;
        want as u64
    });
    machine::close([reader, writer]);
    seconds
}
