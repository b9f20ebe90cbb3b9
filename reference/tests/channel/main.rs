//! Channels: what arrives, what does not, and what a hostile peer can do.
//!
//! On Linux alone: the peer is a bare Unix socket, and `/proc` tells what was left open. `processes` has channels of each system.
#![cfg(target_os = "linux")]

#[path = "../census/open_descriptors.rs"]
mod census;
mod delivery;
mod hostile;
mod listener;
mod opening;
mod raw;
mod sending;
mod waiting;
