//! What a texture is, and the contract that every backend meets.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use crate::descriptor::{DescriptorError, TextureDescriptor};
use crate::format::Format;
use crate::handle::{HandleType, OwnedHandle};
use crate::identity::{Identity, Uuid};
use crate::shm::SharedMemoryError;

/// How texels lie in memory (`VkImageTiling`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tiling {
    /// `VK_IMAGE_TILING_OPTIMAL`: as the driver likes.
    Optimal,
    /// `VK_IMAGE_TILING_LINEAR`: row after row, with a pitch that the driver tells.
    Linear,
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Optimal => "optimal",
            Self::Linear => "linear",
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

/// What to create. Every texture is a 2D colour image of one mip level and one sample that can be copied to,
/// copied from and sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextureSpec {
    /// Texel format.
    pub format: Format,
    /// Texels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Array layers.
    pub layers: u32,
    /// How texels lie in memory.
    pub tiling: Tiling,
    /// Where the memory comes from.
    pub placement: Placement,
    /// Whether export is declared at allocation. A texture created without cannot be exported
    /// (VUID-VkMemoryGetFdInfoKHR-handleType-00671).
    pub exportable: bool,
}

impl TextureSpec {
    /// Texels a side at most; larger than any driver's limit.
    pub const MAX_SIDE: u32 = 1 << 16;
    /// Array layers at most.
    pub const MAX_LAYERS: u32 = 1 << 12;
    /// Bytes of texels at most, all layers together: 16 GiB.
    pub const MAX_BYTES: u64 = 1 << 34;

    /// One layer, optimal tiling, dedicated memory, exportable.
    #[must_use]
    pub const fn new(format: Format, width: u32, height: u32) -> Self {
        Self { format, width, height, layers: 1, tiling: Tiling::Optimal, placement: Placement::Dedicated, exportable: true }
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

    /// Bytes of one row of texels, tightly packed.
    #[must_use]
    pub const fn row_bytes(&self) -> u64 {
        self.width as u64 * self.format.texel_bytes() as u64
    }

    /// Bytes of all texels, tightly packed: layer after layer, row after row. Saturates; see [`Self::validate`].
    #[must_use]
    pub const fn packed_bytes(&self) -> u64 {
        self.row_bytes().saturating_mul(self.height as u64).saturating_mul(self.layers as u64)
    }

    /// Whether the numbers make sense at all; what a device can do is for the device to say.
    ///
    /// # Errors
    /// [`DescriptorError::OutOfRange`] names the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), DescriptorError> {
        let side = u64::from(Self::MAX_SIDE);
        DescriptorError::range("width", u64::from(self.width), 1, side)?;
        DescriptorError::range("height", u64::from(self.height), 1, side)?;
        DescriptorError::range("layers", u64::from(self.layers), 1, u64::from(Self::MAX_LAYERS))?;
        DescriptorError::range("bytes of texels", self.packed_bytes(), 1, Self::MAX_BYTES)
    }
}

/// Why a texture operation did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextureError {
    /// The device cannot do it; the text says what.
    #[error("the device does not support {what}")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// The texture was created without [`TextureSpec::exportable`].
    #[error(
        "the texture was not declared exportable when its memory was allocated (VUID-VkMemoryGetFdInfoKHR-handleType-00671); create it with `exportable`"
    )]
    NotExportable,
    /// The descriptor is malformed, or does not fit this device.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The resource belongs to another physical device (VUID-VkImportMemoryFdInfoKHR-fd-00668).
    #[error(
        "the texture was exported by device {found}, this is device {expected}; an opaque handle crosses only within one device"
    )]
    ForeignDevice {
        /// `deviceUUID` in the descriptor.
        found: Uuid,
        /// `deviceUUID` of the importing device.
        expected: Uuid,
    },
    /// The resource was made by another driver or driver version.
    #[error(
        "the texture was exported by driver {found}, this is driver {expected}; an opaque handle crosses only within one driver build"
    )]
    ForeignDriver {
        /// `driverUUID` in the descriptor.
        found: Uuid,
        /// `driverUUID` of the importing driver.
        expected: Uuid,
    },
    /// The handle is of a type that this device cannot import.
    #[error("cannot import a handle of type {found}, this device imports {expected}")]
    WrongHandleType {
        /// The descriptor's type.
        found: HandleType,
        /// The device's type.
        expected: HandleType,
    },
    /// The handle is not an object of its type (`VK_ERROR_INVALID_EXTERNAL_HANDLE`).
    #[error("the handle is not valid as {expected}: {detail}")]
    InvalidHandle {
        /// The type it was said to have.
        expected: HandleType,
        /// What the driver or the system answered.
        detail: String,
    },
    /// The object behind the handle is smaller than the descriptor says.
    #[error("the object behind the handle has {found} bytes, the descriptor says {expected}")]
    ShortObject {
        /// Bytes of the object.
        found: u64,
        /// Bytes in the descriptor.
        expected: u64,
    },
    /// The device did not finish in time.
    #[error("the device did not finish {what} within {millis} ms")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// The limit.
        millis: u64,
    },
    /// `VK_ERROR_DEVICE_LOST`.
    #[error("the device was lost during {what}")]
    DeviceLost {
        /// What was waited for.
        what: &'static str,
    },
    /// Shared memory said no.
    #[error(transparent)]
    SharedMemory(#[from] SharedMemoryError),
    /// A Vulkan call failed with a result that no other variant names.
    #[error("{call} failed: {result}")]
    Vulkan {
        /// The function.
        call: &'static str,
        /// Its result, as `ERROR_…`.
        result: String,
    },
    /// A driver broke its contract in a way that the caller must know of.
    #[error("driver error: {what}")]
    Driver {
        /// What happened.
        what: String,
    },
    /// The operating system said no.
    #[error("{what}: {source}")]
    Os {
        /// What was attempted.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

/// An import that was refused. The handle comes back: only a successful import consumes it.
#[derive(Debug, thiserror::Error)]
#[error("import refused: {error}")]
pub struct Refused {
    /// The caller's handle, still open. `None` only where the driver has closed it: because it had accepted it and a later step
    /// failed, or because it closes what it refuses (lavapipe and SwiftShader do, against the specification).
    pub handle: Option<OwnedHandle>,
    /// Why.
    #[source]
    pub error: TextureError,
}

/// The contract of a backend: textures that can be written, read, exported and imported.
///
/// A shared texture is, between two calls, always released to the outside: `write` and `read` acquire it,
/// do their work, wait until it is done and release it. Two processes that pass a message after such a call are
/// therefore ordered, with no semaphore. What two processes see that access one texture at the same moment is undefined.
pub trait Device {
    /// This backend's texture; freed when dropped.
    type Texture;

    /// Who this device is.
    fn identity(&self) -> &Identity;

    /// The type of the handles it exports and imports.
    fn handle_type(&self) -> HandleType;

    /// Create `count` textures of one kind in one allocation (a [`Placement::Dedicated`] one holds one texture).
    ///
    /// # Errors
    /// [`TextureError::Descriptor`] for numbers that make no sense, [`TextureError::Unsupported`] for what the device
    /// cannot do, or what the driver answered.
    fn create_textures(&self, spec: &TextureSpec, count: u32) -> Result<Vec<Self::Texture>, TextureError>;

    /// Create one texture.
    ///
    /// # Errors
    /// As [`Device::create_textures`].
    fn create_texture(&self, spec: &TextureSpec) -> Result<Self::Texture, TextureError> {
        self.create_textures(spec, 1)?.pop().ok_or_else(|| TextureError::Driver { what: "no texture was created".into() })
    }

    /// What the texture is.
    fn spec<'texture>(&self, texture: &'texture Self::Texture) -> &'texture TextureSpec;

    /// A new handle to the texture's memory and the descriptor that must travel beside it. The handle keeps the memory
    /// alive by itself.
    ///
    /// # Errors
    /// [`TextureError::NotExportable`] where export was not declared, or what the driver answered.
    fn export_texture(&self, texture: &mut Self::Texture) -> Result<(TextureDescriptor, OwnedHandle), TextureError>;

    /// A texture over memory that another process exported. The descriptor is validated against this device before
    /// the driver sees the handle.
    ///
    /// # Errors
    /// [`Refused`] holds the reason and the handle.
    fn import_texture(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<Self::Texture, Refused>;

    /// Let `fill` write all texels, tightly packed ([`TextureSpec::packed_bytes`]), then copy them into the texture and wait
    /// until that is done.
    ///
    /// # Errors
    /// [`TextureError::Timeout`], [`TextureError::DeviceLost`], or what the driver answered.
    fn write(&self, texture: &mut Self::Texture, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), TextureError>;

    /// Copy all texels out of the texture and let `look` see them, tightly packed.
    ///
    /// # Errors
    /// As [`Device::write`].
    fn read(&self, texture: &mut Self::Texture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError>;
}
