//! How processes start, end, and what they leave as evidence.

#![expect(unsafe_code, reason = "rustix sets no signal dispositions")]

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use gpushare::{Deadline, OwnedHandle};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::MemfdFlags;
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::peer::{LIST_INHERITED, PEER_VARIABLE};
use crate::protocol::InheritedDescriptor;
use crate::spawn::Exit;

/// Standard error of a peer, kept in memory so that it can be read after the peer's death.
#[derive(Debug)]
pub(crate) struct Evidence(fs::File);

impl Evidence {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(rustix::fs::memfd_create("gpushare-stderr", MemfdFlags::CLOEXEC)?.into()))
    }

    pub(crate) fn writer(&self) -> io::Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }

    /// The same, for a process that is there already.
    pub(crate) fn handle(&self) -> io::Result<OwnedHandle> {
        Ok(OwnedFd::from(self.0.try_clone()?).into())
    }

    /// The last bytes that were written.
    pub(crate) fn tail(&self) -> String {
        const MOST: u64 = 4096;
        let len = self.0.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; usize::try_from(len.min(MOST)).unwrap_or(0)];
        let read = self.0.read_at(&mut bytes, len.saturating_sub(MOST)).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..read]).trim().to_owned()
    }

    /// What was written after the first `start` bytes, and how many bytes there are now.
    pub(crate) fn since(&self, start: u64) -> (String, u64) {
        let len = self.0.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; usize::try_from(len.saturating_sub(start)).unwrap_or(0)];
        let read = self.0.read_at(&mut bytes, start).unwrap_or(0);
        (String::from_utf8_lossy(&bytes[..read]).into_owned(), start + read as u64)
    }
}

/// Wait until a child has ended, without reaping it. False: the deadline passed first.
pub(crate) fn wait_for_exit(pid: u32, deadline: Deadline) -> io::Result<bool> {
    let pidfd = rustix::process::pidfd_open(process(pid)?, PidfdFlags::empty())?;
    loop {
        let left = deadline.left().and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], left.as_ref()) {
            Ok(0) if deadline.passed() => return Ok(false),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) fn describe_exit(status: ExitStatus) -> Exit {
    match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let named =
                Signal::from_named_raw(signal).map_or_else(|| format!("signal {signal}"), |signal| signal_name(signal).into());
            Exit::Signal { name: named }
        }
        (None, code) => Exit::Status { code: code.unwrap_or(-1) },
    }
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::ABORT => "SIGABRT",
        Signal::BUS => "SIGBUS",
        Signal::FPE => "SIGFPE",
        Signal::ILL => "SIGILL",
        Signal::KILL => "SIGKILL",
        Signal::SEGV => "SIGSEGV",
        Signal::TERM => "SIGTERM",
        Signal::SYS => "SIGSYS",
        Signal::PIPE => "SIGPIPE",
        Signal::TRAP => "SIGTRAP",
        _ => "another signal",
    }
}

/// Whether a file with this in its name is mapped into a process.
pub(crate) fn has_mapped(pid: u32, name: &str) -> io::Result<bool> {
    Ok(fs::read_to_string(format!("/proc/{pid}/maps"))?.lines().any(|line| line.contains(name)))
}

/// Stop a child. It has stopped when this returns: the signal alone only asks for that.
pub(crate) fn pause(pid: u32) -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(1);
    signal(pid, Signal::STOP)?;
    let deadline = Deadline::after(PATIENCE);
    // An end is as good.
    while !matches!(stat(pid)?.first().map(String::as_str), Some("T" | "t" | "Z" | "X")) {
        if deadline.passed() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the process does not stop"));
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    Ok(())
}

/// What `/proc` tells of a process, from its state on (field 3, proc_pid_stat(5)); the name before it may hold anything.
pub(super) fn stat(pid: u32) -> io::Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    Ok(behind_name.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Let a stopped child go on.
pub(crate) fn resume(pid: u32) -> io::Result<()> {
    signal(pid, Signal::CONT)
}

/// Let a signal handler run in a child.
pub(crate) fn interrupt(pid: u32) -> io::Result<()> {
    signal(pid, Signal::USR1)
}

pub(super) fn signal(pid: u32, signal: Signal) -> io::Result<()> {
    Ok(rustix::process::kill_process(process(pid)?, signal)?)
}

pub(super) fn process(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no process has this number"))
}

/// Ask to be killed when the orchestrator dies, so that a hung driver leaves no process behind.
pub(crate) fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Run this program anew, and let it list what it inherited.
pub(crate) fn exec_and_list() -> io::Result<Vec<InheritedDescriptor>> {
    // Not `/proc/self/exe`: that is the launcher where one started us.
    let program = std::env::args_os().next().ok_or_else(|| io::Error::other("this process was started without a name"))?;
    let output = Command::new(program).env(PEER_VARIABLE, LIST_INHERITED).stdin(Stdio::null()).output()?;
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}

/// The program's side of [`exec_and_list`]: descriptors above the standard three, on standard output.
pub(crate) fn list_inherited() -> Result<(), String> {
    let list = || -> io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc/self/fd")? {
            let entry = entry?;
            let number: i64 = entry.file_name().to_string_lossy().parse().map_err(io::Error::other)?;
            // The folder's own descriptor is gone by the time the list is read; it shows as this path while it is open.
            let target = fs::read_link(entry.path()).map(|target| target.to_string_lossy().into_owned()).unwrap_or_default();
            if number > 2 && !target.ends_with("/fd") {
                found.push(InheritedDescriptor { number, target });
            }
        }
        io::stdout().write_all(&serde_json::to_vec(&found)?)
    };
    list().map_err(|error| error.to_string())
}

/// Write a line to standard error; that it cannot be written is nobody's concern.
pub(crate) fn complain(text: &str) {
    let _ = rustix::io::write(io::stderr().as_fd(), format!("{text}\n").as_bytes());
}

/// A handle as a child's standard stream.
pub(crate) fn stdio(handle: OwnedHandle) -> Stdio {
    OwnedFd::from(handle).into()
}

/// Let growth above `RLIMIT_FSIZE` be an error (`EFBIG`) and not the end of the process.
pub(crate) fn survive_size_limit() -> io::Result<()> {
    // SAFETY: SIG_IGN runs no code of ours, and nothing else in this program handles SIGXFSZ.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}
