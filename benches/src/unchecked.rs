//! The ring for messages of one size once more, between threads and without a check: no count, position or state of the other side is doubted, and
//! nothing is ever found corrupt. What it is faster by is what the checks cost.
#![expect(unsafe_code, reason = "bytes that two threads share, guarded by counts")]

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use crate::machine::Word;

#[repr(C, align(64))]
struct Line(UnsafeCell<[u8; 64]>);

struct Ring {
    lines: Box<[Line]>,
    taken: Word,
    sent: Word,
    /// What the one side looks at after each message to see whether the other sleeps.
    asleep: Word,
}

// SAFETY: bytes are written by the producer while their count is behind, and read by the consumer once it is ahead.
unsafe impl Sync for Ring {}

/// One side's view.
struct Side<const N: usize> {
    ring: Arc<Ring>,
    capacity: u64,
    position: u64,
    /// Up to where this side may go without a look at the other.
    limit: u64,
    released: u64,
    line: usize,
    before: usize,
}

impl<const N: usize> Side<N> {
    const LINES: bool = 56 / N >= 2;
    const PER_LINE: usize = 56 / N;

    fn new(ring: &Arc<Ring>, capacity: u64, limit: u64) -> Self {
        Self { ring: Arc::clone(ring), capacity, position: 0, limit, released: 0, line: 0, before: 0 }
    }

    /// Messages from here to the end of the line or the ring.
    #[inline]
    fn left(&self) -> usize {
        if Self::LINES { Self::PER_LINE - self.before } else { self.capacity as usize - self.before }
    }

    #[inline]
    fn byte(&self) -> *mut u8 {
        let at = if Self::LINES { self.line * 64 + 8 + self.before * N } else { self.before * N };
        self.ring.lines.as_ptr().cast::<u8>().cast_mut().wrapping_add(at)
    }

    #[inline]
    fn count(&self) -> &AtomicU64 {
        if Self::LINES {
            // SAFETY: the first word of a line, which is accessed as an atomic only.
            unsafe { &*self.ring.lines[self.line].0.get().cast() }
        } else {
            &self.ring.sent.wide
        }
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.position += count as u64;
        self.before += count;
        if self.left() == 0 {
            self.before = 0;
            if Self::LINES {
                self.line += 1;
                if self.line == self.ring.lines.len() {
                    self.line = 0;
                }
            }
        }
    }
}

/// Sends.
pub struct Producer<const N: usize>(Side<N>);

/// Receives.
pub struct Consumer<const N: usize>(Side<N>);

/// A ring for at least so many messages.
pub fn ring<const N: usize>(messages: usize) -> (Producer<N>, Consumer<N>) {
    let capacity = if Side::<N>::LINES { messages.next_multiple_of(Side::<N>::PER_LINE) } else { messages };
    let lines = if Side::<N>::LINES { capacity / Side::<N>::PER_LINE } else { (capacity * N).div_ceil(64) };
    let word = || Word { wide: AtomicU64::new(0), narrow: 0.into() };
    let lines = (0..lines).map(|_| Line(UnsafeCell::new([0; 64]))).collect();
    let ring = Arc::new(Ring { lines, taken: word(), sent: word(), asleep: word() });
    let capacity = capacity as u64;
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
            let run = (total - sent).min(side.left());
            // SAFETY: there is room for a run of this length from here on, and the consumer does not look at it before it is counted.
            unsafe {
                if Side::<N>::LINES && run == Side::<N>::PER_LINE {
                    side.byte().copy_from_nonoverlapping(messages.as_ptr().add(sent).cast(), Side::<N>::PER_LINE * N);
                } else {
                    side.byte().copy_from_nonoverlapping(messages.as_ptr().add(sent).cast(), run * N);
                }
            }
            if Side::<N>::LINES {
                side.count().store(side.position + run as u64, Ordering::Release);
            }
            side.advance(run);
            sent += run;
        }
        if !Side::<N>::LINES {
            side.count().store(side.position, Ordering::Release);
        }
        compiler_fence(Ordering::SeqCst);
        std::hint::black_box(side.ring.asleep.wide.load(Ordering::Relaxed));
        total
    }
}

impl<const N: usize> Consumer<N> {
    /// Take as many as there are, and say how many.
    #[inline]
    pub fn receive(&mut self, into: &mut [[u8; N]]) -> usize {
        let side = &mut self.0;
        let mut taken = 0;
        while taken < into.len() {
            if side.position >= side.limit {
                side.limit = side.count().load(Ordering::Acquire);
                if side.limit <= side.position {
                    break;
                }
            }
            let run = (into.len() - taken).min((side.limit - side.position) as usize).min(side.left());
            // SAFETY: a run of this length was counted, and the producer leaves it alone until it is released.
            unsafe {
                if Side::<N>::LINES && run == Side::<N>::PER_LINE {
                    side.byte().copy_to_nonoverlapping(into.as_mut_ptr().add(taken).cast(), Side::<N>::PER_LINE * N);
                } else {
                    side.byte().copy_to_nonoverlapping(into.as_mut_ptr().add(taken).cast(), run * N);
                }
            }
            side.advance(run);
            taken += run;
        }
        let done = if Side::<N>::LINES { side.position - side.before as u64 } else { side.position };
        if done - side.released >= side.capacity / 8 || (taken == 0 && done != side.released) {
            side.released = done;
            side.ring.taken.wide.store(done, Ordering::Release);
            compiler_fence(Ordering::SeqCst);
            std::hint::black_box(side.ring.asleep.wide.load(Ordering::Relaxed));
        }
        taken
    }
}
