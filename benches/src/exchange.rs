//! There and back: nanoseconds for a round trip, busy or asleep, and from a death to its news.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gpushare::ring::{Consumer, Producer, fixed};
use gpushare::{Deadline, Patience, Peer};

use crate::machine::{self, Child, fork, pin, shared_page};

mod bare;

/// Something that goes there and back.
pub struct Exchange {
    /// Its name in the report.
    pub name: &'static str,
    /// Nanoseconds for one of so many.
    pub run: fn(u64) -> f64,
}

/// Names of rows that the targets speak of.
pub const LINES: &str = "two raw lines";
/// A raw futex.
pub const FUTEX: &str = "raw shared futex";
/// A raw pidfd.
pub const PIDFD: &str = "pidfd in poll";
/// The ring for messages of one size.
pub const FIXED_8: &str = "gpushare ring, fixed size, 8 bytes";
/// The same.
pub const FIXED_64: &str = "gpushare ring, fixed size, 64 bytes";
/// The ring's wait.
pub const RING: &str = "gpushare ring";

/// Both sides look all the time, each on a processor of its own.
#[must_use]
pub fn busy() -> Vec<Exchange> {
    let rings = [
        Exchange { name: FIXED_8, run: |rounds| fixed::<8>(rounds, true) },
        Exchange { name: "gpushare ring, fixed size, 48 bytes", run: |rounds| fixed::<48>(rounds, true) },
        Exchange { name: FIXED_64, run: |rounds| fixed::<64>(rounds, true) },
        Exchange { name: "gpushare ring, any length, 8 bytes", run: |rounds| ring::<8>(rounds, true) },
        Exchange { name: "gpushare ring, any length, 64 bytes", run: |rounds| ring::<64>(rounds, true) },
        Exchange { name: "gpushare ring, any length, 1 KiB", run: |rounds| ring::<1024>(rounds, true) },
    ];
    bare::exchanges().into_iter().chain(rings).collect()
}

/// Both sides sleep, on one processor, so that a hand-over is a change of process and nothing else.
#[must_use]
pub fn asleep() -> Vec<Exchange> {
    vec![
        Exchange { name: FUTEX, run: |rounds| raw_futex(rounds, machine::futex_wait) },
        Exchange { name: "experiment: the same with a timer", run: |rounds| raw_futex(rounds, machine::futex_wait_timed) },
        Exchange {
            name: "experiment: the same beside a second word",
            run: |rounds| raw_futex(rounds, machine::futex_wait_two),
        },
        Exchange {
            name: "experiment: the same behind a membarrier",
            run: |rounds| {
                raw_futex(rounds, |word, expected| {
                    machine::membarrier();
                    machine::futex_wait(word, expected);
                })
            },
        },
        Exchange { name: "experiment: the same on a page that the sleeper can only read", run: raw_futex_read_only },
        Exchange { name: FIXED_8, run: |rounds| fixed::<8>(rounds, false) },
        Exchange { name: "gpushare ring, any length, 8 bytes", run: |rounds| ring::<8>(rounds, false) },
        Exchange { name: "eventfd", run: eventfd },
        Exchange { name: "pipe", run: |rounds| stream(rounds, false) },
        Exchange { name: "socketpair", run: |rounds| stream(rounds, true) },
    ]
}

/// One side is killed, the other waits.
#[must_use]
pub fn death() -> Vec<Exchange> {
    vec![
        Exchange { name: PIDFD, run: |rounds| middle(rounds, pidfd_death) },
        Exchange {
            name: "experiment: pidfd in poll in a thread, which wakes by a futex",
            run: |rounds| middle(rounds, hop_death),
        },
        Exchange {
            name: "experiment: pidfd in poll, of a process that has a ring",
            run: |rounds| middle(rounds, ring_child_death),
        },
        Exchange {
            name: "experiment: both, pidfd in poll in a thread, of a process that has a ring",
            run: |rounds| middle(rounds, hop_ring_child_death),
        },
        Exchange { name: RING, run: |rounds| middle(rounds, ring_death) },
    ]
}

fn timed(rounds: u64, mut exchange: impl FnMut(u64)) -> f64 {
    let warm = rounds / 10;
    (0..warm).for_each(&mut exchange);
    let start = Instant::now();
    (warm..rounds).for_each(exchange);
    start.elapsed().as_nanos() as f64 / (rounds - warm) as f64
}

fn raw_futex(rounds: u64, sleep: fn(&AtomicU32, u32)) -> f64 {
    let page = shared_page();
    raw_futex_on(rounds, [&page.words[0].narrow, &page.words[1].narrow], |_| {}, sleep)
}

/// The word there, and the word back; each side prepares for the one that it sleeps on.
fn raw_futex_on(rounds: u64, [there, back]: [&AtomicU32; 2], prepare: impl Fn(usize), sleep: fn(&AtomicU32, u32)) -> f64 {
    let wait = |word: &AtomicU32, until: u32| loop {
        match word.load(Ordering::Acquire) {
            value if value == until => break,
            value => sleep(word, value),
        }
    };
    let _child = fork(|| {
        pin(0);
        prepare(0);
        for round in 1..=rounds as u32 {
            wait(there, round);
            back.store(round, Ordering::Release);
            machine::futex_wake(back);
        }
    });
    pin(0);
    prepare(1);
    timed(rounds, |round| {
        there.store(round as u32 + 1, Ordering::Release);
        machine::futex_wake(there);
        wait(back, round as u32 + 1);
    })
}

/// Each word on a page of its own, which its sleeper may only read: the kernel looks a shared futex up as if to write to it, and takes a
/// longer way where that cannot be.
fn raw_futex_read_only(rounds: u64) -> f64 {
    let pages = [shared_page(), shared_page()];
    raw_futex_on(
        rounds,
        pages.map(|page| &page.words[0].narrow),
        |side| machine::write_protect(pages[side]),
        machine::futex_wait,
    )
}

/// Each side spins for as long as it takes, or not at all.
fn patience(busy: bool) -> Patience {
    Patience { spin: if busy { u32::MAX } else { 0 }, ..Patience::default() }
}

fn fixed<const N: usize>(rounds: u64, busy: bool) -> f64 {
    let (mut there, offer_there) = fixed::Producer::<N>::create(64).expect("memory");
    let (mut back, offer_back) = fixed::Consumer::<N>::create(64).expect("memory");
    let child = fork(move || {
        pin(usize::from(busy));
        let peer = Peer::parent().expect("a parent");
        let mut consumer = fixed::Consumer::<N>::attach(offer_there).expect("just offered");
        let mut producer = fixed::Producer::<N>::attach(offer_back).expect("just offered");
        consumer.watch(&peer);
        producer.watch(&peer);
        consumer.set_patience(patience(busy));
        let mut message = [0; N];
        for _ in 0..rounds {
            consumer.receive_alone(&mut message, Deadline::NEVER).expect("the other side lives");
            producer.send_alone(&message, Deadline::NEVER).expect("the other side lives");
        }
        std::thread::sleep(Duration::from_secs(600));
    });
    pin(0);
    let peer = Peer::process(child.0.unsigned_abs()).expect("a child");
    there.watch(&peer);
    back.watch(&peer);
    back.set_patience(patience(busy));
    let mut message = [0; N];
    timed(rounds, |_| {
        there.send_alone(&message, Deadline::NEVER).expect("the other side lives");
        back.receive_alone(&mut message, Deadline::NEVER).expect("the other side lives");
    })
}

fn echo_rings(busy: bool, echo: impl FnOnce(Consumer, Producer)) -> (Producer, Consumer, Child) {
    let (mut there, offer_there) = Producer::create(4096).expect("memory");
    let (mut back, offer_back) = Consumer::create(4096).expect("memory");
    let patience = patience(busy);
    let child = fork(move || {
        pin(usize::from(busy));
        let peer = Peer::parent().expect("a parent");
        let mut consumer = Consumer::attach(offer_there).expect("just offered");
        let mut producer = Producer::attach(offer_back).expect("just offered");
        consumer.watch(&peer);
        producer.watch(&peer);
        consumer.set_patience(patience);
        echo(consumer, producer);
    });
    pin(0);
    let peer = Peer::process(child.0.unsigned_abs()).expect("a child");
    there.watch(&peer);
    back.watch(&peer);
    back.set_patience(patience);
    (there, back, child)
}

fn ring<const N: usize>(rounds: u64, busy: bool) -> f64 {
    let receive = |consumer: &mut Consumer, bytes: &mut [u8; N]| {
        let message = consumer.peek(Deadline::NEVER).expect("the other side lives");
        message.read(0, bytes);
        message.release();
    };
    let (mut there, mut back, _child) = echo_rings(busy, move |mut consumer, mut producer| {
        let mut bytes = [0; N];
        for _ in 0..rounds {
            receive(&mut consumer, &mut bytes);
            producer.try_send(&bytes).expect("the other side lives");
        }
        std::thread::sleep(Duration::from_secs(600));
    });
    let mut bytes = [0; N];
    timed(rounds, |_| {
        there.try_send(&bytes).expect("the other side lives");
        receive(&mut back, &mut bytes);
    })
}

fn eventfd(rounds: u64) -> f64 {
    let (there, back) = (machine::eventfd(), machine::eventfd());
    let _child = fork(|| {
        pin(0);
        for _ in 0..rounds {
            machine::read_all(there, &mut [0; 8]);
            machine::write_all(back, &1u64.to_ne_bytes());
        }
    });
    pin(0);
    let took = timed(rounds, |_| {
        machine::write_all(there, &1u64.to_ne_bytes());
        machine::read_all(back, &mut [0; 8]);
    });
    machine::close([there, back]);
    took
}

fn stream(rounds: u64, socket: bool) -> f64 {
    let (there, back) = (machine::pair(socket), machine::pair(socket));
    let _child = fork(|| {
        pin(0);
        for _ in 0..rounds {
            machine::read_all(there[0], &mut [0; 8]);
            machine::write_all(back[1], &[0; 8]);
        }
    });
    pin(0);
    let took = timed(rounds, |_| {
        machine::write_all(there[1], &[0; 8]);
        machine::read_all(back[0], &mut [0; 8]);
    });
    machine::close(there);
    machine::close(back);
    took
}

fn middle(rounds: u64, one: fn() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..rounds).map(|_| one()).collect();
    // A kill that met a busy machine says nothing about either side.
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// What `wait` answers is dropped only once its news has come: taking a ring down is no part of that.
fn kill_while<T: Send>(child: &Child, wait: impl FnOnce() -> T + Send) -> f64 {
    std::thread::scope(|scope| {
        let waiter = scope.spawn(move || {
            pin(0);
            let kept = wait();
            (Instant::now(), kept)
        });
        pin(1);
        std::thread::sleep(Duration::from_millis(2));
        let killed = Instant::now();
        child.kill();
        let (noticed, _kept) = waiter.join().expect("the waiter returns");
        noticed.duration_since(killed).as_nanos() as f64
    })
}

fn pidfd_death() -> f64 {
    let child = fork(sleep);
    let wait = machine::wait_for_pidfd(child.0);
    kill_while(&child, wait)
}

fn ring_child_death() -> f64 {
    let (_consumer, child) = consumer_and_child();
    let wait = machine::wait_for_pidfd(child.0);
    kill_while(&child, wait)
}

fn hop_death() -> f64 {
    hop(&fork(sleep))
}

fn hop_ring_child_death() -> f64 {
    let (_consumer, child) = consumer_and_child();
    hop(&child)
}

/// A thread hears of it, and wakes who waits.
fn hop(child: &Child) -> f64 {
    let wait = machine::wait_for_pidfd(child.0);
    let word = &shared_page().words[0].narrow;
    word.store(0, Ordering::Release);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            wait();
            word.store(1, Ordering::Release);
            machine::futex_wake(word);
        });
        kill_while(child, move || {
            while word.load(Ordering::Acquire) == 0 {
                machine::futex_wait(word, 0);
            }
        })
    })
}

fn ring_death() -> f64 {
    let (mut consumer, child) = consumer_and_child();
    consumer.watch(&Peer::process(child.0.unsigned_abs()).expect("a child"));
    consumer.set_patience(Patience { spin: 0, ..Patience::default() });
    kill_while(&child, move || {
        assert!(consumer.wait(Deadline::NEVER).is_ok());
        consumer
    })
}

/// A ring, of which a child has the other side.
fn consumer_and_child() -> (Consumer, Child) {
    let (consumer, offer) = Consumer::create(4096).expect("memory");
    let child = fork(move || {
        let _producer = Producer::attach(offer).expect("just offered");
        sleep();
    });
    (consumer, child)
}

/// Until killed.
fn sleep() {
    std::thread::sleep(Duration::from_secs(600));
}
