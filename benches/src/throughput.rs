//! Messages a second, one way: contenders in one process and across processes.

use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use crate::machine::{self, pin};
use crate::unchecked::but;

mod experiments;
mod ours;

pub use experiments::{ALONE, UNCHECKED_ALONE};

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
        Contender { name: UNCHECKED, run: experiments::unchecked::<N, BATCH, { but::NOTHING }> },
        Contender { name: FIXED_HERE, run: ours::fixed_in_process::<N, BATCH> },
        Contender { name: FIXED, run: ours::fixed_across::<N, BATCH> },
        Contender { name: "gpushare ring, any length, in process", run: ours::in_process::<N, BATCH> },
        Contender { name: "gpushare ring, any length, across processes", run: ours::across::<N, BATCH> },
        Contender { name: "pipe", run: |count| stream::<N, BATCH>(count, false) },
        Contender { name: "socketpair", run: |count| stream::<N, BATCH>(count, true) },
    ];
    if BATCH == 1 {
        all.insert(2, Contender { name: "crossbeam ArrayQueue, in process", run: crossbeam::<N> });
        #[cfg(feature = "iceoryx2")]
        all.push(Contender { name: ICEORYX2, run: crate::iceoryx::one_way::<N> });
    }
    all.extend(experiments::all::<N, BATCH>());
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

/// The receiver's view of one message: it adds up the numbers, and does nothing else, because what it does is measured with every contender and
/// makes them alike. What it does not look at has to have arrived nevertheless.
#[inline]
fn take<const N: usize>(bytes: &[u8; N], sum: &mut u64) {
    let bytes = if N > size_of::<u64>() { black_box(bytes) } else { bytes };
    *sum =
        sum.wrapping_add(u64::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]));
}

/// Messages side by side, `FURTHER` bytes behind the beginning of a line of cache. All contenders send from and receive into such: where the
/// compiler happened to put an array would tell in the figures.
#[repr(C, align(64))]
struct Batch<const N: usize, const BATCH: usize, const FURTHER: usize = 0> {
    further: [u8; FURTHER],
    messages: [[u8; N]; BATCH],
}

impl<const N: usize, const BATCH: usize, const FURTHER: usize> Batch<N, BATCH, FURTHER> {
    /// Room for messages.
    const EMPTY: Self = Self { further: [0; FURTHER], messages: [[0; N]; BATCH] };

    /// The messages from this number on.
    #[inline]
    fn from(number: u64) -> Self {
        Self { further: [0; FURTHER], messages: std::array::from_fn(|at| message(number + at as u64)) }
    }

    /// As many as are due before this number.
    #[inline]
    fn until(&self, number: u64, count: u64) -> &[[u8; N]] {
        &self.messages[..(count - number).min(BATCH as u64) as usize]
    }
}

fn check(sum: u64, count: u64) {
    assert_eq!(sum, (0..count).fold(0, u64::wrapping_add), "the messages are not those that were sent");
}

/// Receive in this thread, on processor 0, until all have come; the time from the first on. `receive` says how many it took. No
/// number at all where nothing comes any more for seconds: a contender that loses messages, or was set up wrongly.
fn time(count: u64, mut receive: impl FnMut(&mut u64) -> u64) -> f64 {
    pin(0);
    let (mut sum, mut taken) = (0, 0);
    let mut idle = Idle { looks: 0, taken: 0, since: Instant::now() };
    let mut start = Instant::now();
    // `receive` stands in one place only, so that it is compiled into the loop whatever it is.
    for goal in [1, count] {
        while taken < goal {
            match receive(&mut sum) {
                0 if idle.too_long(taken) => return f64::NAN,
                more => taken += more,
            }
        }
        if goal == 1 {
            start = Instant::now();
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    check(sum, taken);
    seconds
}

/// What was seen of a sender while nothing came.
struct Idle {
    looks: u32,
    taken: u64,
    since: Instant,
}

impl Idle {
    /// Nothing came: whether that has been so for seconds. Out of the way, and the same for all contenders.
    #[cold]
    #[inline(never)]
    fn too_long(&mut self, taken: u64) -> bool {
        spin_loop();
        self.looks += 1;
        if !self.looks.is_multiple_of(1 << 20) {
            return false;
        }
        if taken != self.taken {
            (self.taken, self.since) = (taken, Instant::now());
        }
        self.since.elapsed() > Duration::from_secs(3)
    }
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
    let send = move |number| producer.push_partial_slice(Batch::<N, BATCH>::from(number).until(number, count)).0.len() as u64;
    let mut batch = Batch::<N, BATCH>::EMPTY;
    threads(count, send, move |sum| {
        let (taken, _) = consumer.pop_partial_slice(&mut batch.messages);
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
    let send = move |number| producer.push_slice(Batch::<N, BATCH>::from(number).until(number, count)) as u64;
    let mut batch = Batch::<N, BATCH>::EMPTY;
    threads(count, send, move |sum| {
        let taken = consumer.pop_slice(&mut batch.messages);
        batch.messages[..taken].iter().for_each(|bytes| take(bytes, sum));
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
