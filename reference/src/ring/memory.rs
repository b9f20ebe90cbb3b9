//! The memory a ring lives in: shared between processes here, loom's in the tests.
#![expect(unsafe_code, reason = "words and bytes in a mapping, reached through pointers")]

use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{self, AtomicU32, AtomicU64, Ordering};

use super::layout::{Control, DATA, OTHER_SIGNAL, OWN_SIGNAL, SIGNALS};
use crate::deadline::Deadline;
use crate::shm::{SharedMemory, SharedMemoryError};
use crate::sys::cache;
use crate::sys::wait::{self, WakePath};
use crate::waiter::{Bell, Parked, Peer, Words};

/// The last message of one size that its producer sent alone, beside the position; see [`fixed`](super::fixed).
#[derive(Debug)]
#[repr(C)]
pub struct Lone<Word> {
    /// The position behind it, written before its bytes, so that whoever reads those can tell whether the next ones came meanwhile.
    pub(super) position: Word,
    /// Its bytes, eight to a word.
    pub(super) bytes: [Word; LONE / 8],
}

/// The most bytes of a message that is told of so: what of a line the two positions leave.
pub(super) const LONE: usize = 48;

/// What the ring's algorithm needs of its memory, beside the words of [`Bell`]. The same source of producer and consumer runs
/// on [`Shared`] and on loom's memory.
pub trait Memory: Bell {
    /// Copy into the messages' bytes. The caller sends, and keeps `at + bytes.len()` within the capacity.
    fn write(&self, at: usize, bytes: &[u8]);
    /// Copy out of them, likewise; the caller receives.
    fn read(&self, at: usize, bytes: &mut [u8]);
    /// Write a message's header, by whoever sends; `at` is a multiple of 8 below the capacity.
    fn write_header(&self, at: usize, header: u64);
    /// Read a message's header, once, by whoever receives.
    fn read_header(&self, at: usize) -> u64;
    /// The last message that this side sent alone.
    fn own_lone(&self) -> &Lone<<Self::Words as Words>::U64>;
    /// The last one that the other side did, which may say anything.
    fn peer_lone(&self) -> &Lone<<Self::Words as Words>::U64>;
    /// Whether the lines of a write of `len` bytes are asked for ahead of it.
    fn expects(&self, _len: usize) -> bool {
        true
    }
    /// The line at `at` will be written soon.
    fn expect_write(&self, _at: usize) {}
    /// The line at `at` will be read soon.
    fn expect_read(&self, _at: usize) {}
}

/// The two memory objects of a ring, as one side has them mapped: its own to write, the other's to read, and the signals where the
/// layout says.
#[derive(Debug)]
pub struct Shared {
    own: NonNull<Control>,
    peer: NonNull<Control>,
    own_signal: NonNull<AtomicU32>,
    peer_signal: NonNull<AtomicU32>,
    path: WakePath,
    watched: Peer,
    // Keep the mappings that the pointers lead into.
    own_memory: SharedMemory,
    peer_memory: SharedMemory,
}

// SAFETY: the pointers lead into the mappings that the same value owns; those belong to the process, not to a thread.
unsafe impl Send for Shared {}
// SAFETY: what `&Shared` reaches are atomics, and bytes that the one producer or consumer copies through `&mut`; other
// processes may race on them at any time anyway.
unsafe impl Sync for Shared {}

impl Shared {
    /// The caller has checked that the objects have the sizes that the roles and the capacity ask for, and that `own` is
    /// mapped for writing.
    pub(super) fn new(own: SharedMemory, peer: SharedMemory, path: WakePath) -> Self {
        let [own_signal, peer_signal] = signals(&own, &peer, &path);
        Self {
            own: own.start().cast(),
            peer: peer.start().cast(),
            own_signal,
            peer_signal,
            path,
            watched: Peer::UNWATCHED,
            own_memory: own,
            peer_memory: peer,
        }
    }

    pub(super) fn watch(&mut self, peer: Peer) {
        self.watched = peer;
    }

    /// The control page that this side writes.
    pub(super) fn control(&self) -> &Control {
        // SAFETY: the object begins with a control page (its size was checked), mappings are page-aligned, any bytes are valid
        // in it, all access is atomic, and the mapping lives as long as `self`.
        unsafe { self.own.as_ref() }
    }

    /// Where the messages begin, in the producer's object, which is this side's own if it sends.
    #[inline]
    pub(super) fn outgoing(&self) -> *mut u8 {
        // SAFETY: either side's object has that many bytes, and the producer's has the messages behind them.
        unsafe { self.own.as_ptr().byte_add(DATA).cast() }
    }

    /// Where they begin if this side receives.
    #[inline]
    pub(super) fn incoming(&self) -> *const u8 {
        // SAFETY: as in `outgoing`.
        unsafe { self.peer.as_ptr().byte_add(DATA).cast() }
    }

    /// Nobody, this process included, can map this side's object for writing once more.
    pub(super) fn close_to_writers(&self) -> Result<(), SharedMemoryError> {
        self.own_memory.close_to_writers()
    }

    /// Whether a word lies in the peer's object as it is mapped here, where a write ends the process.
    #[cfg(test)]
    pub(super) fn reads_only(&self, word: &AtomicU32) -> bool {
        let (start, len) = (self.peer_memory.start().addr().get(), self.peer_memory.len() as usize);
        (start..start + len).contains(&ptr::from_ref(word).addr())
    }

    pub(super) fn give_back(self) -> (SharedMemory, SharedMemory) {
        (self.own_memory, self.peer_memory)
    }
}

/// Where this side's signal lies, and the other's.
fn signals(own: &SharedMemory, peer: &SharedMemory, path: &WakePath) -> [NonNull<AtomicU32>; 2] {
    // SAFETY: both objects hold their signals (their sizes were checked), and the page that is lent is that of the signals.
    unsafe {
        let places = match path.lent() {
            Some(page) => [page.add(OTHER_SIGNAL - SIGNALS), page.add(OWN_SIGNAL - SIGNALS)],
            None if WakePath::lends() => [own.start().add(OWN_SIGNAL), own.start().add(OTHER_SIGNAL)],
            None => [own.start().add(OWN_SIGNAL), peer.start().add(OWN_SIGNAL)],
        };
        places.map(NonNull::cast)
    }
}

impl Bell for Shared {
    type Words = Control;
    type Signal = AtomicU32;

    #[inline]
    fn own(&self) -> &Control {
        self.control()
    }

    #[inline]
    fn peer(&self) -> &Control {
        // SAFETY: as in `control`. The page is mapped read-only: what is done with it are relaxed loads of at most 8
        // bytes, which are defined there.
        unsafe { self.peer.as_ref() }
    }

    #[inline]
    fn fence(&self, order: Ordering) {
        atomic::fence(order);
    }

    fn own_signal(&self) -> &AtomicU32 {
        // SAFETY: a word in one of the mappings that `self` keeps, aligned as in `Signals`, and reached by atomic access only.
        unsafe { self.own_signal.as_ref() }
    }

    fn peer_signal(&self) -> &AtomicU32 {
        // SAFETY: as in `own_signal`. Where it can only be read, what is done with it are relaxed loads, which are defined there.
        unsafe { self.peer_signal.as_ref() }
    }

    #[inline]
    fn light_fence(&self) {
        atomic::compiler_fence(Ordering::SeqCst);
    }

    fn barrier(&self) -> bool {
        wait::barrier()
    }

    fn park(&self, expected: u32, deadline: Deadline) -> io::Result<Parked> {
        self.path.park(self.peer_signal(), expected, self.watched.watched(), deadline)
    }

    fn wake(&self) {
        self.path.wake(self.own_signal());
    }

    #[inline]
    fn peer_is_dead(&self) -> bool {
        self.watched.is_dead()
    }
}

impl Memory for Shared {
    #[inline]
    fn write(&self, at: usize, bytes: &[u8]) {
        // SAFETY: the caller keeps the range within the capacity; `bytes` is private memory and does not overlap it. Only the
        // producer calls this, whose mapping is writable. The peer may race: bytes are moved, never interpreted.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.outgoing().add(at), bytes.len()) }
    }

    #[inline]
    fn read(&self, at: usize, bytes: &mut [u8]) {
        // SAFETY: as in `write`, with source and destination exchanged; only the consumer calls this.
        unsafe { ptr::copy_nonoverlapping(self.incoming().add(at), bytes.as_mut_ptr(), bytes.len()) }
    }

    #[inline]
    fn write_header(&self, at: usize, header: u64) {
        // SAFETY: the caller keeps `at` to a multiple of 8 below the capacity, and is the producer; the messages begin on a page, and
        // all access to headers is atomic.
        let word: &AtomicU64 = unsafe { &*self.outgoing().add(at).cast() };
        word.store(header, Ordering::Relaxed);
    }

    #[inline]
    fn read_header(&self, at: usize) -> u64 {
        // SAFETY: as in `write_header`, of the consumer. Where the page is read-only, relaxed loads of 8 bytes are defined.
        let word: &AtomicU64 = unsafe { &*self.incoming().add(at).cast() };
        word.load(Ordering::Relaxed)
    }

    #[inline]
    fn own_lone(&self) -> &Lone<AtomicU64> {
        self.own().lone()
    }

    #[inline]
    fn peer_lone(&self) -> &Lone<AtomicU64> {
        self.peer().lone()
    }

    #[inline]
    fn expects(&self, len: usize) -> bool {
        len <= MANY || cache::may_ask_for_many()
    }

    #[inline]
    fn expect_write(&self, at: usize) {
        cache::expect_write(self.outgoing().wrapping_add(at));
    }

    #[inline]
    fn expect_read(&self, at: usize) {
        cache::expect_read(self.incoming().wrapping_add(at));
    }
}

/// The bytes from a position on, in up to two pieces, of messages that begin at `start`. The caller keeps `len` within the capacity.
pub(super) fn pieces(start: *mut u8, position: u64, len: usize, mask: u64) -> [*mut [u8]; 2] {
    let at = (position & mask) as usize;
    let first = len.min(mask as usize + 1 - at);
    let piece = |at, len| ptr::slice_from_raw_parts_mut(start.wrapping_add(at), len);
    [piece(at, first), piece(0, len - first)]
}

/// Bytes of a line of cache.
const LINE: usize = 64;
/// How far ahead of what is written lines are asked for: so far that they are there in time even where they cross slowly.
const AHEAD: usize = 32 * LINE;
/// Longer writes are of more lines than every processor gains by being asked for.
const MANY: usize = 16 * LINE;
const _: () = assert!(AHEAD <= 2 * MANY, "half of them are asked for at once for messages sent singly");
/// More is not asked for at once: the first lines would be gone again before they are written.
const MOST: usize = 64 * LINE;

/// How far ahead in a ring of `size` bytes. Lines that the producer is far from, the consumer may still be reading.
pub(super) fn ahead(size: usize) -> usize {
    AHEAD.min(size / 8)
}

/// `len` bytes are about to be written: ask for the lines of as many bytes `from` here on, which lies [`ahead`] of them in a ring of
/// `size` bytes, if the processor gains by it.
#[inline]
pub(super) fn expect_writes<M: Memory>(memory: &M, from: usize, len: usize, size: usize) {
    if !memory.expects(len) {
        return;
    }
    let end = from + len.min(MOST);
    let mut line = from.next_multiple_of(LINE);
    while line < end {
        memory.expect_write(if line < size { line } else { line - size });
        line += LINE;
    }
}
