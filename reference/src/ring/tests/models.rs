//! Every interleaving that loom finds, on the source that ships: order, content, waiting, closing.

use std::io;
use std::sync::atomic::Ordering;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, AtomicU64};
use loom::sync::{Arc, Condvar, Mutex};
use rstest::rstest;

use crate::deadline::Deadline;
use crate::ring::memory::Lone;
use crate::ring::{Consumer, Memory, Producer, RingError};
use crate::waiter::{Atomic, Bell, Parked, Patience, Words};

macro_rules! atomic {
    ($word:ty, $value:ty) => {
        impl Atomic<$value> for $word {
            fn load(&self, order: Ordering) -> $value {
                <$word>::load(self, order)
            }

            fn store(&self, value: $value, order: Ordering) {
                <$word>::store(self, value, order);
            }
        }
    };
}

atomic!(AtomicU64, u64);
atomic!(AtomicU32, u32);

pub(super) struct Side {
    position: AtomicU64,
    lone: Lone<AtomicU64>,
    status: AtomicU64,
    signal: AtomicU32,
    /// The kernel's queue of sleepers on `signal`, and its lock.
    queue: (Mutex<()>, Condvar),
}

impl Words for Side {
    type U64 = AtomicU64;

    fn position(&self) -> &AtomicU64 {
        &self.position
    }

    fn status(&self) -> &AtomicU64 {
        &self.status
    }
}

struct Everything {
    sides: [Side; 2],
    /// The messages' bytes, eight to a cell: loom reports a cell that one side writes while the other reads it.
    cells: Vec<UnsafeCell<[u8; 8]>>,
    /// What a barrier is ordered by, see [`Bell::barrier`].
    barriers: AtomicU64,
}

pub(super) struct Modelled {
    all: Arc<Everything>,
    own: usize,
    /// Whether this side takes part in barriers.
    registered: bool,
}

impl Bell for Modelled {
    type Words = Side;
    type Signal = AtomicU32;

    fn own(&self) -> &Side {
        &self.all.sides[self.own]
    }

    fn peer(&self) -> &Side {
        &self.all.sides[1 - self.own]
    }

    fn own_signal(&self) -> &AtomicU32 {
        &self.own().signal
    }

    fn peer_signal(&self) -> &AtomicU32 {
        &self.peer().signal
    }

    fn fence(&self, order: Ordering) {
        loom::sync::atomic::fence(order);
    }

    /// loom knows no barriers. One is a moment that lies before or behind each light fence of the other side, and what was done
    /// before the earlier of the two is seen behind the later: as if both changed the same word. Without a barrier, or on a side that it
    /// does not reach, the light fence is nothing.
    fn light_fence(&self) {
        if self.registered {
            self.all.barriers.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn barrier(&self) -> bool {
        self.all.barriers.fetch_add(1, Ordering::AcqRel);
        true
    }

    fn park(&self, expected: u32, _: Deadline) -> io::Result<Parked> {
        let side = self.peer();
        let mut guard = side.queue.0.lock().expect("no thread panics with the lock held");
        while side.signal.load(Ordering::Relaxed) == expected {
            guard = side.queue.1.wait(guard).expect("no thread panics with the lock held");
        }
        Ok(Parked::Woken)
    }

    fn wake(&self) {
        let side = self.own();
        let _guard = side.queue.0.lock().expect("no thread panics with the lock held");
        side.queue.1.notify_one();
    }

    fn peer_is_dead(&self) -> bool {
        false
    }
}

#[expect(unsafe_code, reason = "loom's cells lend pointers")]
impl Memory for Modelled {
    fn write(&self, at: usize, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            let at = at + offset;
            // SAFETY: loom checks that nobody else reaches the cell meanwhile.
            self.all.cells[at / 8].with_mut(|cell| unsafe { (*cell)[at % 8] = *byte });
        }
    }

    fn read(&self, at: usize, bytes: &mut [u8]) {
        for (offset, byte) in bytes.iter_mut().enumerate() {
            let at = at + offset;
            // SAFETY: as in `write`.
            *byte = self.all.cells[at / 8].with(|cell| unsafe { (*cell)[at % 8] });
        }
    }

    fn write_header(&self, at: usize, header: u64) {
        // SAFETY: as in `write`.
        self.all.cells[at / 8].with_mut(|cell| unsafe { *cell = header.to_ne_bytes() });
    }

    fn read_header(&self, at: usize) -> u64 {
        // SAFETY: as in `write`.
        u64::from_ne_bytes(self.all.cells[at / 8].with(|cell| unsafe { *cell }))
    }

    fn own_lone(&self) -> &Lone<AtomicU64> {
        &self.own().lone
    }

    fn peer_lone(&self) -> &Lone<AtomicU64> {
        &self.peer().lone
    }
}

/// The memory of both sides, `bytes` for messages. `barriers`: whether the producer, and whether the consumer, takes part in them.
pub(super) fn memory(bytes: usize, barriers: (bool, bool)) -> [Modelled; 2] {
    let side = || Side {
        position: AtomicU64::new(0),
        lone: Lone { position: AtomicU64::new(0), bytes: std::array::from_fn(|_| AtomicU64::new(0)) },
        status: AtomicU64::new(0),
        signal: AtomicU32::new(0),
        queue: (Mutex::new(()), Condvar::new()),
    };
    let all = Arc::new(Everything {
        sides: [side(), side()],
        cells: (0..bytes / 8).map(|_| UnsafeCell::new([0; 8])).collect(),
        barriers: AtomicU64::new(0),
    });
    [(0, barriers.0), (1, barriers.1)].map(|(own, registered)| Modelled { all: Arc::clone(&all), own, registered })
}

/// One sleep, however long: a wake-up that is lost is a deadlock, which loom reports.
pub(super) const ONE_SLEEP: Patience = Patience { spin: 0, park: std::time::Duration::MAX };

fn ring(capacity: u64, barriers: (bool, bool)) -> (Producer<Modelled>, Consumer<Modelled>) {
    let [producers, consumers] = memory(capacity as usize, barriers);
    let mut producer = Producer::over(producers, capacity, barriers.0);
    let mut consumer = Consumer::over(consumers, capacity, barriers.1);
    producer.set_patience(ONE_SLEEP);
    consumer.set_patience(ONE_SLEEP);
    // Back to barriers with the next look, so that every change of mind between two sleeps is explored.
    producer.set_awake(1);
    consumer.set_awake(1);
    (producer, consumer)
}

/// With `GPUSHARE_LONG` set more is explored: minutes instead of seconds.
fn long() -> bool {
    std::env::var_os("GPUSHARE_LONG").is_some()
}

fn messages() -> impl Iterator<Item = &'static [u8]> {
    [&b"one"[..], b"", b"twelve bytes"].into_iter().filter(|message| long() || !message.is_empty())
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    explore_to(2, model);
}

/// Interleavings with so many changes of thread that none of the threads asked for.
pub(super) fn explore_to(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(if long() { preemptions + 1 } else { preemptions });
    builder.check(model);
}

#[rstest]
fn messages_arrive_once_and_in_order_through_a_ring_that_fills_and_wraps(
    #[values((true, true), (true, false), (false, true), (false, false))] barriers: (bool, bool),
) {
    explore(move || {
        // Room for one of these messages and a little: the last one waits, and wraps.
        let (mut producer, mut consumer) = ring(32, barriers);
        let sender = loom::thread::spawn(move || {
            for message in messages() {
                producer.send(message, Deadline::NEVER).expect("the consumer takes all");
            }
            producer
        });
        let mut message = Vec::new();
        for expected in messages() {
            consumer.receive(&mut message, Deadline::NEVER).expect("the producer sends them all");
            assert_eq!(message, expected);
        }
        drop(sender.join());
    });
}

#[rstest]
fn a_batch_is_seen_whole(#[values((true, true), (true, false), (false, true), (false, false))] barriers: (bool, bool)) {
    explore(move || {
        let (mut producer, mut consumer) = ring(64, barriers);
        let sender = loom::thread::spawn(move || {
            let messages: [&[u8]; 2] = [b"a", b"b"];
            producer.send_batch(messages, Deadline::NEVER).expect("there is room");
            producer
        });
        let mut taken = 0;
        let count = consumer.drain(8, Deadline::NEVER, |message| {
            assert_eq!(message.to_vec(), [b"a", b"b"][taken]);
            taken += 1;
        });
        assert_eq!(count.expect("a batch comes"), 2);
        drop(sender.join());
    });
}

#[rstest]
fn the_last_message_before_closing_is_received(
    #[values((true, true), (true, false), (false, true), (false, false))] barriers: (bool, bool),
) {
    explore(move || {
        let (mut producer, mut consumer) = ring(16, barriers);
        let sender = loom::thread::spawn(move || producer.try_send(b"last").expect("there is room"));
        let mut message = Vec::new();
        consumer.receive(&mut message, Deadline::NEVER).expect("it was sent before the end");
        assert_eq!(message, b"last");
        assert!(matches!(consumer.receive(&mut message, Deadline::NEVER), Err(RingError::Closed)));
        assert!(sender.join().expect("the producer does not panic"));
    });
}

#[rstest]
fn a_producer_that_waits_for_room_learns_that_the_consumer_closed(
    #[values((true, true), (true, false), (false, true), (false, false))] barriers: (bool, bool),
) {
    explore(move || {
        let (mut producer, consumer) = ring(16, barriers);
        assert!(producer.try_send(b"full now").expect("there is room"));
        let closer = loom::thread::spawn(move || drop(consumer));
        assert!(matches!(producer.send(b"", Deadline::NEVER), Err(RingError::Closed)));
        closer.join().expect("closing does not panic");
    });
}
