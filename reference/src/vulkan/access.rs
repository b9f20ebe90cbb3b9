//! Writing and reading a texture, whole or by subresource, through the staging buffer.

use std::ops::Range;
use std::sync::PoisonError;

use ash::vk;

use crate::spec::{Part, Subresource, TextureSpec};
use crate::texture::{Device, TextureError, check_copy};
use crate::vulkan::device::VulkanDevice;
use crate::vulkan::multisample::{self, Resolved};
use crate::vulkan::staging::Staging;
use crate::vulkan::texture::VulkanTexture;
use crate::vulkan::transfer::{Work, all_regions, one_region};

/// What of a texture is accessed, and where it lies in the staging buffer.
pub(super) struct Access {
    bytes: u64,
    regions: Vec<vk::BufferImageCopy>,
    /// The part and the slices of it that are cleared, where the texture is multisampled and therefore has one part.
    part: Part,
    slices: Range<u32>,
}

impl Access {
    pub(super) fn whole(spec: &TextureSpec) -> Result<Self, TextureError> {
        let bytes = check_copy(spec.packed_bytes())?;
        let part = spec.part(Subresource::default()).ok_or_else(|| TextureError::no_subresource(Subresource::default()))?;
        Ok(Self { bytes, regions: all_regions(spec), part, slices: 0..part.slices })
    }

    pub(super) fn one(spec: &TextureSpec, subresource: Subresource) -> Result<Self, TextureError> {
        let part = spec.part(subresource).ok_or_else(|| TextureError::no_subresource(subresource))?;
        let bytes = check_copy(part.slice_bytes())?;
        let regions = vec![one_region(spec, &part, subresource)];
        Ok(Self { bytes, regions, part, slices: subresource.slice..subresource.slice + 1 })
    }
}

impl VulkanDevice {
    pub(super) fn copy_in(
        &self,
        texture: &mut VulkanTexture,
        access: &Access,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), TextureError> {
        let spec = *self.spec(texture);
        if spec.samples > 1 && !multisample::can_be_cleared(spec.format) {
            return Err(TextureError::Unsupported { what: format!("writing {} with {} samples", spec.format, spec.samples) });
        }
        let after = Self::resting(texture);
        let mut held = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let staging = self.grow(&mut held, access.bytes)?;
        fill(staging.texels_mut(access.bytes));
        if spec.samples > 1 {
            let clears = multisample::clears(&spec, &access.part, access.slices.clone(), staging.texels(access.bytes));
            return self.transfer(texture, &Work::Clear(&clears), after);
        }
        self.transfer(texture, &Work::Write(staging.buffer, &access.regions), after)
    }

    pub(super) fn copy_out(
        &self,
        texture: &mut VulkanTexture,
        access: &Access,
        look: &mut dyn FnMut(&[u8]),
    ) -> Result<(), TextureError> {
        let spec = *self.spec(texture);
        let after = Self::resting(texture);
        let mut held = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let staging = self.grow(&mut held, access.bytes)?;
        if spec.samples > 1 {
            let resolved = Resolved::new(&self.logical, &spec)?;
            self.transfer(texture, &Work::Resolve(&resolved, staging.buffer, &access.regions), after)?;
        } else {
            self.transfer(texture, &Work::Read(staging.buffer, &access.regions), after)?;
        }
        look(staging.texels(access.bytes));
        Ok(())
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
