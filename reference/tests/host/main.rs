//! The host backend: round trips, refusals, limits.
//!
//! On Linux alone: handles that are refused are made with its calls, and `/proc` tells what was left open.
#![cfg(target_os = "linux")]

#[path = "../objects/any_spec.rs"]
mod any_spec;
#[path = "../census/open_descriptors.rs"]
mod census;
mod creating;
mod importing;
#[path = "../objects/not_a_texture.rs"]
mod objects;
mod round_trip;
