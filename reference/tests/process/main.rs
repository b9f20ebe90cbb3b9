//! Channels where the whole process is short of something or would be killed.
#![expect(unsafe_code, reason = "signals and socket options that are set through C")]

#[path = "../census/open_descriptors.rs"]
mod census;
mod descriptor_limit;
mod peer_option;
mod signal;
