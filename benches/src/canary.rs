//! What the machine does at this moment, told by what has nothing of a ring.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::machine::{Word, pin};

/// Measured before and after everything else.
#[derive(Clone, Copy, Debug)]
pub struct Canary {
    /// Nanoseconds for a round trip of two raw lines between the two processors.
    pub trip: f64,
    /// Microseconds for work that fills a core: twice as many while somebody else works on the same core.
    pub work: f64,
    /// Whether the two are threads of one core now, whatever the system says of them: a virtual machine's may be moved there and away.
    pub one_core: bool,
}

/// Work beside other work takes twice the time on the same core, and no longer on another.
const BESIDE: f64 = 1.4;

/// Find out.
#[must_use]
pub fn canary() -> Canary {
    let trip = trip();
    let (alone, beside) = alone_and_beside();
    Canary { trip, work: alone, one_core: beside > BESIDE * alone }
}

fn trip() -> f64 {
    const ROUNDS: u64 = 20_000;
    let lines = [const { Word::zero() }; 2];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            for round in 1..=ROUNDS {
                while lines[0].wide.load(Ordering::Acquire) != round {
                    spin_loop();
                }
                lines[1].wide.store(round, Ordering::Release);
            }
        });
        pin(0);
        let mut start = Instant::now();
        for round in 1..=ROUNDS {
            // The first rounds wait for the other thread to start.
            if round == ROUNDS / 10 {
                start = Instant::now();
            }
            lines[0].wide.store(round, Ordering::Release);
            while lines[1].wide.load(Ordering::Acquire) != round {
                spin_loop();
            }
        }
        start.elapsed().as_nanos() as f64 / (ROUNDS - ROUNDS / 10 + 1) as f64
    })
}

/// How long work takes on one processor, and while the other works, too.
fn alone_and_beside() -> (f64, f64) {
    pin(0);
    let alone = work();
    let (started, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let beside = std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            while !over.load(Ordering::Relaxed) {
                work();
                started.store(true, Ordering::Relaxed);
            }
        });
        while !started.load(Ordering::Relaxed) {
            spin_loop();
        }
        let beside = work();
        over.store(true, Ordering::Relaxed);
        beside
    });
    (alone, beside)
}

/// Microseconds for a loop that waits for nothing, the least of a few times.
fn work() -> f64 {
    let once = || {
        let mut words = black_box([0x9e37_79b9_7f4a_7c15_u64, 2, 3, 4, 5, 6, 7, 8]);
        let start = Instant::now();
        for _ in 0..20_000 {
            for word in &mut words {
                *word = word.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
            }
        }
        black_box(words);
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
}
