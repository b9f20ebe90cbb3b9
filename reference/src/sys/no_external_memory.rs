//! A system whose handles carry no Vulkan memory yet: everything compiles, and answers that the extension is missing.
#![expect(unsafe_code, reason = "the same signatures as on other systems")]

use ash::vk;

use crate::handle::{HandleType, OwnedHandle};

pub(crate) const EXTENSION: &std::ffi::CStr = c"external memory extension for this operating system";

pub(crate) const HANDLE_TYPE: HandleType = HandleType::OpaqueFd;

pub(crate) const EXPORT_CALL: &str = "the export of memory";

pub(crate) struct Functions;

pub(crate) fn functions(_instance: &ash::Instance, _device: &ash::Device) -> Functions {
    Functions
}

#[expect(dead_code, reason = "the same variants as on other systems")]
pub(crate) enum Exported {
    Handle(OwnedHandle),
    NoHandle(i64),
}

pub(crate) fn export(
    _functions: &Functions,
    _memory: vk::DeviceMemory,
    _handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<Exported, vk::Result> {
    Err(vk::Result::ERROR_EXTENSION_NOT_PRESENT)
}

/// # Safety
/// None is needed here.
pub(crate) unsafe fn allocate_imported(
    _device: &ash::Device,
    _info: vk::MemoryAllocateInfo<'_>,
    handle: OwnedHandle,
    _looked: &Looked,
    _handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<vk::DeviceMemory, (Option<OwnedHandle>, vk::Result)> {
    Err((Some(handle), vk::Result::ERROR_EXTENSION_NOT_PRESENT))
}

/// # Safety
/// None is needed here.
pub(crate) unsafe fn allocate_number(
    _device: &ash::Device,
    _info: vk::MemoryAllocateInfo<'_>,
    _number: i64,
    _handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<vk::DeviceMemory, vk::Result> {
    Err(vk::Result::ERROR_EXTENSION_NOT_PRESENT)
}

pub(crate) fn importable_types(
    _functions: &Functions,
    _handle: &OwnedHandle,
    _handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Result<u32, vk::Result> {
    Err(vk::Result::ERROR_EXTENSION_NOT_PRESENT)
}

#[expect(dead_code, reason = "the same variants as on other systems")]
pub(crate) enum Object {
    Bytes(u64),
    DmaBuf(u64),
    NeverMemory(&'static str),
    Opaque,
}

pub(crate) struct Looked {
    pub(crate) object: Object,
}

pub(crate) fn look(_handle: &OwnedHandle) -> Looked {
    Looked { object: Object::Opaque }
}
