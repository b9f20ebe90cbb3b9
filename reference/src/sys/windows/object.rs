//! What stands behind a handle, and what the handle allows: `NtQueryObject`.
#![expect(unsafe_code, reason = "queries that fill in structures")]

use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};

use windows_sys::Wdk::Foundation::{NtQueryObject, OBJECT_INFORMATION_CLASS, ObjectTypeInformation};
use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS, RtlNtStatusToDosError, UNICODE_STRING};

/// `PUBLIC_OBJECT_BASIC_INFORMATION`.
#[repr(C)]
#[derive(Default)]
struct Basic {
    attributes: u32,
    granted_access: u32,
    handle_count: u32,
    pointer_count: u32,
    reserved: [u32; 10],
}

const OBJECT_BASIC_INFORMATION: OBJECT_INFORMATION_CLASS = 0;

/// The status of a call of `ntdll`.
pub(super) fn check(status: NTSTATUS) -> io::Result<()> {
    if status >= 0 {
        return Ok(());
    }
    // SAFETY: a table look-up.
    Err(io::Error::from_raw_os_error(unsafe { RtlNtStatusToDosError(status) }.cast_signed()))
}

/// The rights that a handle carries.
pub(super) fn granted_access(handle: BorrowedHandle<'_>) -> io::Result<u32> {
    let mut basic = Basic::default();
    let len = size_of::<Basic>() as u32;
    // SAFETY: the structure is as long as said.
    check(unsafe {
        NtQueryObject(
            handle.as_raw_handle() as HANDLE,
            OBJECT_BASIC_INFORMATION,
            std::ptr::from_mut(&mut basic).cast(),
            len,
            std::ptr::null_mut(),
        )
    })?;
    Ok(basic.granted_access)
}

/// The kind of object, in the kernel's words: `Section`, `Event`, `File`, `Process` and so on.
pub(super) fn kind(handle: BorrowedHandle<'_>) -> io::Result<String> {
    // The name lies behind a structure that begins with its description.
    let mut answer = [0u64; 128];
    // SAFETY: the buffer is as long as said, and aligned for the structure.
    check(unsafe {
        NtQueryObject(
            handle.as_raw_handle() as HANDLE,
            ObjectTypeInformation,
            answer.as_mut_ptr().cast(),
            size_of_val(&answer) as u32,
            std::ptr::null_mut(),
        )
    })?;
    // SAFETY: upon success the buffer begins with this structure, and any bytes are valid in it.
    let name = unsafe { answer.as_ptr().cast::<UNICODE_STRING>().read() };
    if name.Buffer.is_null() {
        return Ok(String::new());
    }
    // SAFETY: the name lies in the buffer, which lives until the end of this function; its length is in bytes.
    Ok(String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(name.Buffer, usize::from(name.Length) / 2) }))
}

/// What an object of this kind is, if no driver shares memory or signals by it. Drivers share objects of the graphics kernel
/// (`DxgkSharedResource`, `DxgkSharedSyncObject`), software drivers sections; a kind that is not known here is for the driver
/// to judge.
pub(super) fn never_shared(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "File" => "file, pipe or device",
        "Process" => "process",
        "Thread" => "thread",
        "Job" => "job",
        "Token" => "token",
        "Key" => "registry key",
        "Directory" | "SymbolicLink" => "name in the system's name space",
        "IoCompletion" => "completion port",
        "Desktop" | "WindowStation" => "desktop",
        "Event" => "event",
        "Semaphore" => "semaphore of the system",
        "Timer" => "timer",
        "Mutant" => "mutex",
        _ => return None,
    })
}
