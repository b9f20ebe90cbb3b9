//! What travels beside a handle. Parsing is validation: a [`TextureDescriptor`] that exists makes sense.

use serde::{Deserialize, Serialize};

use crate::handle::HandleType;
use crate::identity::{Api, Uuid};
use crate::texture::{Placement, TextureSpec, Tiling};

/// Where one plane of a linear texture lies (`VkSubresourceLayout`), in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaneLayout {
    /// From the start of the texture to its first texel.
    pub offset: u64,
    /// From one row to the next.
    pub row_pitch: u64,
    /// From one array layer to the next.
    pub array_pitch: u64,
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
    /// Mip levels; 1 in this version.
    pub mip_levels: u32,
    /// Samples a texel; 1 in this version.
    pub samples: u32,
    /// The DRM format modifier; absent for opaque handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drm_modifier: Option<u64>,
    /// One entry for a linear texture, none for an optimal one, whose layout is the driver's own.
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

    /// Validate the fields.
    ///
    /// # Errors
    /// [`DescriptorError`] names the first field that is wrong.
    pub fn new(fields: DescriptorFields) -> Result<Self, DescriptorError> {
        let version = u64::from(Self::VERSION);
        DescriptorError::range("version", u64::from(fields.version), version, version)?;
        fields.texture.validate()?;
        DescriptorError::range("mip_levels", u64::from(fields.mip_levels), 1, 1)?;
        DescriptorError::range("samples", u64::from(fields.samples), 1, 1)?;
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
        if fields.drm_modifier.is_some() && fields.handle_type != HandleType::DmaBuf {
            let detail = format!("a DRM modifier beside a handle of type {}; only dma_buf has one", fields.handle_type);
            return Err(DescriptorError::contradiction(detail));
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
        let planes: usize = if spec.tiling == Tiling::Linear { 1 } else { 0 };
        if fields.planes.len() != planes {
            let detail =
                format!("a texture of {} tiling has {planes} plane layouts, found {}", spec.tiling, fields.planes.len());
            return Err(DescriptorError::contradiction(detail));
        }
        let room = fields.allocation_size - fields.offset;
        for plane in &fields.planes {
            DescriptorError::range("planes.row_pitch", plane.row_pitch, spec.row_bytes(), Self::MAX_ALLOCATION)?;
            DescriptorError::range("planes.array_pitch", plane.array_pitch, 0, Self::MAX_ALLOCATION)?;
            let end = Self::plane_end(plane, spec).unwrap_or(u64::MAX);
            if end > room {
                let detail = format!("a plane ends {end} bytes after the texture's start, the allocation has room for {room}");
                return Err(DescriptorError::contradiction(detail));
            }
        }
        // The host backend packs texels tightly; a driver's optimal layout may be smaller or larger than that.
        if fields.api == Api::Host && spec.packed_bytes() > room {
            let detail = format!("the texels take {} bytes, the allocation has room for {room}", spec.packed_bytes());
            return Err(DescriptorError::contradiction(detail));
        }
        Ok(())
    }

    /// Bytes from the texture's start to just behind the plane's last texel; `None` past 64 bits.
    fn plane_end(plane: &PlaneLayout, spec: &TextureSpec) -> Option<u64> {
        let layers = plane.array_pitch.checked_mul(u64::from(spec.layers) - 1)?;
        let rows = plane.row_pitch.checked_mul(u64::from(spec.height) - 1)?;
        plane.offset.checked_add(layers)?.checked_add(rows)?.checked_add(spec.row_bytes())
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
