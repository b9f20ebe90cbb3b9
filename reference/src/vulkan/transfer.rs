//! Work on a texture on the device, with ownership acquired before and released after.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::time::Duration;

use ash::vk;

use crate::format::Aspect;
use crate::spec::{Dimension, Part, Subresource, TextureSpec};
use crate::texture::TextureError;
use crate::vulkan::device::Logical;
use crate::vulkan::error::vulkan;
use crate::vulkan::image::{vk_aspect, whole};
use crate::vulkan::multisample::{self, Clear, Resolved};

/// How long a copy may take before it counts as hung.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Who owns a texture between two operations of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Created here, never used: contents and layout are undefined.
    Fresh,
    /// Owned by this queue family, in `GENERAL`; never shared.
    Local,
    /// Released to the outside in `GENERAL`.
    Released,
}

/// What to do with a texture between acquire and release.
pub(crate) enum Work<'work> {
    /// Nothing: only release it to the outside.
    Release,
    /// Copy the staging buffer into it.
    Write(vk::Buffer, &'work [vk::BufferImageCopy]),
    /// Copy it into the staging buffer.
    Read(vk::Buffer, &'work [vk::BufferImageCopy]),
    /// Clear layers of a multisampled texture.
    Clear(&'work [Clear]),
    /// Resolve a multisampled texture, and copy that into the staging buffer.
    Resolve(&'work Resolved, vk::Buffer, &'work [vk::BufferImageCopy]),
}

/// The texture that work is done on, and the queue family that owns it outside of this process.
pub(crate) struct Target<'texture> {
    pub(crate) image: vk::Image,
    pub(crate) spec: &'texture TextureSpec,
    pub(crate) outside: u32,
}

/// The copies between a buffer that holds all of a texture, packed, and the texture.
pub(crate) fn all_regions(spec: &TextureSpec) -> Vec<vk::BufferImageCopy> {
    let all = |part: Part| {
        let (layers, depth) = if spec.dimension == Dimension::D3 { (1, part.slices) } else { (part.slices, 1) };
        region(spec, &part, (0, layers), (0, depth)).buffer_offset(part.offset)
    };
    spec.parts().map(all).collect()
}

/// The copy between a buffer that holds one subresource and the texture.
pub(crate) fn one_region(spec: &TextureSpec, part: &Part, subresource: Subresource) -> vk::BufferImageCopy {
    let slice = subresource.slice;
    if spec.dimension == Dimension::D3 {
        region(spec, part, (0, 1), (slice, 1))
    } else {
        region(spec, part, (slice, 1), (0, 1))
    }
}

fn region(spec: &TextureSpec, part: &Part, (layer, layers): (u32, u32), (slice, slices): (u32, u32)) -> vk::BufferImageCopy {
    let aspect = spec.format.planes().get(part.plane as usize).map_or(Aspect::Color, |plane| plane.aspect);
    let subresource = vk::ImageSubresourceLayers {
        aspect_mask: vk_aspect(aspect),
        mip_level: part.level,
        base_array_layer: layer,
        layer_count: layers,
    };
    vk::BufferImageCopy::default()
        .image_subresource(subresource)
        .image_offset(vk::Offset3D { x: 0, y: 0, z: i32::try_from(slice).unwrap_or(i32::MAX) })
        .image_extent(vk::Extent3D { width: part.extent.0, height: part.extent.1, depth: slices })
}

/// Acquire the texture, do the work, put it where `after` says, and wait until all of that is done.
pub(crate) fn perform(
    device: &Logical,
    target: &Target<'_>,
    work: &Work<'_>,
    (before, after): (Ownership, Ownership),
) -> Result<(), TextureError> {
    let raw = &device.raw;
    let begin = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
    // SAFETY: the caller holds the device's lock, so the command buffer is recorded by one thread and not pending; all handles are
    // of this device; the recorded commands are valid for the image's usage and the buffer's size.
    unsafe {
        raw.begin_command_buffer(device.commands, &begin).map_err(vulkan("vkBeginCommandBuffer"))?;
        acquire(device, target, before);
        record(device, target, work);
        release(device, target, after);
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

fn barrier(target: &Target<'_>) -> vk::ImageMemoryBarrier<'static> {
    vk::ImageMemoryBarrier::default()
        .image(target.image)
        .subresource_range(whole(target.spec))
        .new_layout(vk::ImageLayout::GENERAL)
        .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
}

/// Record the way in: from the outside where it was released, from undefined contents where it is fresh.
unsafe fn acquire(device: &Logical, target: &Target<'_>, before: Ownership) {
    let access = vk::AccessFlags::TRANSFER_READ | vk::AccessFlags::TRANSFER_WRITE;
    let base = barrier(target).dst_access_mask(access);
    let acquire = match before {
        Ownership::Fresh => base.old_layout(vk::ImageLayout::UNDEFINED),
        Ownership::Local => base.old_layout(vk::ImageLayout::GENERAL).src_access_mask(access),
        Ownership::Released => base
            .old_layout(vk::ImageLayout::GENERAL)
            .src_queue_family_index(target.outside)
            .dst_queue_family_index(device.queue_family),
    };
    // SAFETY: the caller records into a command buffer of this device in the recording state.
    unsafe { pipeline_barrier(device, vk::PipelineStageFlags::TRANSFER, acquire) }
}

/// Record the way out: to the outside, which keeps the contents, or to where the host and later commands see it.
unsafe fn release(device: &Logical, target: &Target<'_>, after: Ownership) {
    let access = vk::AccessFlags::TRANSFER_READ | vk::AccessFlags::TRANSFER_WRITE;
    let base = barrier(target).old_layout(vk::ImageLayout::GENERAL).src_access_mask(access);
    let release = match after {
        Ownership::Released => base.src_queue_family_index(device.queue_family).dst_queue_family_index(target.outside),
        Ownership::Fresh | Ownership::Local => base.dst_access_mask(access),
    };
    // SAFETY: as in `acquire`.
    unsafe { pipeline_barrier(device, vk::PipelineStageFlags::ALL_COMMANDS, release) }
}

pub(super) unsafe fn pipeline_barrier(device: &Logical, until: vk::PipelineStageFlags, barrier: vk::ImageMemoryBarrier<'_>) {
    let from = vk::PipelineStageFlags::TRANSFER;
    let none = vk::DependencyFlags::empty();
    // SAFETY: the caller's promise; the barrier's image and queue families are of this device.
    unsafe { device.raw.cmd_pipeline_barrier(device.commands, from, until, none, &[], &[], &[barrier]) }
}

/// Record the work itself.
unsafe fn record(device: &Logical, target: &Target<'_>, work: &Work<'_>) {
    let layout = vk::ImageLayout::GENERAL;
    // SAFETY: the caller records; the buffer holds what the regions name, the image has the transfer usages and is in `GENERAL`.
    unsafe {
        match *work {
            Work::Release => {}
            Work::Write(buffer, regions) => {
                device.raw.cmd_copy_buffer_to_image(device.commands, buffer, target.image, layout, regions);
            }
            Work::Read(buffer, regions) => copy_out(device, target.image, buffer, regions),
            Work::Clear(clears) => multisample::clear(device, target.image, clears),
            Work::Resolve(resolved, buffer, regions) => {
                multisample::resolve(device, target, resolved);
                copy_out(device, resolved.image(), buffer, regions);
            }
        }
    }
}

/// Record the copy out of an image in `GENERAL`, and the barrier that lets the host see it.
unsafe fn copy_out(device: &Logical, image: vk::Image, buffer: vk::Buffer, regions: &[vk::BufferImageCopy]) {
    let to_host = vk::BufferMemoryBarrier::default()
        .buffer(buffer)
        .size(vk::WHOLE_SIZE)
        .src_access_mask(vk::AccessFlags::TRANSFER_WRITE)
        .dst_access_mask(vk::AccessFlags::HOST_READ)
        .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED);
    let (from, until) = (vk::PipelineStageFlags::TRANSFER, vk::PipelineStageFlags::HOST);
    let none = vk::DependencyFlags::empty();
    // SAFETY: as in `record`.
    unsafe {
        let raw = &device.raw;
        raw.cmd_copy_image_to_buffer(device.commands, image, vk::ImageLayout::GENERAL, buffer, regions);
        raw.cmd_pipeline_barrier(device.commands, from, until, none, &[], &[to_host], &[]);
    }
}
