//! Vulkan memory over file descriptors (VK_KHR_external_memory_fd).
#![expect(unsafe_code, reason = "Vulkan calls, and a descriptor whose ownership moves into and out of the driver")]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use ash::vk;
use rustix::fs::{FileType, SeekFrom, Stat};

use crate::handle::{HandleType, OwnedHandle};
use crate::sys::handle::ObjectId;

/// The extension that exports and imports memory on this system.
pub(crate) const EXTENSION: &std::ffi::CStr = ash::khr::external_memory_fd::NAME;

/// The type of opaque handle that it exports and imports.
pub(crate) const HANDLE_TYPE: HandleType = HandleType::OpaqueFd;

/// The function that [`export`] calls.
pub(crate) const EXPORT_CALL: &str = "vkGetMemoryFdKHR";

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
    NoHandle(i64),
}

/// `vkGetMemoryFdKHR`. The caller has allocated `memory` with the type declared
/// (VUID-VkMemoryGetFdInfoKHR-handleType-00671).
pub(crate) fn export(
    functions: &Functions,
    memory: vk::DeviceMemory,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<Exported, vk::Result> {
    let info = vk::MemoryGetFdInfoKHR::default().memory(memory).handle_type(handle_type);
    // SAFETY: `memory` is a live allocation of the device these functions were loaded for, as the caller promises.
    let fd = unsafe { functions.get_memory_fd(&info) }?;
    if fd < 0 {
        return Ok(Exported::NoHandle(fd.into()));
    }
    // SAFETY: a successful call returned a new descriptor that the application owns.
    Ok(Exported::Handle(OwnedHandle::from(unsafe { OwnedFd::from_raw_fd(fd) })))
}

/// The memory types that a handle of a foreign type can be imported as (`vkGetMemoryFdPropertiesKHR`); an opaque one is no question
/// (VUID-vkGetMemoryFdPropertiesKHR-handleType-00674).
pub(crate) fn importable_types(
    functions: &Functions,
    handle: &OwnedHandle,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<u32, vk::Result> {
    let mut properties = vk::MemoryFdPropertiesKHR::default();
    // SAFETY: the handle is open through the call, which does not take it, and its type is not opaque.
    unsafe { functions.get_memory_fd_properties(handle_type, handle.as_fd().as_raw_fd(), &mut properties) }?;
    Ok(properties.memory_type_bits)
}

/// `vkAllocateMemory` that imports `handle`. The driver owns the descriptor after success and only then; on failure it comes
/// back, unless the driver has closed it all the same: closing it once more would close what somebody else has opened since.
/// `looked` is what was behind it before.
///
/// # Safety
/// `info` is valid for `device` once the import structure is chained to it.
pub(crate) unsafe fn allocate_imported(
    device: &ash::Device,
    info: vk::MemoryAllocateInfo<'_>,
    handle: OwnedHandle,
    looked: &Looked,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<vk::DeviceMemory, (Option<OwnedHandle>, vk::Result)> {
    let fd = OwnedFd::from(handle);
    let number = i64::from(fd.as_raw_fd());
    // SAFETY: the caller's promise covers `info`; the descriptor is open.
    let allocated = unsafe { allocate_number(device, info, number, handle_type) };
    if allocated.is_ok() || super::handle::object(number) != looked.id {
        // The driver closes it, or has closed it.
        std::mem::forget(fd);
        return allocated.map_err(|result| (None, result));
    }
    allocated.map_err(|result| (Some(fd.into()), result))
}

/// The same with a bare number, which need not be an open descriptor. For asking a driver how it answers to one that is not.
///
/// # Safety
/// As [`allocate_imported`]; and on success the driver owns whatever descriptor has this number.
pub(crate) unsafe fn allocate_number(
    device: &ash::Device,
    info: vk::MemoryAllocateInfo<'_>,
    number: i64,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<vk::DeviceMemory, vk::Result> {
    let fd = RawFd::try_from(number).unwrap_or(-1);
    let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(handle_type).fd(fd);
    // SAFETY: the caller's promise.
    unsafe { device.allocate_memory(&info.push_next(&mut import), None) }
}

/// What is behind a handle, seen without asking the driver.
pub(crate) struct Looked {
    pub(crate) object: Object,
    /// Which object; `None` if the system did not say.
    id: Option<ObjectId>,
}

/// What can be told of an object.
pub(crate) enum Object {
    /// It has this many bytes (a file or memory object).
    Bytes(u64),
    /// It is a dma-buf of this many bytes.
    DmaBuf(u64),
    /// It is never memory, on any driver; the text says what it is.
    NeverMemory(&'static str),
    /// A device node, or something unknown: for the driver to judge.
    Opaque,
}

/// Look at the object behind a handle. A driver may read from what it is given and block on a pipe or an eventfd for ever.
pub(crate) fn look(handle: &OwnedHandle) -> Looked {
    match rustix::fs::fstat(handle) {
        Ok(stat) => Looked { object: what_it_is(handle, &stat), id: Some(ObjectId::from(&stat)) },
        Err(_) => Looked { object: Object::Opaque, id: None },
    }
}

fn what_it_is(handle: &OwnedHandle, stat: &Stat) -> Object {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => u64::try_from(stat.st_size).map_or(Object::Opaque, Object::Bytes),
        kind @ (FileType::Fifo | FileType::Socket | FileType::Directory | FileType::BlockDevice | FileType::Symlink) => {
            Object::NeverMemory(super::handle::kind_name(kind))
        }
        FileType::CharacterDevice => Object::Opaque,
        FileType::Unknown if is_dma_buf(handle) => {
            // The one thing that can be sought in a dma-buf is its end; `st_size` is 0 (linux/dma-buf.c, `dma_buf_llseek`).
            rustix::fs::seek(handle, SeekFrom::End(0)).map_or(Object::Opaque, Object::DmaBuf)
        }
        // Objects without a type: an eventfd or epoll instance names itself so.
        FileType::Unknown => match std::fs::read_link(format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd())) {
            Ok(target) if target.to_string_lossy().starts_with("anon_inode:") => {
                Object::NeverMemory("kernel object without memory")
            }
            _ => Object::Opaque,
        },
    }
}

fn is_dma_buf(handle: &OwnedHandle) -> bool {
    /// `DMA_BUF_MAGIC` of linux/magic.h.
    const MAGIC: u64 = 0x444d_4142;
    rustix::fs::fstatfs(handle).is_ok_and(|system| u64::try_from(system.f_type) == Ok(MAGIC))
}
