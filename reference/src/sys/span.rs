//! Mapped bytes that other processes may change at any moment: copied in and out, never borrowed.
#![expect(unsafe_code, reason = "copies through the mapped pointer")]

use std::ptr::{self, NonNull};

/// Where a mapping lies. Whoever maps keeps it mapped, readable and backed by memory for as long as this value lives; to write
/// to it is for those who mapped it writable.
#[derive(Debug)]
pub(crate) struct Span {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread, and this type hands out no reference into it.
unsafe impl Send for Span {}
// SAFETY: as above; `read` and `write` copy bytes that other processes may change at any time anyway.
unsafe impl Sync for Span {}

impl Span {
    pub(crate) fn new(start: NonNull<u8>, len: usize) -> Self {
        Self { start, len }
    }

    /// Where it begins; page-aligned.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The caller has checked that `offset + bytes.len() <= len`.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        debug_assert!(offset + bytes.len() <= self.len);
        // SAFETY: the range lies within the mapping (checked by the caller), which lives as long as self and, its size being
        // fixed, stays backed by memory. `bytes` is private memory, so the two do not overlap. Other processes may race on
        // the shared bytes; they are moved, never interpreted.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.as_ptr().add(offset), bytes.len()) }
    }

    /// The caller has checked that `offset + bytes.len() <= len`.
    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) {
        debug_assert!(offset + bytes.len() <= self.len);
        // SAFETY: as in `write`, with source and destination exchanged.
        unsafe { ptr::copy_nonoverlapping(self.start.as_ptr().add(offset), bytes.as_mut_ptr(), bytes.len()) }
    }

    /// Read a byte of every page: to look at a page of shared memory is to have it.
    pub(crate) fn look_at_pages(&self, page: usize) {
        for at in (0..self.len).step_by(page) {
            // SAFETY: within the mapping, which is readable.
            let _ = unsafe { self.start.as_ptr().add(at).read_volatile() };
        }
    }
}
