//! The Vulkan backend: textures over opaque file descriptors, on any driver.
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
//! | `memory` | allocations: exportable, imported, plain |
//! | `image` | image creation and layout |
//! | `transfer` | barriers, copies, the staging buffer |

pub mod capability;
pub mod device;
mod error;
mod image;
pub mod import;
pub mod instance;
mod memory;
pub mod texture;
mod transfer;

pub use device::VulkanDevice;
pub use import::RawImport;
pub use instance::{PhysicalDevice, VulkanInstance};
pub use texture::VulkanTexture;
