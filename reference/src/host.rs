//! The host backend: textures in shared memory and what orders access to them, with the contract of a GPU and without one.
//!
//! It is what runs where no driver is, and the semantics that other backends are compared with.

mod device;
mod fence;
mod gate;
mod payload;
mod semaphore;
mod timeline;

pub use device::{HostDevice, HostTexture};
pub use fence::HostFence;
pub use semaphore::HostSemaphore;
pub use timeline::HostTimeline;
