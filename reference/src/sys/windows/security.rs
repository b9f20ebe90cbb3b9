//! Who may open or widen what: security descriptors.
#![expect(unsafe_code, reason = "descriptors that the system allocates")]

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1};
use windows_sys::Win32::Security::{PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES};

/// Nobody: neither by name nor by widening a handle. Without a descriptor, an object without a name lets everybody who has a
/// read-only handle make a writable one of it.
pub(super) const NOBODY: &str = "D:P(A;;;;;OW)";
/// The owner, which is the user who runs this process.
pub(super) const OWNER: &str = "D:P(A;;GA;;;OW)";

/// A security descriptor in the system's memory.
pub(super) struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    /// From its text, in the security descriptor definition language.
    pub(super) fn new(text: &str) -> io::Result<Self> {
        let text = wide(text);
        let mut descriptor = ptr::null_mut();
        // SAFETY: the text ends with a zero; the result goes to a local.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &mut descriptor,
                ptr::null_mut(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(Self(descriptor)) }
    }

    /// For a call that creates an object, which copies it. Valid for as long as `self`.
    pub(super) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: allocated by the call in `new`, and freed once.
        unsafe { LocalFree(self.0) };
    }
}

/// Text as the system wants it: UTF-16, with a zero behind it.
pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
