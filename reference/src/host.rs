//! The host backend: textures in shared memory, with the contract of a GPU and without one.
//!
//! It is what runs where no driver is, and the semantics that other backends are compared with.

mod device;

pub use device::{HostDevice, HostTexture};
