//! Named pipes that keep messages apart, read and written with a deadline.
#![expect(unsafe_code, reason = "overlapped input and output")]

use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle as Owned};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Wdk::Storage::FileSystem::{FileModeInformation, NtQueryInformationFile};
use windows_sys::Win32::Foundation::{
    ERROR_IO_PENDING, ERROR_OPERATION_ABORTED, ERROR_PIPE_CONNECTED, GENERIC_READ, GENERIC_WRITE, HANDLE,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_TYPE_PIPE, GetFileType, OPEN_EXISTING,
    PIPE_ACCESS_DUPLEX, ReadFile, SECURITY_ANONYMOUS, SECURITY_SQOS_PRESENT, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, IO_STATUS_BLOCK, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, GetNamedPipeInfo, PIPE_READMODE_MESSAGE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_MESSAGE,
    PIPE_UNLIMITED_INSTANCES, SetNamedPipeHandleState,
};
use windows_sys::Win32::System::Threading::CreateEventW;

use super::security::{Descriptor, wide};
use super::wait::wait_any;
use super::{handle, object};
use crate::deadline::Deadline;

/// What the system keeps of each direction until it is read.
const BUFFER: u32 = 128 << 10;

/// One end of a pipe in message mode.
#[derive(Debug)]
pub(super) struct Pipe {
    handle: Owned,
    /// Signalled when the operation that is under way ends; one at a time.
    done: Owned,
}

/// Which end of a name this is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Instance {
    /// The first one: the name must not exist.
    First,
    /// One more, by whoever has the first.
    Next,
}

impl Pipe {
    fn over(handle: Owned) -> io::Result<Self> {
        // SAFETY: a new handle is ours alone.
        let done = unsafe { handle::new(CreateEventW(ptr::null(), 1, 0, ptr::null())) }?;
        Ok(Self { handle, done })
    }

    /// Two connected ends.
    pub(super) fn pair() -> io::Result<(Self, Self)> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!(r"\\.\pipe\gpushare-{}-{number}", std::process::id());
        let server = Self::listen(&name, Instance::First)?;
        Ok((server, Self::open(&name)?))
    }

    /// An end that waits for whoever [opens](Self::open) the name: programs of this user, on this machine.
    pub(super) fn listen(name: &str, instance: Instance) -> io::Result<Self> {
        let descriptor = Descriptor::this_user()?;
        let first = if instance == Instance::First { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
        // SAFETY: name and descriptor live through the call; a new handle is ours alone.
        Self::over(unsafe {
            handle::new(CreateNamedPipeW(
                wide(name).as_ptr(),
                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
                PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS,
                PIPE_UNLIMITED_INSTANCES,
                BUFFER,
                BUFFER,
                0,
                &descriptor.attributes(),
            ))
        }?)
    }

    /// The other end of a name.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        // Whoever made the pipe must not act in this process's name.
        let flags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS;
        let access = GENERIC_READ | GENERIC_WRITE;
        // SAFETY: the name lives through the call; a new handle is ours alone.
        let handle = unsafe {
            handle::new(CreateFileW(wide(name).as_ptr(), access, 0, ptr::null(), OPEN_EXISTING, flags, ptr::null_mut()))
        }?;
        Self::from_handle(handle).map_err(|(_, error)| error)
    }

    /// Take over a handle, which has to be an end of a pipe that keeps messages apart and was opened for overlapped use.
    pub(super) fn from_handle(handle: Owned) -> Result<Self, (Owned, io::Error)> {
        match check(&handle) {
            Ok(()) => {
                // SAFETY: a new handle is ours alone.
                match unsafe { handle::new(CreateEventW(ptr::null(), 1, 0, ptr::null())) } {
                    Ok(done) => Ok(Self { handle, done }),
                    Err(error) => Err((handle, error)),
                }
            }
            Err(error) => Err((handle, error)),
        }
    }

    pub(super) fn into_handle(self) -> Owned {
        self.handle
    }

    pub(super) fn handle(&self) -> &Owned {
        &self.handle
    }

    /// Wait for somebody at the other end. False: the deadline passed first.
    pub(super) fn accept(&self, deadline: Deadline) -> io::Result<bool> {
        let answer = self.perform(deadline, |handle, operation| {
            // SAFETY: `operation` lives until it has ended.
            unsafe { ConnectNamedPipe(handle, operation) }
        });
        match answer {
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_CONNECTED.cast_signed()) => Ok(true),
            answer => Ok(answer?.is_some()),
        }
    }

    /// Read a message, which has to fit. `None`: the deadline passed first.
    pub(super) fn read(&self, into: &mut [u8], deadline: Deadline) -> io::Result<Option<usize>> {
        let (start, len) = (into.as_mut_ptr(), into.len() as u32);
        self.perform(deadline, |handle, operation| {
            // SAFETY: buffer and `operation` live until it has ended.
            unsafe { ReadFile(handle, start, len, ptr::null_mut(), operation) }
        })
    }

    /// Write a message, whole or not at all. `None`: the deadline passed first.
    pub(super) fn write(&self, bytes: &[u8], deadline: Deadline) -> io::Result<Option<usize>> {
        self.perform(deadline, |handle, operation| {
            // SAFETY: as in `read`.
            unsafe { WriteFile(handle, bytes.as_ptr(), bytes.len() as u32, ptr::null_mut(), operation) }
        })
    }

    /// Start an operation and wait for its end; when the deadline passes first, take it back.
    fn perform(&self, deadline: Deadline, start: impl FnOnce(HANDLE, *mut OVERLAPPED) -> i32) -> io::Result<Option<usize>> {
        let handle = self.handle.as_raw_handle() as HANDLE;
        let done = self.done.as_raw_handle() as HANDLE;
        // SAFETY: zero is the state in which the structure is to be given.
        let mut operation: OVERLAPPED = unsafe { std::mem::zeroed() };
        operation.hEvent = done;
        if start(handle, &mut operation) == 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(ERROR_IO_PENDING.cast_signed()) {
                return Err(error);
            }
        }
        let in_time = wait_any(&[done], deadline);
        if !matches!(in_time, Ok(Some(_))) {
            // SAFETY: the operation belongs to this handle. That it has just ended is no error.
            unsafe { CancelIoEx(handle, &operation) };
        }
        let mut count = 0;
        // SAFETY: waits until the operation has ended, cancelled or not: nothing refers to it or to the buffer afterwards.
        if unsafe { GetOverlappedResult(handle, &operation, &mut count, 1) } != 0 {
            return Ok(Some(count as usize));
        }
        let error = io::Error::last_os_error();
        in_time?;
        if error.raw_os_error() == Some(ERROR_OPERATION_ABORTED.cast_signed()) { Ok(None) } else { Err(error) }
    }
}

fn check(handle: &Owned) -> io::Result<()> {
    let raw = handle.as_raw_handle() as HANDLE;
    // SAFETY: this only asks.
    if unsafe { GetFileType(raw) } != FILE_TYPE_PIPE {
        return Err(io::Error::other("it is not a pipe"));
    }
    let (mut flags, mut mode) = (0, 0u32);
    // SAFETY: the results go to locals that are as long as said.
    unsafe {
        if GetNamedPipeInfo(raw, &mut flags, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()) == 0 {
            return Err(io::Error::last_os_error());
        }
        let mut status: IO_STATUS_BLOCK = std::mem::zeroed();
        let answer = ptr::from_mut(&mut mode).cast();
        object::check(NtQueryInformationFile(raw, &mut status, answer, size_of::<u32>() as u32, FileModeInformation))?;
    }
    const SYNCHRONOUS: u32 = 0x10 | 0x20;
    if flags & PIPE_TYPE_MESSAGE == 0 || mode & SYNCHRONOUS != 0 {
        return Err(io::Error::other("it is not a pipe in message mode for overlapped use"));
    }
    // SAFETY: the mode is read from a local.
    if unsafe { SetNamedPipeHandleState(raw, &PIPE_READMODE_MESSAGE, ptr::null(), ptr::null()) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
