//! A handle is a file descriptor.
#![expect(unsafe_code, reason = "a descriptor that comes as a number")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use crate::handle::OwnedHandle;

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

impl AsFd for OwnedHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
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
