//! What travels beside a handle. Parsing is validation: a [`TextureDescriptor`] that exists makes sense.

use serde::{Deserialize, Serialize};

use crate::handle::HandleType;
use crate::identity::{Api, Uuid};
use crate::spec::{Part, Placement, TextureSpec, Tiling};

/// Where one level of one plane lies (`VkSubresourceLayout`), in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaneLayout {
    /// From the start of the texture to its first texel.
    pub offset: u64,
    /// From one row of texels or blocks to the next.
    pub row_pitch: u64,
    /// From one array layer to the next; 0 where there is one.
    pub array_pitch: u64,
    /// From one slice of a 3D texture to the next; 0 in others.
    pub depth_pitch: u64,
}

/// The fields of a descriptor, before they are known to make sense. [`TextureDescriptor::new`] validates them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DescriptorFields {
    /// Version of this layout: [`TextureDescriptor::VERSION`].
    pub version: u32,
    /// The interface that made the texture.
    pub api: Api,
    /// `deviceUUID` of the exporting device.
    pub device_uuid: Uuid,
    /// `driverUUID` of the exporting driver.
    pub driver_uuid: Uuid,
    /// The type of the handle beside.
    pub handle_type: HandleType,
    /// Bytes of the whole allocation behind the handle (`VkMemoryAllocateInfo::allocationSize` of the export).
    pub allocation_size: u64,
    /// Bytes from the allocation's start to the texture.
    pub offset: u64,
    /// `VkMemoryAllocateInfo::memoryTypeIndex` of the export; 0 on the host.
    pub memory_type_index: u32,
    /// What the texture is.
    pub texture: TextureSpec,
    /// For a linear texture one entry for each [`Part`], in that order; for one with a DRM format modifier one for each memory plane
    /// of it; none for an optimal one, whose layout is the driver's own.
    pub planes: Vec<PlaneLayout>,
}

/// A validated description of an exported texture.
///
/// Its text form is JSON of at most [`TextureDescriptor::MAX_TEXT`] bytes; unknown fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "DescriptorFields", try_from = "DescriptorFields")]
pub struct TextureDescriptor(DescriptorFields);

/// Why a descriptor was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// Not JSON, a field missing, unknown or of the wrong type, or too long.
    #[error("malformed descriptor: {detail}")]
    Malformed {
        /// Where and what.
        detail: String,
    },
    /// A number outside of what is allowed.
    #[error("descriptor: {field} is {found}, allowed is {least} to {most}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
    },
    /// Two fields contradict each other.
    #[error("descriptor: {detail}")]
    Contradiction {
        /// Which and how.
        detail: String,
    },
    /// It makes sense, but not for this device.
    #[error("descriptor: {field} is {found}, this device has {expected}")]
    Mismatch {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// The device's.
        expected: String,
    },
}

impl PlaneLayout {
    /// Bytes from the texture's start to just behind the part's last texel; `None` past 64 bits.
    fn end(&self, part: &Part) -> Option<u64> {
        let slice_pitch = self.array_pitch.max(self.depth_pitch);
        let slices = slice_pitch.checked_mul(u64::from(part.slices).checked_sub(1)?)?;
        let rows = self.row_pitch.checked_mul(u64::from(part.rows).checked_sub(1)?)?;
        self.offset.checked_add(slices)?.checked_add(rows)?.checked_add(part.row_bytes())
    }
}

impl DescriptorError {
    pub(crate) fn range(field: &'static str, found: u64, least: u64, most: u64) -> Result<(), Self> {
        if (least..=most).contains(&found) { Ok(()) } else { Err(Self::OutOfRange { field, found, least, most }) }
    }

    fn contradiction(detail: impl Into<String>) -> Self {
        Self::Contradiction { detail: detail.into() }
    }
}

impl TextureDescriptor {
    /// Version of the layout that this crate reads and writes.
    pub const VERSION: u32 = 1;
    /// Bytes of its text form at most.
    pub const MAX_TEXT: usize = 16 << 10;
    /// Bytes of one allocation at most: 1 TiB.
    pub const MAX_ALLOCATION: u64 = 1 << 40;
    /// `VK_MAX_MEMORY_TYPES`.
    const MEMORY_TYPES: u64 = 32;
    /// Memory planes at most, as in `VkImageAspectFlagBits` (`VK_IMAGE_ASPECT_MEMORY_PLANE_3_BIT_EXT`).
    const MEMORY_PLANES: usize = 4;

    /// Validate the fields.
    ///
    /// # Errors
    /// [`DescriptorError`] names the first field that is wrong.
    pub fn new(fields: DescriptorFields) -> Result<Self, DescriptorError> {
        let version = u64::from(Self::VERSION);
        DescriptorError::range("version", u64::from(fields.version), version, version)?;
        fields.texture.validate()?;
        DescriptorError::range("memory_type_index", u64::from(fields.memory_type_index), 0, Self::MEMORY_TYPES - 1)?;
        DescriptorError::range("allocation_size", fields.allocation_size, 1, Self::MAX_ALLOCATION)?;
        DescriptorError::range("offset", fields.offset, 0, fields.allocation_size - 1)?;
        Self::check_handle(&fields)?;
        Self::check_layout(&fields)?;
        Ok(Self(fields))
    }

    fn check_handle(fields: &DescriptorFields) -> Result<(), DescriptorError> {
        let host = fields.handle_type == HandleType::SharedMemory;
        if host != (fields.api == Api::Host) {
            let detail = format!("a handle of type {} does not belong to the {} interface", fields.handle_type, fields.api);
            return Err(DescriptorError::contradiction(detail));
        }
        if let Some(named) = fields.texture.handle_type.filter(|named| *named != fields.handle_type) {
            let detail = format!("a texture exported as {named} beside a handle of type {}", fields.handle_type);
            return Err(DescriptorError::contradiction(detail));
        }
        if fields.texture.tiling == Tiling::Modifier {
            if fields.handle_type != HandleType::DmaBuf {
                let detail = format!("modifier tiling beside a handle of type {}; only dma_buf has it", fields.handle_type);
                return Err(DescriptorError::contradiction(detail));
            }
            if fields.texture.modifier.is_none() {
                return Err(DescriptorError::contradiction("modifier tiling, and the modifier is not told"));
            }
        }
        if fields.texture.placement == Placement::Dedicated && fields.offset != 0 {
            let detail = format!("dedicated memory starts at offset 0, found {}", fields.offset);
            return Err(DescriptorError::contradiction(detail));
        }
        if !fields.texture.exportable {
            return Err(DescriptorError::contradiction("an exported texture is exportable, this one is said not to be"));
        }
        Ok(())
    }

    fn check_layout(fields: &DescriptorFields) -> Result<(), DescriptorError> {
        let spec = &fields.texture;
        /// `DRM_FORMAT_MOD_LINEAR` of drm_fourcc.h: the one whose planes are known to be the format's.
        const LINEAR: Option<u64> = Some(0);
        let parts: Vec<Part> = match spec.tiling {
            Tiling::Linear => spec.parts().collect(),
            Tiling::Modifier if spec.modifier == LINEAR => spec.parts().filter(|part| part.level == 0).collect(),
            _ => Vec::new(),
        };
        let (least, most) = match spec.tiling {
            Tiling::Modifier if parts.is_empty() => (1, Self::MEMORY_PLANES),
            _ => (parts.len(), parts.len()),
        };
        if !(least..=most).contains(&fields.planes.len()) {
            let (tiling, found) = (spec.tiling, fields.planes.len());
            let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
            let detail = format!("a texture of {tiling} tiling has {expected} plane layouts, found {found}");
            return Err(DescriptorError::contradiction(detail));
        }
        let room = fields.allocation_size - fields.offset;
        for (index, plane) in fields.planes.iter().enumerate() {
            let part = parts.get(index);
            // Another modifier's planes are the driver's own: of them, no more is known than that they begin inside.
            let (row, end) = part.map_or((0, plane.offset.checked_add(1)), |part| (part.row_bytes(), plane.end(part)));
            DescriptorError::range("planes.row_pitch", plane.row_pitch, row, Self::MAX_ALLOCATION)?;
            DescriptorError::range("planes.array_pitch", plane.array_pitch, 0, Self::MAX_ALLOCATION)?;
            DescriptorError::range("planes.depth_pitch", plane.depth_pitch, 0, Self::MAX_ALLOCATION)?;
            let end = end.unwrap_or(u64::MAX);
            if end > room {
                let detail = format!("a plane ends {end} bytes after the texture's start, the allocation has room for {room}");
                return Err(DescriptorError::contradiction(detail));
            }
        }
        if spec.tiling == Tiling::Modifier {
            let mut begins: Vec<_> = fields.planes.iter().map(|plane| plane.offset).collect();
            begins.sort_unstable();
            if let Some(twice) = begins.windows(2).find(|pair| pair[0] == pair[1]) {
                let detail = format!("two memory planes begin {} bytes after the texture's start", twice[0]);
                return Err(DescriptorError::contradiction(detail));
            }
        }
        // The host backend packs texels tightly, once for each sample; a driver's own layout may be smaller or larger than that.
        if fields.api == Api::Host {
            let bytes = spec.packed_bytes().saturating_mul(u64::from(spec.samples));
            if bytes > room {
                let detail = format!("the texels take {bytes} bytes, the allocation has room for {room}");
                return Err(DescriptorError::contradiction(detail));
            }
        }
        Ok(())
    }

    /// Parse and validate the text form.
    ///
    /// # Errors
    /// [`DescriptorError::Malformed`] for text that is no descriptor, the others for one that makes no sense.
    pub fn parse(text: &[u8]) -> Result<Self, DescriptorError> {
        if text.len() > Self::MAX_TEXT {
            let detail = format!("{} bytes, at most {} are read", text.len(), Self::MAX_TEXT);
            return Err(DescriptorError::Malformed { detail });
        }
        let fields: DescriptorFields =
            serde_json::from_slice(text).map_err(|error| DescriptorError::Malformed { detail: error.to_string() })?;
        Self::new(fields)
    }

    /// The text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).expect("a struct of numbers and strings always serialises")
    }

    /// The fields, for reading.
    #[must_use]
    pub const fn fields(&self) -> &DescriptorFields {
        &self.0
    }
}

impl From<TextureDescriptor> for DescriptorFields {
    fn from(descriptor: TextureDescriptor) -> Self {
        descriptor.0
    }
}

impl TryFrom<DescriptorFields> for TextureDescriptor {
    type Error = DescriptorError;
    fn try_from(fields: DescriptorFields) -> Result<Self, DescriptorError> {
        Self::new(fields)
    }
}
