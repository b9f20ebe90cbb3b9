//! A number in shared memory that processes change and wait for: what timelines, semaphores and fences of the host are made of.
//!
//! Whoever changes it counts up a second word, on which the others sleep, and makes a system call only when one of them has announced
//! itself. A peer that is not honest can write anything anywhere in it. That can make a wait end early or late, never later than its
//! deadline, and no later than a tenth of a second after the change; it can do nothing else.
#![expect(unsafe_code, reason = "words in a mapping, reached through a pointer")]

use std::mem::{offset_of, size_of};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::shm::{AttachRefused, SharedMemory, SharedMemoryError};
use crate::sync::{SyncError, SyncKind};
use crate::sys;
use crate::waiter::{Peer, Wait};

const MAGIC: u64 = u64::from_le_bytes(*b"gpusync\n");
/// Changes with every change to what this file says.
const VERSION: u32 = 1;
/// Bytes of the object: one page.
const BYTES: u64 = 4096;
/// A sleep is never longer: it bounds what a peer costs that changes the number and wakes nobody.
const PARK: Duration = Duration::from_millis(100);
/// How often a change is tried again because somebody else was faster. Only a peer that changes the number all the time gets there.
const TRIES: u32 = 10_000;

/// What lies in the object. The number has a line of its own.
#[repr(C)]
struct Page {
    magic: u64,
    version: u32,
    kind: u32,
    /// 1 where only the creator can write: then a waiter cannot announce itself.
    owned: u32,
    _1: [u8; 108],
    value: AtomicU64,
    _2: [u8; 120],
    /// Counted up with each change; slept on.
    signal: AtomicU32,
    /// How many sleep, or are about to.
    sleepers: AtomicU32,
}

const _: () = assert!(offset_of!(Page, value) == 128 && offset_of!(Page, signal) == 256 && size_of::<Page>() <= BYTES as usize);

type Header = [u8; 20];

fn header(kind: SyncKind, owned: bool) -> Header {
    let number: u32 = match kind {
        SyncKind::Semaphore => 1,
        SyncKind::Timeline => 2,
        SyncKind::Fence => 3,
    };
    let mut bytes = [0; size_of::<Header>()];
    bytes[0..8].copy_from_slice(&MAGIC.to_ne_bytes());
    bytes[8..12].copy_from_slice(&VERSION.to_ne_bytes());
    bytes[12..16].copy_from_slice(&number.to_ne_bytes());
    bytes[16..20].copy_from_slice(&u32::from(owned).to_ne_bytes());
    bytes
}

/// The number.
#[derive(Debug)]
pub(crate) struct SharedWord {
    page: NonNull<Page>,
    kind: SyncKind,
    /// Only its creator can write to it.
    owned: bool,
    writable: bool,
    // Keeps the mapping that the pointer leads into.
    memory: SharedMemory,
}

// SAFETY: the pointer leads into the mapping that the same value owns, which belongs to the process, not to a thread.
unsafe impl Send for SharedWord {}
// SAFETY: what `&SharedWord` reaches behind the pointer are atomics only.
unsafe impl Sync for SharedWord {}

impl SharedWord {
    /// A new one that everybody who has the handle can change.
    pub(crate) fn create(kind: SyncKind, initial: u64) -> Result<Self, SharedMemoryError> {
        let memory = SharedMemory::create(BYTES)?;
        memory.write(0, &header(kind, false))?;
        memory.write(offset_of!(Page, value) as u64, &initial.to_ne_bytes())?;
        Ok(Self::over(memory, kind, false, true))
    }

    /// A new one that nobody but this process can ever change.
    pub(crate) fn create_owned(kind: SyncKind, initial: u64) -> Result<Self, SharedMemoryError> {
        let mut bytes = [0; offset_of!(Page, value) + size_of::<u64>()];
        bytes[..size_of::<Header>()].copy_from_slice(&header(kind, true));
        bytes[offset_of!(Page, value)..].copy_from_slice(&initial.to_ne_bytes());
        Ok(Self::over(SharedMemory::create_owned(BYTES, &bytes)?, kind, true, true))
    }

    /// One that another process created, of either sort.
    pub(crate) fn attach(handle: OwnedHandle, kind: SyncKind) -> Result<Self, AttachRefused> {
        // Which sort it is stands in the object; that nobody can write to an owned one is for the kernel to say.
        let memory = match SharedMemory::attach_reader(handle, BYTES) {
            Ok(memory) => memory,
            Err(AttachRefused { handle, error: SharedMemoryError::OpenToWriters }) => SharedMemory::attach(handle, BYTES)?,
            Err(refused) => return Err(refused),
        };
        let mut found = Header::default();
        let owned = memory.read(0, &mut found).map(|()| match found {
            found if found == header(kind, true) => Some(true),
            found if found == header(kind, false) => Some(false),
            _ => None,
        });
        match owned {
            Ok(Some(owned)) => {
                let writable = memory.is_writable();
                Ok(Self::over(memory, kind, owned, writable && !owned))
            }
            Ok(None) => {
                let error = SharedMemoryError::NotSharedMemory { detail: format!("it holds no {kind} of this version") };
                Err(AttachRefused { handle: memory.into_handle(), error })
            }
            Err(error) => Err(AttachRefused { handle: memory.into_handle(), error }),
        }
    }

    fn over(memory: SharedMemory, kind: SyncKind, owned: bool, writable: bool) -> Self {
        Self { page: memory.start().cast(), kind, owned, writable, memory }
    }

    fn page(&self) -> &Page {
        // SAFETY: the object has one page (created or checked by `SharedMemory`), the mapping is page-aligned and lives as long as
        // self. Only the atomics are read through this reference; any bytes are valid in them.
        unsafe { self.page.as_ref() }
    }

    /// A handle to it, to send to another process.
    pub(crate) fn handle(&self) -> Result<OwnedHandle, SharedMemoryError> {
        self.memory.handle()
    }

    pub(crate) fn load(&self) -> u64 {
        self.page().value.load(Ordering::Acquire)
    }

    /// Whether this process may change it.
    pub(crate) const fn is_writable(&self) -> bool {
        self.writable
    }

    /// Replace the number by what `next` makes of it, and wake whoever waits. `Ok(Err(found))`: `next` wanted no change.
    pub(crate) fn change(&self, next: impl Fn(u64) -> Option<u64>) -> Result<Result<u64, u64>, SyncError> {
        if !self.writable {
            let detail = "it is its creator's to write".into();
            return Err(SharedMemoryError::ReadOnly { detail }.into());
        }
        let page = self.page();
        let mut found = page.value.load(Ordering::Acquire);
        for _ in 0..TRIES {
            let Some(wanted) = next(found) else { return Ok(Err(found)) };
            match page.value.compare_exchange_weak(found, wanted, Ordering::SeqCst, Ordering::Acquire) {
                Ok(before) => {
                    self.notify();
                    return Ok(Ok(before));
                }
                Err(other) => found = other,
            }
        }
        Err(SyncError::Corrupt { what: self.kind, detail: format!("it changed {TRIES} times while it was being changed") })
    }

    fn notify(&self) {
        let page = self.page();
        page.signal.fetch_add(1, Ordering::Release);
        // The change before the look at who sleeps: the other half is in `sleep`.
        fence(Ordering::SeqCst);
        if self.owned || page.sleepers.load(Ordering::Relaxed) != 0 {
            sys::wait::wake_all(&page.signal);
        }
    }
}

/// Wait until `ready`, which looks at these numbers and is called again and again.
pub(crate) fn wait_for(
    words: &[&SharedWord],
    kind: SyncKind,
    deadline: Deadline,
    peer: &Peer,
    mut ready: impl FnMut() -> bool,
) -> Result<(), SyncError> {
    loop {
        match sleep(words, deadline, peer, &mut ready) {
            Ok(Some(Wait::Woken)) => return Ok(()),
            Ok(Some(Wait::PeerGone)) => return Err(SyncError::PeerGone { what: kind }),
            Ok(Some(Wait::TimedOut)) => return Err(SyncError::Timeout { what: kind }),
            Ok(Some(Wait::Interrupted) | None) => {}
            Err(source) => return Err(SyncError::Os { what: "sleeping on shared memory", source }),
        }
    }
}

/// One sleep. `None`: it ended, and nothing had come.
fn sleep(
    words: &[&SharedWord],
    deadline: Deadline,
    peer: &Peer,
    ready: &mut impl FnMut() -> bool,
) -> std::io::Result<Option<Wait>> {
    let tickets: Vec<_> = words.iter().map(|word| (&word.page().signal, word.page().signal.load(Ordering::Acquire))).collect();
    announce(words, true);
    fence(Ordering::SeqCst);
    // Death first: what a peer changed before it died is seen by a look that comes after its death.
    let dead = peer.is_dead();
    let answer = if ready() {
        Ok(Some(Wait::Woken))
    } else if dead {
        Ok(Some(Wait::PeerGone))
    } else if deadline.passed() {
        Ok(Some(Wait::TimedOut))
    } else {
        let until = deadline.within(PARK);
        sys::wait::park_any(&tickets, peer.watched(), until).map(|_| None)
    };
    announce(words, false);
    answer
}

fn announce(words: &[&SharedWord], begins: bool) {
    for word in words.iter().filter(|word| word.writable) {
        let sleepers = &word.page().sleepers;
        // Wraps around where a peer plays with it: then changes cost a system call for nothing.
        let _ = if begins { sleepers.fetch_add(1, Ordering::SeqCst) } else { sleepers.fetch_sub(1, Ordering::SeqCst) };
    }
}
