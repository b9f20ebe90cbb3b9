//! Waking another process: an auto-reset event in each direction, duplicated into the peer.
//!
//! `WaitOnAddress` would be the futex, but it wakes only threads of its own process.
#![expect(unsafe_code, reason = "events, and waits on handles")]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle as Owned};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use windows_sys::Win32::Foundation::{HANDLE, WAIT_FAILED, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, INFINITE, SYNCHRONIZATION_SYNCHRONIZE, SetEvent, WaitForMultipleObjects,
};

use super::security::Descriptor;
use super::{RawOwned, handle, object};
use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::sys::process::Watch;
use crate::waiter::Parked;

/// What carries wake-ups beside the words: an event that the peer sets, and one that it waits for.
#[derive(Debug)]
pub(crate) struct WakePath {
    ours: Owned,
    theirs: Owned,
}

impl WakePath {
    /// Handles that the peer needs of it.
    pub(crate) const HANDLES: usize = 2;

    pub(crate) fn create(_lent: &RawOwned, _page: u64) -> io::Result<Self> {
        Ok(Self { ours: event()?, theirs: event()? })
    }

    /// The peer's end: what it waits for, and what it sets; it can do nothing else with either.
    pub(crate) fn for_peer(&self) -> io::Result<[OwnedHandle; Self::HANDLES]> {
        let waits = handle::reduce(self.theirs.as_handle(), SYNCHRONIZATION_SYNCHRONIZE)?;
        let sets = handle::reduce(self.ours.as_handle(), EVENT_MODIFY_STATE)?;
        Ok([OwnedHandle(waits), OwnedHandle(sets)])
    }

    /// Whether signals lie on a page that both sides write to: a sleeper can do with one that it may only read.
    pub(crate) const fn lends() -> bool {
        false
    }

    /// Where the creator has that page.
    pub(crate) fn lent(&self) -> Option<NonNull<u8>> {
        None
    }

    /// The end that came from the peer. To wait for some other object could change it: a mutex would be taken.
    pub(crate) fn attach([waits, sets]: &[OwnedHandle; Self::HANDLES]) -> io::Result<Self> {
        for handle in [waits, sets] {
            let kind = object::kind(handle.as_handle())?;
            if kind != "Event" {
                let text = format!("a handle for wake-ups is of type {kind}, expected Event");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        }
        Ok(Self { ours: handle::duplicate(&waits.0)?, theirs: handle::duplicate(&sets.0)? })
    }

    /// Sleep until a wake-up came, until the peer's death, or until the deadline. A wake-up that nobody took yet counts.
    pub(crate) fn park(&self, word: &AtomicU32, expected: u32, peer: Option<&Watch>, deadline: Deadline) -> io::Result<Parked> {
        if word.load(Ordering::Relaxed) != expected {
            return Ok(Parked::Woken);
        }
        let ours = self.ours.as_raw_handle() as HANDLE;
        let Some(peer) = peer else {
            return Ok(wait_any(&[ours], deadline)?.map_or(Parked::TimedOut, |_| Parked::Woken));
        };
        Ok(match wait_any(&[ours, peer.process().as_raw_handle() as HANDLE], deadline)? {
            None => Parked::TimedOut,
            Some(0) => Parked::Woken,
            Some(_) => {
                peer.declare_dead();
                Parked::Woken
            }
        })
    }

    /// Wake whoever sleeps on a word of shared memory; if nobody does, whoever is about to.
    pub(crate) fn wake(&self, _word: &AtomicU32) {
        // SAFETY: the handle is open. That the peer gave one that cannot be set is its own loss.
        unsafe { SetEvent(self.theirs.as_raw_handle() as HANDLE) };
    }
}

/// Sleep until one of the words no longer holds what is expected, until the peer's death, or until the deadline. For words that
/// come without events, with any number of sleepers: they are looked at every millisecond, which is how finely the system
/// sleeps.
pub(crate) fn park_any(words: &[(&AtomicU32, u32)], peer: Option<&Watch>, deadline: Deadline) -> io::Result<Parked> {
    loop {
        let changed = words.iter().any(|(word, expected)| word.load(Ordering::Relaxed) != *expected);
        if changed || peer.is_some_and(Watch::is_dead) {
            return Ok(Parked::Woken);
        }
        match deadline.left() {
            Some(left) if left.is_zero() => return Ok(Parked::TimedOut),
            left => std::thread::sleep(left.unwrap_or(LOOK).min(LOOK)),
        }
    }
}

/// How often [`park_any`] looks.
const LOOK: Duration = Duration::from_millis(1);

/// Wake all who sleep on a word of shared memory: they look for themselves.
pub(crate) fn wake_all(_word: &AtomicU32) {}

/// An auto-reset event without a name, which nobody can widen a handle to.
fn event() -> io::Result<Owned> {
    let descriptor = Descriptor::nobody()?;
    // SAFETY: the descriptor lives through the call; a new handle is ours alone.
    let event = unsafe { handle::new(CreateEventW(&descriptor.attributes(), 0, 0, ptr::null())) }?;
    handle::reduce(event.as_handle(), SYNCHRONIZATION_SYNCHRONIZE | EVENT_MODIFY_STATE)
}

/// Wait for one of several handles, of which there are few: which it was, or `None` when the deadline passed first.
pub(super) fn wait_any(handles: &[HANDLE], deadline: Deadline) -> io::Result<Option<usize>> {
    loop {
        // SAFETY: the array is as long as said; a handle that cannot be waited for is an error.
        let answer = unsafe { WaitForMultipleObjects(handles.len() as u32, handles.as_ptr(), 0, milliseconds(deadline)) };
        match answer {
            WAIT_FAILED => return Err(io::Error::last_os_error()),
            WAIT_TIMEOUT if deadline.passed() => return Ok(None),
            WAIT_TIMEOUT => {}
            // An abandoned mutex counts from 128 on.
            which => return Ok(Some(which as usize % 128)),
        }
    }
}

/// What is left, rounded up: a wait must not end before its deadline. The longest that can be asked for is 49 days.
fn milliseconds(deadline: Deadline) -> u32 {
    let Some(left) = deadline.left() else { return INFINITE };
    let rounded = left.saturating_add(Duration::from_nanos(999_999)).as_millis();
    u32::try_from(rounded).unwrap_or(INFINITE - 1).min(INFINITE - 1)
}

/// There is no barrier that reaches another process: `FlushProcessWriteBuffers` ends at this one's border.
pub(crate) fn register_barrier() -> bool {
    false
}

/// As [`register_barrier`].
pub(crate) fn barrier() -> bool {
    false
}
