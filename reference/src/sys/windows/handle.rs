//! A handle is a `HANDLE`.
#![expect(unsafe_code, reason = "a handle that comes as a number, and the system's calls on handles")]

use std::io;
use std::os::windows::io::{
    AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, IntoRawHandle, OwnedHandle as Owned, RawHandle,
};
use std::process::Stdio;

use windows_sys::Win32::Foundation::{
    DuplicateHandle, ERROR_INVALID_HANDLE, GetHandleInformation, HANDLE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE,
    SetHandleInformation,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::object;
use crate::handle::{HandleType, OwnedHandle};

pub(crate) type RawOwned = Owned;

/// `DuplicateHandle` with the same access, not inherited by children.
pub(crate) fn duplicate(handle: &Owned) -> io::Result<Owned> {
    handle.try_clone()
}

/// A second handle that allows only what `access` says.
pub(crate) fn reduce(handle: BorrowedHandle<'_>, access: u32) -> io::Result<Owned> {
    // SAFETY: the pseudo-handle of this process is always valid.
    duplicate_between(unsafe { GetCurrentProcess() }, handle.as_raw_handle(), access, 0)
}

/// Duplicate a handle of the process `from` into this one. `number` need not be open there: then this is an error.
pub(super) fn duplicate_between(from: HANDLE, number: HANDLE, access: u32, options: u32) -> io::Result<Owned> {
    let mut duplicate = std::ptr::null_mut();
    // SAFETY: the kernel checks both processes and the number; the result goes to a local.
    let done = unsafe { DuplicateHandle(from, number, GetCurrentProcess(), &mut duplicate, access, 0, options) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new handle of this process that nobody else knows.
    Ok(unsafe { Owned::from_raw_handle(duplicate) })
}

/// A new handle that a call returned, or its error where it is `invalid` (null, or `INVALID_HANDLE_VALUE`).
///
/// # Safety
/// The call made the handle for its caller alone.
pub(super) unsafe fn new(handle: HANDLE) -> io::Result<Owned> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { Owned::from_raw_handle(handle) })
}

/// A duplicate of this process's standard input.
pub(crate) fn standard_input() -> io::Result<Owned> {
    io::stdin().as_handle().try_clone_to_owned()
}

/// Take over an open handle by its number. A number that is not open is an error, and so is a pseudo-handle, which nobody owns.
///
/// # Safety
/// Nobody else owns the handle with this number.
pub(crate) unsafe fn claim(number: i64) -> io::Result<Owned> {
    let closed = || io::Error::from_raw_os_error(ERROR_INVALID_HANDLE.cast_signed());
    let number = isize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(closed)?;
    let raw = std::ptr::with_exposed_provenance_mut::<std::ffi::c_void>(number.cast_unsigned()) as RawHandle;
    let mut flags = 0;
    // SAFETY: this only looks at the handle table; a number that is not open is refused.
    if unsafe { GetHandleInformation(raw, &mut flags) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, as just seen, and by the caller's promise nobody else owns it.
    Ok(unsafe { Owned::from_raw_handle(raw) })
}

/// The number of a handle.
pub(crate) fn number(handle: &Owned) -> i64 {
    handle.as_raw_handle().expose_provenance() as i64
}

/// It is somebody else's to close, or closed already.
pub(crate) fn release(handle: Owned) {
    let _ = handle.into_raw_handle();
}

/// Which object a handle stands for. Nothing tells, and no import of this system closes a handle.
#[derive(PartialEq, Eq)]
pub(crate) struct ObjectId;

/// The object behind a handle.
pub(crate) fn object(_number: i64) -> Option<ObjectId> {
    None
}

/// Have no child inherit an exported handle, where its driver left that on: it is off unless somebody asks for it
/// (`VkExportMemoryWin32HandleInfoKHR` and its siblings).
pub(crate) fn close_on_exec(handle: &Owned) -> io::Result<()> {
    let raw = handle.as_raw_handle() as HANDLE;
    let mut flags = 0;
    // SAFETY: the handle is open; the flags go to a local.
    let asked = unsafe { GetHandleInformation(raw, &mut flags) };
    // SAFETY: as above.
    if asked == 0 || flags & HANDLE_FLAG_INHERIT != 0 && unsafe { SetHandleInformation(raw, HANDLE_FLAG_INHERIT, 0) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Whether a handle of this type can carry a semaphore, timeline or fence of a driver on this system: NT handles can. A
/// global share handle (KMT) holds no reference, cannot be duplicated, and means nothing to whoever closes it.
pub(crate) const fn carries_signals(handle_type: HandleType) -> bool {
    matches!(handle_type, HandleType::OpaqueWin32 | HandleType::D3d12Fence)
}

/// What is behind a handle that is about to be imported as a semaphore or fence.
pub(crate) struct Signals {
    pub(crate) id: Option<ObjectId>,
    /// What it is, if that is none on any driver.
    pub(crate) never: Option<&'static str>,
}

/// Look at what may carry a semaphore or fence: an object of the graphics kernel, or of a software driver's choice.
pub(crate) fn look_for_signals(handle: &Owned) -> Signals {
    let never = object::kind(handle.as_handle()).ok().and_then(|kind| match kind.as_str() {
        "Event" | "Semaphore" | "Timer" | "Mutant" | "Section" => None,
        other => object::never_shared(other),
    });
    Signals { id: None, never }
}

impl From<Owned> for OwnedHandle {
    fn from(handle: Owned) -> Self {
        Self(handle)
    }
}

impl From<OwnedHandle> for Owned {
    fn from(handle: OwnedHandle) -> Self {
        handle.0
    }
}

impl From<OwnedHandle> for Stdio {
    fn from(handle: OwnedHandle) -> Self {
        Self::from(handle.0)
    }
}

impl AsHandle for OwnedHandle {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}
