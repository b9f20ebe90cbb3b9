//! The logical device: its queue, what every texture needs of it, and when it is given up.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ash::vk;

use crate::handle::HandleType;
use crate::sys::external_memory;
use crate::texture::TextureError;
use crate::vulkan::answers::Answers;
use crate::vulkan::error::vulkan;
use crate::vulkan::extensions::{self, Extensions};
use crate::vulkan::gate::Gate;
use crate::vulkan::instance::{PhysicalDevice, VulkanInstance};
use crate::vulkan::staging::Staging;

/// The logical device with what every texture needs; destroyed with the last of them.
pub(crate) struct Logical {
    pub(crate) raw: ash::Device,
    /// One thread at a time may submit.
    queue: Mutex<vk::Queue>,
    pub(crate) queue_family: u32,
    pub(crate) commands: vk::CommandBuffer,
    pub(crate) fence: vk::Fence,
    pub(crate) memory_types: vk::PhysicalDeviceMemoryProperties,
    pub(crate) external: external_memory::Functions,
    pub(crate) extensions: Extensions,
    /// Unsignalled, and referred to by no work.
    pub(super) spare_fences: Mutex<Vec<vk::Fence>>,
    /// Whether the queue family has graphics: depth, stencil and resolves ask for it.
    pub(crate) graphics: bool,
    pool: vk::CommandPool,
    /// Set once work did not finish: what it uses may never be destroyed.
    hung: AtomicBool,
    pub(super) physical: PhysicalDevice,
    pub(super) answers: Answers,
}

impl Logical {
    pub(super) fn usable(&self) -> Result<(), TextureError> {
        if self.hung.load(Ordering::Relaxed) {
            Err(TextureError::DeviceLost { what: "earlier work that never finished" })
        } else {
            Ok(())
        }
    }

    /// Work did not finish: from now on nothing of this device is used or destroyed.
    pub(super) fn give_up(&self) {
        self.hung.store(true, Ordering::Relaxed);
    }

    /// `vkQueueSubmit`.
    ///
    /// # Safety
    /// The work is valid, and what it refers to lives until it is done; the fence is unsignalled and not in use.
    pub(super) unsafe fn queue_submit(&self, work: &[vk::SubmitInfo<'_>], fence: vk::Fence) -> Result<(), vk::Result> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the caller's promise; the lock keeps other threads from the queue.
        unsafe { self.raw.queue_submit(*queue, work, fence) }
    }

    /// The queue family that owns a texture outside of this process: a dma-buf may be with another driver.
    pub(super) fn outside(&self, handle_type: HandleType) -> u32 {
        let foreign = self.physical.has_extension(ash::ext::queue_family_foreign::NAME);
        if handle_type == HandleType::DmaBuf && foreign { vk::QUEUE_FAMILY_FOREIGN_EXT } else { vk::QUEUE_FAMILY_EXTERNAL }
    }

    /// Whether objects of this device may be destroyed.
    pub(crate) fn idle(&self) -> bool {
        !self.hung.load(Ordering::Relaxed)
    }
}

impl Drop for Logical {
    fn drop(&mut self) {
        if !self.idle() {
            return;
        }
        // SAFETY: every texture, block and staging buffer holds an `Arc` of this device, so none is left; every submission was
        // waited for.
        unsafe {
            for fence in self.spare_fences.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
                self.raw.destroy_fence(fence, None);
            }
            self.raw.destroy_fence(self.fence, None);
            self.raw.destroy_command_pool(self.pool, None);
            self.raw.destroy_device(None);
        }
    }
}

/// One Vulkan device that can share memory.
pub struct VulkanDevice {
    /// Dropped before `logical`; the lock also serialises the command buffer.
    pub(super) staging: Mutex<Option<Staging>>,
    /// What holds the queue back, while the gate is closed; dropped before `logical`, which opens it.
    pub(super) gate: Mutex<Option<Gate>>,
    pub(super) logical: Arc<Logical>,
}

impl VulkanDevice {
    /// The physical device with this index, through the loader as the environment configures it.
    ///
    /// # Errors
    /// [`TextureError::Unsupported`] without such a device or without its memory extension, [`TextureError::Vulkan`].
    pub fn open(index: usize) -> Result<Self, TextureError> {
        let mut devices = VulkanInstance::new()?.physical_devices()?;
        if index >= devices.len() {
            return Err(TextureError::Unsupported {
                what: format!("device {index}: the driver has {} devices", devices.len()),
            });
        }
        Self::new(devices.swap_remove(index))
    }

    /// A logical device on `physical`, with one queue that can copy.
    ///
    /// # Errors
    /// As [`VulkanDevice::open`].
    pub fn new(physical: PhysicalDevice) -> Result<Self, TextureError> {
        if !physical.has_extension(external_memory::EXTENSION) {
            let what = format!("sharing memory: {} is not offered", external_memory::EXTENSION.to_string_lossy());
            return Err(TextureError::Unsupported { what });
        }
        let instance = physical.instance.clone();
        let (queue_family, graphics) = copying_family(&physical)?;
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(queue_family).queue_priorities(&[1.0])];
        let names = std::iter::once(external_memory::EXTENSION).chain(extensions::enabled(&physical));
        let names: Vec<_> = names.map(std::ffi::CStr::as_ptr).collect();
        let features = physical.features();
        let mut ycbcr =
            vk::PhysicalDeviceSamplerYcbcrConversionFeatures::default().sampler_ycbcr_conversion(features.ycbcr_conversion);
        let mut timelines = vk::PhysicalDeviceTimelineSemaphoreFeatures::default().timeline_semaphore(true);
        let mut info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&names)
            .enabled_features(&features.compression)
            .push_next(&mut ycbcr);
        if physical.timelines().is_some() {
            info = info.push_next(&mut timelines);
        }
        // SAFETY: the queue family, the extensions and the features exist, `info` lives through the call.
        let raw = unsafe { instance.raw().create_device(physical.handle, &info, None) }.map_err(vulkan("vkCreateDevice"))?;
        let external = external_memory::functions(instance.raw(), &raw);
        let extensions = Extensions::load(&physical, &raw);
        // SAFETY: the physical device is of this instance.
        let memory_types = unsafe { instance.raw().get_physical_device_memory_properties(physical.handle) };
        match queue_objects(&raw, queue_family) {
            Ok((pool, commands, fence)) => {
                // SAFETY: the device was created with one queue of this family.
                let queue = Mutex::new(unsafe { raw.get_device_queue(queue_family, 0) });
                let logical = Logical {
                    raw,
                    queue,
                    queue_family,
                    commands,
                    fence,
                    memory_types,
                    external,
                    extensions,
                    graphics,
                    spare_fences: Mutex::default(),
                    pool,
                    hung: AtomicBool::new(false),
                    physical,
                    answers: Answers::default(),
                };
                Ok(Self { staging: Mutex::new(None), gate: Mutex::new(None), logical: Arc::new(logical) })
            }
            Err(error) => {
                // SAFETY: nothing made from the device is left.
                unsafe { raw.destroy_device(None) };
                Err(error)
            }
        }
    }

    /// The physical device.
    #[must_use]
    pub fn physical(&self) -> &PhysicalDevice {
        &self.logical.physical
    }
}

/// A family that can copy, with graphics where there is one: a graphics or compute queue copies with any offset and granularity, a
/// transfer queue need not.
fn copying_family(physical: &PhysicalDevice) -> Result<(u32, bool), TextureError> {
    // SAFETY: the physical device is of this instance.
    let families = unsafe { physical.instance.raw().get_physical_device_queue_family_properties(physical.handle) };
    let having = |flags| (0u32..).zip(&families).find(|(_, family)| family.queue_flags.contains(flags)).map(|(index, _)| index);
    let graphics = having(vk::QueueFlags::GRAPHICS).map(|index| (index, true));
    graphics
        .or_else(|| having(vk::QueueFlags::COMPUTE).map(|index| (index, false)))
        .ok_or_else(|| TextureError::Unsupported { what: "a graphics or compute queue".into() })
}

fn queue_objects(raw: &ash::Device, family: u32) -> Result<(vk::CommandPool, vk::CommandBuffer, vk::Fence), TextureError> {
    let flags = vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER;
    let pool_info = vk::CommandPoolCreateInfo::default().flags(flags).queue_family_index(family);
    // SAFETY: the device was created with this queue family; the infos live through the calls.
    unsafe {
        let pool = raw.create_command_pool(&pool_info, None).map_err(vulkan("vkCreateCommandPool"))?;
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        let made = raw.allocate_command_buffers(&info).map_err(vulkan("vkAllocateCommandBuffers")).and_then(|commands| {
            let fence = raw.create_fence(&vk::FenceCreateInfo::default(), None).map_err(vulkan("vkCreateFence"))?;
            let first = commands.first().copied();
            first
                .map(|commands| (pool, commands, fence))
                .ok_or_else(|| TextureError::Driver { what: "no command buffer".into() })
        });
        if made.is_err() {
            raw.destroy_command_pool(pool, None);
        }
        made
    }
}
