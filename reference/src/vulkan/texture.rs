//! Textures: creation, export, and the [`Device`] contract.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::{Arc, PoisonError};

use ash::vk;

use crate::descriptor::{DescriptorError, DescriptorFields, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::identity::{Api, Identity};
use crate::spec::{Placement, Subresource, TextureSpec};
use crate::sys;
use crate::sys::external_memory;
use crate::texture::{Device, Refused, TextureError};
use crate::vulkan::access::Access;
use crate::vulkan::device::{Logical, VulkanDevice};
use crate::vulkan::error::vulkan;
use crate::vulkan::image::{self, Modifier, Requirements};
use crate::vulkan::import::{How, RawImport};
use crate::vulkan::memory::{Block, Wanted, choose_type};
use crate::vulkan::transfer::{Ownership, Target, Work, perform};

/// Textures inside one allocation start at least this far from its beginning, so that a dropped offset shows.
const LEAST_OFFSET: u64 = 4096;

/// A texture of a [`VulkanDevice`].
pub struct VulkanTexture {
    logical: Arc<Logical>,
    image: vk::Image,
    place: Place,
    ownership: Ownership,
    /// What its exports travel with, from the first on: it does not change.
    descriptor: Option<TextureDescriptor>,
}

impl Drop for VulkanTexture {
    fn drop(&mut self) {
        if self.logical.idle() {
            // SAFETY: the image was made by this device, every copy was waited for, and nobody else has its handle.
            unsafe { self.logical.raw.destroy_image(self.image, None) }
        }
    }
}

/// Where a texture is, and what is known of it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) block: Arc<Block>,
    pub(super) offset: u64,
    pub(super) spec: TextureSpec,
    pub(super) handle_type: HandleType,
    /// Memory planes, where it has a DRM format modifier.
    pub(super) memory_planes: u32,
    /// Whether export was declared for its memory.
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
    /// The type of opaque handle that shares memory on this system.
    pub const HANDLE_TYPE: HandleType = external_memory::HANDLE_TYPE;

    /// The device extension without which there is no [`VulkanDevice`].
    pub const MEMORY_EXTENSION: &'static std::ffi::CStr = external_memory::EXTENSION;

    /// Export like [`Device::export_texture`], and leave the handle as the driver made it. For conformance tests: a driver must
    /// make a file descriptor close-on-exec itself (vkGetMemoryFdKHR), and an NT handle one that children do not inherit
    /// (VkExportMemoryWin32HandleInfoKHR). A driver gives one NT handle for each allocation; further exports are duplicates of it.
    ///
    /// # Errors
    /// As [`Device::export_texture`].
    pub fn export_unguarded(&self, texture: &mut VulkanTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        self.logical.usable()?;
        if !texture.place.exportable {
            return Err(TextureError::NotExportable);
        }
        let descriptor = match &texture.descriptor {
            Some(known) => known.clone(),
            None => texture.descriptor.insert(self.describe(texture)?).clone(),
        };
        if texture.ownership != Ownership::Released {
            let _serialised = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
            self.transfer(texture, &Work::Release, Ownership::Released)?;
        }
        let handle = texture.place.block.export(texture.place.handle_type)?;
        Ok((descriptor, handle))
    }

    fn describe(&self, texture: &VulkanTexture) -> Result<TextureDescriptor, DescriptorError> {
        let Place { block, offset, spec, handle_type, memory_planes, .. } = &texture.place;
        let own = self.identity();
        TextureDescriptor::new(DescriptorFields {
            version: TextureDescriptor::VERSION,
            api: Api::Vulkan,
            device_uuid: own.device_uuid,
            driver_uuid: own.driver_uuid,
            handle_type: *handle_type,
            allocation_size: block.size,
            offset: *offset,
            memory_type_index: block.type_index,
            texture: *spec,
            planes: image::planes(&self.logical.raw, texture.image, spec, *memory_planes),
        })
    }

    /// An image that is destroyed unless a texture takes it over.
    pub(super) fn new_image(
        &self,
        spec: &TextureSpec,
        handle_type: HandleType,
        modifier: &Modifier<'_>,
    ) -> Result<(UnboundImage<'_>, Requirements), TextureError> {
        let device = &self.logical.raw;
        let image = UnboundImage { device, image: image::create(device, spec, handle_type, modifier)? };
        let needs = image::requirements(device, image.image);
        Ok((image, needs))
    }

    pub(super) fn bind(
        &self,
        image: UnboundImage<'_>,
        place: Place,
        ownership: Ownership,
    ) -> Result<VulkanTexture, TextureError> {
        // SAFETY: size, alignment and memory type were checked against the image's requirements; the image is not bound yet.
        unsafe { self.logical.raw.bind_image_memory(image.image, place.block.memory, place.offset) }
            .map_err(vulkan("vkBindImageMemory"))?;
        Ok(VulkanTexture { logical: Arc::clone(&self.logical), image: image.keep(), place, ownership, descriptor: None })
    }

    /// What a driver has made of the request for one of several modifiers: which it is, and how many memory planes that has.
    fn chosen_modifier(&self, image: vk::Image, among: &[(u64, u32)]) -> Result<(Option<u64>, u32), TextureError> {
        let Some(functions) = self.logical.extensions.modifier.as_ref().filter(|_| !among.is_empty()) else {
            return Ok((None, 0));
        };
        let mut properties = vk::ImageDrmFormatModifierPropertiesEXT::default();
        // SAFETY: the image is of this device and was created with a list of modifiers.
        unsafe { functions.get_image_drm_format_modifier_properties(image, &mut properties) }
            .map_err(vulkan("vkGetImageDrmFormatModifierPropertiesEXT"))?;
        let chosen = properties.drm_format_modifier;
        let found = among.iter().find(|(modifier, _)| *modifier == chosen);
        let wrong =
            || TextureError::Driver { what: format!("the driver chose modifier {chosen:#x}, which was not in the list") };
        found.map(|(modifier, planes)| (Some(*modifier), *planes)).ok_or_else(wrong)
    }

    pub(super) fn transfer(&self, texture: &mut VulkanTexture, work: &Work<'_>, after: Ownership) -> Result<(), TextureError> {
        let before = texture.ownership;
        let outside = self.logical.outside(texture.place.handle_type);
        let target = Target { image: texture.image, spec: &texture.place.spec, outside };
        let outcome = perform(&self.logical, &target, work, (before, after));
        match &outcome {
            Ok(()) => texture.ownership = after,
            Err(TextureError::Timeout { .. }) => self.logical.give_up(),
            Err(_) => {}
        }
        outcome
    }

    /// Where a texture rests after an access by this process.
    pub(super) fn resting(texture: &VulkanTexture) -> Ownership {
        if texture.ownership == Ownership::Released { Ownership::Released } else { Ownership::Local }
    }
}

impl Device for VulkanDevice {
    type Texture = VulkanTexture;

    fn identity(&self) -> &Identity {
        self.logical.physical.identity()
    }

    fn handle_type(&self) -> HandleType {
        Self::HANDLE_TYPE
    }

    fn create_textures(&self, spec: &TextureSpec, count: u32) -> Result<Vec<VulkanTexture>, TextureError> {
        self.logical.usable()?;
        spec.validate()?;
        let handle_type = spec.handle_type.unwrap_or_else(|| self.handle_type());
        let modifiers = self.check_capability(spec, handle_type, false)?.modifiers;
        let names: Vec<u64> = modifiers.iter().map(|(modifier, _)| *modifier).collect();
        let modifier = if names.is_empty() { Modifier::None } else { Modifier::OneOf(&names) };
        let images: Vec<_> = (0..count).map(|_| self.new_image(spec, handle_type, &modifier)).collect::<Result<_, _>>()?;
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
        let export_as = spec.exportable.then_some(handle_type);
        let block = Arc::new(Wanted { size, type_index, dedicated }.allocate(&self.logical, export_as)?);
        let placed = |(index, (image, _)): (u64, (UnboundImage<'_>, Requirements))| {
            let (chosen, memory_planes) = self.chosen_modifier(image.image, &modifiers)?;
            let spec = TextureSpec { modifier: chosen, ..*spec };
            let (block, offset, exportable) = (Arc::clone(&block), first + stride * index, spec.exportable);
            self.bind(image, Place { block, offset, spec, handle_type, memory_planes, exportable }, Ownership::Fresh)
        };
        (0..).zip(images).map(placed).collect()
    }

    fn spec<'texture>(&self, texture: &'texture VulkanTexture) -> &'texture TextureSpec {
        &texture.place.spec
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
        let access = Access::whole(&texture.place.spec)?;
        self.copy_in(texture, &access, fill)
    }

    fn read(&self, texture: &mut VulkanTexture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError> {
        let access = Access::whole(&texture.place.spec)?;
        self.copy_out(texture, &access, look)
    }

    fn write_subresource(
        &self,
        texture: &mut VulkanTexture,
        subresource: Subresource,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), TextureError> {
        let access = Access::one(&texture.place.spec, subresource)?;
        self.copy_in(texture, &access, fill)
    }

    fn read_subresource(
        &self,
        texture: &mut VulkanTexture,
        subresource: Subresource,
        look: &mut dyn FnMut(&[u8]),
    ) -> Result<(), TextureError> {
        let access = Access::one(&texture.place.spec, subresource)?;
        self.copy_out(texture, &access, look)
    }
}
