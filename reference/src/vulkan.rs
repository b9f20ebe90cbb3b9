//! The Vulkan backend: textures over opaque handles (file descriptors, on Windows NT handles) and dma-bufs, semaphores,
//! timelines and fences, on any driver.
//!
//! Ownership crosses with release and acquire barriers on `VK_QUEUE_FAMILY_EXTERNAL` (Vulkan, "Queue Family Ownership
//! Transfer"); a shared texture rests in `VK_IMAGE_LAYOUT_GENERAL`. Sizes, memory types and layouts come from the descriptor and
//! are checked against this device before the driver is asked.
//!
//! | module | holds |
//! | --- | --- |
//! | [`instance`] | the loader, the instance, its physical devices |
//! | [`capability`] | what a physical device can share, without creating a device |
//! | [`device`] | the logical device and its queue |
//! | [`texture`] | textures and the [`crate::Device`] contract |
//! | [`import`] | what is checked before an import, and who owns the handle after it |
//! | [`semaphore`], [`timeline`], [`fence`] | what orders work, of the driver |
//! | [`sync_capability`] | what a physical device says of sharing these |
//! | `payload` | their export and import, and who owns the handle after it |
//! | `held` | which payload a semaphore or fence has |
//! | `exports` | the handles of which a driver gives only one |
//! | `valid_usage` | which rule an operation would break |
//! | `submission`, `gate` | work on the queue: waiting until it is done, holding it back |
//! | `extensions` | the device extensions that are made use of where they are offered |
//! | `check` | whether the device can share such a texture |
//! | `answers` | what the physical device has said, asked once |
//! | `access` | writing and reading, through the staging buffer |
//! | `memory` | allocations: exportable, imported, plain |
//! | `image` | image creation and layout |
//! | `transfer` | barriers and copies |
//! | `multisample` | contents of multisampled textures |
//! | `staging` | the buffer between private memory and a texture |

mod access;
mod answers;
pub mod capability;
mod check;
pub mod device;
mod error;
mod exports;
mod extensions;
pub mod fence;
mod gate;
mod held;
mod image;
pub mod import;
pub mod instance;
mod memory;
mod multisample;
mod payload;
pub mod semaphore;
mod staging;
mod submission;
pub mod sync_capability;
pub mod texture;
pub mod timeline;
mod transfer;
mod valid_usage;

pub use device::VulkanDevice;
pub use fence::VulkanFence;
pub use import::RawImport;
pub use instance::{PhysicalDevice, VulkanInstance};
pub use payload::RawSync;
pub use semaphore::VulkanSemaphore;
pub use texture::VulkanTexture;
pub use timeline::VulkanTimeline;
