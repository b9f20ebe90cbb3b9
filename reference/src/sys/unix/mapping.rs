//! A shared mapping of a memory object.
#![expect(unsafe_code, reason = "mmap, munmap and madvise")]

use std::io;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, ProtFlags};

use crate::sys::span::Span;

/// A shared mapping of an object, or of a part of one.
#[derive(Debug)]
pub(crate) struct Mapping(Span);

impl Mapping {
    /// Map the first `len` bytes, which the object has (the caller created or inspected it). A mapping without `writable`
    /// must not be written to.
    pub(crate) fn new(fd: &OwnedFd, len: usize, writable: bool) -> io::Result<Self> {
        Self::part(fd, 0, len, writable)
    }

    /// The same with `len` bytes from `offset` on, which is a multiple of a page.
    pub(crate) fn part(fd: &OwnedFd, offset: u64, len: usize, writable: bool) -> io::Result<Self> {
        let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a null hint lets the kernel choose an unused range, so no existing mapping is touched.
        let start = unsafe { rustix::mm::mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, fd, offset) }?;
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mmap returned null"))?;
        Ok(Self(Span::new(start, len)))
    }
}

impl Deref for Mapping {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `part`, is unmapped only here, and no reference into it exists.
        let unmapped = unsafe { rustix::mm::munmap(self.0.start().as_ptr().cast(), self.0.len()) };
        debug_assert!(unmapped.is_ok(), "munmap of a range that mmap gave cannot fail");
    }
}
