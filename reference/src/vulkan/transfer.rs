//! Copies between a texture and private memory, with ownership acquired before and released after.
#![expect(unsafe_code, reason = "Vulkan calls; the staging buffer's mapped memory")]

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use ash::vk;

use crate::texture::{TextureError, TextureSpec};
use crate::vulkan::device::Logical;
use crate::vulkan::error::vulkan;
use crate::vulkan::image::whole;
use crate::vulkan::memory::{Block, Wanted, choose_type};

/// How long a copy may take before it counts as hung.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Who owns a texture between two operations of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Created here, never used: contents and layout are undefined.
    Fresh,
    /// Owned by this queue family, in `GENERAL`; never shared.
    Local,
    /// Released to `VK_QUEUE_FAMILY_EXTERNAL` in `GENERAL`.
    Released,
}

/// What to do with a texture between acquire and release.
pub(crate) enum Work {
    /// Nothing: only release it to the outside.
    Release,
    /// Copy the staging buffer into it.
    Write,
    /// Copy it into the staging buffer.
    Read,
}

/// A host-visible buffer that stays mapped.
pub(crate) struct Staging {
    buffer: vk::Buffer,
    block: Block,
    start: *mut u8,
    bytes: u64,
    device: Arc<Logical>,
}

// SAFETY: the mapping belongs to the process; access goes through `&mut self` or `&self` and is never concurrent with a copy,
// because every copy is waited for.
unsafe impl Send for Staging {}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.device.idle() {
            // SAFETY: no copy is under way (each was waited for); the memory is unmapped by being freed with `block` afterwards.
            unsafe { self.device.raw.destroy_buffer(self.buffer, None) }
        }
    }
}

impl Staging {
    pub(crate) fn new(device: &Arc<Logical>, bytes: u64) -> Result<Self, TextureError> {
        let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
        let info = vk::BufferCreateInfo::default().size(bytes).usage(usage).sharing_mode(vk::SharingMode::EXCLUSIVE);
        // SAFETY: `info` lives through the call.
        let buffer = unsafe { device.raw.create_buffer(&info, None) }.map_err(vulkan("vkCreateBuffer"))?;
        match Self::bind(device, buffer) {
            Ok((block, start)) => Ok(Self { buffer, block, start, bytes, device: Arc::clone(device) }),
            Err(error) => {
                // SAFETY: the buffer was made above and is used by nobody.
                unsafe { device.raw.destroy_buffer(buffer, None) };
                Err(error)
            }
        }
    }

    fn bind(device: &Arc<Logical>, buffer: vk::Buffer) -> Result<(Block, *mut u8), TextureError> {
        // SAFETY: the buffer is of this device.
        let needs = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
        // Coherent, so that no flush is needed; cached, because the host reads back what it copied out.
        let must = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let wish = vk::MemoryPropertyFlags::HOST_CACHED;
        let type_index = choose_type(&device.memory_types, needs.memory_type_bits, must, wish)?;
        let block = Wanted { size: needs.size, type_index, dedicated: None }.allocate(device, false)?;
        // SAFETY: the memory is as large as required, of an allowed type, and not bound to anything else.
        unsafe { device.raw.bind_buffer_memory(buffer, block.memory, 0) }.map_err(vulkan("vkBindBufferMemory"))?;
        // SAFETY: the memory is host-visible and not mapped yet.
        let start = unsafe { device.raw.map_memory(block.memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()) }
            .map_err(vulkan("vkMapMemory"))?;
        Ok((block, start.cast()))
    }

    pub(crate) fn holds(&self, bytes: u64) -> bool {
        bytes <= self.bytes
    }

    /// The first `bytes`, for the host to write.
    pub(crate) fn texels_mut(&mut self, bytes: u64) -> &mut [u8] {
        debug_assert!(self.holds(bytes) && self.bytes <= self.block.size);
        // SAFETY: the mapping has `self.bytes` bytes and lives as long as self; no copy is under way.
        unsafe { slice::from_raw_parts_mut(self.start, bytes.min(self.bytes) as usize) }
    }

    /// The first `bytes`, for the host to read.
    pub(crate) fn texels(&self, bytes: u64) -> &[u8] {
        debug_assert!(self.holds(bytes));
        // SAFETY: as in `texels_mut`.
        unsafe { slice::from_raw_parts(self.start, bytes.min(self.bytes) as usize) }
    }
}

/// Acquire the texture, do the work, put it where `after` says, and wait until all of that is done.
pub(crate) fn perform(
    device: &Logical,
    image: vk::Image,
    spec: &TextureSpec,
    work: &Work,
    (before, after): (Ownership, Ownership),
    staging: Option<&Staging>,
) -> Result<(), TextureError> {
    let raw = &device.raw;
    let begin = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
    // SAFETY: the caller holds the device's lock, so the command buffer is recorded by one thread and not pending; all handles are
    // of this device; the recorded commands are valid for the image's usage and the buffer's size.
    unsafe {
        raw.begin_command_buffer(device.commands, &begin).map_err(vulkan("vkBeginCommandBuffer"))?;
        acquire(device, image, spec, before);
        if let Some(staging) = staging {
            copy(device, image, spec, work, staging.buffer);
        }
        release(device, image, spec, after);
        raw.end_command_buffer(device.commands).map_err(vulkan("vkEndCommandBuffer"))?;
    }
    submit_and_wait(device)
}

fn submit_and_wait(device: &Logical) -> Result<(), TextureError> {
    let raw = &device.raw;
    let commands = [device.commands];
    let submit = [vk::SubmitInfo::default().command_buffers(&commands)];
    let limit = u64::try_from(LIMIT.as_nanos()).unwrap_or(u64::MAX);
    // SAFETY: the fence is unsignalled and not in use, the command buffer is executable.
    unsafe {
        device.queue_submit(&submit, device.fence).map_err(vulkan("vkQueueSubmit"))?;
        match raw.wait_for_fences(&[device.fence], true, limit) {
            Ok(()) => {}
            Err(vk::Result::TIMEOUT) => {
                let millis = u64::try_from(LIMIT.as_millis()).unwrap_or(u64::MAX);
                return Err(TextureError::Timeout { what: "a copy", millis });
            }
            Err(error) => return Err(vulkan("vkWaitForFences")(error)),
        }
        raw.reset_fences(&[device.fence]).map_err(vulkan("vkResetFences"))
    }
}

fn barrier(image: vk::Image, spec: &TextureSpec) -> vk::ImageMemoryBarrier<'static> {
    vk::ImageMemoryBarrier::default()
        .image(image)
        .subresource_range(whole(spec))
        .new_layout(vk::ImageLayout::GENERAL)
        .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
}

/// Record the way in: from the outside where it was released, from undefined contents where it is fresh.
unsafe fn acquire(device: &Logical, image: vk::Image, spec: &TextureSpec, before: Ownership) {
    let access = vk::AccessFlags::TRANSFER_READ | vk::AccessFlags::TRANSFER_WRITE;
    let base = barrier(image, spec).dst_access_mask(access);
    let acquire = match before {
        Ownership::Fresh => base.old_layout(vk::ImageLayout::UNDEFINED),
        Ownership::Local => base.old_layout(vk::ImageLayout::GENERAL).src_access_mask(access),
        Ownership::Released => base
            .old_layout(vk::ImageLayout::GENERAL)
            .src_queue_family_index(vk::QUEUE_FAMILY_EXTERNAL)
            .dst_queue_family_index(device.queue_family),
    };
    // SAFETY: the caller records into a command buffer of this device in the recording state.
    unsafe { pipeline_barrier(device, vk::PipelineStageFlags::TRANSFER, acquire) }
}

/// Record the way out: to the outside, which keeps the contents, or to where the host and later commands see it.
unsafe fn release(device: &Logical, image: vk::Image, spec: &TextureSpec, after: Ownership) {
    let access = vk::AccessFlags::TRANSFER_READ | vk::AccessFlags::TRANSFER_WRITE;
    let base = barrier(image, spec).old_layout(vk::ImageLayout::GENERAL).src_access_mask(access);
    let release = match after {
        Ownership::Released => {
            base.src_queue_family_index(device.queue_family).dst_queue_family_index(vk::QUEUE_FAMILY_EXTERNAL)
        }
        Ownership::Fresh | Ownership::Local => base.dst_access_mask(access),
    };
    // SAFETY: as in `acquire`.
    unsafe { pipeline_barrier(device, vk::PipelineStageFlags::ALL_COMMANDS, release) }
}

unsafe fn pipeline_barrier(device: &Logical, until: vk::PipelineStageFlags, barrier: vk::ImageMemoryBarrier<'_>) {
    let from = vk::PipelineStageFlags::TRANSFER;
    let none = vk::DependencyFlags::empty();
    // SAFETY: the caller's promise; the barrier's image and queue families are of this device.
    unsafe { device.raw.cmd_pipeline_barrier(device.commands, from, until, none, &[], &[], &[barrier]) }
}

/// Record the copy, and for a read the barrier that lets the host see it.
unsafe fn copy(device: &Logical, image: vk::Image, spec: &TextureSpec, work: &Work, buffer: vk::Buffer) {
    let layers = vk::ImageSubresourceLayers {
        aspect_mask: vk::ImageAspectFlags::COLOR,
        mip_level: 0,
        base_array_layer: 0,
        layer_count: spec.layers,
    };
    let extent = vk::Extent3D { width: spec.width, height: spec.height, depth: 1 };
    let region = [vk::BufferImageCopy::default().image_subresource(layers).image_extent(extent)];
    let layout = vk::ImageLayout::GENERAL;
    // SAFETY: the caller records; the buffer holds all texels tightly packed, the image has the transfer usages and is in `GENERAL`.
    unsafe {
        match work {
            Work::Release => {}
            Work::Write => device.raw.cmd_copy_buffer_to_image(device.commands, buffer, image, layout, &region),
            Work::Read => {
                device.raw.cmd_copy_image_to_buffer(device.commands, image, layout, buffer, &region);
                let to_host = vk::BufferMemoryBarrier::default()
                    .buffer(buffer)
                    .size(vk::WHOLE_SIZE)
                    .src_access_mask(vk::AccessFlags::TRANSFER_WRITE)
                    .dst_access_mask(vk::AccessFlags::HOST_READ)
                    .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                    .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED);
                let (from, until) = (vk::PipelineStageFlags::TRANSFER, vk::PipelineStageFlags::HOST);
                device.raw.cmd_pipeline_barrier(
                    device.commands,
                    from,
                    until,
                    vk::DependencyFlags::empty(),
                    &[],
                    &[to_host],
                    &[],
                );
            }
        }
    }
}
