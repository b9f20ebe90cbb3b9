//! Where what the ring differs by from one without checks is switched on and off, one thing at a time.

use std::hint::spin_loop;

use super::ours::{fixed_alone, fixed_between_threads, receive_fixed, slower_alone};
use super::{Batch, Contender, SLOTS, take, threads};
use crate::unchecked::{self, but};

/// Those for messages of `N` bytes, `BATCH` at a time.
pub(super) fn all<const N: usize, const BATCH: usize>() -> Vec<Contender> {
    let mut all = vec![
        Contender { name: POSITIONS, run: unchecked::<N, BATCH, { but::POSITIONS }> },
        Contender { name: STATES, run: unchecked::<N, BATCH, { but::STATES }> },
        Contender { name: CHECKED, run: unchecked::<N, BATCH, { ALL }> },
        Contender { name: WRITABLE, run: unchecked::<N, BATCH, { but::WRITABLE }> },
        Contender { name: NO_HINTS, run: unchecked::<N, BATCH, { but::NO_HINTS }> },
        Contender { name: ALL_HINTS, run: unchecked::<N, BATCH, { but::ALL_HINTS }> },
        Contender { name: NEAR_HINTS, run: unchecked::<N, BATCH, { but::NEAR_HINTS }> },
        Contender { name: NO_PAUSE, run: unchecked::<N, BATCH, { but::NO_PAUSE }> },
        Contender { name: SHORT_LEAD, run: unchecked::<N, BATCH, { but::SHORT_LEAD }> },
        Contender { name: CHECKED_NO_PAUSE, run: unchecked::<N, BATCH, { ALL | but::NO_PAUSE }> },
        Contender { name: FURTHER, run: further::<N, BATCH> },
        Contender { name: SLOWER, run: slower::<N, BATCH> },
        Contender { name: ALONE, run: fixed_alone::<N, BATCH> },
        Contender { name: UNCHECKED_ALONE, run: unchecked_alone::<N, BATCH, { but::NOTHING }> },
        Contender { name: CHECKED_ALONE, run: unchecked_alone::<N, BATCH, { ALL }> },
    ];
    if BATCH == 1 {
        all.push(Contender { name: BY_VALUE, run: by_value::<N, BATCH> });
    }
    all
}

/// Both checks: all that the ring has.
const ALL: u32 = but::POSITIONS | but::STATES;

const POSITIONS: &str = "experiment: without checks, but positions are doubted";
const STATES: &str = "experiment: without checks, but who finds nothing looks for a death";
const CHECKED: &str = "experiment: without checks, but with these two";
const WRITABLE: &str = "experiment: without checks, and each side could write to the other's memory";
const NO_HINTS: &str = "experiment: without checks, and no line asked for ahead";
const ALL_HINTS: &str = "experiment: without checks, and every line asked for ahead, of any processor";
const NEAR_HINTS: &str = "experiment: without checks, and lines asked for 8 ahead instead of 32";
const NO_PAUSE: &str = "experiment: without checks, and no pause before a look that follows news";
const SHORT_LEAD: &str = "experiment: without checks, and always the fewest pauses before such a look";
const CHECKED_NO_PAUSE: &str = "experiment: without checks, but with these two, and no such pause";
const FURTHER: &str = "experiment: without checks, the messages sent lie 8 bytes further";
const SLOWER: &str = "experiment: gpushare ring, fixed size, in process, its receiver pauses after each look";
/// The ring, where nothing crosses that would hide what its checks take.
pub const ALONE: &str = "experiment: gpushare ring, fixed size, nothing crosses: the slower side by itself";
/// The same without them.
pub const UNCHECKED_ALONE: &str = "experiment: without checks, nothing crosses: the slower side by itself";
const CHECKED_ALONE: &str = "experiment: without checks, but with these two, nothing crosses: the slower side by itself";
const BY_VALUE: &str = "experiment: gpushare ring, fixed size, in process, received by value";

pub(super) fn unchecked<const N: usize, const BATCH: usize, const BUT: u32>(count: u64) -> f64 {
    from_further::<N, BATCH, BUT, 0>(count)
}

/// Loads that are wider than the stores before them, and cross lines of cache.
fn further<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    from_further::<N, BATCH, { but::NOTHING }, 8>(count)
}

fn from_further<const N: usize, const BATCH: usize, const BUT: u32, const FURTHER: usize>(count: u64) -> f64 {
    let (mut producer, mut consumer) = unchecked::ring::<N, BUT>(SLOTS);
    let send = move |number| send::<N, BATCH, BUT, FURTHER>(&mut producer, number, count);
    let mut batch = Batch::<N, BATCH>::EMPTY;
    threads(count, send, move |sum| receive(&mut consumer, &mut batch, sum))
}

/// Where nothing crosses between processors, nothing hides what a check takes.
fn unchecked_alone<const N: usize, const BATCH: usize, const BUT: u32>(count: u64) -> f64 {
    let (mut producer, mut consumer) = unchecked::ring::<N, BUT>(SLOTS);
    let send = |number| send::<N, BATCH, BUT, 0>(&mut producer, number, count);
    let mut batch = Batch::<N, BATCH>::EMPTY;
    slower_alone(count, send, |sum| receive(&mut consumer, &mut batch, sum))
}

#[inline(always)]
fn send<const N: usize, const BATCH: usize, const BUT: u32, const FURTHER: usize>(
    producer: &mut unchecked::Producer<N, BUT>,
    number: u64,
    count: u64,
) -> u64 {
    let batch = Batch::<N, BATCH, FURTHER>::from(number);
    if BATCH == 1 {
        u64::from(producer.send(&batch.messages[0]))
    } else {
        producer.send_batch(batch.until(number, count)) as u64
    }
}

#[inline(always)]
fn receive<const N: usize, const BATCH: usize, const BUT: u32>(
    consumer: &mut unchecked::Consumer<N, BUT>,
    batch: &mut Batch<N, BATCH>,
    sum: &mut u64,
) -> u64 {
    let taken = if BATCH == 1 {
        usize::from(consumer.receive(&mut batch.messages[0]))
    } else {
        consumer.receive_batch(&mut batch.messages)
    };
    batch.messages[..taken].iter().for_each(|bytes| take(bytes, sum));
    taken as u64
}

/// The receiver looks less often, and finds more.
fn slower<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    fixed_between_threads::<N, BATCH>(count, |consumer, batch, sum| {
        spin_loop();
        receive_fixed(consumer, batch, sum)
    })
}

fn by_value<const N: usize, const BATCH: usize>(count: u64) -> f64 {
    fixed_between_threads::<N, BATCH>(count, |consumer, _, sum| match consumer.try_receive().expect("the producer lives") {
        Some(bytes) => {
            take(&bytes, sum);
            1
        }
        None => 0,
    })
}
