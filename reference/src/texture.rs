//! The contract that every backend meets.

use std::io;

use crate::descriptor::{DescriptorError, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::identity::{Identity, Uuid};
use crate::shm::SharedMemoryError;
pub use crate::spec::{Creation, Dimension, Part, Placement, Subresource, TextureSpec, Tiling, Usage};

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
        "the texture was not declared exportable when its memory was allocated (VUID-VkMemoryGetFdInfoKHR-handleType-00671, of Win32 handles VUID-VkMemoryGetWin32HandleInfoKHR-handleType-00662); create it with `exportable`"
    )]
    NotExportable,
    /// The descriptor is malformed, or does not fit this device.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The resource belongs to another physical device (VUID-VkImportMemoryFdInfoKHR-fd-00668,
    /// VUID-VkImportMemoryWin32HandleInfoKHR-handle-00659).
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
    /// alive by itself. It may be called as often as one likes, also where a driver gives only one handle (NT handles).
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

    /// Let `fill` write all texels, packed as [`Part`] tells ([`TextureSpec::packed_bytes`]), then copy them into the texture and wait
    /// until that is done. Of a multisampled texture, each slice is cleared to its first texel: all samples of it are that.
    ///
    /// # Errors
    /// [`TextureError::Timeout`], [`TextureError::DeviceLost`], [`TextureError::Unsupported`] above [`TextureSpec::MAX_COPY`], or what
    /// the driver answered.
    fn write(&self, texture: &mut Self::Texture, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), TextureError>;

    /// Copy all texels out of the texture and let `look` see them, packed as [`Part`] tells; those of a multisampled texture are
    /// resolved.
    ///
    /// # Errors
    /// As [`Device::write`].
    fn read(&self, texture: &mut Self::Texture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError>;

    /// As [`Device::write`], for one subresource, whose texels are tightly packed. The others keep what they hold.
    ///
    /// # Errors
    /// As [`Device::write`]; [`TextureError::Descriptor`] for a subresource that the texture does not have.
    fn write_subresource(
        &self,
        texture: &mut Self::Texture,
        subresource: Subresource,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), TextureError>;

    /// As [`Device::read`], for one subresource.
    ///
    /// # Errors
    /// As [`Device::write_subresource`].
    fn read_subresource(
        &self,
        texture: &mut Self::Texture,
        subresource: Subresource,
        look: &mut dyn FnMut(&[u8]),
    ) -> Result<(), TextureError>;
}

impl TextureError {
    pub(crate) fn no_subresource(subresource: Subresource) -> Self {
        let Subresource { plane, level, slice } = subresource;
        let detail = format!("the texture has no plane {plane} of level {level} in slice {slice}");
        DescriptorError::Contradiction { detail }.into()
    }
}

/// Whether so many bytes may be copied at once: staging memory is as large, and what asks for it may be a stranger's descriptor.
pub(crate) fn check_copy(bytes: u64) -> Result<u64, TextureError> {
    if bytes <= TextureSpec::MAX_COPY {
        return Ok(bytes);
    }
    let what = format!("copying {bytes} bytes at once; at most {}", TextureSpec::MAX_COPY);
    Err(TextureError::Unsupported { what })
}
