//! Who may open or widen what: security descriptors.
#![expect(unsafe_code, reason = "descriptors that the system allocates")]

use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// A security descriptor in the system's memory.
pub(super) struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    /// The user who runs this process, and nobody else.
    pub(super) fn this_user() -> io::Result<Self> {
        Self::new(&format!("D:P(A;;GA;;;{})", this_user()?))
    }

    /// Nobody can open or widen a handle. Without a descriptor, an object without a name lets everybody who has a read-only
    /// handle make a writable one of it. The entry takes from the owner what owners may do otherwise: change the descriptor.
    pub(super) fn nobody() -> io::Result<Self> {
        Self::new("D:P(A;;;;;OW)")
    }

    /// From its text, in the security descriptor definition language.
    fn new(text: &str) -> io::Result<Self> {
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

/// The security identifier of the user who runs this process, as text.
fn this_user() -> io::Result<String> {
    let mut token = ptr::null_mut();
    // `TOKEN_USER` and the identifier that it points to, which has 68 bytes at most.
    let mut answer = [0u64; 16];
    let mut needed = 0;
    // SAFETY: results go to locals that are as long as said; the token is open until it is dropped; the identifier lies in
    // `answer`, and its text, which ends with a zero, is the system's until it is freed.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) == 0 {
            return Err(io::Error::last_os_error());
        }
        let token = super::handle::new(token)?;
        let raw = token.as_raw_handle() as HANDLE;
        let len = size_of_val(&answer) as u32;
        if GetTokenInformation(raw, TokenUser, answer.as_mut_ptr().cast(), len, &mut needed) == 0 {
            return Err(io::Error::last_os_error());
        }
        let user = answer.as_ptr().cast::<TOKEN_USER>().read();
        let mut text = ptr::null_mut();
        if ConvertSidToStringSidW(user.User.Sid, &mut text) == 0 {
            return Err(io::Error::last_os_error());
        }
        let len = (0..).take_while(|at| *text.add(*at) != 0).count();
        let user = String::from_utf16_lossy(std::slice::from_raw_parts(text, len));
        LocalFree(text.cast());
        Ok(user)
    }
}

/// Text as the system wants it: UTF-16, with a zero behind it.
pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
