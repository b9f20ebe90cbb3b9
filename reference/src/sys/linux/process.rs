//! Whether a process lives: pidfd ([pidfd_open(2)](https://man7.org/linux/man-pages/man2/pidfd_open.2.html)).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicU32;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions};

pub(crate) use crate::sys::unix::watch::Watch;

/// A handle to the process with this number. The caller knows that the number was not given to another one meanwhile.
pub(crate) fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// A handle to this process, for the peer to watch.
pub(crate) fn open_self() -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?)
}

/// A handle to the parent.
pub(crate) fn open_parent() -> io::Result<OwnedFd> {
    let parent = rustix::process::getppid().ok_or(Errno::SRCH)?;
    let fd = rustix::process::pidfd_open(parent, PidfdFlags::empty())?;
    // A parent that died between the two calls may have left its number to another process.
    if rustix::process::getppid() == Some(parent) { Ok(fd) } else { Err(Errno::SRCH.into()) }
}

/// Whether a descriptor stands for a process: any other kind can be polled too, and would tell of something else.
pub(crate) fn is_process(fd: &OwnedFd) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // ECHILD: a process, and not ours to wait for.
    matches!(rustix::process::waitid(WaitId::PidFd(fd.as_fd()), options), Ok(_) | Err(Errno::CHILD))
}

impl Watch {
    /// The word that becomes 1 with the process's death.
    pub(super) fn word(&self) -> &AtomicU32 {
        &self.dead
    }
}
