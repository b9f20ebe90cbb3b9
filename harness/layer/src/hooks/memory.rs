//! Memory: allocated, imported, freed. What a mutant has to know later of each allocation is kept here.
#![expect(unsafe_code, reason = "Vulkan calls, and memory that is mapped for a moment")]

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::sync::Mutex;

use ash::vk;
use ash::vk::Handle as _;

use crate::chain::{self, Device, lock};
use crate::choice::acts;
use crate::entry::function;
use crate::hooks::{descriptor, import};
use crate::loader;

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkAllocateMemory" => function!(allocate_memory, vk::PFN_vkAllocateMemory),
        b"vkFreeMemory" => function!(free_memory, vk::PFN_vkFreeMemory),
        _ => None,
    }
}

/// What is known of an allocation.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    pub(super) bytes: u64,
    pub(super) exportable: bool,
    /// Where it was imported from, if it was.
    pub(super) imported: Option<RawFd>,
}

static MEMORIES: Mutex<BTreeMap<u64, Memory>> = Mutex::new(BTreeMap::new());

/// What is known of this allocation.
pub(super) fn known(memory: vk::DeviceMemory) -> Option<Memory> {
    lock(&MEMORIES).get(&memory.as_raw()).copied()
}

/// What an application asks for, as far as this layer knows it.
pub(super) struct Wanted {
    pub(super) bytes: u64,
    type_index: u32,
    pub(super) import: Option<RawFd>,
    pub(super) export: vk::ExternalMemoryHandleTypeFlags,
    dedicated: Option<vk::Image>,
}

impl Wanted {
    unsafe fn read(info: &vk::MemoryAllocateInfo<'_>) -> Self {
        // SAFETY: the application passes a valid chain.
        let (import, export, dedicated) = unsafe {
            (
                loader::find::<vk::ImportMemoryFdInfoKHR<'_>>(info.p_next),
                loader::find::<vk::ExportMemoryAllocateInfo<'_>>(info.p_next),
                loader::find::<vk::MemoryDedicatedAllocateInfo<'_>>(info.p_next),
            )
        };
        Self {
            bytes: info.allocation_size,
            type_index: info.memory_type_index,
            import: import.map(|import| import.fd),
            export: export.map(|export| export.handle_types).unwrap_or_default(),
            dedicated: dedicated.map(|dedicated| dedicated.image),
        }
    }

    /// Ask the driver for this; the import, if there is to be one, is of `number`.
    pub(super) fn allocate(&self, device: &Device, number: Option<RawFd>) -> Result<vk::DeviceMemory, vk::Result> {
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(self.export);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default();
        let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
        let mut info = vk::MemoryAllocateInfo::default().allocation_size(self.bytes).memory_type_index(self.type_index);
        if !self.export.is_empty() {
            info = info.push_next(&mut export);
        }
        if let Some(image) = self.dedicated {
            dedicated = dedicated.image(image);
            info = info.push_next(&mut dedicated);
        }
        if let Some(number) = number {
            import = import.fd(number);
            info = info.push_next(&mut import);
        }
        // SAFETY: the same values as the application's, but for those that a mutant changes on purpose.
        unsafe { device.raw.allocate_memory(&info, None) }
    }
}

/// The bytes of an allocation, for as long as `then` runs; nothing where the driver cannot map it.
pub(super) fn with_bytes(device: &Device, memory: vk::DeviceMemory, bytes: u64, then: impl FnOnce(&mut [u8])) {
    let Ok(length) = usize::try_from(bytes) else { return };
    // SAFETY: the memory is live and not mapped by the application, which maps only memory that it does not share; the mapping has
    // `bytes` bytes, and is used by nobody else in this process before it is unmapped again.
    unsafe {
        if let Ok(start) = device.raw.map_memory(memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()) {
            then(std::slice::from_raw_parts_mut(start.cast(), length));
            device.raw.unmap_memory(memory);
        }
    }
}

unsafe extern "system" fn allocate_memory(
    device: vk::Device,
    info: *const vk::MemoryAllocateInfo<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    memory: *mut vk::DeviceMemory,
) -> vk::Result {
    // SAFETY: the application passes a live device and valid pointers.
    let (Some(device), mut wanted) = (unsafe { (chain::device(device), Wanted::read(&*info)) }) else {
        return vk::Result::ERROR_DEVICE_LOST;
    };
    if !wanted.export.is_empty() && acts("D1") {
        wanted.export = vk::ExternalMemoryHandleTypeFlags::empty();
    }
    let made = match wanted.import {
        Some(number) => import::import(&device, &wanted, number),
        None => wanted.allocate(&device, None),
    };
    match made {
        Ok(made) => {
            let known = Memory { bytes: wanted.bytes, exportable: !wanted.export.is_empty(), imported: wanted.import };
            lock(&MEMORIES).insert(made.as_raw(), known);
            // SAFETY: as above.
            unsafe { *memory = made }
            vk::Result::SUCCESS
        }
        Err(result) => result,
    }
}

unsafe extern "system" fn free_memory(device: vk::Device, memory: vk::DeviceMemory, _: *const vk::AllocationCallbacks<'_>) {
    // SAFETY: the application passes a live device.
    let Some(device) = (unsafe { chain::device(device) }) else { return };
    let known = lock(&MEMORIES).remove(&memory.as_raw());
    match known {
        Some(Memory { imported: Some(_), .. }) if acts("D29") => return,
        Some(Memory { imported: Some(number), .. }) if descriptor::look(number).is_some() && acts("D7") => {
            descriptor::close(number);
        }
        Some(Memory { imported: None, exportable: true, bytes }) if acts("D28") => {
            with_bytes(&device, memory, bytes, |texels| texels.fill(0));
        }
        _ => {}
    }
    // SAFETY: as the application promises to `vkFreeMemory`.
    unsafe { device.raw.free_memory(memory, None) }
}
