//! Transfers of ownership between processes: what a cache that is not cleared shows, and what is lost without them.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use ash::vk;
use ash::vk::Handle as _;

use crate::chain::{self, Device, lock};
use crate::choice::{acts, is};
use crate::entry::function;
use crate::hooks::{image, memory};

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkCmdPipelineBarrier" => function!(pipeline_barrier, vk::PFN_vkCmdPipelineBarrier),
        _ => None,
    }
}

/// What this process saw last of each shared memory, as a cache holds it.
static SEEN: Mutex<BTreeMap<u64, Option<Vec<u8>>>> = Mutex::new(BTreeMap::new());

/// The work that was submitted is done: the cache holds what it left. The application waits for each submission.
pub(super) fn remember(device: &Device) {
    let mut seen = lock(&SEEN);
    // Of memory that was freed meanwhile, nothing is kept.
    seen.retain(|raw, _| memory::known(vk::DeviceMemory::from_raw(*raw)).is_some());
    for (raw, bytes) in seen.iter_mut() {
        let shared = vk::DeviceMemory::from_raw(*raw);
        let Some(known) = memory::known(shared) else { continue };
        memory::with_bytes(device, shared, known.bytes, |texels| *bytes = Some(texels.to_vec()));
    }
}

/// D26: at an acquire, what this process saw last comes back instead of what others wrote since.
fn acquire_stale(device: &Device, shared: vk::DeviceMemory) {
    let mut seen = lock(&SEEN);
    let before = seen.entry(shared.as_raw()).or_default();
    let Some(known) = memory::known(shared) else { return };
    if let Some(before) = before.as_ref().filter(|before| before.len() as u64 == known.bytes) {
        memory::with_bytes(device, shared, known.bytes, |texels| {
            if texels != before && acts("D26") {
                texels.copy_from_slice(before);
            }
        });
    }
}

/// L13: an importer that does not acquire but begins from `UNDEFINED`, on a driver that makes use of what it may do then.
fn discard(device: &Device, barrier: &mut vk::ImageMemoryBarrier<'_>, shared: vk::DeviceMemory) {
    let Some(known) = memory::known(shared).filter(|known| known.imported.is_some()) else { return };
    if acts("L13") {
        barrier.old_layout = vk::ImageLayout::UNDEFINED;
        barrier.src_queue_family_index = vk::QUEUE_FAMILY_IGNORED;
        barrier.dst_queue_family_index = vk::QUEUE_FAMILY_IGNORED;
        memory::with_bytes(device, shared, known.bytes, |texels| texels.fill(0xdd));
    }
}

unsafe extern "system" fn pipeline_barrier(
    commands: vk::CommandBuffer,
    from: vk::PipelineStageFlags,
    until: vk::PipelineStageFlags,
    dependency: vk::DependencyFlags,
    memory_count: u32,
    memory_barriers: *const vk::MemoryBarrier<'_>,
    buffer_count: u32,
    buffer_barriers: *const vk::BufferMemoryBarrier<'_>,
    image_count: u32,
    image_barriers: *const vk::ImageMemoryBarrier<'_>,
) {
    // SAFETY: the application passes a live command buffer.
    let Some(device) = (unsafe { chain::device(commands) }) else { return };
    let mut changed = Vec::new();
    if image_count > 0 {
        // SAFETY: the application passes so many barriers.
        changed.extend_from_slice(unsafe { std::slice::from_raw_parts(image_barriers, image_count as usize) });
    }
    for barrier in changed.iter_mut().filter(|barrier| barrier.src_queue_family_index == vk::QUEUE_FAMILY_EXTERNAL) {
        let Some(shared) = image::memory_of(barrier.image) else { continue };
        if is("D26") {
            acquire_stale(&device, shared);
        }
        if is("L13") {
            discard(&device, barrier, shared);
        }
    }
    // SAFETY: as the application promises to `vkCmdPipelineBarrier`; the barriers are its own, or such as it could have given.
    unsafe {
        (device.raw.fp_v1_0().cmd_pipeline_barrier)(
            commands,
            from,
            until,
            dependency,
            memory_count,
            memory_barriers,
            buffer_count,
            buffer_barriers,
            image_count,
            changed.as_ptr(),
        );
    }
}
