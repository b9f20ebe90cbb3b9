//! Device memory: plain, exportable and imported allocations.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::{Arc, Mutex, PoisonError};

use ash::vk;

use crate::descriptor::DescriptorError;
use crate::handle::{HandleType, OwnedHandle};
use crate::sys::external_memory::{self, Exported, Looked};
use crate::texture::TextureError;
use crate::vulkan::capability::vk_handle_type;
use crate::vulkan::device::Logical;
use crate::vulkan::error::vulkan;
use crate::vulkan::exports::{Exports, Payload};

/// One allocation, freed with its last texture.
pub(crate) struct Block {
    device: Arc<Logical>,
    pub(crate) memory: vk::DeviceMemory,
    pub(crate) size: u64,
    pub(crate) type_index: u32,
    exports: Mutex<Exports>,
}

impl Block {
    /// A handle to this memory, which was allocated with export as this type declared.
    pub(crate) fn export(&self, handle_type: HandleType) -> Result<OwnedHandle, TextureError> {
        if !handle_type.is_nt_handle() {
            return self.new_handle(handle_type);
        }
        let mut exports = self.exports.lock().unwrap_or_else(PoisonError::into_inner);
        // Memory never changes its payload.
        let payload = Payload::default();
        let handle = match exports.again(handle_type, payload) {
            Some(handle) => handle,
            None => exports.keep(handle_type, payload, self.new_handle(handle_type)?),
        };
        handle.map_err(|source| TextureError::Os { what: "duplicating an exported handle", source })
    }

    fn new_handle(&self, handle_type: HandleType) -> Result<OwnedHandle, TextureError> {
        const CALL: &str = external_memory::EXPORT_CALL;
        let bit = vk_handle_type(handle_type).unwrap_or_default();
        match external_memory::export(&self.device.external, self.memory, bit).map_err(vulkan(CALL))? {
            Exported::Handle(handle) => Ok(handle),
            Exported::NoHandle(number) => {
                Err(TextureError::Driver { what: format!("{CALL} answered SUCCESS with handle {number}") })
            }
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.device.idle() {
            // SAFETY: every image bound to it holds an `Arc` of this block and is destroyed before; all work has finished,
            // since each transfer waits for its fence.
            unsafe { self.device.raw.free_memory(self.memory, None) }
        }
    }
}

/// What to allocate.
pub(crate) struct Wanted {
    pub(crate) size: u64,
    pub(crate) type_index: u32,
    /// The image that the allocation is for, where it is dedicated.
    pub(crate) dedicated: Option<vk::Image>,
}

impl Wanted {
    fn with_info<T>(&self, then: impl FnOnce(vk::MemoryAllocateInfo<'_>) -> T) -> T {
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default();
        let mut info = vk::MemoryAllocateInfo::default().allocation_size(self.size).memory_type_index(self.type_index);
        if let Some(image) = self.dedicated {
            dedicated = dedicated.image(image);
            info = info.push_next(&mut dedicated);
        }
        then(info)
    }

    fn block(&self, device: &Arc<Logical>, memory: vk::DeviceMemory) -> Block {
        let exports = Mutex::default();
        Block { device: Arc::clone(device), memory, size: self.size, type_index: self.type_index, exports }
    }

    /// New memory, with export declared as the type of handle that will be asked for.
    pub(crate) fn allocate(&self, device: &Arc<Logical>, export_as: Option<HandleType>) -> Result<Block, TextureError> {
        let types = export_as.and_then(vk_handle_type);
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(types.unwrap_or_default());
        let memory = self.with_info(|info| {
            let info = if types.is_some() { info.push_next(&mut export) } else { info };
            // SAFETY: the memory type exists (`choose_type`), the image is of this device, `info` lives through the call.
            unsafe { device.raw.allocate_memory(&info, None) }
        });
        memory.map(|memory| self.block(device, memory)).map_err(vulkan("vkAllocateMemory"))
    }

    /// Memory that another process exported; the handle is consumed only on success, be it by the driver or by being closed.
    /// `looked` is what was behind it, `exportable` declares export again.
    pub(crate) fn import(
        &self,
        device: &Arc<Logical>,
        handle: OwnedHandle,
        looked: &Looked,
        handle_type: HandleType,
        exportable: bool,
    ) -> Result<Block, (Option<OwnedHandle>, vk::Result)> {
        let handle_type = vk_handle_type(handle_type).unwrap_or_default();
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(handle_type);
        let memory = self.with_info(|info| {
            let info = if exportable { info.push_next(&mut export) } else { info };
            // SAFETY: the memory type is among the image's, the image is of this device; size and type are the exporter's, as
            // its descriptor tells (VUID-VkMemoryAllocateInfo-allocationSize-01742).
            unsafe { external_memory::allocate_imported(&device.raw, info, handle, looked, handle_type) }
        })?;
        Ok(self.block(device, memory))
    }

    /// The same with a bare number.
    ///
    /// # Safety
    /// On success the driver owns whatever file descriptor has this number.
    pub(crate) unsafe fn import_number(
        &self,
        device: &Arc<Logical>,
        number: i64,
        handle_type: HandleType,
    ) -> Result<Block, vk::Result> {
        let handle_type = vk_handle_type(handle_type).unwrap_or_default();
        // SAFETY: as in `import`; the number's ownership is the caller's promise.
        let memory =
            self.with_info(|info| unsafe { external_memory::allocate_number(&device.raw, info, number, handle_type) })?;
        Ok(self.block(device, memory))
    }
}

/// The first memory type allowed by `bits` that has all of `must`, preferring one that has `wish` too.
pub(crate) fn choose_type(
    types: &vk::PhysicalDeviceMemoryProperties,
    bits: u32,
    must: vk::MemoryPropertyFlags,
    wish: vk::MemoryPropertyFlags,
) -> Result<u32, TextureError> {
    let having = |flags: vk::MemoryPropertyFlags| {
        let mut listed = (0u32..).zip(types.memory_types_as_slice());
        listed.find(|(index, kind)| bits & 1 << index != 0 && kind.property_flags.contains(flags)).map(|(index, _)| index)
    };
    having(must | wish)
        .or_else(|| having(must))
        .ok_or_else(|| TextureError::Unsupported { what: format!("a memory type among {bits:#x} with {must:?}") })
}

/// Whether the descriptor's memory type may hold the importer's image.
pub(crate) fn check_type(index: u32, bits: u32, count: u32) -> Result<(), DescriptorError> {
    if index < count && bits & 1 << index != 0 {
        return Ok(());
    }
    let expected = format!("one of the types in the mask {bits:#x}");
    Err(DescriptorError::Mismatch { field: "memory_type_index", found: index.to_string(), expected })
}
