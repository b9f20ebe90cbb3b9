//! Whether a process lives: kqueue with `NOTE_EXIT`
//! ([kqueue(2)](https://developer.apple.com/library/archive/documentation/System/Conceptual/ManPages_iPhoneOS/man2/kqueue.2.html)),
//! and for a handle that can be sent, the reading end of a pipe whose writing end the process keeps.
#![expect(unsafe_code, reason = "kevent")]

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent, kqueue};
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::process::Pid;

pub(crate) use crate::sys::unix::watch::Watch;

/// A kqueue that becomes readable with the end of the process. The caller knows that the number was not given to another one
/// meanwhile.
pub(crate) fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    watching(pid)
}

fn watching(pid: Pid) -> io::Result<OwnedFd> {
    let queue = kqueue()?;
    let end = Event::new(
        EventFilter::Proc { pid, flags: ProcessEvents::EXIT },
        EventFlags::ADD | EventFlags::ONESHOT,
        std::ptr::null_mut(),
    );
    // SAFETY: the event names a process and no descriptor. Without room for answers the call only registers.
    unsafe { kevent(&queue, &[end], &mut [] as &mut [Event], Some(Duration::ZERO)) }?;
    Ok(queue)
}

/// A handle to this process, for the peer to watch: it hangs up when the last writing end is gone, which this process keeps for
/// as long as it lives.
pub(crate) fn open_self() -> io::Result<OwnedFd> {
    static LIFE: OnceLock<(PipeReader, PipeWriter)> = OnceLock::new();
    let life = match LIFE.get() {
        Some(life) => life,
        None => {
            let pipe = io::pipe()?;
            LIFE.get_or_init(|| pipe)
        }
    };
    Ok(life.0.try_clone()?.into())
}

/// A handle to the parent.
pub(crate) fn open_parent() -> io::Result<OwnedFd> {
    let parent = rustix::process::getppid().ok_or(Errno::SRCH)?;
    let queue = watching(parent)?;
    // A parent that died between the two calls may have left its number to another process.
    if rustix::process::getppid() == Some(parent) { Ok(queue) } else { Err(Errno::SRCH.into()) }
}

/// Whether a descriptor is of the kind of [`open_self`], the only one that can come from a peer.
pub(crate) fn is_process(fd: &OwnedFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}
