//! Imports: what is checked before the driver is asked, and who owns the handle afterwards.
#![expect(unsafe_code, reason = "imports of bare numbers, whose ownership is the caller's promise")]

use std::sync::Arc;

use ash::vk;

use crate::descriptor::{DescriptorError, DescriptorFields, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::sys::external_memory::{self, Object};
use crate::texture::{Device, Placement, Refused, TextureError};
use crate::vulkan::device::VulkanDevice;
use crate::vulkan::error::{result_name, vulkan};
use crate::vulkan::image;
use crate::vulkan::memory::{Wanted, check_type};
use crate::vulkan::texture::{Place, UnboundImage, VulkanTexture};
use crate::vulkan::transfer::Ownership;

/// What [`VulkanDevice::import_unguarded`] passes to the driver.
pub enum RawImport {
    /// A handle of whatever kind.
    Handle(OwnedHandle),
    /// A bare number, which need not be an open descriptor.
    Number(i64),
}

/// Which kind of import.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// Look at the object behind the handle before the driver is asked.
    pub(super) guarded: bool,
    /// Declare export, so that the import can be exported again.
    pub(super) exportable: bool,
}

impl VulkanDevice {
    /// Import like [`Device::import_texture`], and declare export, so that the import can be exported again. Not the default: NVIDIA's
    /// driver (580.159.04) reports that it can, and then ignores the import and allocates new memory.
    ///
    /// # Errors
    /// [`Refused`], also where the driver reports no `exportFromImportedHandleTypes`.
    pub fn import_exportable(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<VulkanTexture, Refused> {
        self.import_from(descriptor, RawImport::Handle(handle), How { guarded: true, exportable: true })
    }

    /// Import like [`Device::import_texture`], but leave it to the driver to notice that the handle is no memory object or a
    /// short one. For conformance tests: a driver must refuse with `VK_ERROR_INVALID_EXTERNAL_HANDLE`
    /// (VkImportMemoryFdInfoKHR).
    ///
    /// # Errors
    /// [`Refused`], with the handle if there was one.
    ///
    /// # Safety
    /// On success the driver owns whatever descriptor has [`RawImport::Number`]. A driver that accepts a short object
    /// may fault when its texels are accessed.
    pub unsafe fn import_unguarded(&self, descriptor: &TextureDescriptor, source: RawImport) -> Result<VulkanTexture, Refused> {
        self.import_from(descriptor, source, How { guarded: false, exportable: false })
    }

    pub(super) fn import_from(
        &self,
        descriptor: &TextureDescriptor,
        source: RawImport,
        how: How,
    ) -> Result<VulkanTexture, Refused> {
        let refuse = |source: RawImport, error: TextureError| {
            let handle = match source {
                RawImport::Handle(handle) => Some(handle),
                RawImport::Number(_) => None,
            };
            Refused { handle, error }
        };
        let fields = descriptor.fields();
        let (image, wanted) = match self.prepare_import(fields, how) {
            Ok(prepared) => prepared,
            Err(error) => return Err(refuse(source, error)),
        };
        if how.guarded
            && let RawImport::Handle(handle) = &source
            && let Err(error) = check_object(handle, fields.allocation_size)
        {
            return Err(refuse(source, error));
        }
        let imported = match source {
            RawImport::Handle(handle) => wanted.import(&self.logical, handle, how.exportable),
            RawImport::Number(number) => {
                // SAFETY: whoever passes a number has promised this (`import_unguarded`).
                unsafe { wanted.import_number(&self.logical, number) }.map_err(|result| (None, result))
            }
        };
        let block = Arc::new(imported.map_err(|(handle, result)| Refused { handle, error: import_error(result) })?);
        let place = Place { block, offset: fields.offset, spec: fields.texture, exportable: how.exportable };
        self.bind(image, &place, Ownership::Released).map_err(|error| Refused { handle: None, error })
    }

    /// Everything that can be checked without the handle.
    fn prepare_import(&self, fields: &DescriptorFields, how: How) -> Result<(UnboundImage<'_>, Wanted), TextureError> {
        self.logical.usable()?;
        let own = self.identity();
        if fields.handle_type != HandleType::OpaqueFd {
            return Err(TextureError::WrongHandleType { found: fields.handle_type, expected: HandleType::OpaqueFd });
        }
        if fields.device_uuid != own.device_uuid {
            return Err(TextureError::ForeignDevice { found: fields.device_uuid, expected: own.device_uuid });
        }
        if fields.driver_uuid != own.driver_uuid {
            return Err(TextureError::ForeignDriver { found: fields.driver_uuid, expected: own.driver_uuid });
        }
        let can = self.check_capability(&fields.texture, true)?;
        if how.exportable && !can.export_from_imported.contains(&HandleType::OpaqueFd) {
            return Err(TextureError::Unsupported { what: "exporting imported memory (exportFromImportedHandleTypes)".into() });
        }
        let (image, needs) = self.new_image(&fields.texture)?;
        let dedicated = fields.texture.placement == Placement::Dedicated;
        let need = needs.memory;
        check_type(fields.memory_type_index, need.memory_type_bits, self.logical.memory_types.memory_type_count)?;
        let mismatch = |field, found: u64, expected: String| {
            TextureError::from(DescriptorError::Mismatch { field, found: found.to_string(), expected })
        };
        if !fields.offset.is_multiple_of(need.alignment) {
            return Err(mismatch("offset", fields.offset, format!("multiples of {}", need.alignment)));
        }
        let room = fields.allocation_size - fields.offset;
        if room < need.size || dedicated && room != need.size {
            return Err(mismatch("allocation_size", fields.allocation_size, format!("{} bytes for this texture", need.size)));
        }
        let planes = image::planes(&self.logical.raw, image.image, &fields.texture);
        if planes != fields.planes {
            let (found, expected) = (format!("{:?}", fields.planes), format!("{planes:?}"));
            return Err(DescriptorError::Mismatch { field: "planes", found, expected }.into());
        }
        let wanted = Wanted {
            size: fields.allocation_size,
            type_index: fields.memory_type_index,
            dedicated: dedicated.then_some(image.image),
        };
        Ok((image, wanted))
    }
}

/// Refuse what no driver should be asked about: some block on it, some map past its end.
fn check_object(handle: &OwnedHandle, expected: u64) -> Result<(), TextureError> {
    match external_memory::look(handle) {
        Object::Bytes(found) if found < expected => Err(TextureError::ShortObject { found, expected }),
        Object::NeverMemory(kind) => {
            let detail = format!("it is a {kind}");
            Err(TextureError::InvalidHandle { expected: HandleType::OpaqueFd, detail })
        }
        Object::Bytes(_) | Object::Opaque => Ok(()),
    }
}

fn import_error(result: vk::Result) -> TextureError {
    match result {
        vk::Result::ERROR_INVALID_EXTERNAL_HANDLE => {
            TextureError::InvalidHandle { expected: HandleType::OpaqueFd, detail: result_name(result) }
        }
        other => vulkan("vkAllocateMemory")(other),
    }
}
