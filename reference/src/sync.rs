//! What binary semaphores, timelines and fences have in common: what carries one to another process, what travels beside it,
//! and how an operation on one fails.
//!
//! The words are Vulkan's ([Synchronization and Cache Control, "Importing Semaphore
//! Payloads"](https://docs.vulkan.org/spec/latest/chapters/synchronization.html)): an object has a *payload*; an import replaces it
//! *permanently*, or *temporarily* until its next use; a handle carries the payload by *reference*, so that all share it, or as
//! a *copy*, which goes its own way.

mod descriptor;
mod error;
mod word;

pub use descriptor::{SyncDescriptor, SyncFields};
pub use error::{SyncError, SyncRefused};
pub(crate) use word::{SharedWord, wait_for};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::handle::{HandleType, OwnedHandle};

/// The kinds of objects that order work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncKind {
    /// A binary semaphore: signalled or not; a wait takes the signal away.
    Semaphore,
    /// A timeline: a number that only grows.
    Timeline,
    /// A fence: signalled until it is reset.
    Fence,
}

impl fmt::Display for SyncKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Semaphore => "semaphore",
            Self::Timeline => "timeline",
            Self::Fence => "fence",
        })
    }
}

/// How long an imported payload stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permanence {
    /// Until the next wait on a semaphore, the next reset of a fence; then the payload from before is back
    /// (`VK_SEMAPHORE_IMPORT_TEMPORARY_BIT`).
    Temporary,
    /// Until another permanent import.
    Permanent,
}

/// What a handle does with the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transference {
    /// Exporter and importers share one payload.
    Reference,
    /// The importer gets the payload as it was at the export, and the exporter's is used up.
    Copy,
}

impl Transference {
    /// What a handle type does; [`Transference::Reference`] for all but [`HandleType::SyncFd`] and
    /// [`HandleType::SharedSignal`] (Vulkan, "Handle Types Supported by VkImportSemaphoreFdInfoKHR").
    #[must_use]
    pub const fn of(handle_type: HandleType) -> Self {
        match handle_type {
            HandleType::SyncFd | HandleType::SharedSignal => Self::Copy,
            _ => Self::Reference,
        }
    }
}

/// What carries a payload.
#[derive(Debug)]
pub enum SyncHandle {
    /// A handle of the operating system.
    Handle(OwnedHandle),
    /// There is no object: the payload is signalled already. Vulkan passes -1 for it, where the handle type is SYNC_FD.
    Signalled,
}

impl SyncHandle {
    /// A second one that carries the same payload.
    ///
    /// # Errors
    /// As [`OwnedHandle::try_clone`].
    pub fn try_clone(&self) -> std::io::Result<Self> {
        match self {
            Self::Handle(handle) => handle.try_clone().map(Self::Handle),
            Self::Signalled => Ok(Self::Signalled),
        }
    }
}

/// What a device says of one kind of object and one handle type (`VkExternalSemaphoreProperties`, `VkExternalFenceProperties`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncCapability {
    /// The handle type asked about.
    pub handle_type: HandleType,
    /// `VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT`, or the fence's.
    pub exportable: bool,
    /// `VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT`, or the fence's.
    pub importable: bool,
    /// `compatibleHandleTypes`, as far as [`HandleType`] names them.
    pub compatible: Vec<HandleType>,
    /// `exportFromImportedHandleTypes`, likewise.
    pub export_from_imported: Vec<HandleType>,
    /// Why this library can make no use of it all the same: an extension that the driver does not offer, or another operating
    /// system's handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

impl SyncCapability {
    /// Neither exportable nor importable.
    #[must_use]
    pub const fn none(handle_type: HandleType) -> Self {
        Self {
            handle_type,
            exportable: false,
            importable: false,
            compatible: Vec::new(),
            export_from_imported: Vec::new(),
            unusable: None,
        }
    }

    /// Whether an object can go from one process to another.
    #[must_use]
    pub const fn shareable(&self) -> bool {
        self.exportable && self.importable && self.unusable.is_none()
    }
}

/// Which handle types each kind of object can be shared by.
pub trait Synchronisation {
    /// What the device says of one kind of object: an entry for each handle type that it can be asked about.
    fn capabilities(&self, kind: SyncKind) -> Vec<SyncCapability>;

    /// The answer about one handle type.
    fn capability(&self, kind: SyncKind, handle_type: HandleType) -> SyncCapability {
        let mut listed = self.capabilities(kind).into_iter();
        listed.find(|can| can.handle_type == handle_type).unwrap_or_else(|| SyncCapability::none(handle_type))
    }

    /// Hold back all that is submitted to the device's queue from now on, until [`Synchronisation::open_gate`]. A signal that is
    /// submitted behind a closed gate is pending for as long as one likes: for tests, and for finding out what waits for what.
    ///
    /// # Errors
    /// [`SyncError::InvalidUse`] where the gate is closed already, or what the driver answered.
    fn close_gate(&self) -> Result<(), SyncError>;

    /// Let what was held back go on. An open gate stays open.
    ///
    /// # Errors
    /// What the driver answered.
    fn open_gate(&self) -> Result<(), SyncError>;
}

/// Whether these handle types may be declared together when an object is created.
///
/// # Errors
/// [`SyncError::Unsupported`] for a type that cannot be exported, [`SyncError::InvalidUse`] for types that are not compatible with
/// each other (VUID-VkExportSemaphoreCreateInfo-handleTypes-01124, VUID-VkExportFenceCreateInfo-handleTypes-01446).
pub(crate) fn check_export_types<D: Synchronisation + ?Sized>(
    device: &D,
    kind: SyncKind,
    types: &[HandleType],
) -> Result<(), SyncError> {
    for handle_type in types {
        let can = device.capability(kind, *handle_type);
        if !can.exportable {
            return Err(SyncError::Unsupported { what: format!("export of a {kind} as {handle_type}") });
        }
        if let Some(reason) = can.unusable {
            return Err(SyncError::Unsupported { what: format!("export of a {kind} as {handle_type}: {reason}") });
        }
        if types.iter().any(|other| other != handle_type && !can.compatible.contains(other)) {
            let rule = match kind {
                SyncKind::Fence => "VUID-VkExportFenceCreateInfo-handleTypes-01446",
                SyncKind::Semaphore | SyncKind::Timeline => "VUID-VkExportSemaphoreCreateInfo-handleTypes-01124",
            };
            return Err(SyncError::InvalidUse { what: "the handle types are not compatible with each other", rule });
        }
    }
    Ok(())
}
