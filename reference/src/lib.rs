//! Sharing textures, and what orders access to them, between processes: the whole way from allocation to the other side's texels.
//!
//! What this crate guarantees:
//!
//! - A handle is an owned type and is closed exactly once. Importing consumes it only on success; a refusal
//!   gives it back (see [`Refused`]).
//! - Whatever a peer sends (a descriptor, a handle, a message) can cause an error, never undefined behaviour,
//!   a panic, a hang past the deadline, or a leaked handle. What a driver does with a handle that looks right and is not,
//!   the library cannot prevent; `docs/results/findings.md` lists what drivers do.
//! - Every descriptor created or received is close-on-exec.
//! - Sizes, layouts and identities travel in a validated [`TextureDescriptor`]; none is guessed from a handle.
//!
//! The map:
//!
//! | module | holds |
//! | --- | --- |
//! | [`handle`] | [`OwnedHandle`] and [`HandleType`] |
//! | [`mod@format`], [`texture`] | texel formats, what a texture is, the [`Device`] contract every backend meets |
//! | [`descriptor`] | what travels beside a handle; parsing is validation |
//! | [`batch`] | many textures in one message |
//! | [`channel`] | messages with handles beside them, between two processes |
//! | [`semaphore`], [`timeline`], [`fence`] | what orders work: the contracts, and a timeline that needs no driver |
//! | [`sync`] | what these have in common: handles, descriptors, permanence, errors |
//! | [`shm`] | sealed shared memory |
//! | [`ring`] | messages between two processes, through shared memory |
//! | [`stream`] | bytes between two processes, in both directions |
//! | [`waiter`] | waiting for another process, and waking it |
//! | [`async_receiver`] | receiving from a ring or a stream as a future |
//! | [`meter`] | counts and rates of rings and streams |
//! | [`frames`] | textures that go round between a producer and its consumers |
//! | [`worker`] | threads that stop within a deadline |
//! | [`host`] | the backend without a GPU: textures and what orders them in shared memory |
//! | [`vulkan`] | the Vulkan backend: textures, semaphores, timelines and fences of a driver |
//! | [`pattern`] | test pictures in which every kind of mistake looks different |
//! | [`deadline`] | how long an operation may take |
//!
//! ```
//! use gpushare::{host::HostDevice, Device, Format, TextureSpec};
//!
//! let device = HostDevice::new();
//! let mut texture = device.create_texture(&TextureSpec::new(Format::R8G8B8A8Unorm, 64, 64))?;
//! device.write(&mut texture, &mut |texels| texels.fill(7))?;
//! let (descriptor, handle) = device.export_texture(&mut texture)?;
//! // … descriptor and handle cross to another process through a `Channel` …
//! let mut imported = device.import_texture(&descriptor, handle)?;
//! device.read(&mut imported, &mut |texels| assert!(texels.iter().all(|&byte| byte == 7)))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod async_receiver;
pub mod batch;
pub mod channel;
pub mod deadline;
pub mod descriptor;
pub mod fence;
pub mod format;
pub mod frames;
pub mod handle;
pub mod host;
pub mod identity;
pub mod meter;
pub mod pattern;
pub mod ring;
pub mod semaphore;
pub mod shm;
mod spec;
pub mod stream;
pub mod sync;
mod sys;
pub mod texture;
pub mod timeline;
pub mod vulkan;
pub mod waiter;
pub mod worker;

pub use async_receiver::AsyncReceiver;
pub use batch::{Batch, BatchRefused};
pub use channel::{Channel, ChannelError, Message};
pub use deadline::Deadline;
pub use descriptor::{DescriptorError, TextureDescriptor};
pub use fence::Fences;
pub use format::Format;
pub use handle::{HandleType, OwnedHandle};
pub use identity::{Api, Identity, Uuid};
pub use pattern::Pattern;
pub use semaphore::Semaphores;
pub use shm::{SharedMemory, SharedMemoryError};
pub use stream::{Stream, StreamError, StreamOffer};
pub use sync::{Permanence, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, Synchronisation};
pub use texture::{
    Creation, Device, Dimension, Part, Placement, Refused, Subresource, TextureError, TextureSpec, Tiling, Usage,
};
pub use timeline::{SharedTimeline, Side, Timelines, Which};
pub use waiter::{Patience, Peer, Wait};
