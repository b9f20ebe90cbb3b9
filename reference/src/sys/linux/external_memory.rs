//! Vulkan memory over file descriptors (VK_KHR_external_memory_fd).
#![expect(unsafe_code, reason = "Vulkan calls, and a descriptor whose ownership moves into and out of the driver")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use ash::vk;
use rustix::io::FdFlags;

use crate::handle::OwnedHandle;

/// The extension that exports and imports memory on this system.
pub(crate) const EXTENSION: &std::ffi::CStr = ash::khr::external_memory_fd::NAME;

/// The functions of [`EXTENSION`].
pub(crate) type Functions = ash::khr::external_memory_fd::Device;

/// Load the functions of a device that was created with [`EXTENSION`].
pub(crate) fn functions(instance: &ash::Instance, device: &ash::Device) -> Functions {
    Functions::new(instance, device)
}

/// What `vkGetMemoryFdKHR` answered.
pub(crate) enum Exported {
    /// A new descriptor, ours to close.
    Handle(OwnedHandle),
    /// Success, and a number that is no descriptor.
    NotADescriptor(RawFd),
}

/// `vkGetMemoryFdKHR`. The caller has allocated `memory` with the type declared
/// (VUID-VkMemoryGetFdInfoKHR-handleType-00671).
pub(crate) fn export(functions: &Functions, memory: vk::DeviceMemory) -> Result<Exported, vk::Result> {
    let info = vk::MemoryGetFdInfoKHR::default().memory(memory).handle_type(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
    // SAFETY: `memory` is a live allocation of the device these functions were loaded for, as the caller promises.
    let fd = unsafe { functions.get_memory_fd(&info) }?;
    if fd < 0 {
        return Ok(Exported::NotADescriptor(fd));
    }
    // SAFETY: a successful call returned a new descriptor that the application owns.
    Ok(Exported::Handle(OwnedHandle::from(unsafe { OwnedFd::from_raw_fd(fd) })))
}

/// Set close-on-exec on an exported descriptor whose driver did not (vkGetMemoryFdKHR: it must).
pub(crate) fn close_on_exec(handle: &OwnedHandle) -> io::Result<()> {
    let flags = rustix::io::fcntl_getfd(handle)?;
    if !flags.contains(FdFlags::CLOEXEC) {
        rustix::io::fcntl_setfd(handle, flags | FdFlags::CLOEXEC)?;
    }
    Ok(())
}

/// `vkAllocateMemory` that imports `handle`. The driver owns the descriptor after success and only then; on failure it comes
/// back, unless the driver has closed it all the same: closing it once more would close what somebody else has opened since.
///
/// # Safety
/// `info` is valid for `device` once the import structure is chained to it.
pub(crate) unsafe fn allocate_imported(
    device: &ash::Device,
    info: vk::MemoryAllocateInfo<'_>,
    handle: OwnedHandle,
) -> Result<vk::DeviceMemory, (Option<OwnedHandle>, vk::Result)> {
    let fd = OwnedFd::from(handle);
    let before = object(&fd);
    // SAFETY: the caller's promise covers `info`; the descriptor is open.
    let allocated = unsafe { allocate_number(device, info, i64::from(fd.as_raw_fd())) };
    if allocated.is_ok() || object(&fd) != before {
        // The driver closes it, or has closed it.
        std::mem::forget(fd);
        return allocated.map_err(|result| (None, result));
    }
    allocated.map_err(|result| (Some(fd.into()), result))
}

/// Device and inode of the object behind a descriptor; `None` once it is closed.
fn object(fd: &OwnedFd) -> Option<(u64, u64)> {
    rustix::fs::fstat(fd).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

/// The same with a bare number, which need not be an open descriptor. For asking a driver how it answers to one that is not.
///
/// # Safety
/// As [`allocate_imported`]; and on success the driver owns whatever descriptor has this number.
pub(crate) unsafe fn allocate_number(
    device: &ash::Device,
    info: vk::MemoryAllocateInfo<'_>,
    number: i64,
) -> Result<vk::DeviceMemory, vk::Result> {
    let fd = RawFd::try_from(number).unwrap_or(-1);
    let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD).fd(fd);
    // SAFETY: the caller's promise.
    unsafe { device.allocate_memory(&info.push_next(&mut import), None) }
}

/// Bytes of the object behind a handle, where that can be told: a file or memory object has a size, a device node has none.
pub(crate) fn object_bytes(handle: &OwnedHandle) -> Option<u64> {
    let stat = rustix::fs::fstat(handle).ok()?;
    let regular = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile;
    if regular { u64::try_from(stat.st_size).ok() } else { None }
}
