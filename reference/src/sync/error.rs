//! Why an operation on a semaphore, timeline or fence did not succeed.

use std::io;

use crate::handle::HandleType;
use crate::identity::Uuid;
use crate::shm::SharedMemoryError;
use crate::sync::{SyncHandle, SyncKind};
use crate::texture::TextureError;

/// Why an operation on a semaphore, timeline or fence did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The device cannot do it; the text says what.
    #[error("the device does not support {what}")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// Export as this type was not declared when the object was created.
    #[error("the {kind} was not declared exportable as {handle_type} when it was created ({rule}); declare it")]
    NotExportable {
        /// What it is.
        kind: SyncKind,
        /// The type asked for.
        handle_type: HandleType,
        /// The valid usage that an export would break.
        rule: &'static str,
    },
    /// The operation is not allowed in the state that the object is in. A driver was not asked.
    #[error("{what} ({rule})")]
    InvalidUse {
        /// What is wrong.
        what: &'static str,
        /// The valid usage that the operation would break.
        rule: &'static str,
    },
    /// A value that does not move the timeline on.
    #[error(
        "a timeline only grows: it has reached {current}, {found} is not above that (VUID-VkSemaphoreSignalInfo-value-03258)"
    )]
    NotIncreasing {
        /// The value given.
        found: u64,
        /// The value reached, signals that are pending included.
        current: u64,
    },
    /// A value further ahead than the device allows.
    #[error(
        "the timeline is at {current}; {found} is more than {most} ahead of that (maxTimelineSemaphoreValueDifference, VUID-VkSemaphoreSignalInfo-value-03260)"
    )]
    TooFarAhead {
        /// The value given.
        found: u64,
        /// The value reached.
        current: u64,
        /// The greatest difference.
        most: u64,
    },
    /// The descriptor is malformed, or belongs to another kind of object.
    #[error("synchronisation descriptor: {detail}")]
    Descriptor {
        /// What was found, and what was expected.
        detail: String,
    },
    /// Made by another physical device.
    #[error("exported by device {found}, this is device {expected}; an opaque handle crosses only within one device")]
    ForeignDevice {
        /// `deviceUUID` in the descriptor.
        found: Uuid,
        /// `deviceUUID` of the importing device.
        expected: Uuid,
    },
    /// Made by another driver or driver version.
    #[error("exported by driver {found}, this is driver {expected}; an opaque handle crosses only within one driver build")]
    ForeignDriver {
        /// `driverUUID` in the descriptor.
        found: Uuid,
        /// `driverUUID` of the importing driver.
        expected: Uuid,
    },
    /// The handle is of a type that this device does not import for this kind of object.
    #[error("this device does not import a {kind} from a handle of type {found}")]
    WrongHandleType {
        /// What was to be imported.
        kind: SyncKind,
        /// The type of the handle.
        found: HandleType,
    },
    /// The handle is not an object of its type (`VK_ERROR_INVALID_EXTERNAL_HANDLE`).
    #[error("the handle is not valid as {expected}: {detail}")]
    InvalidHandle {
        /// The type it was said to have.
        expected: HandleType,
        /// What the driver or the system answered.
        detail: String,
    },
    /// The deadline passed, and what was waited for had not come.
    #[error("{what} was not signalled within its deadline")]
    Timeout {
        /// What was waited for.
        what: SyncKind,
    },
    /// The watched process died, and what was waited for had not come.
    #[error("{what} was not signalled, and the process that was to do it is dead")]
    PeerGone {
        /// What was waited for.
        what: SyncKind,
    },
    /// `VK_ERROR_DEVICE_LOST`.
    #[error("the device was lost during {what}")]
    DeviceLost {
        /// What was attempted.
        what: &'static str,
    },
    /// The shared memory holds what no honest peer writes.
    #[error("the shared {what} is corrupt: {detail}")]
    Corrupt {
        /// What it is.
        what: SyncKind,
        /// What was found.
        detail: String,
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

/// What the queue and its device have in common with textures.
impl From<TextureError> for SyncError {
    fn from(error: TextureError) -> Self {
        match error {
            TextureError::Unsupported { what } => Self::Unsupported { what },
            TextureError::DeviceLost { what } => Self::DeviceLost { what },
            TextureError::Vulkan { call, result } => Self::Vulkan { call, result },
            TextureError::Os { what, source } => Self::Os { what, source },
            other => Self::Driver { what: other.to_string() },
        }
    }
}

/// An import that was refused. The handle comes back: only a successful import consumes it.
#[derive(Debug, thiserror::Error)]
#[error("import refused: {error}")]
pub struct SyncRefused {
    /// What was to be imported, still the caller's. `None` only where the driver has closed the handle all the same.
    pub handle: Option<SyncHandle>,
    /// Why.
    #[source]
    pub error: SyncError,
}
