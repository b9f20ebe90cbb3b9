//! memfd: anonymous memory with seals, and its mapping.
#![expect(unsafe_code, reason = "mmap, munmap and copies through the mapped pointer")]

use std::io;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};

use rustix::fs::{FileType, MemfdFlags, SealFlags};
use rustix::mm::{Advice, MapFlags, ProtFlags};

const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// Create a memfd of `len` bytes whose size nobody can change.
pub(crate) fn create(len: u64) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("gpushare", flags)?;
    rustix::fs::ftruncate(&fd, len)?;
    rustix::fs::fcntl_add_seals(&fd, SIZE_SEALS)?;
    Ok(fd)
}

/// Let nobody add a seal any more.
pub(crate) fn finish_seals(fd: &OwnedFd) -> io::Result<()> {
    Ok(rustix::fs::fcntl_add_seals(fd, SealFlags::SEAL)?)
}

/// From here on nobody can map the object writable or write to it through a descriptor; writable mappings that exist stay
/// so. The kernel holds to it whatever process asks, through whatever descriptor (`F_SEAL_FUTURE_WRITE`, Linux 5.1).
pub(crate) fn close_to_writers(fd: &OwnedFd) -> io::Result<()> {
    Ok(rustix::fs::fcntl_add_seals(fd, SealFlags::FUTURE_WRITE | SealFlags::SEAL)?)
}

/// Write the first bytes through the descriptor, without a mapping.
pub(crate) fn fill(fd: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    match rustix::io::pwrite(fd, bytes, 0)? {
        written if written == bytes.len() => Ok(()),
        written => Err(io::Error::other(format!("{written} of {} bytes were written", bytes.len()))),
    }
}

/// What a descriptor is, as far as mapping it is concerned.
pub(crate) enum Object {
    /// A memory object.
    Memory {
        /// Its bytes.
        len: u64,
        /// Whether its size is fixed for ever.
        sealed: bool,
        /// Whether nobody can become a writer any more.
        closed_to_writers: bool,
    },
    /// Anything else.
    Other {
        /// What.
        detail: String,
    },
}

pub(crate) fn inspect(fd: &OwnedFd) -> io::Result<Object> {
    let stat = rustix::fs::fstat(fd)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Ok(Object::Other { detail: format!("it is a {}", kind_name(kind)) });
    }
    // Only memory objects (memfd, tmpfs) have seals; every other file answers EINVAL.
    match rustix::fs::fcntl_get_seals(fd) {
        Ok(seals) => Ok(Object::Memory {
            len: u64::try_from(stat.st_size).unwrap_or(0),
            sealed: seals.contains(SIZE_SEALS),
            closed_to_writers: seals.intersects(SealFlags::FUTURE_WRITE | SealFlags::WRITE),
        }),
        Err(rustix::io::Errno::INVAL) => Ok(Object::Other { detail: "it is a file".into() }),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "file",
        FileType::Directory => "directory",
        FileType::Fifo => "pipe",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character device",
        FileType::BlockDevice => "block device",
        FileType::Symlink => "symbolic link",
        FileType::Unknown => "special file",
    }
}

/// A shared mapping of a whole object.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and this type hands out no reference into it.
unsafe impl Send for Mapping {}
// SAFETY: as above; `read` and `write` copy bytes that other processes may change at any time anyway.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Map the first `len` bytes, which the object has (the caller created or inspected it). A mapping without `writable`
    /// must not be written to.
    pub(crate) fn new(fd: &OwnedFd, len: usize, writable: bool) -> io::Result<Self> {
        let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a null hint lets the kernel choose an unused range, so no existing mapping is touched.
        let start = unsafe { rustix::mm::mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, fd, 0) }?;
        NonNull::new(start.cast()).map(|start| Self { start, len }).ok_or_else(|| io::Error::other("mmap returned null"))
    }

    /// Ask for huge pages where they would fit, and have every page there before it is needed. Neither is owed: a kernel that
    /// knows no such advice leaves a mapping that is as right and faults a little at first.
    pub(crate) fn prepare(&self, writable: bool) {
        const HUGE: usize = 2 << 20;
        let touch = if writable { Advice::LinuxPopulateWrite } else { Advice::LinuxPopulateRead };
        let huge = (self.len >= HUGE).then_some(Advice::LinuxHugepage);
        for advice in huge.into_iter().chain([touch]) {
            // SAFETY: the range is this mapping's, and neither advice changes what its bytes are.
            let _ = unsafe { rustix::mm::madvise(self.start.as_ptr().cast(), self.len, advice) };
        }
    }

    /// Where it begins; page-aligned. Bytes may be changed by other processes at any moment.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The caller has checked that `offset + bytes.len() <= len`.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        debug_assert!(offset + bytes.len() <= self.len);
        // SAFETY: the range lies within the mapping (checked by the caller), which lives as long as self and, being sealed,
        // stays backed by memory. `bytes` is private memory, so the two do not overlap. Other processes may race on the
        // shared bytes; they are moved, never interpreted.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.as_ptr().add(offset), bytes.len()) }
    }

    /// The caller has checked that `offset + bytes.len() <= len`.
    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) {
        debug_assert!(offset + bytes.len() <= self.len);
        // SAFETY: as in `write`, with source and destination exchanged.
        unsafe { ptr::copy_nonoverlapping(self.start.as_ptr().add(offset), bytes.as_mut_ptr(), bytes.len()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, is unmapped only here, and no reference into it exists.
        let unmapped = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok(), "munmap of a range that mmap gave cannot fail");
    }
}
