//! Sections backed by the paging file: memory whose size never changes, and handles that say who may write.
#![expect(unsafe_code, reason = "sections, and views of them")]

use std::io;
use std::ops::Deref;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle as Owned};
use std::ptr::{self, NonNull};

use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, GetLastError, HANDLE, INVALID_HANDLE_VALUE, NTSTATUS, SetLastError,
};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, OpenFileMappingW,
    PAGE_READWRITE, SEC_COMMIT, SECTION_MAP_READ, SECTION_MAP_WRITE, SECTION_QUERY, UnmapViewOfFile,
};

use super::security::{Descriptor, wide};
use super::{handle, object};
use crate::sys::span::Span;

/// Whether [`close_to_writers`] binds those who hold a handle already.
#[cfg(test)]
pub(crate) const CLOSING_BINDS_EVERYBODY: bool = false;

const PAGE: u64 = 4096;
const READER: u32 = SECTION_MAP_READ | SECTION_QUERY;
const WRITER: u32 = READER | SECTION_MAP_WRITE;

#[link(name = "ntdll", kind = "raw-dylib")]
unsafe extern "system" {
    fn NtQuerySection(section: HANDLE, class: i32, answer: *mut Basic, len: usize, returned: *mut usize) -> NTSTATUS;
}

/// `SECTION_BASIC_INFORMATION`, the answer to class 0.
#[repr(C)]
struct Basic {
    base: *mut std::ffi::c_void,
    attributes: u32,
    len: i64,
}

/// Bytes that an object created with `len` reports: whole pages.
pub(crate) fn object_len(len: u64) -> u64 {
    len.saturating_add(PAGE - 1) / PAGE * PAGE
}

/// Create a section of `len` bytes. Nobody can resize it, nor get more out of a handle to it than the handle allows.
pub(crate) fn create(len: u64) -> io::Result<Owned> {
    section(len, None, &Descriptor::nobody()?)
}

/// The same, and a handle with which nobody can map the section for writing, and from which nobody can make one that does.
pub(crate) fn create_with_reader(len: u64) -> io::Result<(Owned, Owned)> {
    let section = create(len)?;
    let reader = handle::reduce(section.as_handle(), READER)?;
    Ok((section, reader))
}

/// A section with a name that nobody has (`AlreadyExists` otherwise), by which this user may open it.
pub(crate) fn create_named(len: u64, name: &str) -> io::Result<(Owned, Name)> {
    Ok((section(len, Some(&Name::full(name)), &Descriptor::this_user()?)?, Name))
}

fn section(len: u64, name: Option<&str>, descriptor: &Descriptor) -> io::Result<Owned> {
    let attributes = descriptor.attributes();
    let name = name.map(wide);
    let name = name.as_ref().map_or(ptr::null(), Vec::as_ptr);
    let (high, low) = ((len >> 32) as u32, len as u32);
    // SAFETY: descriptor and name live through the call; the last error is this thread's, and a new handle is ours alone.
    let section = unsafe {
        SetLastError(0);
        let section = CreateFileMappingW(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE | SEC_COMMIT, high, low, name);
        let existed = GetLastError() == ERROR_ALREADY_EXISTS;
        let section = handle::new(section)?;
        if existed {
            return Err(io::Error::from_raw_os_error(ERROR_ALREADY_EXISTS.cast_signed()));
        }
        section
    };
    // Without the right to change who may do what, which a creator has.
    handle::reduce(section.as_handle(), WRITER)
}

/// A section's size is fixed from the start.
pub(crate) fn finish_seals(_: &Owned) -> io::Result<()> {
    Ok(())
}

/// What handles allow is settled when they are made; those that exist stay what they are.
pub(crate) fn close_to_writers(_: &Owned) -> io::Result<()> {
    Ok(())
}

/// Write the first bytes, through a mapping of its own.
pub(crate) fn fill(section: &Owned, bytes: &[u8]) -> io::Result<()> {
    Mapping::new(section, bytes.len(), true)?.write(0, bytes);
    Ok(())
}

/// The name of an object, within this session (`Local\`). The system forgets it with the last handle to the object; nothing is
/// to be removed.
#[derive(Debug)]
pub(crate) struct Name;

impl Name {
    fn full(name: &str) -> String {
        format!("Local\\gpushare-{name}")
    }

    /// Open the object that has this name.
    pub(crate) fn open(name: &str) -> io::Result<Owned> {
        let name = wide(&Self::full(name));
        // SAFETY: the name ends with a zero; a new handle is ours alone.
        unsafe { handle::new(OpenFileMappingW(WRITER, 0, name.as_ptr())) }
    }
}

/// What a handle stands for, as far as mapping it is concerned.
pub(crate) enum Object {
    /// A memory object.
    Memory {
        /// Its bytes, in whole pages.
        len: u64,
        /// Whether its size is fixed for ever and every page is there: a section that is backed by the paging file and
        /// committed.
        sealed: bool,
        /// Whether this handle lets nobody write.
        closed_to_writers: bool,
    },
    /// Anything else.
    Other {
        /// What.
        detail: String,
    },
}

fn query(section: BorrowedHandle<'_>) -> io::Result<Basic> {
    let mut basic = Basic { base: ptr::null_mut(), attributes: 0, len: 0 };
    // SAFETY: the structure is as long as said.
    object::check(unsafe {
        NtQuerySection(section.as_raw_handle() as HANDLE, 0, &mut basic, size_of::<Basic>(), ptr::null_mut())
    })?;
    Ok(basic)
}

/// Bytes of a section, in whole pages. An error for a handle that may not ask (`SECTION_QUERY`).
pub(super) fn len(section: BorrowedHandle<'_>) -> io::Result<u64> {
    Ok(u64::try_from(query(section)?.len).unwrap_or(0))
}

pub(crate) fn inspect(section: &Owned) -> io::Result<Object> {
    let kind = object::kind(section.as_handle())?;
    if kind != "Section" {
        return Ok(Object::Other { detail: format!("it is of type {kind}") });
    }
    let basic = query(section.as_handle())?;
    // A file on a disk that goes away, or a page that was only reserved, would make an access fault.
    const SEC_FILE: u32 = 0x0080_0000;
    Ok(Object::Memory {
        len: u64::try_from(basic.len).unwrap_or(0),
        sealed: basic.attributes & (SEC_COMMIT | SEC_FILE) == SEC_COMMIT,
        closed_to_writers: object::granted_access(section.as_handle())? & SECTION_MAP_WRITE == 0,
    })
}

/// A view of a whole section.
#[derive(Debug)]
pub(crate) struct Mapping(Span);

impl Mapping {
    /// Map the first `len` bytes, which the section has (the caller created or inspected it). A view without `writable` must
    /// not be written to.
    pub(crate) fn new(section: &Owned, len: usize, writable: bool) -> io::Result<Self> {
        let access = if writable { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ };
        // SAFETY: the kernel chooses an unused range, so that no existing mapping is touched.
        let start = unsafe { MapViewOfFile(section.as_raw_handle() as HANDLE, access, 0, 0, len) };
        let start = NonNull::new(start.Value.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self(Span::new(start, len)))
    }

    /// They need a privilege that programs do not have (`SeLockMemoryPrivilege`), and that before the section is created.
    pub(crate) fn ask_for_huge_pages(&self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "Windows gives large pages only to a process with a privilege for them"))
    }

    /// Have every page there before it is needed.
    pub(crate) fn touch(&self, _writable: bool) -> io::Result<()> {
        self.look_at_pages(PAGE as usize);
        Ok(())
    }
}

impl Deref for Mapping {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the view was mapped by `new`, is unmapped only here, and no reference into it exists.
        let unmapped = unsafe { UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: self.0.start().as_ptr().cast() }) };
        debug_assert!(unmapped != 0, "UnmapViewOfFile of a view that MapViewOfFile gave cannot fail");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

    use super::*;

    #[test]
    fn a_handle_that_only_reads_cannot_be_made_one_that_writes() {
        let (_writer, reader) = create_with_reader(64).unwrap();
        assert!(handle::reduce(reader.as_handle(), READER).is_ok());

        let widened = handle::reduce(reader.as_handle(), WRITER);

        assert_eq!(widened.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(Mapping::new(&reader, 64, true).is_err());
    }
}
