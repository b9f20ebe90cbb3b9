//! Imports: what is checked before the driver is asked, and who owns the handle afterwards.
#![expect(unsafe_code, reason = "imports of bare numbers, whose ownership is the caller's promise")]

use std::sync::Arc;

use ash::vk;

use crate::descriptor::{DescriptorError, DescriptorFields, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::spec::{Placement, Tiling};
use crate::sys::external_memory::{self, Looked, Object};
use crate::texture::{Device, Refused, TextureError};
use crate::vulkan::capability::vk_handle_type;
use crate::vulkan::device::VulkanDevice;
use crate::vulkan::error::{result_name, vulkan};
use crate::vulkan::image::{self, Modifier};
use crate::vulkan::memory::{Wanted, check_type, choose_type};
use crate::vulkan::texture::{Place, UnboundImage, VulkanTexture};
use crate::vulkan::transfer::Ownership;

/// What [`VulkanDevice::import_unguarded`] passes to the driver.
pub enum RawImport {
    /// A handle of whatever kind.
    Handle(OwnedHandle),
    /// A bare number, which need not be an open handle.
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
    /// (VkImportMemoryFdInfoKHR, VkImportMemoryWin32HandleInfoKHR).
    ///
    /// # Errors
    /// [`Refused`], with the handle if there was one.
    ///
    /// # Safety
    /// On success the driver owns whatever file descriptor has [`RawImport::Number`]. A driver that accepts a short object
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
        let mut prepared = match self.prepare_import(fields, how) {
            Ok(prepared) => prepared,
            Err(error) => return Err(refuse(source, error)),
        };
        let handle_type = fields.handle_type;
        let imported = match source {
            RawImport::Handle(handle) => {
                let looked = external_memory::look(&handle);
                let checked = if how.guarded { check_object(&looked.object, fields) } else { Ok(()) };
                let chosen = checked.and_then(|()| self.choose_foreign_type(&mut prepared, &handle, &looked, handle_type));
                if let Err(error) = chosen {
                    return Err(Refused { handle: Some(handle), error });
                }
                prepared.wanted.import(&self.logical, handle, &looked, handle_type, how.exportable)
            }
            RawImport::Number(number) => {
                // SAFETY: whoever passes a number has promised this (`import_unguarded`).
                unsafe { prepared.wanted.import_number(&self.logical, number, handle_type) }.map_err(|result| (None, result))
            }
        };
        let refused = |(handle, result)| Refused { handle, error: import_error(result, handle_type) };
        let block = Arc::new(imported.map_err(refused)?);
        let Prepared { image, memory_planes, .. } = prepared;
        let (offset, spec, exportable) = (fields.offset, fields.texture, how.exportable);
        let place = Place { block, offset, spec, handle_type, memory_planes, exportable };
        self.bind(image, place, Ownership::Released).map_err(|error| Refused { handle: None, error })
    }

    /// A foreign handle says itself which types of memory it can become
    /// (VUID-VkMemoryAllocateInfo-memoryTypeIndex-00648).
    fn choose_foreign_type(
        &self,
        prepared: &mut Prepared<'_>,
        handle: &OwnedHandle,
        looked: &Looked,
        handle_type: HandleType,
    ) -> Result<(), TextureError> {
        // Of what is none, the question is not valid usage (VUID-vkGetMemoryFdPropertiesKHR-fd-00673).
        if handle_type != HandleType::DmaBuf || !matches!(looked.object, Object::DmaBuf(_)) {
            return Ok(());
        }
        let bit = vk_handle_type(handle_type).unwrap_or_default();
        let types = external_memory::importable_types(&self.logical.external, handle, bit);
        let types = types.map_err(|result| import_error(result, handle_type))?;
        let (must, wish) = (vk::MemoryPropertyFlags::empty(), vk::MemoryPropertyFlags::DEVICE_LOCAL);
        prepared.wanted.type_index = choose_type(&self.logical.memory_types, types & prepared.types, must, wish)?;
        Ok(())
    }

    /// Everything that can be checked without the handle.
    fn prepare_import(&self, fields: &DescriptorFields, how: How) -> Result<Prepared<'_>, TextureError> {
        self.logical.usable()?;
        let (own, opaque) = (self.identity(), fields.handle_type == self.handle_type());
        if !opaque && fields.handle_type != HandleType::DmaBuf {
            return Err(TextureError::WrongHandleType { found: fields.handle_type, expected: self.handle_type() });
        }
        // A dma-buf may come from anywhere.
        if opaque && fields.device_uuid != own.device_uuid {
            return Err(TextureError::ForeignDevice { found: fields.device_uuid, expected: own.device_uuid });
        }
        if opaque && fields.driver_uuid != own.driver_uuid {
            return Err(TextureError::ForeignDriver { found: fields.driver_uuid, expected: own.driver_uuid });
        }
        let checked = self.check_capability(&fields.texture, fields.handle_type, true)?;
        if how.exportable && !checked.can.export_from_imported.contains(&fields.handle_type) {
            return Err(TextureError::Unsupported { what: "exporting imported memory (exportFromImportedHandleTypes)".into() });
        }
        let memory_planes = checked.modifiers.first().map_or(0, |(_, planes)| *planes);
        let modifier = match checked.modifiers.first() {
            Some((modifier, _)) => Modifier::Exactly(*modifier, &fields.planes),
            None => Modifier::None,
        };
        let mismatch =
            |field, found: String, expected: String| TextureError::from(DescriptorError::Mismatch { field, found, expected });
        let modified = fields.texture.tiling == Tiling::Modifier;
        if modified && fields.planes.len() != memory_planes as usize {
            // VUID-VkImageDrmFormatModifierExplicitCreateInfoEXT-drmFormatModifierPlaneCount-02265.
            return Err(mismatch("planes", format!("{} of them", fields.planes.len()), format!("{memory_planes} of them")));
        }
        let (image, needs) = self.new_image(&fields.texture, fields.handle_type, &modifier)?;
        let dedicated = fields.texture.placement == Placement::Dedicated;
        let need = needs.memory;
        if opaque {
            check_type(fields.memory_type_index, need.memory_type_bits, self.logical.memory_types.memory_type_count)?;
        }
        if !fields.offset.is_multiple_of(need.alignment) {
            return Err(mismatch("offset", fields.offset.to_string(), format!("multiples of {}", need.alignment)));
        }
        let room = fields.allocation_size - fields.offset;
        // An identical image needs as much; one that is told its planes, where the exporter's driver chose them, may need less.
        if room < need.size || dedicated && !modified && room != need.size {
            let (found, expected) = (fields.allocation_size.to_string(), format!("{} bytes for this texture", need.size));
            return Err(mismatch("allocation_size", found, expected));
        }
        let planes = image::planes(&self.logical.raw, image.image, &fields.texture, memory_planes);
        if planes != fields.planes {
            return Err(mismatch("planes", format!("{:?}", fields.planes), format!("{planes:?}")));
        }
        let wanted = Wanted {
            // VUID-VkMemoryDedicatedAllocateInfo-image-02964.
            size: if dedicated { need.size } else { fields.allocation_size },
            type_index: fields.memory_type_index,
            dedicated: dedicated.then_some(image.image),
        };
        Ok(Prepared { image, wanted, types: need.memory_type_bits, memory_planes })
    }
}

/// An import that lacks only the handle.
struct Prepared<'device> {
    image: UnboundImage<'device>,
    wanted: Wanted,
    /// The memory types that the image may lie in.
    types: u32,
    memory_planes: u32,
}

/// Refuse what no driver should be asked about: some block on it, some map past its end.
fn check_object(object: &Object, fields: &DescriptorFields) -> Result<(), TextureError> {
    let expected = fields.allocation_size;
    let invalid = |detail: &str| Err(TextureError::InvalidHandle { expected: fields.handle_type, detail: detail.into() });
    match *object {
        Object::Bytes(_) if fields.handle_type == HandleType::DmaBuf => invalid("it is a file or memory object"),
        Object::Bytes(found) | Object::DmaBuf(found) if found < expected => Err(TextureError::ShortObject { found, expected }),
        Object::NeverMemory(kind) => invalid(&format!("it is a {kind}")),
        Object::Bytes(_) | Object::DmaBuf(_) | Object::Opaque => Ok(()),
    }
}

fn import_error(result: vk::Result, expected: HandleType) -> TextureError {
    match result {
        vk::Result::ERROR_INVALID_EXTERNAL_HANDLE => TextureError::InvalidHandle { expected, detail: result_name(result) },
        other => vulkan("vkAllocateMemory")(other),
    }
}
