//! Surviving the signal that interrupts a wait.
#![expect(unsafe_code, reason = "a signal handler has no safe form")]

use std::io;

/// A signal that is sent to interrupt ends a wait and not the process. Without `SA_RESTART`, so that the wait does end.
pub(crate) fn survive_interruptions() -> io::Result<()> {
    extern "C" fn nothing(_: libc::c_int) {}
    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    // SAFETY: the handler does nothing, which is safe in a signal handler, and the structure outlives the call.
    match unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
