//! Images: where they lie in their memory, and their rows.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use ash::vk;
use ash::vk::Handle as _;

use crate::chain::{self, lock};
use crate::choice::{acts, is};
use crate::entry::function;
use crate::hooks::memory;

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkBindImageMemory" => function!(bind_image_memory, vk::PFN_vkBindImageMemory),
        b"vkDestroyImage" => function!(destroy_image, vk::PFN_vkDestroyImage),
        b"vkGetImageSubresourceLayout" => function!(subresource_layout, vk::PFN_vkGetImageSubresourceLayout),
        _ => None,
    }
}

static BOUND: Mutex<BTreeMap<u64, vk::DeviceMemory>> = Mutex::new(BTreeMap::new());

/// The memory that an image lies in.
pub(super) fn memory_of(image: vk::Image) -> Option<vk::DeviceMemory> {
    lock(&BOUND).get(&image.as_raw()).copied()
}

unsafe extern "system" fn bind_image_memory(
    device: vk::Device,
    image: vk::Image,
    memory: vk::DeviceMemory,
    offset: vk::DeviceSize,
) -> vk::Result {
    // SAFETY: the application passes a live device.
    let Some(next) = (unsafe { chain::device(device) }) else { return vk::Result::ERROR_DEVICE_LOST };
    let imported = memory::known(memory).is_some_and(|known| known.imported.is_some());
    let offset = if imported && offset != 0 && acts("D8") { 0 } else { offset };
    // SAFETY: as the application promises; the beginning of the memory is as good a place as the one that it names.
    let result = unsafe { (next.raw.fp_v1_0().bind_image_memory)(device, image, memory, offset) };
    if result == vk::Result::SUCCESS {
        lock(&BOUND).insert(image.as_raw(), memory);
    }
    result
}

unsafe extern "system" fn destroy_image(device: vk::Device, image: vk::Image, allocator: *const vk::AllocationCallbacks<'_>) {
    lock(&BOUND).remove(&image.as_raw());
    // SAFETY: as the application promises to `vkDestroyImage`.
    unsafe {
        if let Some(next) = chain::device(device) {
            (next.raw.fp_v1_0().destroy_image)(device, image, allocator);
        }
    }
}

/// D27: a row pitch that depends on the process.
unsafe extern "system" fn subresource_layout(
    device: vk::Device,
    image: vk::Image,
    part: *const vk::ImageSubresource,
    layout: *mut vk::SubresourceLayout,
) {
    // SAFETY: as the application promises to `vkGetImageSubresourceLayout`.
    unsafe {
        if let Some(next) = chain::device(device) {
            (next.raw.fp_v1_0().get_image_subresource_layout)(device, image, part, layout);
        }
        if is("D27") && acts("D27") {
            (*layout).row_pitch += u64::from(std::process::id() % 64) * 16;
        }
    }
}
