//! Copies of a process ([fork(2)](https://man7.org/linux/man-pages/man2/fork.2.html)), and how they end: their parent is what they
//! were copied from, and somebody else has to know.
#![expect(unsafe_code, reason = "rustix has no fork")]

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use gpushare::{Deadline, OwnedHandle};
use rustix::process::{Signal, WaitOptions};

use super::process::{die_with_parent, process, signal, stat, wait_for_exit};

/// Copy this process; the copy has `words` for its standard output and standard error, and dies with this one. `None`: this is the copy.
pub(crate) fn copy_process(words: &OwnedHandle) -> io::Result<Option<u32>> {
    if super::count_threads(std::process::id())? != 1 {
        return Err(io::Error::other("it has more threads than one, of which a copy would have one"));
    }
    let parent = rustix::process::getpid();
    // SAFETY: no other thread holds a lock that the copy would wait for.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // A copy that cannot be told from its original, or would outlive it, must not go on as either.
            if set_apart(words).is_err() || rustix::process::getppid() != Some(parent) {
                // SAFETY: ends this process and runs nothing of it.
                unsafe { libc::_exit(2) }
            }
            Ok(None)
        }
        pid => Ok(Some(pid.unsigned_abs())),
    }
}

fn set_apart(words: &OwnedHandle) -> io::Result<()> {
    rustix::stdio::dup2_stdout(words.as_fd())?;
    rustix::stdio::dup2_stderr(words.as_fd())?;
    die_with_parent()
}

/// Let the system forget a copy that has ended. One that has not, or was none, is left alone.
pub(crate) fn reap_copy(pid: u32) {
    // Nothing is lost where it fails: what is left goes with this process.
    let _ = process(pid).and_then(|pid| Ok(rustix::process::waitpid(Some(pid), WaitOptions::NOHANG)?));
}

/// Kill a copy that another process has made of itself, and tell how it ended: by that, or before. It keeps its number until its parent
/// forgets it.
pub(crate) fn end_copy(pid: u32) -> io::Result<ExitStatus> {
    signal(pid, Signal::KILL)?;
    wait_for_exit(pid, Deadline::NEVER)?;
    // `exit_code` is field 52 (proc_pid_stat(5)).
    let code = stat(pid)?.get(49).and_then(|code| code.parse().ok());
    code.map(ExitStatus::from_raw).ok_or_else(|| io::Error::other("the system does not tell how the process ended"))
}
