//! Channels: what arrives, what does not, and what a hostile peer can do.

#[path = "../census/open_descriptors.rs"]
mod census;
mod delivery;
mod hostile;
mod listener;
mod opening;
mod raw;
mod sending;
mod waiting;
