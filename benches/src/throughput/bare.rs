//! A stream between two threads that is no ring anybody could use: one position, nothing is checked, nobody is woken, and what each side
//! knows stays in the registers of one loop. What lines that cross leave to be had.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{SLOTS, check};
use crate::cache::expect_write;
use crate::machine::{Word, pin};

/// Bytes of a line of cache.
const LINE: usize = 64;

/// The same places and the same hints as the ring's, and as long a pause before a look that follows news.
pub(super) fn stream<const N: usize>(count: u64) -> f64 {
    let words = N / 8;
    let messages: Vec<AtomicU64> = (0..SLOTS * words).map(|_| AtomicU64::new(0)).collect();
    let messages = &messages[..];
    let both = [const { Word::zero() }; 2];
    let [sent, taken] = both.each_ref().map(|word| &word.wide);
    let place = |number: u64| number as usize % SLOTS * words;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            pin(1);
            let (mut number, mut room) = (0, SLOTS as u64);
            while number < count {
                if number == room {
                    room = taken.load(Ordering::Acquire) + SLOTS as u64;
                    if number == room {
                        spin_loop();
                    }
                    continue;
                }
                let at = place(number);
                if at * 8 % LINE == 0 {
                    expect_write(messages[(at + LINE) % messages.len()].as_ptr().cast());
                }
                messages[at..at + words].iter().for_each(|word| word.store(number, Ordering::Relaxed));
                number += 1;
                sent.store(number, Ordering::Release);
            }
        });
        pin(0);
        let (mut number, mut known, mut sum) = (0, 0, 0u64);
        let mut start = Instant::now();
        while number < count {
            if number == known {
                (0..4).for_each(|_| spin_loop());
                known = sent.load(Ordering::Acquire);
                continue;
            }
            if number == 0 {
                start = Instant::now();
            }
            let at = place(number);
            messages[at + 1..at + words].iter().for_each(|word| _ = black_box(word.load(Ordering::Relaxed)));
            sum = sum.wrapping_add(messages[at].load(Ordering::Relaxed));
            number += 1;
            if number % (SLOTS as u64 / 8) == 0 {
                taken.store(number, Ordering::Release);
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        check(sum, count);
        seconds
    })
}
