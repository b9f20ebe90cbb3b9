//! Vulkan memory over NT handles (VK_KHR_external_memory_win32).
//!
//! Memory is exported without a name, and without `VkExportMemoryWin32HandleInfoKHR`: a name would let whoever knows it open
//! the memory, which otherwise only a handle gives; no child inherits the handle, and it may read and write, as the
//! specification has it.
#![expect(unsafe_code, reason = "Vulkan calls, and handles that come as numbers")]

use std::os::windows::io::{AsHandle, AsRawHandle};

use ash::vk;

use super::{handle, object, shm};
use crate::handle::{HandleType, OwnedHandle};

/// The extension that exports and imports memory on this system.
pub(crate) const EXTENSION: &std::ffi::CStr = ash::khr::external_memory_win32::NAME;

/// The type of opaque handle that it exports and imports.
pub(crate) const HANDLE_TYPE: HandleType = HandleType::OpaqueWin32;

/// The function that [`export`] calls.
pub(crate) const EXPORT_CALL: &str = "vkGetMemoryWin32HandleKHR";

/// The functions of [`EXTENSION`].
pub(crate) type Functions = ash::khr::external_memory_win32::Device;

/// Load the functions of a device that was created with [`EXTENSION`].
pub(crate) fn functions(instance: &ash::Instance, device: &ash::Device) -> Functions {
    Functions::new(instance, device)
}

/// What `vkGetMemoryWin32HandleKHR` answered.
pub(crate) enum Exported {
    /// A new handle, ours to close.
    Handle(OwnedHandle),
    /// Success, and a number that is no open handle: `NULL`, or `INVALID_HANDLE_VALUE`.
    NoHandle(i64),
}

/// `vkGetMemoryWin32HandleKHR`. The caller has allocated `memory` with the type declared, which is one of NT handles, and has not
/// asked for it before (VUID-VkMemoryGetWin32HandleInfoKHR-handleType-00662, -00663, -00664).
pub(crate) fn export(
    functions: &Functions,
    memory: vk::DeviceMemory,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<Exported, vk::Result> {
    let info = vk::MemoryGetWin32HandleInfoKHR::default().memory(memory).handle_type(handle_type);
    // SAFETY: `memory` is a live allocation of the device these functions were loaded for, as the caller promises.
    let number = unsafe { functions.get_memory_win32_handle(&info) }? as i64;
    // SAFETY: a successful call returned a new handle that the application owns.
    let claimed = unsafe { handle::claim(number) };
    Ok(claimed.map_or(Exported::NoHandle(number), |handle| Exported::Handle(handle.into())))
}

/// The memory types that a handle of a foreign type can be imported as (`vkGetMemoryWin32HandlePropertiesKHR`); an opaque one is no
/// question (VUID-vkGetMemoryWin32HandlePropertiesKHR-handleType-00666).
pub(crate) fn importable_types(
    functions: &Functions,
    handle: &OwnedHandle,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<u32, vk::Result> {
    let mut properties = vk::MemoryWin32HandlePropertiesKHR::default();
    let number = handle.as_handle().as_raw_handle() as vk::HANDLE;
    // SAFETY: the handle is open through the call, which does not take it, and its type is not opaque.
    unsafe { functions.get_memory_win32_handle_properties(handle_type, number, &mut properties) }?;
    Ok(properties.memory_type_bits)
}

/// `vkAllocateMemory` that imports `handle`. The driver never owns an NT handle, and the memory holds a reference of its own
/// (VkImportMemoryWin32HandleInfoKHR): after success it is closed here, on failure it comes back.
///
/// # Safety
/// `info` is valid for `device` once the import structure is chained to it.
pub(crate) unsafe fn allocate_imported(
    device: &ash::Device,
    info: vk::MemoryAllocateInfo<'_>,
    handle: OwnedHandle,
    _looked: &Looked,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<vk::DeviceMemory, (Option<OwnedHandle>, vk::Result)> {
    let number = handle::number(&handle.0);
    // SAFETY: the caller's promise covers `info`; the handle is open until after the call.
    unsafe { allocate_number(device, info, number, handle_type) }.map_err(|result| (Some(handle), result))
}

/// The same with a bare number, which need not be an open handle, and which nobody closes. For asking a driver how it answers
/// to one that is not.
///
/// # Safety
/// As [`allocate_imported`].
pub(crate) unsafe fn allocate_number(
    device: &ash::Device,
    info: vk::MemoryAllocateInfo<'_>,
    number: i64,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<vk::DeviceMemory, vk::Result> {
    let mut import = vk::ImportMemoryWin32HandleInfoKHR::default().handle_type(handle_type).handle(number as vk::HANDLE);
    // SAFETY: the caller's promise.
    unsafe { device.allocate_memory(&info.push_next(&mut import), None) }
}

/// What is behind a handle, seen without asking the driver.
pub(crate) struct Looked {
    pub(crate) object: Object,
}

/// What can be told of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// It has this many bytes (a section).
    Bytes(u64),
    /// It is a dma-buf of this many bytes.
    #[expect(dead_code, reason = "the same variants as on other systems")]
    DmaBuf(u64),
    /// It is never memory, on any driver; the text says what it is.
    NeverMemory(&'static str),
    /// An object of the graphics kernel, or something unknown: for the driver to judge.
    Opaque,
}

/// Look at the object behind a handle. A driver may wait for what it is given, or map past its end.
pub(crate) fn look(handle: &OwnedHandle) -> Looked {
    let Ok(kind) = object::kind(handle.as_handle()) else { return Looked { object: Object::Opaque } };
    let object = match object::never_shared(&kind) {
        Some(name) => Object::NeverMemory(name),
        // A software driver's memory, which is no smaller than what lies in it.
        None if kind == "Section" => shm::len(handle.as_handle()).map_or(Object::Opaque, Object::Bytes),
        None => Object::Opaque,
    };
    Looked { object }
}

#[cfg(test)]
mod tests;
