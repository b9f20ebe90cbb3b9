//! Texel formats that textures can be shared in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A texel format, named after its `VkFormat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Format {
    /// `VK_FORMAT_R8_UNORM`, 1 byte a texel.
    #[serde(rename = "R8_UNORM")]
    R8Unorm,
    /// `VK_FORMAT_R8G8_UNORM`, 2 bytes.
    #[serde(rename = "R8G8_UNORM")]
    R8G8Unorm,
    /// `VK_FORMAT_R8G8B8A8_UNORM`, 4 bytes.
    #[serde(rename = "R8G8B8A8_UNORM")]
    R8G8B8A8Unorm,
    /// `VK_FORMAT_R8G8B8A8_SRGB`, 4 bytes.
    #[serde(rename = "R8G8B8A8_SRGB")]
    R8G8B8A8Srgb,
    /// `VK_FORMAT_B8G8R8A8_UNORM`, 4 bytes.
    #[serde(rename = "B8G8R8A8_UNORM")]
    B8G8R8A8Unorm,
    /// `VK_FORMAT_A2B10G10R10_UNORM_PACK32`, 4 bytes.
    #[serde(rename = "A2B10G10R10_UNORM_PACK32")]
    A2B10G10R10Unorm,
    /// `VK_FORMAT_R16G16B16A16_SFLOAT`, 8 bytes.
    #[serde(rename = "R16G16B16A16_SFLOAT")]
    R16G16B16A16Sfloat,
    /// `VK_FORMAT_R32_SFLOAT`, 4 bytes.
    #[serde(rename = "R32_SFLOAT")]
    R32Sfloat,
    /// `VK_FORMAT_R32G32B32A32_SFLOAT`, 16 bytes.
    #[serde(rename = "R32G32B32A32_SFLOAT")]
    R32G32B32A32Sfloat,
}

/// What a format's bits mean, as far as a bit pattern has to avoid values that a copy may change (NaN, denormals).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Integers and normalised integers: any bits.
    Integer,
    /// IEEE 754 binary16.
    Half,
    /// IEEE 754 binary32.
    Single,
}

impl Format {
    /// Every format, smallest texel first within a family.
    pub const ALL: [Self; 9] = [
        Self::R8Unorm,
        Self::R8G8Unorm,
        Self::R8G8B8A8Unorm,
        Self::R8G8B8A8Srgb,
        Self::B8G8R8A8Unorm,
        Self::A2B10G10R10Unorm,
        Self::R16G16B16A16Sfloat,
        Self::R32Sfloat,
        Self::R32G32B32A32Sfloat,
    ];

    /// Bytes of one texel.
    #[must_use]
    pub const fn texel_bytes(self) -> u32 {
        match self {
            Self::R8Unorm => 1,
            Self::R8G8Unorm => 2,
            Self::R8G8B8A8Unorm | Self::R8G8B8A8Srgb | Self::B8G8R8A8Unorm | Self::A2B10G10R10Unorm | Self::R32Sfloat => 4,
            Self::R16G16B16A16Sfloat => 8,
            Self::R32G32B32A32Sfloat => 16,
        }
    }

    /// What its bits mean.
    #[must_use]
    pub const fn numbers(self) -> Numbers {
        match self {
            Self::R16G16B16A16Sfloat => Numbers::Half,
            Self::R32Sfloat | Self::R32G32B32A32Sfloat => Numbers::Single,
            _ => Numbers::Integer,
        }
    }

    /// The name used in case ids, e.g. `rgba8_unorm`.
    #[must_use]
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::R8Unorm => "r8_unorm",
            Self::R8G8Unorm => "rg8_unorm",
            Self::R8G8B8A8Unorm => "rgba8_unorm",
            Self::R8G8B8A8Srgb => "rgba8_srgb",
            Self::B8G8R8A8Unorm => "bgra8_unorm",
            Self::A2B10G10R10Unorm => "rgb10a2_unorm",
            Self::R16G16B16A16Sfloat => "rgba16_sfloat",
            Self::R32Sfloat => "r32_sfloat",
            Self::R32G32B32A32Sfloat => "rgba32_sfloat",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short_name())
    }
}
