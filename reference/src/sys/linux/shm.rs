//! memfd: anonymous memory with seals.
#![expect(unsafe_code, reason = "madvise")]

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::mm::Advice;

use super::handle::kind_name;
pub(crate) use crate::sys::unix::mapping::Mapping;

const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// Whether [`close_to_writers`] binds those who hold a handle already.
#[cfg(test)]
pub(crate) const CLOSING_BINDS_EVERYBODY: bool = true;

/// Bytes that an object created with `len` reports.
pub(crate) fn object_len(len: u64) -> u64 {
    len
}

/// Create a memfd of `len` bytes whose size nobody can change.
pub(crate) fn create(len: u64) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("gpushare", flags)?;
    // Who opens it through /proc is asked for this mode, which is 0777 otherwise.
    rustix::fs::fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::ftruncate(&fd, len)?;
    rustix::fs::fcntl_add_seals(&fd, SIZE_SEALS)?;
    Ok(fd)
}

/// The same, and a handle with which nobody can write once [`close_to_writers`] was called.
pub(crate) fn create_with_reader(len: u64) -> io::Result<(OwnedFd, OwnedFd)> {
    let fd = create(len)?;
    let reader = fd.try_clone()?;
    Ok((fd, reader))
}

/// An object with a name that nobody has (`AlreadyExists` otherwise).
pub(crate) fn create_named(len: u64, name: &str) -> io::Result<(OwnedFd, Name)> {
    let fd = create(len)?;
    let name = Name::give(&fd, name)?;
    Ok((fd, name))
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

/// Where names live: a file system in memory, in which everybody may create and only the owner may remove.
const NAMES: &str = "/dev/shm";

/// The name of an object, which goes when this is dropped.
///
/// `shm_open(3)` would make a file there, and such a file takes no seals: whoever opens it could shrink it, and raise `SIGBUS` in
/// all who have mapped it. So the name is a symbolic link to the creator's memfd, which is sealed. It leads nowhere
/// once the creator is gone.
#[derive(Debug)]
pub(crate) struct Name {
    link: PathBuf,
    target: PathBuf,
}

impl Name {
    fn give(fd: &OwnedFd, name: &str) -> io::Result<Self> {
        let target = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd()));
        let link = Path::new(NAMES).join(name);
        std::os::unix::fs::symlink(&target, &link)?;
        Ok(Self { link, target })
    }

    /// Open the object that has this name.
    pub(crate) fn open(name: &str) -> io::Result<OwnedFd> {
        // Whoever made the link may lead to anything: not to wait for the other end of a pipe, nor to become anybody's terminal.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let path = Path::new(NAMES).join(name);
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)?;
        if rustix::fs::fstat(&file)?.st_uid != rustix::process::geteuid().as_raw() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the object belongs to another user"));
        }
        Ok(file.into())
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Not a name that somebody took after this one had been removed.
        if fs::read_link(&self.link).is_ok_and(|target| target == self.target) {
            let _ = fs::remove_file(&self.link);
        }
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

impl Mapping {
    /// Ask for huge pages wherever they fit (`MADV_HUGEPAGE`).
    pub(crate) fn ask_for_huge_pages(&self) -> io::Result<()> {
        self.advise(Advice::LinuxHugepage)
    }

    /// Have every page there before it is needed (`MADV_POPULATE_WRITE` or `_READ`, Linux 5.14).
    pub(crate) fn touch(&self, writable: bool) -> io::Result<()> {
        let advice = if writable { Advice::LinuxPopulateWrite } else { Advice::LinuxPopulateRead };
        match self.advise(advice) {
            // An older kernel.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.look_at_pages(rustix::param::page_size()),
            answer => return answer,
        }
        Ok(())
    }

    /// Advice that leaves the bytes what they are.
    fn advise(&self, advice: Advice) -> io::Result<()> {
        // SAFETY: the range is this mapping's, and callers give no advice that changes what its bytes are.
        Ok(unsafe { rustix::mm::madvise(self.start().as_ptr().cast(), self.len(), advice) }?)
    }
}
