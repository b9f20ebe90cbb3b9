//! The device extensions that this library makes use of where a driver offers them.

use std::ffi::CStr;

use ash::ext::{external_memory_dma_buf, image_drm_format_modifier, queue_family_foreign};
use ash::khr::{
    external_fence_fd, external_fence_win32, external_semaphore_fd, external_semaphore_win32, image_format_list,
    timeline_semaphore,
};

use crate::handle::HandleType;
use crate::sync::SyncKind;
use crate::sys;
use crate::vulkan::instance::PhysicalDevice;

/// The functions of those that a device was created with.
#[cfg_attr(test, derive(Default))]
pub(crate) struct Extensions {
    pub(crate) semaphore_fd: Option<external_semaphore_fd::Device>,
    pub(crate) semaphore_win32: Option<external_semaphore_win32::Device>,
    pub(crate) fence_fd: Option<external_fence_fd::Device>,
    pub(crate) fence_win32: Option<external_fence_win32::Device>,
    pub(crate) timeline: Option<timeline_semaphore::Device>,
    pub(crate) modifier: Option<image_drm_format_modifier::Device>,
}

const NAMES: [&CStr; 9] = [
    external_semaphore_fd::NAME,
    external_semaphore_win32::NAME,
    external_fence_fd::NAME,
    external_fence_win32::NAME,
    timeline_semaphore::NAME,
    image_drm_format_modifier::NAME,
    // Part of Vulkan 1.2, and needed by modifiers before.
    image_format_list::NAME,
    external_memory_dma_buf::NAME,
    queue_family_foreign::NAME,
];

/// Whether a device is created with one of them.
fn is_enabled(physical: &PhysicalDevice, name: &CStr) -> bool {
    physical.has_extension(name) && (name != timeline_semaphore::NAME || physical.timelines().is_some())
}

/// Those that a device is to be created with.
pub(crate) fn enabled(physical: &PhysicalDevice) -> impl Iterator<Item = &'static CStr> + '_ {
    NAMES.into_iter().filter(|name| is_enabled(physical, name))
}

impl Extensions {
    /// The functions of a device that was created with all that are [`enabled`].
    pub(crate) fn load(physical: &PhysicalDevice, device: &ash::Device) -> Self {
        let instance = physical.instance.raw();
        let has = |name: &CStr| is_enabled(physical, name);
        Self {
            semaphore_fd: has(NAMES[0]).then(|| external_semaphore_fd::Device::new(instance, device)),
            semaphore_win32: has(NAMES[1]).then(|| external_semaphore_win32::Device::new(instance, device)),
            fence_fd: has(NAMES[2]).then(|| external_fence_fd::Device::new(instance, device)),
            fence_win32: has(NAMES[3]).then(|| external_fence_win32::Device::new(instance, device)),
            timeline: has(NAMES[4]).then(|| timeline_semaphore::Device::new(instance, device)),
            modifier: has(NAMES[5]).then(|| image_drm_format_modifier::Device::new(instance, device)),
        }
    }
}

/// Why this library cannot share such an object over such a handle on this device, whatever the driver reports about it.
pub(crate) fn missing(physical: &PhysicalDevice, kind: SyncKind, handle_type: HandleType) -> Option<String> {
    if !sys::handle::carries_signals(handle_type) {
        return Some(format!("a handle of type {handle_type} does not exist on this operating system, or holds no reference"));
    }
    if handle_type == HandleType::D3d12Fence {
        // The values of a binary semaphore that is one go with each submission (VkD3D12FenceSubmitInfoKHR).
        return Some(format!("this library neither makes nor waits for Direct3D 12 fences ({handle_type})"));
    }
    let file = matches!(handle_type, HandleType::OpaqueFd | HandleType::SyncFd);
    let name = match (kind, file) {
        (SyncKind::Fence, true) => external_fence_fd::NAME,
        (SyncKind::Fence, false) => external_fence_win32::NAME,
        (_, true) => external_semaphore_fd::NAME,
        (_, false) => external_semaphore_win32::NAME,
    };
    if !physical.has_extension(name) {
        return Some(format!("the driver does not offer {}", name.to_string_lossy()));
    }
    if kind == SyncKind::Timeline && physical.timelines().is_none() {
        return Some("the driver has no timeline semaphores".into());
    }
    None
}
