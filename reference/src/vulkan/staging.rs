//! The buffer between private memory and a texture.
#![expect(unsafe_code, reason = "Vulkan calls; the buffer's mapped memory")]

use std::slice;
use std::sync::Arc;

use ash::vk;

use crate::texture::TextureError;
use crate::vulkan::device::Logical;
use crate::vulkan::error::vulkan;
use crate::vulkan::memory::{Block, Wanted, choose_type};

/// A host-visible buffer that stays mapped.
pub(crate) struct Staging {
    pub(crate) buffer: vk::Buffer,
    block: Block,
    start: *mut u8,
    bytes: u64,
    device: Arc<Logical>,
}

// SAFETY: the mapping belongs to the process; access goes through `&mut self` or `&self` and is never concurrent with a copy,
// because every copy is waited for.
unsafe impl Send for Staging {}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.device.idle() {
            // SAFETY: no copy is under way (each was waited for); the memory is unmapped by being freed with `block` afterwards.
            unsafe { self.device.raw.destroy_buffer(self.buffer, None) }
        }
    }
}

impl Staging {
    pub(crate) fn new(device: &Arc<Logical>, bytes: u64) -> Result<Self, TextureError> {
        let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
        let info = vk::BufferCreateInfo::default().size(bytes).usage(usage).sharing_mode(vk::SharingMode::EXCLUSIVE);
        // SAFETY: `info` lives through the call.
        let buffer = unsafe { device.raw.create_buffer(&info, None) }.map_err(vulkan("vkCreateBuffer"))?;
        match Self::bind(device, buffer) {
            Ok((block, start)) => Ok(Self { buffer, block, start, bytes, device: Arc::clone(device) }),
            Err(error) => {
                // SAFETY: the buffer was made above and is used by nobody.
                unsafe { device.raw.destroy_buffer(buffer, None) };
                Err(error)
            }
        }
    }

    fn bind(device: &Arc<Logical>, buffer: vk::Buffer) -> Result<(Block, *mut u8), TextureError> {
        // SAFETY: the buffer is of this device.
        let needs = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
        // Coherent, so that no flush is needed; cached, because the host reads back what it copied out.
        let must = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let wish = vk::MemoryPropertyFlags::HOST_CACHED;
        let type_index = choose_type(&device.memory_types, needs.memory_type_bits, must, wish)?;
        let block = Wanted { size: needs.size, type_index, dedicated: None }.allocate(device, None)?;
        // SAFETY: the memory is as large as required, of an allowed type, and not bound to anything else.
        unsafe { device.raw.bind_buffer_memory(buffer, block.memory, 0) }.map_err(vulkan("vkBindBufferMemory"))?;
        // SAFETY: the memory is host-visible and not mapped yet.
        let start = unsafe { device.raw.map_memory(block.memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()) }
            .map_err(vulkan("vkMapMemory"))?;
        Ok((block, start.cast()))
    }

    pub(crate) fn holds(&self, bytes: u64) -> bool {
        bytes <= self.bytes
    }

    /// The first `bytes`, for the host to write.
    pub(crate) fn texels_mut(&mut self, bytes: u64) -> &mut [u8] {
        debug_assert!(self.holds(bytes) && self.bytes <= self.block.size);
        // SAFETY: the mapping has `self.bytes` bytes and lives as long as self; no copy is under way.
        unsafe { slice::from_raw_parts_mut(self.start, bytes.min(self.bytes) as usize) }
    }

    /// The first `bytes`, for the host to read.
    pub(crate) fn texels(&self, bytes: u64) -> &[u8] {
        debug_assert!(self.holds(bytes));
        // SAFETY: as in `texels_mut`.
        unsafe { slice::from_raw_parts(self.start, bytes.min(self.bytes) as usize) }
    }
}
