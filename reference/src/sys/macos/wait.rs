//! Sleeping on a word of shared memory: `os_sync_wait_on_address` with the SHARED flag (macOS 14.4), and on older systems
//! `__ulock_wait` of the shared kind, which the former is made of.
#![expect(unsafe_code, reason = "functions that are looked up by name, and addresses given to the kernel")]

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::sys::RawOwned;
use crate::sys::process::Watch;
use crate::waiter::Parked;

/// A wait looks this often whether the peer lives: it cannot sleep on two words.
const SLICE: Duration = Duration::from_millis(5);

/// What carries wake-ups beside the words: nothing, since a sleeper is found by its address.
#[derive(Debug)]
pub(crate) struct WakePath;

impl WakePath {
    /// Handles that the peer needs of it.
    pub(crate) const HANDLES: usize = 0;

    pub(crate) fn create(_lent: &RawOwned, _page: u64) -> io::Result<Self> {
        Ok(Self)
    }

    /// The peer's end.
    pub(crate) fn for_peer(&self) -> io::Result<[OwnedHandle; Self::HANDLES]> {
        Ok([])
    }

    /// Whether signals lie on a page that both sides write to: a sleeper can do with one that it may only read.
    pub(crate) const fn lends() -> bool {
        false
    }

    /// Where the creator has that page.
    pub(crate) fn lent(&self) -> Option<NonNull<u8>> {
        None
    }

    /// The end that came from the peer.
    pub(crate) fn attach(_: &[OwnedHandle; Self::HANDLES]) -> io::Result<Self> {
        Ok(Self)
    }

    /// Sleep until `word` no longer holds `expected` and somebody woke it, for a slice where a peer is watched, or until the
    /// deadline.
    pub(crate) fn park(&self, word: &AtomicU32, expected: u32, peer: Option<&Watch>, deadline: Deadline) -> io::Result<Parked> {
        park(word, expected, peer, if peer.is_some() { SLICE } else { Duration::from_secs(3600) }, deadline)
    }

    /// Wake whoever sleeps on a word of shared memory. That nobody sleeps is no error.
    pub(crate) fn wake(&self, word: &AtomicU32) {
        wake(word, false);
    }
}

/// Sleep until one of the words no longer holds what is expected; the first is slept on, the others are looked at every slice.
pub(crate) fn park_any(words: &[(&AtomicU32, u32)], peer: Option<&Watch>, deadline: Deadline) -> io::Result<Parked> {
    match words.first() {
        Some((word, expected)) => park(word, *expected, peer, SLICE, deadline),
        None => Ok(Parked::Woken),
    }
}

/// Wake all who sleep on a word of shared memory.
pub(crate) fn wake_all(word: &AtomicU32) {
    wake(word, true);
}

fn park(word: &AtomicU32, expected: u32, peer: Option<&Watch>, slice: Duration, deadline: Deadline) -> io::Result<Parked> {
    if peer.is_some_and(Watch::is_dead) {
        return Ok(Parked::Woken);
    }
    let left = deadline.left().map_or(slice, |left| left.min(slice));
    if left.is_zero() {
        return Ok(Parked::TimedOut);
    }
    match wait(word, expected, left) {
        Ok(()) => Ok(Parked::Woken),
        Err(error) => match error.raw_os_error() {
            Some(libc::EINTR) => Ok(Parked::Interrupted),
            Some(libc::ETIMEDOUT) if deadline.passed() => Ok(Parked::TimedOut),
            // The page was not in memory: look again.
            Some(libc::ETIMEDOUT | libc::EFAULT) => Ok(Parked::Woken),
            _ => Err(error),
        },
    }
}

fn wake(word: &AtomicU32, all: bool) {
    let address = ptr::from_ref(word).cast_mut().cast::<c_void>();
    // SAFETY: the address is that of a live word; the kernel only compares it with those of sleepers.
    unsafe {
        match functions() {
            Some(functions) if all => (functions.wake_all)(address, size_of::<u32>(), SHARED),
            Some(functions) => (functions.wake)(address, size_of::<u32>(), SHARED),
            None => __ulock_wake(UL_COMPARE_AND_WAIT_SHARED | if all { ULF_WAKE_ALL } else { 0 }, address, 0),
        };
    }
}

const SHARED: u32 = 1;
const OS_CLOCK_MACH_ABSOLUTE_TIME: u32 = 32;
const UL_COMPARE_AND_WAIT_SHARED: u32 = 3;
const ULF_WAKE_ALL: u32 = 0x100;

type WaitWithTimeout = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type Wake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

struct Functions {
    wait: WaitWithTimeout,
    wake: Wake,
    wake_all: Wake,
}

unsafe extern "C" {
    fn __ulock_wait(operation: u32, address: *mut c_void, value: u64, microseconds: u32) -> c_int;
    fn __ulock_wake(operation: u32, address: *mut c_void, value: u64) -> c_int;
}

/// The public functions, where this system has them. Both or none, in every process alike, as they have to meet in the kernel.
fn functions() -> Option<&'static Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    let find = |name: &CStr| {
        // SAFETY: a look-up by a name that ends with a zero.
        let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        (!address.is_null()).then_some(address)
    };
    FUNCTIONS
        .get_or_init(|| {
            let wait = find(c"os_sync_wait_on_address_with_timeout")?;
            let wake = find(c"os_sync_wake_by_address_any")?;
            let wake_all = find(c"os_sync_wake_by_address_all")?;
            // SAFETY: the system declares them with these signatures (os/os_sync_wait_on_address.h).
            Some(unsafe {
                Functions {
                    wait: std::mem::transmute::<*mut c_void, WaitWithTimeout>(wait),
                    wake: std::mem::transmute::<*mut c_void, Wake>(wake),
                    wake_all: std::mem::transmute::<*mut c_void, Wake>(wake_all),
                }
            })
        })
        .as_ref()
}

fn wait(word: &AtomicU32, expected: u32, left: Duration) -> io::Result<()> {
    let address = ptr::from_ref(word).cast_mut().cast::<c_void>();
    let expected = u64::from(expected);
    // SAFETY: the address is that of a live word, which the kernel only reads.
    let answer = unsafe {
        match functions() {
            Some(functions) => {
                let nanoseconds = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
                (functions.wait)(address, expected, size_of::<u32>(), SHARED, OS_CLOCK_MACH_ABSOLUTE_TIME, nanoseconds)
            }
            None => {
                // Zero would be for ever.
                let microseconds = u32::try_from(left.as_micros()).unwrap_or(u32::MAX).max(1);
                __ulock_wait(UL_COMPARE_AND_WAIT_SHARED, address, expected, microseconds)
            }
        }
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Say that the peer is dead. A wait that was given its word sees it within a slice.
pub(crate) fn declare_dead(dead: &AtomicU32) {
    dead.store(1, Ordering::Release);
}

/// There is no barrier that reaches another process.
pub(crate) fn register_barrier() -> bool {
    false
}

/// As [`register_barrier`].
pub(crate) fn barrier() -> bool {
    false
}
