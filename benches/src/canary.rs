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
    /// Whether the two are threads of one core now, whatever the system says of them: a virtual machine's may be moved there and away.
    pub one_core: bool,
}

/// Work beside the same work takes twice the time on one core, and no longer on two.
const BESIDE: f64 = 1.4;

/// Find out.
#[must_use]
pub fn canary() -> Canary {
    Canary { trip: trip(), one_core: beside() > BESIDE }
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

/// How much longer work takes on one processor while the other works, too.
fn beside() -> f64 {
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
    beside / alone
}

/// Seconds for multiplications that wait for nothing but the core's multipliers; the least of a few times.
fn work() -> f64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let once = || {
        // In registers: through memory it takes once or twice as long, whatever else the core does.
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h, mut i, mut j] = black_box([ODD; 10]);
        let start = Instant::now();
        for _ in 0..20_000 {
            a = a.wrapping_mul(ODD);
            b = b.wrapping_mul(ODD);
            c = c.wrapping_mul(ODD);
            d = d.wrapping_mul(ODD);
            e = e.wrapping_mul(ODD);
            f = f.wrapping_mul(ODD);
            g = g.wrapping_mul(ODD);
            h = h.wrapping_mul(ODD);
            i = i.wrapping_mul(ODD);
            j = j.wrapping_mul(ODD);
        }
        black_box([a, b, c, d, e, f, g, h, i, j]);
        start.elapsed().as_secs_f64()
    };
    (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
}
