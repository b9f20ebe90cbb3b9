//! What the tests ask of the operating system.

/// What it calls a handle that is closed when it goes.
#[cfg(unix)]
pub(crate) use std::os::fd::OwnedFd as OfSystem;
#[cfg(windows)]
pub(crate) use std::os::windows::io::OwnedHandle as OfSystem;
