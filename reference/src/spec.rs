//! What a texture is: its format, its extent, and all else that exporter and importer have to agree on.

mod parts;
mod validate;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::handle::HandleType;

pub use parts::{Part, Subresource};

/// How texels lie in memory (`VkImageTiling`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tiling {
    /// `VK_IMAGE_TILING_OPTIMAL`: as the driver likes.
    Optimal,
    /// `VK_IMAGE_TILING_LINEAR`: row after row, with a pitch that the driver tells.
    Linear,
    /// `VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT`: as a number says that drivers agree on (Linux, dma-buf).
    Modifier,
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Optimal => "optimal",
            Self::Linear => "linear",
            Self::Modifier => "modifier",
        })
    }
}

/// Where a texture's memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// An allocation of its own, declared so (`VkMemoryDedicatedAllocateInfo`).
    Dedicated,
    /// At an offset above zero inside a larger allocation.
    Suballocated,
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dedicated => "dedicated",
            Self::Suballocated => "suballocated",
        })
    }
}

/// In how many directions a texture extends (`VkImageType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Dimension {
    /// `VK_IMAGE_TYPE_1D`: rows.
    #[serde(rename = "1d")]
    D1,
    /// `VK_IMAGE_TYPE_2D`.
    #[serde(rename = "2d")]
    D2,
    /// `VK_IMAGE_TYPE_3D`: slices, one behind the other.
    #[serde(rename = "3d")]
    D3,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::D1 => "1d",
            Self::D2 => "2d",
            Self::D3 => "3d",
        })
    }
}

bitflags::bitflags! {
    /// What a texture is used for (`VkImageUsageFlagBits`), beside being copied to and from, which all are. As text, the names with
    /// ` | ` between them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(transparent)]
    pub struct Usage: u32 {
        /// `VK_IMAGE_USAGE_SAMPLED_BIT`.
        const SAMPLED = 1;
        /// `VK_IMAGE_USAGE_STORAGE_BIT`.
        const STORAGE = 1 << 1;
        /// `VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT`, or `VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT` where the format is of depth or
        /// stencil: neither can be asked for with a format of the other class.
        const ATTACHMENT = 1 << 2;
        /// `VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT`.
        const INPUT_ATTACHMENT = 1 << 3;
    }
}

bitflags::bitflags! {
    /// How a texture may be looked at (`VkImageCreateFlagBits`). As text, the names with ` | ` between them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(transparent)]
    pub struct Creation: u32 {
        /// `VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT`: as another format of the same class.
        const MUTABLE_FORMAT = 1;
        /// `VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT`: six layers as a cube.
        const CUBE_COMPATIBLE = 1 << 1;
        /// `VK_IMAGE_CREATE_2D_ARRAY_COMPATIBLE_BIT`: slices of a 3D texture as layers.
        const SLICES_AS_LAYERS = 1 << 2;
    }
}

/// What to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextureSpec {
    /// Texel format.
    pub format: Format,
    /// In how many directions it extends.
    pub dimension: Dimension,
    /// Texels a row.
    pub width: u32,
    /// Rows; 1 in a 1D texture.
    pub height: u32,
    /// Slices of a 3D texture; 1 in others.
    pub depth: u32,
    /// Mip levels, the largest first.
    pub mip_levels: u32,
    /// Array layers; 1 in a 3D texture.
    pub layers: u32,
    /// Samples a texel: 1, or a power of two up to 64.
    pub samples: u32,
    /// How texels lie in memory.
    pub tiling: Tiling,
    /// The DRM format modifier to create it with, where the tiling is [`Tiling::Modifier`]; absent: the driver chooses one of those
    /// that it can share. The descriptor of an exported texture says which it has become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifier: Option<u64>,
    /// What it is used for, beside being copied.
    pub usage: Usage,
    /// How it may be looked at.
    pub creation: Creation,
    /// Where the memory comes from.
    pub placement: Placement,
    /// Whether export is declared at allocation. A texture created without cannot be exported
    /// (VUID-VkMemoryGetFdInfoKHR-handleType-00671).
    pub exportable: bool,
    /// The type of the handle that it is exported as; absent: the device's own, [`Device::handle_type`](crate::Device::handle_type).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle_type: Option<HandleType>,
}

impl TextureSpec {
    /// Texels a side at most; larger than any driver's limit.
    pub const MAX_SIDE: u32 = 1 << 16;
    /// Array layers at most.
    pub const MAX_LAYERS: u32 = 1 << 12;
    /// Bytes of texels at most, all parts and samples together: 16 GiB.
    pub const MAX_BYTES: u64 = 1 << 34;
    /// Bytes of texels that one [`Device::write`](crate::Device::write) or [`Device::read`](crate::Device::read) copies at most: 1 GiB.
    /// Larger textures are copied by [`Subresource`].
    pub const MAX_COPY: u64 = 1 << 30;

    /// 2D, one level, one layer, one sample, optimal tiling, sampled, dedicated memory, exportable.
    #[must_use]
    pub const fn new(format: Format, width: u32, height: u32) -> Self {
        Self {
            format,
            dimension: Dimension::D2,
            width,
            height,
            depth: 1,
            mip_levels: 1,
            layers: 1,
            samples: 1,
            tiling: Tiling::Optimal,
            modifier: None,
            usage: Usage::SAMPLED,
            creation: Creation::empty(),
            placement: Placement::Dedicated,
            exportable: true,
            handle_type: None,
        }
    }

    /// The same as a 3D texture of so many slices.
    #[must_use]
    pub const fn with_depth(self, depth: u32) -> Self {
        Self { dimension: Dimension::D3, depth, ..self }
    }

    /// The same with so many mip levels.
    #[must_use]
    pub const fn with_levels(self, mip_levels: u32) -> Self {
        Self { mip_levels, ..self }
    }

    /// The same with so many array layers.
    #[must_use]
    pub const fn with_layers(self, layers: u32) -> Self {
        Self { layers, ..self }
    }

    /// The same with another tiling.
    #[must_use]
    pub const fn with_tiling(self, tiling: Tiling) -> Self {
        Self { tiling, ..self }
    }

    /// The same with another placement.
    #[must_use]
    pub const fn with_placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// The same with another usage.
    #[must_use]
    pub const fn with_usage(self, usage: Usage) -> Self {
        Self { usage, ..self }
    }

    /// The same exported as another type of handle.
    #[must_use]
    pub const fn with_handle_type(self, handle_type: HandleType) -> Self {
        Self { handle_type: Some(handle_type), ..self }
    }
}
