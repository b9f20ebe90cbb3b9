//! Imports and exports of semaphores.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::ffi::c_int;

use ash::vk;

use crate::chain::{self, Device};
use crate::choice::acts;
use crate::entry::function;
use crate::hooks::{descriptor, signals};

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkImportSemaphoreFdKHR" => function!(import_semaphore_fd, vk::PFN_vkImportSemaphoreFdKHR),
        b"vkGetSemaphoreFdKHR" => function!(get_semaphore_fd, vk::PFN_vkGetSemaphoreFdKHR),
        _ => None,
    }
}

unsafe extern "system" fn import_semaphore_fd(device: vk::Device, info: *const vk::ImportSemaphoreFdInfoKHR<'_>) -> vk::Result {
    // SAFETY: the application passes a live device and a valid structure.
    let (Some(device), mut changed) = (unsafe { (chain::device(device), *info) }) else {
        return vk::Result::ERROR_DEVICE_LOST;
    };
    let by_reference = changed.handle_type == vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;
    if by_reference && descriptor::look(changed.fd).is_some() && acts("D19") {
        // A payload of its own, as it was made: unsignalled.
        descriptor::close(changed.fd);
        return vk::Result::SUCCESS;
    }
    if changed.fd == -1 && changed.handle_type == vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD && acts("D21") {
        return vk::Result::SUCCESS;
    }
    // A copy can only be imported temporarily: there is no permanent payload that it could become.
    if by_reference && changed.flags.contains(vk::SemaphoreImportFlags::TEMPORARY) && acts("D20") {
        changed.flags &= !vk::SemaphoreImportFlags::TEMPORARY;
    }
    let Some(next) = device.function(&[c"vkImportSemaphoreFdKHR"]) else {
        return vk::Result::ERROR_EXTENSION_NOT_PRESENT;
    };
    // The driver takes the descriptor with it.
    let signalled = signals::look(&changed);
    // SAFETY: what is looked up by this name has this signature; the values are the application's, but for the flag.
    let result = unsafe {
        let next: vk::PFN_vkImportSemaphoreFdKHR = std::mem::transmute(next);
        next(device.raw.handle(), &raw const changed)
    };
    if result == vk::Result::SUCCESS {
        signals::imported(changed.semaphore, signalled);
    }
    result
}

unsafe extern "system" fn get_semaphore_fd(
    device: vk::Device,
    info: *const vk::SemaphoreGetFdInfoKHR<'_>,
    number: *mut c_int,
) -> vk::Result {
    // SAFETY: the application passes a live device and valid pointers.
    unsafe {
        let Some(device) = chain::device(device) else { return vk::Result::ERROR_DEVICE_LOST };
        let result = ask(&device, info, number);
        let by_reference = (*info).handle_type == vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;
        if result == vk::Result::SUCCESS && by_reference {
            signals::reset(&device, (*info).semaphore);
        }
        result
    }
}

unsafe fn ask(device: &Device, info: *const vk::SemaphoreGetFdInfoKHR<'_>, number: *mut c_int) -> vk::Result {
    let Some(next) = device.function(&[c"vkGetSemaphoreFdKHR"]) else { return vk::Result::ERROR_EXTENSION_NOT_PRESENT };
    // SAFETY: what is looked up by this name has this signature; the caller's promise covers the rest.
    unsafe {
        let next: vk::PFN_vkGetSemaphoreFdKHR = std::mem::transmute(next);
        next(device.raw.handle(), info, number)
    }
}
