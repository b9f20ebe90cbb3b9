//! An experiment: a ring of fixed slots in which each slot says itself whether it is filled.
//!
//! The consumer looks at the slot and at nothing else, so that for small messages one line crosses instead of two. Here it runs between
//! threads and trusts its peer; it is measured to decide whether a second kind of ring is worth having.
#![expect(unsafe_code, reason = "slots that two threads share, guarded by their sequence numbers")]

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

struct Slot<const N: usize> {
    /// `position + 1` once the message of that position is in it.
    sequence: AtomicU64,
    bytes: UnsafeCell<[u8; N]>,
}

struct Ring<const N: usize> {
    slots: Box<[Slot<N>]>,
    taken: crate::machine::Word,
}

// SAFETY: a slot is written by the producer while its number is behind, and read by the consumer once it is ahead.
unsafe impl<const N: usize> Sync for Ring<N> {}
// SAFETY: plain memory.
unsafe impl<const N: usize> Send for Ring<N> {}

/// Sends.
pub struct Producer<const N: usize> {
    ring: Arc<Ring<N>>,
    position: u64,
    taken: u64,
}

/// Receives.
pub struct Consumer<const N: usize> {
    ring: Arc<Ring<N>>,
    position: u64,
}

/// A ring of `slots`, a power of two.
pub fn ring<const N: usize>(slots: usize) -> (Producer<N>, Consumer<N>) {
    let slot = || Slot { sequence: AtomicU64::new(0), bytes: UnsafeCell::new([0; N]) };
    let taken = crate::machine::Word { wide: AtomicU64::new(0), narrow: 0.into() };
    let ring = Arc::new(Ring { slots: (0..slots).map(|_| slot()).collect(), taken });
    (Producer { ring: Arc::clone(&ring), position: 0, taken: 0 }, Consumer { ring, position: 0 })
}

impl<const N: usize> Producer<N> {
    /// Send, if there is room.
    #[inline]
    pub fn try_send(&mut self, bytes: &[u8; N]) -> bool {
        let count = self.ring.slots.len() as u64;
        if self.position - self.taken == count {
            self.taken = self.ring.taken.wide.load(Ordering::Acquire);
            if self.position - self.taken == count {
                return false;
            }
        }
        let slot = &self.ring.slots[(self.position & (count - 1)) as usize];
        // SAFETY: the consumer has released this slot, and looks at it again only when its number changes.
        unsafe { *slot.bytes.get() = *bytes };
        self.position += 1;
        slot.sequence.store(self.position, Ordering::Release);
        true
    }
}

impl<const N: usize> Consumer<N> {
    /// Take the next, if there is one.
    #[inline]
    pub fn try_receive(&mut self) -> Option<[u8; N]> {
        let count = self.ring.slots.len() as u64;
        let slot = &self.ring.slots[(self.position & (count - 1)) as usize];
        if slot.sequence.load(Ordering::Acquire) != self.position + 1 {
            return None;
        }
        // SAFETY: the producer has filled this slot, and touches it again only when it is released below.
        let bytes = unsafe { *slot.bytes.get() };
        self.position += 1;
        // Now and then is enough for the producer, and spares the line.
        if self.position.is_multiple_of((count / 8).max(1)) {
            self.ring.taken.wide.store(self.position, Ordering::Release);
        }
        Some(bytes)
    }
}
