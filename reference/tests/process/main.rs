//! Channels where the whole process is short of something or would be killed.
//!
//! On Linux alone: limits on descriptors, signals and options of sockets are Unix's.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "signals and socket options that are set through C")]

#[path = "../census/open_descriptors.rs"]
mod census;
mod descriptor_limit;
mod peer_option;
mod signal;
