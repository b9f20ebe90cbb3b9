//! Whether what a texture is said to be makes sense by itself. What a device can do is for the device to say.

use crate::descriptor::DescriptorError;
use crate::format::Class;
use crate::spec::{Creation, Dimension, TextureSpec, Tiling, Usage};

/// `DRM_FORMAT_MOD_INVALID`: the layout is a secret between two drivers.
const NO_MODIFIER: u64 = 0x00ff_ffff_ffff_ffff;

impl TextureSpec {
    /// Mip levels at most: those of a texture with [`Self::MAX_SIDE`].
    pub const MAX_LEVELS: u32 = Self::MAX_SIDE.ilog2() + 1;

    /// Whether the numbers make sense at all; what a device can do is for the device to say.
    ///
    /// # Errors
    /// [`DescriptorError::OutOfRange`] names the field, what was found and what is allowed; [`DescriptorError::Contradiction`].
    pub fn validate(&self) -> Result<(), DescriptorError> {
        let side = u64::from(Self::MAX_SIDE);
        DescriptorError::range("width", u64::from(self.width), 1, side)?;
        DescriptorError::range("height", u64::from(self.height), 1, side)?;
        DescriptorError::range("depth", u64::from(self.depth), 1, side)?;
        DescriptorError::range("layers", u64::from(self.layers), 1, u64::from(Self::MAX_LAYERS))?;
        let levels = self.width.max(self.height).max(self.depth).ilog2() + 1;
        DescriptorError::range("mip_levels", u64::from(self.mip_levels), 1, u64::from(levels))?;
        DescriptorError::range("samples", u64::from(self.samples), 1, 64)?;
        self.check_dimension()?;
        self.check_samples()?;
        self.check_planar()?;
        self.check_flags()?;
        self.check_modifier()?;
        let bytes = self.packed_bytes().saturating_mul(u64::from(self.samples));
        DescriptorError::range("bytes of texels", bytes, 1, Self::MAX_BYTES)
    }

    fn check_dimension(&self) -> Result<(), DescriptorError> {
        let allowed = match self.dimension {
            Dimension::D1 => (self.height, self.depth) == (1, 1),
            Dimension::D2 => self.depth == 1,
            // VUID-VkImageCreateInfo-imageType-00961.
            Dimension::D3 => self.layers == 1,
        };
        let (across, down, deep, layers) = (self.width, self.height, self.depth, self.layers);
        require(allowed, || format!("a {} texture is not {across}×{down}×{deep} in {layers} layers", self.dimension))?;
        // Drivers know no others in one dimension.
        let flat = self.dimension != Dimension::D1 || self.format.class() == Class::Color;
        require(flat, || format!("a 1d texture has a format of uncompressed colour, not {}", self.format))
    }

    fn check_samples(&self) -> Result<(), DescriptorError> {
        require(self.samples.is_power_of_two(), || format!("samples are a power of two, found {}", self.samples))?;
        // VUID-VkImageCreateInfo-samples-02257.
        let flat =
            self.dimension == Dimension::D2 && self.mip_levels == 1 && !self.creation.contains(Creation::CUBE_COMPATIBLE);
        require(self.samples == 1 || flat && self.tiling == Tiling::Optimal, || {
            format!("a texture of {} samples is 2d, of one level, of optimal tiling, and no cube", self.samples)
        })
    }

    fn check_planar(&self) -> Result<(), DescriptorError> {
        if self.format.class() != Class::Planar {
            return Ok(());
        }
        let (across, down) = self.format.granularity();
        require(self.width.is_multiple_of(across) && self.height.is_multiple_of(down), || {
            let (width, height) = (self.width, self.height);
            format!("a texture of {} has sides that are multiples of {across}×{down}, found {width}×{height}", self.format)
        })?;
        // VUID-VkImageCreateInfo-format-06410 to 06413; layers are for those with ycbcrImageArrays.
        let flat = (self.dimension, self.mip_levels, self.layers, self.samples) == (Dimension::D2, 1, 1, 1);
        require(flat, || format!("a texture of {} is 2d, of one level, one layer and one sample", self.format))
    }

    fn check_flags(&self) -> Result<(), DescriptorError> {
        require(!self.usage.contains_unknown_bits(), || format!("unknown usage {:#x}", self.usage.bits()))?;
        require(!self.creation.contains_unknown_bits(), || format!("unknown creation flags {:#x}", self.creation.bits()))?;
        // VUID-VkImageCreateInfo-flags-08865, 08866.
        let cube = self.dimension == Dimension::D2 && self.width == self.height && self.layers >= 6;
        require(cube || !self.creation.contains(Creation::CUBE_COMPATIBLE), || {
            "a cube is 2d, as high as wide, and has six layers or more".into()
        })?;
        // VUID-VkImageCreateInfo-flags-00950.
        let deep = self.dimension == Dimension::D3;
        require(deep || !self.creation.contains(Creation::SLICES_AS_LAYERS), || "only a 3d texture has slices".into())?;
        // What is an input attachment is an attachment, as far as textures are shared.
        let attached = self.usage.contains(Usage::ATTACHMENT);
        require(attached || !self.usage.contains(Usage::INPUT_ATTACHMENT), || {
            "an input attachment has been an attachment before".into()
        })
    }

    fn check_modifier(&self) -> Result<(), DescriptorError> {
        let Some(modifier) = self.modifier else { return Ok(()) };
        require(self.tiling == Tiling::Modifier, || format!("a DRM modifier beside {} tiling", self.tiling))?;
        require(modifier != NO_MODIFIER, || "the DRM modifier is DRM_FORMAT_MOD_INVALID".into())
    }
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), DescriptorError> {
    if holds { Ok(()) } else { Err(DescriptorError::Contradiction { detail: otherwise() }) }
}

impl Usage {
    pub(crate) fn contains_unknown_bits(self) -> bool {
        !Self::all().contains(self)
    }
}

impl Creation {
    pub(crate) fn contains_unknown_bits(self) -> bool {
        !Self::all().contains(self)
    }
}
