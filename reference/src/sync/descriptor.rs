//! What travels beside the handle of a semaphore, timeline or fence; parsing is validation.

use serde::{Deserialize, Serialize};

use crate::handle::HandleType;
use crate::identity::{Api, Identity, Uuid};
use crate::sync::{SyncError, SyncKind};

/// Says whose payload a handle carries, which no handle says itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "SyncFields", try_from = "SyncFields")]
pub struct SyncDescriptor(SyncFields);

/// The fields of a [`SyncDescriptor`], not validated yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncFields {
    /// [`SyncDescriptor::VERSION`].
    pub version: u32,
    /// What it is (VUID-VkImportSemaphoreFdInfoKHR-handleType-03264: a timeline is imported as a timeline).
    pub kind: SyncKind,
    /// The interface that made it.
    pub api: Api,
    /// `deviceUUID` of the exporting device.
    pub device_uuid: Uuid,
    /// `driverUUID` of the exporting driver.
    pub driver_uuid: Uuid,
    /// The handle's type.
    pub handle_type: HandleType,
}

impl SyncDescriptor {
    /// Version of the layout that this crate reads and writes.
    pub const VERSION: u32 = 1;
    /// Bytes of its text form at most.
    pub const MAX_TEXT: usize = 4 << 10;

    /// Validate the fields.
    ///
    /// # Errors
    /// [`SyncError::Descriptor`] names the first field that is wrong.
    pub fn new(fields: SyncFields) -> Result<Self, SyncError> {
        let refuse = |detail: String| Err(SyncError::Descriptor { detail });
        if fields.version != Self::VERSION {
            return refuse(format!("version is {}, expected {}", fields.version, Self::VERSION));
        }
        // Shared memory belongs to no driver: a Vulkan device may send a timeline in it, too.
        let handle_type = fields.handle_type;
        let fits = match handle_type {
            HandleType::SharedMemory => true,
            HandleType::SharedSignal => fields.api == Api::Host,
            HandleType::OpaqueFd
            | HandleType::SyncFd
            | HandleType::OpaqueWin32
            | HandleType::OpaqueWin32Kmt
            | HandleType::D3d12Fence => fields.api == Api::Vulkan,
            _ => false,
        };
        if !fits {
            return refuse(format!(
                "a handle of type {handle_type} carries no {} of the {} interface",
                fields.kind, fields.api
            ));
        }
        if fields.kind == SyncKind::Timeline && matches!(handle_type, HandleType::SyncFd | HandleType::SharedSignal) {
            return refuse(format!("a handle of type {handle_type} carries no timeline (it is a copy)"));
        }
        Ok(Self(fields))
    }

    /// The descriptor of what `identity` exports.
    pub(crate) fn of(identity: &Identity, kind: SyncKind, handle_type: HandleType) -> Result<Self, SyncError> {
        let Identity { api, device_uuid, driver_uuid, .. } = *identity;
        Self::new(SyncFields { version: Self::VERSION, kind, api, device_uuid, driver_uuid, handle_type })
    }

    /// Parse and validate the text form.
    ///
    /// # Errors
    /// [`SyncError::Descriptor`].
    pub fn parse(text: &[u8]) -> Result<Self, SyncError> {
        if text.len() > Self::MAX_TEXT {
            let detail = format!("{} bytes, at most {} are read", text.len(), Self::MAX_TEXT);
            return Err(SyncError::Descriptor { detail });
        }
        let fields = serde_json::from_slice(text).map_err(|error| SyncError::Descriptor { detail: error.to_string() })?;
        Self::new(fields)
    }

    /// The text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).expect("a struct of numbers and strings always serialises")
    }

    /// The fields, for reading.
    #[must_use]
    pub const fn fields(&self) -> &SyncFields {
        &self.0
    }

    /// Whether a device may import it as this kind. Opaque handles cross only within one device and one driver build, sync files and
    /// shared memory anywhere (Vulkan, "External Semaphore Handle Types Compatibility").
    pub(crate) fn check(&self, own: &Identity, kind: SyncKind) -> Result<(), SyncError> {
        let fields = &self.0;
        if fields.kind != kind {
            let rule = if fields.handle_type.is_win32() {
                "VUID-VkImportSemaphoreWin32HandleInfoKHR-handleType-03262"
            } else {
                "VUID-VkImportSemaphoreFdInfoKHR-handleType-03264"
            };
            let detail = format!("it is of a {}, expected one of a {kind} ({rule})", fields.kind);
            return Err(SyncError::Descriptor { detail });
        }
        if matches!(fields.handle_type, HandleType::SyncFd | HandleType::SharedSignal | HandleType::SharedMemory) {
            return Ok(());
        }
        if fields.device_uuid != own.device_uuid {
            return Err(SyncError::ForeignDevice { found: fields.device_uuid, expected: own.device_uuid });
        }
        if fields.driver_uuid != own.driver_uuid {
            return Err(SyncError::ForeignDriver { found: fields.driver_uuid, expected: own.driver_uuid });
        }
        Ok(())
    }
}

impl From<SyncDescriptor> for SyncFields {
    fn from(descriptor: SyncDescriptor) -> Self {
        descriptor.0
    }
}

impl TryFrom<SyncFields> for SyncDescriptor {
    type Error = SyncError;
    fn try_from(fields: SyncFields) -> Result<Self, SyncError> {
        Self::new(fields)
    }
}
