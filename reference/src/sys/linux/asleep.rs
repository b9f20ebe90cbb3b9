//! Who sleeps for a peer that is watched, so that its death can wake them on the very word that the peer would wake them on. A second
//! word to sleep on (`futex_waitv`) costs each sleep more than a look in here does.
#![expect(unsafe_code, reason = "words of other threads' mappings, which live for as long as those threads sleep")]

use std::ptr;
use std::sync::atomic::AtomicU32;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rustix::thread::futex;

/// A thread that sleeps, or is about to: the word, and the one that says whether the peer is dead.
struct Asleep {
    word: *const AtomicU32,
    dead: *const AtomicU32,
}

// SAFETY: the pointers are compared, and followed under the lock of `ASLEEP` only.
unsafe impl Send for Asleep {}

static ASLEEP: Mutex<Vec<Asleep>> = Mutex::new(Vec::new());

fn all() -> MutexGuard<'static, Vec<Asleep>> {
    // Who was just woken by a death finds the lock held until that system call returns: too short for another sleep, unless both are on
    // one processor, where no look helps.
    for _ in 0..32 {
        match ASLEEP.try_lock() {
            Ok(all) => return all,
            // No thread panics with the lock held.
            Err(TryLockError::Poisoned(all)) => return all.into_inner(),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
    ASLEEP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a sleeper in the list.
pub(super) struct Listed<'s> {
    word: &'s AtomicU32,
    dead: &'s AtomicU32,
}

impl<'s> Listed<'s> {
    pub(super) fn new(word: &'s AtomicU32, dead: &'s AtomicU32) -> Self {
        all().push(Asleep { word, dead });
        Self { word, dead }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut all = all();
        // Of several that are alike it does not matter which goes.
        let this = |asleep: &Asleep| ptr::eq(asleep.word, self.word) && ptr::eq(asleep.dead, self.dead);
        if let Some(at) = all.iter().position(this) {
            all.swap_remove(at);
        }
    }
}

/// Wake those who sleep for the peer whose death this word tells; false once there is none.
pub(super) fn wake_for(dead: &AtomicU32) -> bool {
    let all = all();
    let mut found = false;
    for asleep in all.iter().filter(|asleep| ptr::eq(asleep.dead, dead)) {
        // SAFETY: its thread holds a reference to the word until it has taken itself off the list, for which it needs the lock.
        let _ = futex::wake(unsafe { &*asleep.word }, futex::Flags::empty(), i32::MAX.unsigned_abs());
        found = true;
    }
    found
}
