//! Whether a process lives: process handles, which are signalled when it ends.
#![expect(unsafe_code, reason = "calls that take handles and fill in structures")]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle as Owned};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation};
use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, FILETIME, HANDLE};
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, GetProcessId, GetProcessTimes, OpenProcess, PROCESS_BASIC_INFORMATION,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, SetEvent,
};

use super::wait::wait_any;
use super::{handle, object};
use crate::deadline::Deadline;

/// Enough to wait for the end, and to ask who it is.
const WATCH: u32 = PROCESS_SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION;

/// A handle to the process with this number. The caller knows that the number was not given to another one meanwhile.
pub(crate) fn open(pid: u32) -> io::Result<Owned> {
    open_with(pid, WATCH)
}

pub(super) fn open_with(pid: u32, access: u32) -> io::Result<Owned> {
    // SAFETY: a new handle is ours alone.
    unsafe { handle::new(OpenProcess(access, 0, pid)) }
}

/// A handle to this process, for the peer to watch.
pub(crate) fn open_self() -> io::Result<Owned> {
    // SAFETY: the pseudo-handle of this process is always valid, and is borrowed for this call.
    handle::reduce(unsafe { BorrowedHandle::borrow_raw(GetCurrentProcess()) }, WATCH)
}

/// A handle to the parent.
pub(crate) fn open_parent() -> io::Result<Owned> {
    // SAFETY: the structure is as long as said, and any bytes are valid in it.
    let (parent, this) = unsafe {
        let mut basic: PROCESS_BASIC_INFORMATION = std::mem::zeroed();
        object::check(NtQueryInformationProcess(
            GetCurrentProcess(),
            ProcessBasicInformation,
            ptr::from_mut(&mut basic).cast(),
            size_of::<PROCESS_BASIC_INFORMATION>() as u32,
            ptr::null_mut(),
        ))?;
        (basic.InheritedFromUniqueProcessId, GetCurrentProcess())
    };
    let parent = open(u32::try_from(parent).unwrap_or(0))?;
    // A parent that has died may have left its number to another process, which is younger than its supposed child.
    if birth(parent.as_raw_handle() as HANDLE)? <= birth(this)? {
        Ok(parent)
    } else {
        Err(io::Error::from_raw_os_error(ERROR_INVALID_PARAMETER.cast_signed()))
    }
}

/// When a process was created, in the system's units.
fn birth(process: HANDLE) -> io::Result<u64> {
    let zero = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let (mut created, mut exited, mut kernel, mut user) = (zero, zero, zero, zero);
    // SAFETY: the results go to locals.
    if unsafe { GetProcessTimes(process, &mut created, &mut exited, &mut kernel, &mut user) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime))
}

/// Whether a handle stands for a process: any other kind can be waited for too, and would tell of something else.
pub(crate) fn is_process(process: &Owned) -> bool {
    // SAFETY: this only asks; anything else has the number 0.
    unsafe { GetProcessId(process.as_raw_handle() as HANDLE) != 0 }
}

/// A process that is watched: waits take its handle, and a thread tells of its death those who only look.
#[derive(Debug)]
pub(crate) struct Watch {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    process: Owned,
    stop: Owned,
    dead: AtomicBool,
}

impl Watch {
    /// Start watching.
    pub(crate) fn start(process: Owned) -> io::Result<Self> {
        // SAFETY: a new handle is ours alone.
        let stop = unsafe { handle::new(CreateEventW(ptr::null(), 1, 0, ptr::null())) }?;
        let state = Arc::new(State { process, stop, dead: AtomicBool::new(false) });
        let seen = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("gpushare-peer".into()).spawn(move || {
            let handles = [seen.process.as_raw_handle() as HANDLE, seen.stop.as_raw_handle() as HANDLE];
            // A watch that cannot watch must not leave anybody waiting for ever.
            if wait_any(&handles, Deadline::NEVER).map_or(true, |which| which == Some(0)) {
                seen.dead.store(true, Ordering::Release);
            }
        })?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// Whether it is known to be dead. Costs one look at private memory.
    pub(crate) fn is_dead(&self) -> bool {
        self.state.dead.load(Ordering::Acquire)
    }

    /// For a wait that ended with the process, and need not wait for the thread to say so.
    pub(super) fn declare_dead(&self) {
        self.state.dead.store(true, Ordering::Release);
    }

    pub(super) fn process(&self) -> BorrowedHandle<'_> {
        self.state.process.as_handle()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: the event is open for as long as `state`.
        unsafe { SetEvent(self.state.stop.as_raw_handle() as HANDLE) };
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
