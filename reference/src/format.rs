//! Texel formats that textures can be shared in, and how the texels of each are laid out.

mod table;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use table::Format;

/// One plane of a format: what is copied at once. A colour format has one, a multi-planar format one for each of its
/// planes, a format of depth and stencil one for each of these aspects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Which part of an image it is.
    pub aspect: Aspect,
    /// Texels of this plane that one block covers, across and down; more than 1×1 where a format is compressed or packed.
    pub block: (u32, u32),
    /// Bytes of one block.
    pub block_bytes: u32,
    /// Texels of the texture that one texel of this plane covers, across and down.
    pub subsampling: (u32, u32),
    /// What its bits mean.
    pub numbers: Numbers,
}

/// Which part of an image a plane is (`VkImageAspectFlagBits`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// `VK_IMAGE_ASPECT_COLOR_BIT`.
    Color,
    /// `VK_IMAGE_ASPECT_DEPTH_BIT`.
    Depth,
    /// `VK_IMAGE_ASPECT_STENCIL_BIT`.
    Stencil,
    /// `VK_IMAGE_ASPECT_PLANE_0_BIT`.
    Plane0,
    /// `VK_IMAGE_ASPECT_PLANE_1_BIT`.
    Plane1,
    /// `VK_IMAGE_ASPECT_PLANE_2_BIT`.
    Plane2,
}

/// What a plane's bits mean, as far as a bit pattern has to avoid values that a copy may change (NaN, denormals), or that a
/// texture of this format may not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Integers, normalised integers, and blocks of compressed texels: any bits.
    Integer,
    /// IEEE 754 binary16.
    Half,
    /// IEEE 754 binary32.
    Single,
    /// IEEE 754 binary64.
    Double,
    /// Three floating-point numbers without sign, of 11, 11 and 10 bits.
    PackedFloat,
    /// IEEE 754 binary32 from 0 to 1: what a copy may put into a depth aspect (VUID-vkCmdCopyBufferToImage-pRegions-07931).
    UnitSingle,
    /// 24 bits of 32, of which the upper 8 mean nothing.
    Low24,
    /// 10 bits of 16, of which the lower 6 mean nothing.
    High10,
}

impl Numbers {
    /// Bits of each word of 32 to clear and to set, so that no value is one that a copy need not keep.
    #[must_use]
    pub const fn allowed_bits(self) -> (u32, u32) {
        match self {
            Self::Integer => (0, 0),
            // The exponent is neither 0 nor the largest.
            Self::Half => (0x4000_4000, 0x2000_2000),
            Self::Single | Self::Double => (0x4000_0000, 0x2000_0000),
            Self::PackedFloat => (0x8020_0400, 0x4010_0200),
            Self::UnitSingle => (0xc080_0000, 0x2000_0000),
            Self::Low24 | Self::High10 => (self.unused_bits(), 0),
        }
    }

    /// Bits of each word of 32 that mean nothing, and that are not compared.
    #[must_use]
    pub const fn unused_bits(self) -> u32 {
        match self {
            Self::Low24 => 0xff00_0000,
            Self::High10 => 0x003f_003f,
            _ => 0,
        }
    }
}

/// What a format belongs to, which decides what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Uncompressed colour.
    Color,
    /// Depth, stencil, or both.
    DepthStencil,
    /// Compressed in blocks.
    Compressed,
    /// Luma and chroma in planes of their own, or packed in pairs of texels (sampler Y′CbCr conversion).
    Planar,
}

impl Plane {
    const fn of(aspect: Aspect, block_bytes: u32, numbers: Numbers) -> Self {
        Self { aspect, block: (1, 1), block_bytes, subsampling: (1, 1), numbers }
    }

    const fn color(block_bytes: u32) -> Self {
        Self::of(Aspect::Color, block_bytes, Numbers::Integer)
    }

    const fn color_of(block_bytes: u32, numbers: Numbers) -> Self {
        Self::of(Aspect::Color, block_bytes, numbers)
    }

    const fn blocks(across: u32, down: u32, block_bytes: u32) -> Self {
        Self { block: (across, down), ..Self::color(block_bytes) }
    }

    const STENCIL: Self = Self::of(Aspect::Stencil, 1, Numbers::Integer);

    const fn depth(block_bytes: u32, numbers: Numbers) -> Self {
        Self::of(Aspect::Depth, block_bytes, numbers)
    }

    const fn luma(block_bytes: u32) -> Self {
        Self::of(Aspect::Plane0, block_bytes, Numbers::Integer)
    }

    /// The second plane: both chroma values, or the first of them.
    const fn chroma(block_bytes: u32) -> Self {
        Self::of(Aspect::Plane1, block_bytes, Numbers::Integer)
    }

    /// The third plane: the second chroma value.
    const fn chroma2(block_bytes: u32) -> Self {
        Self::of(Aspect::Plane2, block_bytes, Numbers::Integer)
    }

    /// The same with values of 10 bits in 16.
    const fn of_10_bits(self) -> Self {
        Self { numbers: Numbers::High10, ..self }
    }

    /// The same with one texel for so many of the texture, across and down.
    const fn every(self, across: u32, down: u32) -> Self {
        Self { subsampling: (across, down), ..self }
    }

    const fn is_packed_pair(&self) -> bool {
        matches!((self.block, self.block_bytes), ((2, 1), _))
    }
}

impl Format {
    /// What it belongs to.
    #[must_use]
    pub const fn class(self) -> Class {
        let first = &self.planes()[0];
        match first.aspect {
            Aspect::Depth | Aspect::Stencil => Class::DepthStencil,
            Aspect::Color if first.block.0 == 1 => Class::Color,
            Aspect::Color if !first.is_packed_pair() => Class::Compressed,
            _ => Class::Planar,
        }
    }

    /// What width and height have to be multiples of: 1 but for formats whose chroma is sampled less often
    /// (VUID-VkImageCreateInfo-format-04712, 04713).
    #[must_use]
    pub const fn granularity(self) -> (u32, u32) {
        let planes = self.planes();
        if planes[0].is_packed_pair() { planes[0].block } else { planes[planes.len() - 1].subsampling }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short_name())
    }
}

/// A name that is no format's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {0:?}; formats are named as in VkFormat, without VK_FORMAT_")]
pub struct UnknownFormat(String);

impl Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom(UnknownFormat(name.into_owned())))
    }
}
