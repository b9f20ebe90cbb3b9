//! Sleeping on a word of shared memory, and what wakes: a shared futex
//! ([futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html)) woken by the peer, and by this process once the
//! peer is dead.

use std::io;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, WaitFlags, WaitPtr, WaitvFlags};
use rustix::thread::{ClockId, MembarrierCommand};
use rustix::time::Timespec;

use super::asleep::{self, Listed};
use super::shm::Mapping;
use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::sys::process::Watch;
use crate::waiter::Parked;

/// Where `futex_waitv` is refused, a wait for several words looks this often at all of them.
const SLICE: Duration = Duration::from_millis(5);

/// Bytes of a page, where the signals can be mapped by themselves.
const PAGE: usize = 4096;

/// What carries wake-ups beside the words: nothing that has to be sent, since a futex is found by its address.
///
/// The kernel looks a shared futex up as if to write to it. Where the page can only be read it takes a much longer way then, on each
/// sleep (`cross_process`: "the same on a page that the sleeper can only read"). So the signals of both sides lie on one page of the object
/// that is lent to the peer, of which the creator keeps a mapping from before nobody can become a writer any more.
#[derive(Debug)]
pub(crate) struct WakePath {
    /// The creator's mapping of that page. The peer has it among the object that is its own.
    lent: Option<Mapping>,
}

impl WakePath {
    /// Handles that the peer needs of it.
    pub(crate) const HANDLES: usize = 0;

    /// `lent`: the object of which the peer will be the writer; the signals lie at `page`.
    pub(crate) fn create(lent: &OwnedFd, page: u64) -> io::Result<Self> {
        if !Self::lends() {
            return Ok(Self { lent: None });
        }
        let signals = Mapping::part(lent, page, PAGE, true)?;
        // What the first sleeper would do.
        let _ = signals.touch(true);
        Ok(Self { lent: Some(signals) })
    }

    /// Whether signals lie on a page that both sides write to. Where pages are larger, that one cannot be mapped by itself.
    pub(crate) fn lends() -> bool {
        rustix::param::page_size() == PAGE
    }

    /// Where the creator has that page.
    pub(crate) fn lent(&self) -> Option<NonNull<u8>> {
        self.lent.as_ref().map(|mapping| mapping.start())
    }

    /// The peer's end.
    pub(crate) fn for_peer(&self) -> io::Result<[OwnedHandle; Self::HANDLES]> {
        Ok([])
    }

    /// The end that came from the peer.
    pub(crate) fn attach(_: &[OwnedHandle; Self::HANDLES]) -> io::Result<Self> {
        Ok(Self { lent: None })
    }

    /// Sleep until `word` no longer holds `expected` and somebody woke it, until the peer's death, or until the deadline.
    pub(crate) fn park(&self, word: &AtomicU32, expected: u32, peer: Option<&Watch>, deadline: Deadline) -> io::Result<Parked> {
        park(word, expected, peer.map(Watch::word), deadline)
    }

    /// Wake whoever sleeps on a word of shared memory. Never blocks; that nobody sleeps is no error.
    pub(crate) fn wake(&self, word: &AtomicU32) {
        // The address is good. A peer that sleeps in another manner than by FUTEX_WAIT (`EINVAL`) does so at its own loss.
        let _ = futex::wake(word, futex::Flags::empty(), 1);
    }
}

/// Sleep until `word` no longer holds `expected` and somebody woke it, until `dead` is set, or until the deadline.
///
/// The futex is never `FUTEX_PRIVATE_FLAG`: the waker is another process. The kernel compares the word with what is expected, so
/// that no wake-up is lost between a look at it and the sleep. `dead` is private memory, and who sets it wakes those who are listed.
fn park(word: &AtomicU32, expected: u32, dead: Option<&AtomicU32>, deadline: Deadline) -> io::Result<Parked> {
    let _listed = dead.map(|dead| Listed::new(word, dead));
    if dead.is_some_and(|dead| dead.load(Ordering::Acquire) != 0) {
        return Ok(Parked::Woken);
    }
    // FUTEX_WAIT_BITSET, because its time is absolute and monotonic.
    let until = moment(deadline);
    match futex::wait_bitset(word, futex::Flags::empty(), expected, until.as_ref(), std::num::NonZeroU32::MAX) {
        // A value that had changed already is as good as a wake-up: the caller looks for itself.
        Ok(()) | Err(Errno::AGAIN) => Ok(Parked::Woken),
        Err(Errno::TIMEDOUT) => Ok(Parked::TimedOut),
        Err(Errno::INTR) => Ok(Parked::Interrupted),
        Err(error) => Err(error.into()),
    }
}

/// Sleep until one of the words no longer holds what is expected and somebody woke it; else as [`park`].
pub(crate) fn park_any(words: &[(&AtomicU32, u32)], peer: Option<&Watch>, deadline: Deadline) -> io::Result<Parked> {
    let dead = peer.map(Watch::word);
    if let [(word, expected)] = words {
        return park(word, *expected, dead, deadline);
    }
    // The kernel takes so many at once, `dead` among them; of more, some are looked at now and then only.
    const MOST: usize = 127;
    let look = deadline.within(SLICE);
    let until = if words.len() > MOST { look } else { deadline };
    let mut entries: Vec<_> = words.iter().take(MOST).map(|(word, value)| entry(word, *value, WaitFlags::empty())).collect();
    entries.extend(dead.map(|dead| entry(dead, 0, WaitFlags::PRIVATE)));
    match futex::waitv(&entries, WaitvFlags::empty(), moment(until).as_ref(), ClockId::Monotonic) {
        Ok(_) | Err(Errno::AGAIN) => Ok(Parked::Woken),
        Err(Errno::TIMEDOUT) => Ok(Parked::TimedOut),
        Err(Errno::INTR) => Ok(Parked::Interrupted),
        Err(Errno::NOSYS | Errno::PERM) => match words.first() {
            Some((word, expected)) => park(word, *expected, dead, look),
            None => Ok(Parked::Woken),
        },
        Err(error) => Err(error.into()),
    }
}

fn entry(word: &AtomicU32, value: u32, flags: WaitFlags) -> futex::Wait {
    let mut entry = futex::Wait::new();
    entry.val = u64::from(value);
    entry.uaddr = WaitPtr::new(ptr::from_ref(word).cast_mut().cast());
    entry.flags = WaitFlags::SIZE_U32 | flags;
    entry
}

/// Wake all who sleep on a word of shared memory.
pub(crate) fn wake_all(word: &AtomicU32) {
    // As above. Who is listed behind such a sleeper sleeps until its deadline.
    let _ = futex::wake(word, futex::Flags::empty(), i32::MAX.unsigned_abs());
}

/// Say that the peer is dead, and end every wait that was given this word.
pub(crate) fn declare_dead(dead: &AtomicU32) {
    dead.store(1, Ordering::Release);
    let _ = futex::wake(dead, futex::Flags::PRIVATE, i32::MAX.unsigned_abs());
    // Who is listed may have looked at `dead` before this, and not sleep yet: woken again until nobody is listed.
    while asleep::wake_for(dead) {
        std::thread::sleep(Duration::from_micros(20));
    }
}

/// The deadline on the monotonic clock, as the kernel wants it.
fn moment(deadline: Deadline) -> Option<Timespec> {
    let left = Timespec::try_from(deadline.left()?).ok()?;
    rustix::time::clock_gettime(rustix::time::ClockId::Monotonic).checked_add(left)
}

/// Let other processes' [`barrier`] reach this one. False where the system refuses.
pub(crate) fn register_barrier() -> bool {
    rustix::thread::membarrier(MembarrierCommand::RegisterGlobalExpedited).is_ok()
}

/// A full memory barrier on every processor that runs a registered process
/// ([membarrier(2)](https://man7.org/linux/man-pages/man2/membarrier.2.html)). False where the system refuses.
pub(crate) fn barrier() -> bool {
    rustix::thread::membarrier(MembarrierCommand::GlobalExpedited).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(word: &AtomicU32) {
        futex::lock_pi(word, futex::Flags::empty(), None).expect("nobody holds it for ever");
    }

    fn unlock(word: &AtomicU32) {
        futex::unlock_pi(word, futex::Flags::empty()).expect("this thread holds it");
    }

    /// `FUTEX_WAKE` answers `EINVAL` then, and wakes nobody.
    #[test]
    fn a_peer_that_sleeps_as_if_for_a_lock_is_no_error_of_its_waker() {
        const WAITERS: u32 = 1 << 31;
        let word = AtomicU32::new(0);
        lock(&word);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                lock(&word);
                unlock(&word);
            });
            while word.load(Ordering::Relaxed) & WAITERS == 0 {
                std::thread::yield_now();
            }
            let woken = scope.spawn(|| WakePath { lent: None }.wake(&word)).join();

            unlock(&word);
            assert!(woken.is_ok());
        });
    }
}
