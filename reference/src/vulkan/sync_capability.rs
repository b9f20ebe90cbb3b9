//! What a physical device says of sharing semaphores, timelines and fences. No logical device is created.
#![expect(unsafe_code, reason = "Vulkan calls")]

use ash::vk;

use crate::handle::HandleType;
use crate::sync::{SyncCapability, SyncKind};
use crate::vulkan::extensions::missing;
use crate::vulkan::instance::PhysicalDevice;

/// The Vulkan bit of a handle type for semaphores.
pub(crate) const fn semaphore_bit(handle_type: HandleType) -> Option<vk::ExternalSemaphoreHandleTypeFlags> {
    use vk::ExternalSemaphoreHandleTypeFlags as Bits;
    match handle_type {
        HandleType::OpaqueFd => Some(Bits::OPAQUE_FD),
        HandleType::OpaqueWin32 => Some(Bits::OPAQUE_WIN32),
        HandleType::OpaqueWin32Kmt => Some(Bits::OPAQUE_WIN32_KMT),
        HandleType::D3d12Fence => Some(Bits::D3D12_FENCE),
        HandleType::SyncFd => Some(Bits::SYNC_FD),
        _ => None,
    }
}

/// The Vulkan bit of a handle type for fences.
pub(crate) const fn fence_bit(handle_type: HandleType) -> Option<vk::ExternalFenceHandleTypeFlags> {
    use vk::ExternalFenceHandleTypeFlags as Bits;
    match handle_type {
        HandleType::OpaqueFd => Some(Bits::OPAQUE_FD),
        HandleType::OpaqueWin32 => Some(Bits::OPAQUE_WIN32),
        HandleType::OpaqueWin32Kmt => Some(Bits::OPAQUE_WIN32_KMT),
        HandleType::SyncFd => Some(Bits::SYNC_FD),
        _ => None,
    }
}

/// What the device says of one kind of object: an answer for each handle type that Vulkan 1.1 knows for it. A timeline can also be a
/// number in shared memory ([`crate::SharedTimeline`]), on every device.
#[must_use]
pub fn sync_capabilities(device: &PhysicalDevice, kind: SyncKind) -> Vec<SyncCapability> {
    let asked = HandleType::ALL.into_iter().filter_map(|handle_type| {
        let mut can = match kind {
            SyncKind::Semaphore => of_semaphore(device, handle_type, false),
            SyncKind::Timeline => of_semaphore(device, handle_type, true),
            SyncKind::Fence => of_fence(device, handle_type),
        }?;
        can.unusable = missing(device, kind, handle_type);
        Some(can)
    });
    let memory = HandleType::SharedMemory;
    let fallback = SyncCapability {
        exportable: true,
        importable: true,
        compatible: vec![memory],
        export_from_imported: vec![memory],
        ..SyncCapability::none(memory)
    };
    (kind == SyncKind::Timeline).then_some(fallback).into_iter().chain(asked).collect()
}

fn of_semaphore(device: &PhysicalDevice, handle_type: HandleType, timeline: bool) -> Option<SyncCapability> {
    let mut can = SyncCapability::none(handle_type);
    let bit = semaphore_bit(handle_type)?;
    if timeline && device.timelines().is_none() {
        // The kind of semaphore may be named only where it exists.
        return Some(can);
    }
    let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
    let mut info = vk::PhysicalDeviceExternalSemaphoreInfo::default().handle_type(bit);
    if timeline {
        info = info.push_next(&mut kind);
    }
    let mut found = vk::ExternalSemaphoreProperties::default();
    let instance = device.instance.raw();
    // SAFETY: a query of Vulkan 1.1, which the device supports; the chained structure belongs to an extension that it offers.
    unsafe { instance.get_physical_device_external_semaphore_properties(device.handle, &info, &mut found) };
    let features = found.external_semaphore_features;
    can.exportable = features.contains(vk::ExternalSemaphoreFeatureFlags::EXPORTABLE);
    can.importable = features.contains(vk::ExternalSemaphoreFeatureFlags::IMPORTABLE);
    let named = |bits: vk::ExternalSemaphoreHandleTypeFlags| {
        let has = |other: &HandleType| semaphore_bit(*other).is_some_and(|bit| bits.contains(bit));
        HandleType::ALL.into_iter().filter(has).collect()
    };
    can.compatible = named(found.compatible_handle_types);
    can.export_from_imported = named(found.export_from_imported_handle_types);
    Some(can)
}

fn of_fence(device: &PhysicalDevice, handle_type: HandleType) -> Option<SyncCapability> {
    let mut can = SyncCapability::none(handle_type);
    let info = vk::PhysicalDeviceExternalFenceInfo::default().handle_type(fence_bit(handle_type)?);
    let mut found = vk::ExternalFenceProperties::default();
    let instance = device.instance.raw();
    // SAFETY: a query of Vulkan 1.1, which the device supports.
    unsafe { instance.get_physical_device_external_fence_properties(device.handle, &info, &mut found) };
    let features = found.external_fence_features;
    can.exportable = features.contains(vk::ExternalFenceFeatureFlags::EXPORTABLE);
    can.importable = features.contains(vk::ExternalFenceFeatureFlags::IMPORTABLE);
    let named = |bits: vk::ExternalFenceHandleTypeFlags| {
        let has = |other: &HandleType| fence_bit(*other).is_some_and(|bit| bits.contains(bit));
        HandleType::ALL.into_iter().filter(has).collect()
    };
    can.compatible = named(found.compatible_handle_types);
    can.export_from_imported = named(found.export_from_imported_handle_types);
    Some(can)
}
