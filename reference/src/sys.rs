//! The only place with operating-system code. Each folder offers the same items; a new system is a new folder.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub(crate) use windows::*;

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
mod stub;
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
pub(crate) use stub::*;

/// What Linux and macOS have in common.
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod unix;

#[cfg(not(any(target_os = "linux", target_os = "windows")))]
pub(crate) mod no_external_memory;

/// Of processors rather than systems.
pub(crate) mod cache;

#[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
mod span;
