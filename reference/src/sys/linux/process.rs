//! Whether a process lives: pidfd ([pidfd_open(2)](https://man7.org/linux/man-pages/man2/pidfd_open.2.html)).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions};

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

/// A thread that sleeps until a process has ended, and then says so in a word.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Start watching.
    pub(crate) fn start(process: OwnedFd, dead: Arc<AtomicU32>) -> io::Result<Self> {
        let stop = Arc::new(rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?);
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("gpushare-peer".into()).spawn(move || {
            if ended(&process, &seen) {
                super::wait::declare_dead(&dead);
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

/// True: the process has ended. False: told to stop.
fn ended(process: &OwnedFd, stop: &OwnedFd) -> bool {
    loop {
        let mut fds = [PollFd::new(process, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            // A watch that cannot watch must not leave anybody waiting for ever.
            Err(_) => return true,
            Ok(_) if !fds[0].revents().is_empty() => return true,
            Ok(_) => return false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // An eventfd that nobody else writes to cannot be full.
        let _ = rustix::io::write(&*self.stop, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
