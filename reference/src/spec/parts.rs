//! How the texels of a texture lie in the bytes that are written to it and read from it.
//!
//! The packed form is plane after plane, in each level after level, in each slice after slice (array layers, or the slices of a 3D
//! texture), in each row after row of blocks. Rows, slices and layers follow each other tightly. A plane's level begins at the next
//! multiple of four times its block's bytes, which is what Vulkan's copies ask of their buffer (VUID-vkCmdCopyBufferToImage-dstImage-07975,
//! 07978). A multisampled texture has one texel for all samples here.

use serde::{Deserialize, Serialize};

use crate::spec::{Dimension, TextureSpec};

/// One level of one plane, with all its slices: where it lies in the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which of [`Format::planes`](crate::Format::planes).
    pub plane: u32,
    /// Which mip level.
    pub level: u32,
    /// Its extent in texels of this plane: across, down, and slices of a 3D texture.
    pub extent: (u32, u32, u32),
    /// Blocks a row.
    pub columns: u32,
    /// Rows of blocks a slice.
    pub rows: u32,
    /// Array layers, or slices of a 3D texture.
    pub slices: u32,
    /// Bytes of a block.
    pub block_bytes: u32,
    /// From the packed form's beginning to its first block, in bytes.
    pub offset: u64,
}

/// One plane of one level of one slice: the least that can be written or read for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subresource {
    /// Which of [`Format::planes`](crate::Format::planes).
    pub plane: u32,
    /// Which mip level.
    pub level: u32,
    /// Which array layer, or which slice of a 3D texture.
    pub slice: u32,
}

impl Part {
    /// Bytes of one row of blocks.
    #[must_use]
    pub const fn row_bytes(&self) -> u64 {
        self.columns as u64 * self.block_bytes as u64
    }

    /// Bytes of one slice.
    #[must_use]
    pub const fn slice_bytes(&self) -> u64 {
        self.row_bytes().saturating_mul(self.rows as u64)
    }

    /// From the packed form's beginning to just behind its last block, in bytes. Saturates.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.slice_bytes().saturating_mul(self.slices as u64))
    }

    /// Its slices.
    pub fn subresources(&self) -> impl Iterator<Item = Subresource> + use<> {
        let (plane, level) = (self.plane, self.level);
        (0..self.slices).map(move |slice| Subresource { plane, level, slice })
    }
}

impl TextureSpec {
    /// The levels of its planes, in the order of the packed form.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let spec = *self;
        // A spec that was never validated has no more levels here than one that was.
        let levels = self.mip_levels.min(Self::MAX_LEVELS);
        let numbered = (0..).zip(self.format.planes());
        let all = numbered.flat_map(move |(plane, _)| (0..levels).map(move |level| spec.part_at(plane, level, 0)));
        all.scan(0u64, |end, part| {
            let offset = end.checked_next_multiple_of(u64::from(part.block_bytes) * 4).unwrap_or(u64::MAX);
            let placed = Part { offset, ..part };
            *end = placed.end();
            Some(placed)
        })
    }

    /// The part that holds a subresource; `None` where the texture has no such subresource.
    #[must_use]
    pub fn part(&self, subresource: Subresource) -> Option<Part> {
        let Subresource { plane, level, slice } = subresource;
        self.parts().find(|part| (part.plane, part.level) == (plane, level) && slice < part.slices)
    }

    fn part_at(&self, plane: u32, level: u32, offset: u64) -> Part {
        let layout = &self.format.planes()[plane as usize];
        let side = |texels: u32, every: u32| (texels >> level).div_ceil(every).max(1);
        let (across, down) = (side(self.width, layout.subsampling.0), side(self.height, layout.subsampling.1));
        let (columns, rows) = (across.div_ceil(layout.block.0), down.div_ceil(layout.block.1));
        let depth = side(self.depth, 1);
        let slices = if self.dimension == Dimension::D3 { depth } else { self.layers };
        Part { plane, level, extent: (across, down, depth), columns, rows, slices, block_bytes: layout.block_bytes, offset }
    }

    /// Bytes of the packed form. Saturates; see [`Self::validate`].
    #[must_use]
    pub fn packed_bytes(&self) -> u64 {
        self.parts().last().map_or(0, |part| part.end())
    }
}
