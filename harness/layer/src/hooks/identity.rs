//! Who a device says it is, and what it says it can share.
#![expect(unsafe_code, reason = "Vulkan calls")]

use ash::vk;

use crate::chain;
use crate::choice::{acts, is};
use crate::entry::function;
use crate::loader;

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkEnumeratePhysicalDevices" => function!(enumerate, vk::PFN_vkEnumeratePhysicalDevices),
        b"vkGetPhysicalDeviceProperties2" | b"vkGetPhysicalDeviceProperties2KHR" => {
            function!(properties, vk::PFN_vkGetPhysicalDeviceProperties2)
        }
        b"vkGetPhysicalDeviceImageFormatProperties2" | b"vkGetPhysicalDeviceImageFormatProperties2KHR" => {
            function!(image_format, vk::PFN_vkGetPhysicalDeviceImageFormatProperties2)
        }
        _ => None,
    }
}

/// D13: every device is there twice, and so its UUID.
unsafe extern "system" fn enumerate(instance: vk::Instance, count: *mut u32, devices: *mut vk::PhysicalDevice) -> vk::Result {
    // SAFETY: the application passes a live instance and valid pointers.
    let Some(next) = (unsafe { chain::instance(instance) }) else { return vk::Result::ERROR_INITIALIZATION_FAILED };
    // SAFETY: as above.
    let found = match unsafe { next.raw.enumerate_physical_devices() } {
        Ok(found) => found,
        Err(result) => return result,
    };
    let all = found.iter().chain(if acts("D13") { found.as_slice() } else { &[] });
    let total = u32::try_from(all.clone().count()).unwrap_or(u32::MAX);
    // SAFETY: as above; where there is room, it is for as many as `count` says.
    unsafe {
        if devices.is_null() {
            *count = total;
            return vk::Result::SUCCESS;
        }
        *count = total.min(*count);
        for (place, device) in all.take(*count as usize).enumerate() {
            devices.add(place).write(*device);
        }
        if *count < total { vk::Result::INCOMPLETE } else { vk::Result::SUCCESS }
    }
}

/// D12: a UUID that depends on who asks.
unsafe extern "system" fn properties(physical: vk::PhysicalDevice, answer: *mut vk::PhysicalDeviceProperties2<'_>) {
    // SAFETY: the application passes a live device, and a valid chain that nobody else uses meanwhile.
    unsafe {
        let Some(next) = chain::instance(physical) else { return };
        (next.raw.fp_v1_1().get_physical_device_properties2)(physical, answer);
        if let Some(ids) = loader::find_mut::<vk::PhysicalDeviceIDProperties<'_>>((*answer).p_next)
            && acts("D12")
        {
            let own = std::process::id().to_le_bytes();
            ids.device_uuid.iter_mut().zip(own).for_each(|(byte, own)| *byte ^= own);
        }
    }
}

unsafe extern "system" fn image_format(
    physical: vk::PhysicalDevice,
    asked: *const vk::PhysicalDeviceImageFormatInfo2<'_>,
    answer: *mut vk::ImageFormatProperties2<'_>,
) -> vk::Result {
    // SAFETY: as above.
    unsafe {
        let Some(next) = chain::instance(physical) else { return vk::Result::ERROR_INITIALIZATION_FAILED };
        let result = (next.raw.fp_v1_1().get_physical_device_image_format_properties2)(physical, asked, answer);
        let about = loader::find::<vk::PhysicalDeviceExternalImageFormatInfo<'_>>((*asked).p_next);
        let external = loader::find_mut::<vk::ExternalImageFormatProperties<'_>>((*answer).p_next);
        let (vk::Result::SUCCESS, Some(about), Some(external)) = (result, about, external) else { return result };
        spoil(about.handle_type, &mut external.external_memory_properties)
    }
}

fn spoil(asked: vk::ExternalMemoryHandleTypeFlags, can: &mut vk::ExternalMemoryProperties) -> vk::Result {
    use vk::ExternalMemoryFeatureFlags as Features;
    // The healing: success for a type that is good for nothing is FORMAT_NOT_SUPPORTED.
    if !asked.is_empty() && !can.external_memory_features.intersects(Features::EXPORTABLE | Features::IMPORTABLE) {
        return vk::Result::ERROR_FORMAT_NOT_SUPPORTED;
    }
    if is("D15") && can.compatible_handle_types.contains(asked) && acts("D15") {
        can.compatible_handle_types &= !asked;
    }
    vk::Result::SUCCESS
}
