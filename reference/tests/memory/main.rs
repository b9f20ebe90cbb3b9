//! Shared memory: what is attached, what is refused, and that its size is fixed.
//!
//! On Linux alone: the objects are made with `memfd_create` and its seals, and `/proc` tells what was left open or mapped.
#![cfg(target_os = "linux")]

mod attaching;
mod bounds;
#[path = "../census/open_descriptors.rs"]
mod census;
mod naming;
#[path = "../objects/not_a_texture.rs"]
mod objects;
mod sealing;
