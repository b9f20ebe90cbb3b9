//! Textures: creation, export, access, and the [`Device`] contract.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::{Arc, PoisonError};

use ash::vk;

use crate::descriptor::{DescriptorError, DescriptorFields, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::identity::{Api, Identity};
use crate::sys;
use crate::sys::external_memory::{self, Exported};
use crate::texture::{Device, Placement, Refused, TextureError, TextureSpec};
use crate::vulkan::capability::{TextureCapability, texture_capability};
use crate::vulkan::device::{Logical, VulkanDevice};
use crate::vulkan::error::vulkan;
use crate::vulkan::image::{self, Requirements};
use crate::vulkan::import::{How, RawImport};
use crate::vulkan::memory::{Block, Wanted, choose_type};
use crate::vulkan::transfer::{Ownership, Staging, Work, perform};

/// Textures inside one allocation start at least this far from its beginning, so that a dropped offset shows.
const LEAST_OFFSET: u64 = 4096;

/// A texture of a [`VulkanDevice`].
pub struct VulkanTexture {
    logical: Arc<Logical>,
    image: vk::Image,
    block: Arc<Block>,
    offset: u64,
    spec: TextureSpec,
    /// Whether export was declared for its memory.
    exportable: bool,
    ownership: Ownership,
}

impl Drop for VulkanTexture {
    fn drop(&mut self) {
        if self.logical.idle() {
            // SAFETY: the image was made by this device, every copy was waited for, and nobody else has its handle.
            unsafe { self.logical.raw.destroy_image(self.image, None) }
        }
    }
}

/// Where a texture goes.
pub(super) struct Place {
    pub(super) block: Arc<Block>,
    pub(super) offset: u64,
    pub(super) spec: TextureSpec,
    pub(super) exportable: bool,
}

/// An image without memory.
pub(super) struct UnboundImage<'device> {
    device: &'device ash::Device,
    pub(super) image: vk::Image,
}

impl UnboundImage<'_> {
    /// From now on somebody else destroys it.
    fn keep(self) -> vk::Image {
        let image = self.image;
        std::mem::forget(self);
        image
    }
}

impl Drop for UnboundImage<'_> {
    fn drop(&mut self) {
        // SAFETY: the image was made by this device and nothing uses it.
        unsafe { self.device.destroy_image(self.image, None) }
    }
}

impl VulkanDevice {
    /// Export like [`Device::export_texture`], and leave the handle as the driver made it. For conformance tests: a driver must
    /// make it close-on-exec itself (vkGetMemoryFdKHR).
    ///
    /// # Errors
    /// As [`Device::export_texture`].
    pub fn export_unguarded(&self, texture: &mut VulkanTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        self.logical.usable()?;
        if !texture.exportable {
            return Err(TextureError::NotExportable);
        }
        let own = self.identity();
        let descriptor = TextureDescriptor::new(DescriptorFields {
            version: TextureDescriptor::VERSION,
            api: Api::Vulkan,
            device_uuid: own.device_uuid,
            driver_uuid: own.driver_uuid,
            handle_type: HandleType::OpaqueFd,
            allocation_size: texture.block.size,
            offset: texture.offset,
            memory_type_index: texture.block.type_index,
            texture: texture.spec,
            mip_levels: 1,
            samples: 1,
            drm_modifier: None,
            planes: image::planes(&self.logical.raw, texture.image, &texture.spec),
        })?;
        if texture.ownership != Ownership::Released {
            let _serialised = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
            self.transfer(texture, &Work::Release, Ownership::Released, None)?;
        }
        match external_memory::export(&self.logical.external, texture.block.memory).map_err(vulkan("vkGetMemoryFdKHR"))? {
            Exported::Handle(handle) => Ok((descriptor, handle)),
            Exported::NotADescriptor(number) => {
                Err(TextureError::Driver { what: format!("vkGetMemoryFdKHR answered SUCCESS with descriptor {number}") })
            }
        }
    }

    pub(super) fn check_capability(&self, spec: &TextureSpec, importing: bool) -> Result<TextureCapability, TextureError> {
        let can = texture_capability(&self.logical.physical, spec.format, spec.tiling, HandleType::OpaqueFd);
        let unsupported = |what: String| Err(TextureError::Unsupported { what });
        if can.result != "SUCCESS" {
            return unsupported(format!("{} with {} tiling over opaque_fd: {}", spec.format, spec.tiling, can.result));
        }
        if (!importing && spec.exportable && !can.exportable) || (importing && !can.importable) {
            let direction = if importing { "import" } else { "export" };
            return unsupported(format!("{direction} of {} with {} tiling over opaque_fd", spec.format, spec.tiling));
        }
        if spec.placement == Placement::Suballocated && can.dedicated_only {
            return unsupported(format!("{} with {} tiling in shared allocations: dedicated only", spec.format, spec.tiling));
        }
        let (width, height) = can.max_extent;
        if spec.width > width || spec.height > height || spec.layers > can.max_layers {
            let (w, h, layers) = (spec.width, spec.height, spec.layers);
            return unsupported(format!("{w}×{h}×{layers}; at most {width}×{height}×{}", can.max_layers));
        }
        Ok(can)
    }

    /// An image that is destroyed unless a texture takes it over.
    pub(super) fn new_image(&self, spec: &TextureSpec) -> Result<(UnboundImage<'_>, Requirements), TextureError> {
        let image = UnboundImage { device: &self.logical.raw, image: image::create(&self.logical.raw, spec)? };
        let needs = image::requirements(&self.logical.raw, image.image);
        Ok((image, needs))
    }

    pub(super) fn bind(
        &self,
        image: UnboundImage<'_>,
        place: &Place,
        ownership: Ownership,
    ) -> Result<VulkanTexture, TextureError> {
        // SAFETY: size, alignment and memory type were checked against the image's requirements; the image is not bound yet.
        unsafe { self.logical.raw.bind_image_memory(image.image, place.block.memory, place.offset) }
            .map_err(vulkan("vkBindImageMemory"))?;
        let logical = Arc::clone(&self.logical);
        let block = Arc::clone(&place.block);
        let Place { offset, spec, exportable, .. } = *place;
        Ok(VulkanTexture { logical, image: image.keep(), block, offset, spec, exportable, ownership })
    }

    fn transfer(
        &self,
        texture: &mut VulkanTexture,
        work: &Work,
        after: Ownership,
        staging: Option<&Staging>,
    ) -> Result<(), TextureError> {
        let before = texture.ownership;
        let outcome = perform(&self.logical, texture.image, &texture.spec, work, (before, after), staging);
        match &outcome {
            Ok(()) => texture.ownership = after,
            Err(TextureError::Timeout { .. }) => self.logical.give_up(),
            Err(_) => {}
        }
        outcome
    }

    /// Where a texture rests after an access by this process.
    fn resting(texture: &VulkanTexture) -> Ownership {
        if texture.ownership == Ownership::Released { Ownership::Released } else { Ownership::Local }
    }

    fn grow<'held>(&self, held: &'held mut Option<Staging>, bytes: u64) -> Result<&'held mut Staging, TextureError> {
        self.logical.usable()?;
        if !held.as_ref().is_some_and(|staging| staging.holds(bytes)) {
            *held = None;
            *held = Some(Staging::new(&self.logical, bytes)?);
        }
        held.as_mut().ok_or_else(|| TextureError::Driver { what: "no staging buffer".into() })
    }
}

impl Device for VulkanDevice {
    type Texture = VulkanTexture;

    fn identity(&self) -> &Identity {
        self.logical.physical.identity()
    }

    fn handle_type(&self) -> HandleType {
        HandleType::OpaqueFd
    }

    fn create_textures(&self, spec: &TextureSpec, count: u32) -> Result<Vec<VulkanTexture>, TextureError> {
        self.logical.usable()?;
        spec.validate()?;
        self.check_capability(spec, false)?;
        let images: Vec<_> = (0..count).map(|_| self.new_image(spec)).collect::<Result<_, _>>()?;
        let Some((first_image, needs)) = images.first() else { return Ok(Vec::new()) };
        let need = needs.memory;
        let stride = need.size.next_multiple_of(need.alignment.max(1));
        let (first, size, dedicated) = match spec.placement {
            Placement::Dedicated if count != 1 => {
                return Err(TextureError::Unsupported { what: format!("{count} textures in one dedicated allocation") });
            }
            Placement::Suballocated if needs.dedicated => {
                return Err(TextureError::Unsupported {
                    what: "this texture in a shared allocation: dedicated required".into(),
                });
            }
            Placement::Dedicated => (0, need.size, Some(first_image.image)),
            Placement::Suballocated => {
                let first = LEAST_OFFSET.next_multiple_of(need.alignment.max(1));
                let size = stride.saturating_mul(u64::from(count)).saturating_add(LEAST_OFFSET).saturating_add(first);
                (first, size, None)
            }
        };
        DescriptorError::range("allocation_size", size, 1, TextureDescriptor::MAX_ALLOCATION)?;
        // Device memory where there is some; it is never mapped, staging does the copying.
        let (must, wish) = (vk::MemoryPropertyFlags::empty(), vk::MemoryPropertyFlags::DEVICE_LOCAL);
        let type_index = choose_type(&self.logical.memory_types, need.memory_type_bits, must, wish)?;
        let block = Arc::new(Wanted { size, type_index, dedicated }.allocate(&self.logical, spec.exportable)?);
        let place = |index: u64| Place {
            block: Arc::clone(&block),
            offset: first + stride * index,
            spec: *spec,
            exportable: spec.exportable,
        };
        (0..).zip(images).map(|(index, (image, _))| self.bind(image, &place(index), Ownership::Fresh)).collect()
    }

    fn spec<'texture>(&self, texture: &'texture VulkanTexture) -> &'texture TextureSpec {
        &texture.spec
    }

    fn export_texture(&self, texture: &mut VulkanTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        let (descriptor, handle) = self.export_unguarded(texture)?;
        let what = "making an exported handle close-on-exec";
        sys::handle::close_on_exec(&handle.0).map_err(|source| TextureError::Os { what, source })?;
        Ok((descriptor, handle))
    }

    fn import_texture(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<VulkanTexture, Refused> {
        self.import_from(descriptor, RawImport::Handle(handle), How { guarded: true, exportable: false })
    }

    fn write(&self, texture: &mut VulkanTexture, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), TextureError> {
        let mut held = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = texture.spec.packed_bytes();
        let staging = self.grow(&mut held, bytes)?;
        fill(staging.texels_mut(bytes));
        self.transfer(texture, &Work::Write, Self::resting(texture), Some(staging))
    }

    fn read(&self, texture: &mut VulkanTexture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError> {
        let mut held = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = texture.spec.packed_bytes();
        let staging = self.grow(&mut held, bytes)?;
        self.transfer(texture, &Work::Read, Self::resting(texture), Some(staging))?;
        look(staging.texels(bytes));
        Ok(())
    }
}
