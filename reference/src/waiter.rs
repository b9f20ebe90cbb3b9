//! Waiting for another process, and waking it: an event count in shared memory.
//!
//! Each side owns two words: its *status*, in which it announces that it is about to sleep, and which the other may only read, and
//! its *signal*, which it changes to wake the other. Whoever waits announces, looks once more, and sleeps on the
//! other's signal; whoever has news looks at the other's status, and makes a system call only when it finds a sleeper there.
//! A signal says only that it is time to look again, so that it need not be kept from the other side's writing.
//!
//! Between the news and the look at the status a full fence is due: without it the processor may look first, and a sleeper that
//! looked before the news came is never woken. Such a fence for each message costs more than the message. So the sleeper,
//! who is about to spend microseconds anyway, orders every processor that runs the two processes to execute one
//! (`MEMBARRIER_CMD_GLOBAL_EXPEDITED`, [membarrier(2)](https://man7.org/linux/man-pages/man2/membarrier.2.html)), and the
//! other side only keeps its compiler from reordering. Where one of the two cannot take part, its peer fences.
//!
//! The order itself costs more than a fence, though less than the sleep. Whoever sleeps again and again therefore asks its peer to fence,
//! which sends little then, and orders again once it has been awake for a while: only the first of many sleeps costs a barrier.
//!
//! A plain futex sleeps on when the process that should have woken it dies; here the sleep ends, because a [`Peer`] is watched.

use std::fmt;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::sys;

#[cfg(test)]
pub(crate) mod held_words;
#[cfg(test)]
mod tests;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wait {
    /// What was waited for may have come.
    Woken,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran. The deadline has not passed.
    Interrupted,
    /// The peer died, and what was waited for had not come.
    PeerGone,
}

/// How the operating system ended a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// Woken, or there was nothing to sleep for.
    Woken,
    /// The time was over.
    TimedOut,
    /// A signal handler ran (`EINTR`).
    Interrupted,
}

/// How long to spin before sleeping, and how long to sleep at most before looking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Looks before the first sleep, a pause between them; some nanoseconds each. 0 on a single processor, where the other
    /// side cannot act while this one spins.
    pub spin: u32,
    /// A sleep this long ends by itself, and the wait looks again; its deadline is not touched by that. `Duration::MAX`: a sleep
    /// ends with a wake-up, the peer's death or the deadline, and one without deadline needs no timer.
    pub park: Duration,
}

impl Default for Patience {
    /// 2,000 looks (none where there is one processor), then sleeps until something happens.
    fn default() -> Self {
        Self { spin: if is_alone() { 0 } else { 2_000 }, park: Duration::MAX }
    }
}

/// Whether there is one processor only, on which nothing changes while this thread looks.
pub(crate) fn is_alone() -> bool {
    static ALONE: OnceLock<bool> = OnceLock::new();
    *ALONE.get_or_init(|| std::thread::available_parallelism().is_ok_and(|count| count.get() == 1))
}

/// A process whose death ends every wait for it. Clones watch the same process, with one thread for all of them.
///
/// On Linux a pidfd ([pidfd_open(2)](https://man7.org/linux/man-pages/man2/pidfd_open.2.html)), on Windows a process handle, on
/// macOS a kqueue (or a pipe, where it came from the peer).
#[derive(Clone, Default)]
pub struct Peer(Option<Arc<sys::process::Watch>>);

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            None => "Peer(unwatched)",
            Some(_) if self.is_dead() => "Peer(dead)",
            Some(_) => "Peer(alive)",
        })
    }
}

impl Peer {
    /// Watches nobody: for two ends in one process. Only deadlines end its waits.
    pub const UNWATCHED: Self = Self(None);

    /// Watch a process by number. The caller knows that it was not reaped meanwhile, as with a child of its own.
    ///
    /// # Errors
    /// `ESRCH` (Windows: `ERROR_INVALID_PARAMETER`) when there is none, or the operating system's when descriptors or threads are used up.
    pub fn process(pid: u32) -> io::Result<Self> {
        Self::watch(sys::process::open(pid)?)
    }

    /// Watch the parent process.
    ///
    /// # Errors
    /// As [`Peer::process`].
    pub fn parent() -> io::Result<Self> {
        Self::watch(sys::process::open_parent()?)
    }

    /// Watch the process that a handle stands for, which came from that process (see [`Peer::this_process`]).
    ///
    /// # Errors
    /// `InvalidInput` when it stands for something else.
    pub fn from_handle(handle: OwnedHandle) -> io::Result<Self> {
        if !sys::process::is_process(&handle.0) {
            let text = "the handle does not stand for a process; send the one of Peer::this_process";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Self::watch(handle.0)
    }

    /// A handle to this process, for the peer to watch it by.
    ///
    /// # Errors
    /// The operating system's when descriptors are used up.
    pub fn this_process() -> io::Result<OwnedHandle> {
        sys::process::open_self().map(OwnedHandle)
    }

    fn watch(process: sys::RawOwned) -> io::Result<Self> {
        Ok(Self(Some(Arc::new(sys::process::Watch::start(process)?))))
    }

    /// Whether it is known to be dead. Costs one look at private memory.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.0.as_ref().is_some_and(|watch| watch.is_dead())
    }

    /// Whether there is a process to watch.
    #[must_use]
    pub const fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn watched(&self) -> Option<&sys::process::Watch> {
        self.0.as_deref()
    }
}

/// What of an atomic word the algorithms need, so that the same source runs on the processor's and on loom's.
pub trait Atomic<T> {
    /// The value.
    fn load(&self, order: Ordering) -> T;
    /// Replace it.
    fn store(&self, value: T, order: Ordering);
}

/// The words of one side: written by it alone, read by the other.
pub trait Words {
    /// A 64-bit word.
    type U64: Atomic<u64>;
    /// How far this side has come.
    fn position(&self) -> &Self::U64;
    /// What it announces: whether it is about to sleep, issues barriers, or has left.
    fn status(&self) -> &Self::U64;
}

/// The words of both sides, and the system's means around them.
pub trait Bell {
    /// Where the words live.
    type Words: Words;
    /// A word that can be slept on.
    type Signal: Atomic<u32>;
    /// This side's.
    fn own(&self) -> &Self::Words;
    /// The other side's, which may hold anything: the peer is not trusted.
    fn peer(&self) -> &Self::Words;
    /// Changed by this side to wake the other.
    fn own_signal(&self) -> &Self::Signal;
    /// Changed by the other side to wake this one. It may hold anything, too.
    fn peer_signal(&self) -> &Self::Signal;
    /// `std::sync::atomic::fence`.
    fn fence(&self, order: Ordering);
    /// `std::sync::atomic::compiler_fence(SeqCst)`: enough where the other side issues barriers for both.
    fn light_fence(&self);
    /// A full fence on every processor that runs one of the two processes; false where that cannot be had.
    fn barrier(&self) -> bool;
    /// Sleep until the peer's signal is not `expected` and a wake-up came, until the peer's death, or the deadline.
    ///
    /// # Errors
    /// The operating system's.
    fn park(&self, expected: u32, deadline: Deadline) -> io::Result<Parked>;
    /// Wake whoever sleeps on this side's signal.
    fn wake(&self);
    /// Whether the peer is known to be dead.
    fn peer_is_dead(&self) -> bool;
}

/// A load of a word of the peer's page. That page is mapped read-only, where only relaxed loads are defined; the fence
/// makes it an acquire.
#[inline]
pub(crate) fn acquire<B: Bell, T, A: Atomic<T>>(bell: &B, word: &A) -> T {
    let value = word.load(Ordering::Relaxed);
    bell.fence(Ordering::Acquire);
    value
}

/// Bits of a status word; above them counts the number of sleeps, so that no two announcements are alike.
pub(crate) mod status {
    /// About to sleep, or asleep.
    pub(crate) const ARMED: u64 = 1;
    /// Will issue a barrier before it sleeps, so that the other side need not fence.
    pub(crate) const BARRIERS: u64 = 2;
    /// Will do no more.
    pub(crate) const CLOSED: u64 = 4;
    /// Found what the other side wrote to be impossible, and does no more.
    pub(crate) const CORRUPT: u64 = 8;
    /// Gone in either way.
    pub(crate) const LEFT: u64 = CLOSED | CORRUPT;
    /// One sleep.
    pub(crate) const SLEEP: u64 = 1 << 8;
    /// No status is this one.
    pub(crate) const NONE: u64 = u64::MAX;
}

/// Looks without a sleep between them after which a side sleeps so rarely that barriers cost less than its peer's fences.
const AWAKE: u32 = 64;

/// One side's end of the event count.
#[derive(Debug)]
pub(crate) struct EventCount {
    patience: Patience,
    /// Whether this process takes part in barriers: then its looks at a sleeper that issues them need no fence.
    registered: bool,
    /// What the own status word holds.
    own: u64,
    /// The last status of the peer that needs nothing done about it.
    quiet: u64,
    /// The last status of the peer for which it was woken.
    woken: u64,
    /// What the own signal word holds.
    signal: u32,
    /// Wake-ups that cost a system call.
    wakes: u64,
    /// Sleeps, those that ended at once among them.
    sleeps: u64,
    /// Looks since the last sleep, while the peer is asked to fence.
    looks: u32,
    /// How many of them are enough.
    awake: u32,
}

impl EventCount {
    /// `barriers`: whether this process is registered for barriers and can issue them.
    pub(crate) fn new(barriers: bool) -> Self {
        Self {
            patience: Patience::default(),
            registered: barriers,
            own: if barriers { status::BARRIERS } else { 0 },
            quiet: status::NONE,
            woken: status::NONE,
            signal: 0,
            wakes: 0,
            sleeps: 0,
            looks: 0,
            awake: AWAKE,
        }
    }

    /// So many looks are enough.
    #[cfg(test)]
    pub(crate) fn set_awake(&mut self, looks: u32) {
        self.awake = looks;
    }

    /// Say to the peer whether this side issues barriers. Before the first wait.
    pub(crate) fn announce<B: Bell>(&self, bell: &B) {
        bell.own().status().store(self.own, Ordering::Release);
    }

    pub(crate) fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Wake-ups so far that cost a system call.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes
    }

    /// Sleeps so far.
    pub(crate) fn sleeps(&self) -> u64 {
        self.sleeps
    }

    /// There is news, and it is published. On the way that is taken when nobody sleeps: one load of a line that nobody changes.
    #[inline]
    pub(crate) fn notify<B: Bell>(&mut self, bell: &B) {
        bell.light_fence();
        let seen = bell.peer().status().load(Ordering::Relaxed);
        if seen != self.quiet {
            self.notify_changed(bell, seen);
        }
    }

    #[cold]
    fn notify_changed<B: Bell>(&mut self, bell: &B, mut seen: u64) {
        let spared = self.registered && seen & status::BARRIERS != 0;
        if !spared {
            bell.fence(Ordering::SeqCst);
            seen = bell.peer().status().load(Ordering::Relaxed);
        }
        if seen & status::ARMED != 0 && seen != self.woken {
            self.woken = seen;
            self.wakes += 1;
            self.signal = self.signal.wrapping_add(1);
            bell.own_signal().store(self.signal, Ordering::Release);
            bell.wake();
        }
        // A peer that does not issue barriers is looked at behind a fence each time.
        self.quiet = if self.registered && seen & status::BARRIERS != 0 { seen } else { status::NONE };
    }

    /// This side looks at what the peer did, and does not sleep; called now and then.
    pub(crate) fn awake<B: Bell>(&mut self, bell: &B) {
        if self.registered && self.own & status::BARRIERS == 0 {
            self.looks += 1;
            if self.looks >= self.awake {
                self.own |= status::BARRIERS;
                bell.own().status().store(self.own, Ordering::Release);
            }
        }
    }

    /// This side does no more, for one of the reasons of [`status::LEFT`]; a peer that waits learns it.
    pub(crate) fn leave<B: Bell>(&mut self, bell: &B, why: u64) {
        self.own |= why;
        bell.own().status().store(self.own, Ordering::Release);
        // Once in a lifetime: the fence costs nothing, and the status must not be overtaken whatever the peer does.
        self.quiet = status::NONE;
        bell.fence(Ordering::SeqCst);
        self.notify(bell);
    }

    /// Wait until `ready`, which looks at what the peer publishes and is called again and again.
    pub(crate) fn wait<B: Bell>(&mut self, bell: &B, deadline: Deadline, mut ready: impl FnMut() -> bool) -> io::Result<Wait> {
        for _ in 0..self.patience.spin {
            if ready() {
                return Ok(Wait::Woken);
            }
            if bell.peer_is_dead() {
                break;
            }
            std::hint::spin_loop();
        }
        loop {
            let answer = self.sleep(bell, deadline, &mut ready)?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// One sleep: announce, look again, sleep, take the announcement back. `None`: woken, and not ready.
    fn sleep<B: Bell>(&mut self, bell: &B, deadline: Deadline, ready: &mut impl FnMut() -> bool) -> io::Result<Option<Wait>> {
        let ticket = acquire(bell, bell.peer_signal());
        let promised = self.own & status::BARRIERS != 0;
        // From here on the peer fences. It may not know that yet, so the barrier that was promised is due once more.
        self.own = (self.own & !status::BARRIERS).wrapping_add(status::SLEEP) | status::ARMED;
        self.looks = 0;
        bell.own().status().store(self.own, Ordering::Release);
        bell.fence(Ordering::SeqCst);
        let mut slice = self.patience.park;
        if promised && !bell.barrier() {
            // Refused although it was granted once (a filter that came later): never promised again, and this one sleep is short.
            self.registered = false;
            slice = slice.min(Duration::from_millis(1));
        }
        // Death first: what a peer wrote before it died is seen by a look that comes after its death.
        let dead = bell.peer_is_dead();
        let answer = if ready() {
            Ok(Some(Wait::Woken))
        } else if dead {
            Ok(Some(Wait::PeerGone))
        } else {
            self.sleeps += 1;
            Self::park(bell, ticket, deadline, slice)
        };
        self.own &= !status::ARMED;
        bell.own().status().store(self.own, Ordering::Release);
        match answer? {
            None if ready() => Ok(Some(Wait::Woken)),
            None if deadline.passed() => Ok(Some(Wait::TimedOut)),
            answer => Ok(answer),
        }
    }

    fn park<B: Bell>(bell: &B, ticket: u32, deadline: Deadline, slice: Duration) -> io::Result<Option<Wait>> {
        let until = match deadline.left() {
            Some(left) if left.is_zero() => return Ok(Some(Wait::TimedOut)),
            Some(left) if left <= slice => deadline,
            // The longest slice is too long for the clock, and means never.
            _ => Deadline::after(slice),
        };
        Ok(match bell.park(ticket, until)? {
            Parked::Interrupted => Some(Wait::Interrupted),
            Parked::Woken | Parked::TimedOut => None,
        })
    }
}
