//! A handle is a file descriptor.
#![expect(unsafe_code, reason = "a descriptor that comes as a number")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::process::Stdio;

use rustix::fs::{FileType, Stat};
use rustix::io::FdFlags;

use crate::handle::{HandleType, OwnedHandle};

pub(crate) type RawOwned = OwnedFd;

/// `F_DUPFD_CLOEXEC`, [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html).
pub(crate) fn duplicate(fd: &OwnedFd) -> io::Result<OwnedFd> {
    fd.try_clone()
}

impl From<OwnedFd> for OwnedHandle {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl From<OwnedHandle> for OwnedFd {
    fn from(handle: OwnedHandle) -> Self {
        handle.0
    }
}

impl From<OwnedHandle> for Stdio {
    fn from(handle: OwnedHandle) -> Self {
        Self::from(handle.0)
    }
}

impl AsFd for OwnedHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A duplicate of this process's standard input.
pub(crate) fn standard_input() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

/// Take over an open descriptor by its number. A number that is not open, `-1` among them, is an error (`EBADF`).
///
/// # Safety
/// Nobody else owns the descriptor with this number.
pub(crate) unsafe fn claim(number: i64) -> io::Result<OwnedFd> {
    let closed = || io::Error::from(rustix::io::Errno::BADF);
    let raw = RawFd::try_from(number).ok().filter(|raw| *raw >= 0).ok_or_else(closed)?;
    // SAFETY: F_GETFD only looks at the descriptor table; a number that is not open answers EBADF.
    rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(raw) })?;
    // SAFETY: it is open, as just seen, and by the caller's promise nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// The number of a descriptor.
pub(crate) fn number(fd: &OwnedFd) -> i64 {
    i64::from(fd.as_raw_fd())
}

/// It is somebody else's to close, or closed already.
pub(crate) fn release(fd: OwnedFd) {
    let _ = fd.into_raw_fd();
}

/// Which object a descriptor stands for: its device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectId(rustix::fs::Dev, u64);

impl From<&Stat> for ObjectId {
    fn from(stat: &Stat) -> Self {
        Self(stat.st_dev, stat.st_ino)
    }
}

/// The object behind a descriptor; `None` for a number that is not open.
pub(crate) fn object(number: i64) -> Option<ObjectId> {
    let raw = RawFd::try_from(number).ok().filter(|raw| *raw >= 0)?;
    // SAFETY: fstat only looks; a number that is not open answers EBADF.
    let stat = rustix::fs::fstat(unsafe { BorrowedFd::borrow_raw(raw) }).ok()?;
    Some(ObjectId::from(&stat))
}

/// Set close-on-exec, the one flag that a descriptor has (F_SETFD, [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html)):
/// to ask first whether it is set takes as long.
pub(crate) fn close_on_exec(fd: &OwnedFd) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(fd, FdFlags::CLOEXEC)?)
}

/// Whether a handle of this type can carry a semaphore, timeline or fence of a driver on this system.
pub(crate) const fn carries_signals(handle_type: HandleType) -> bool {
    matches!(handle_type, HandleType::OpaqueFd | HandleType::SyncFd)
}

/// What is behind a descriptor that is about to be imported as a semaphore or fence.
pub(crate) struct Signals {
    /// Which object.
    pub(crate) id: Option<ObjectId>,
    /// What it is, if that is none on any driver. A driver may read from what it is given, and block.
    pub(crate) never: Option<&'static str>,
}

/// Look at what may carry a semaphore or fence.
pub(crate) fn look_for_signals(fd: &OwnedFd) -> Signals {
    let Ok(stat) = rustix::fs::fstat(fd) else { return Signals { id: None, never: None } };
    let never = match FileType::from_raw_mode(stat.st_mode) {
        kind @ (FileType::Fifo | FileType::Socket | FileType::Directory | FileType::BlockDevice | FileType::Symlink) => {
            Some(kind_name(kind))
        }
        // A memfd, a device node, or an object without a type may well be one.
        FileType::RegularFile | FileType::CharacterDevice | FileType::Unknown => None,
    };
    Signals { id: Some(ObjectId::from(&stat)), never }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

    use super::*;

    #[test]
    fn what_was_open_across_exec_is_closed_on_it() {
        let (descriptor, _other) = rustix::pipe::pipe().unwrap();
        let is_closed = || rustix::io::fcntl_getfd(&descriptor).unwrap().contains(FdFlags::CLOEXEC);
        assert!(!is_closed());

        close_on_exec(&descriptor).unwrap();
        assert!(is_closed());
        close_on_exec(&descriptor).unwrap();
        assert!(is_closed(), "and stays so");
    }
}
