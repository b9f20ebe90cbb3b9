//! The ring for messages of one size once more, between threads and without a check: no position or state of the other side is doubted, and
//! nothing is ever found corrupt. What it is faster by is what the checks cost.
#![expect(unsafe_code, reason = "bytes that two threads share, guarded by positions")]

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use crate::cache::{expect_read, expect_write};
use crate::machine::Word;

const LINE: usize = 64;

#[repr(C, align(64))]
struct Line(UnsafeCell<[u8; LINE]>);

struct Ring {
    lines: Box<[Line]>,
    taken: Word,
    sent: Word,
    /// What the one side looks at after each message to see whether the other sleeps.
    asleep: Word,
}

// SAFETY: bytes are written by the producer while its position is behind, and read by the consumer once it is ahead.
unsafe impl Sync for Ring {}

/// One side's view.
struct Side<const N: usize> {
    ring: Arc<Ring>,
    capacity: u64,
    position: u64,
    /// Up to where this side may go without a look at the other.
    limit: u64,
    released: u64,
    /// Where the next message lies.
    at: usize,
}

impl<const N: usize> Side<N> {
    fn new(ring: &Arc<Ring>, capacity: u64, limit: u64) -> Self {
        Self { ring: Arc::clone(ring), capacity, position: 0, limit, released: 0, at: 0 }
    }

    fn bytes(&self) -> usize {
        self.capacity as usize * N
    }

    #[inline]
    fn byte(&self, at: usize) -> *mut u8 {
        self.ring.lines.as_ptr().cast::<u8>().cast_mut().wrapping_add(at)
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.position += count as u64;
        self.at += count * N;
        if self.at == self.bytes() {
            self.at = 0;
        }
    }
}

/// Sends.
pub struct Producer<const N: usize>(Side<N>);

/// Receives.
pub struct Consumer<const N: usize>(Side<N>);

/// A ring for so many messages.
pub fn ring<const N: usize>(messages: usize) -> (Producer<N>, Consumer<N>) {
    let word = || Word { wide: AtomicU64::new(0), narrow: 0.into() };
    let lines = (0..(messages * N).div_ceil(LINE)).map(|_| Line(UnsafeCell::new([0; LINE]))).collect();
    let ring = Arc::new(Ring { lines, taken: word(), sent: word(), asleep: word() });
    let capacity = messages as u64;
    (Producer(Side::new(&ring, capacity, capacity)), Consumer(Side::new(&ring, capacity, 0)))
}

impl<const N: usize> Producer<N> {
    /// Send as many as have room, and say how many.
    #[inline]
    pub fn send(&mut self, messages: &[[u8; N]]) -> usize {
        let side = &mut self.0;
        if side.position + messages.len() as u64 > side.limit {
            side.limit = side.ring.taken.wide.load(Ordering::Acquire) + side.capacity;
        }
        let total = messages.len().min((side.limit - side.position) as usize);
        let mut sent = 0;
        while sent < total {
            let run = (total - sent).min((side.bytes() - side.at) / N);
            let from = side.at + (8 * LINE).min(side.bytes() / 8);
            let mut line = from.next_multiple_of(LINE);
            while line < from + run * N {
                expect_write(side.byte(if line < side.bytes() { line } else { line - side.bytes() }));
                line += LINE;
            }
            // SAFETY: there is room for a run of this length from here on, and the consumer does not look at it before it is told.
            unsafe { side.byte(side.at).copy_from_nonoverlapping(messages.as_ptr().add(sent).cast(), run * N) }
            side.advance(run);
            sent += run;
        }
        if total != 0 {
            side.ring.sent.wide.store(side.position, Ordering::Release);
            compiler_fence(Ordering::SeqCst);
            std::hint::black_box(side.ring.asleep.wide.load(Ordering::Relaxed));
        }
        total
    }
}

impl<const N: usize> Consumer<N> {
    /// Take as many as there are, and say how many.
    #[inline]
    pub fn receive(&mut self, into: &mut [[u8; N]]) -> usize {
        let side = &mut self.0;
        if side.position == side.limit {
            expect_read(side.byte(side.at));
            side.limit = side.ring.sent.wide.load(Ordering::Acquire);
        }
        let total = into.len().min((side.limit - side.position) as usize);
        let mut taken = 0;
        while taken < total {
            let run = (total - taken).min((side.bytes() - side.at) / N);
            // SAFETY: a run of this length was sent, and the producer leaves it alone until it is released.
            unsafe { side.byte(side.at).copy_to_nonoverlapping(into.as_mut_ptr().add(taken).cast(), run * N) }
            side.advance(run);
            taken += run;
        }
        if side.position - side.released >= side.capacity / 8 || (total == 0 && side.position != side.released) {
            side.released = side.position;
            side.ring.taken.wide.store(side.position, Ordering::Release);
            compiler_fence(Ordering::SeqCst);
            std::hint::black_box(side.ring.asleep.wide.load(Ordering::Relaxed));
        }
        total
    }
}
