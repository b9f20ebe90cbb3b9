//! Binary semaphores: what a backend offers that has them.

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::sync::{Permanence, SyncDescriptor, SyncError, SyncHandle, SyncRefused, Synchronisation};
use crate::waiter::Peer;

/// Binary semaphores of a device: signalled or not, and a wait takes the signal away.
///
/// Signals and waits alternate: each signal is waited for once before the next. Two processes that share a payload by reference
/// have to agree on the order; what a device does with two signals in a row, or with a wait that no signal precedes, is bounded
/// (Vulkan, "Importing Semaphore Payloads"), and no more than that.
pub trait Semaphores: Synchronisation {
    /// This backend's semaphore; given back when dropped.
    type Semaphore;

    /// A new semaphore, not signalled. `export` declares the types of handles that it can be exported as.
    ///
    /// # Errors
    /// [`SyncError::Unsupported`] for what the device cannot export, [`SyncError::InvalidUse`] for types that do not go together
    /// (VUID-VkExportSemaphoreCreateInfo-handleTypes-01124), or what the driver answered.
    fn create_semaphore(&self, export: &[HandleType]) -> Result<Self::Semaphore, SyncError>;

    /// Signal it once the device has done all that was submitted before.
    ///
    /// # Errors
    /// [`SyncError::InvalidUse`] where it is known to be signalled and nobody waited, or what the driver answered.
    fn signal(&self, semaphore: &mut Self::Semaphore) -> Result<(), SyncError>;

    /// Let the device wait for the signal and take it away, and wait until that is done. A temporary payload has then made way for
    /// the permanent one.
    ///
    /// The wait of a driver cannot be called back: after [`SyncError::Timeout`] or [`SyncError::PeerGone`] it goes on, a later call
    /// continues it, and the device's queue stands still meanwhile. Where a signal may never come, use a timeline.
    ///
    /// # Errors
    /// [`SyncError::InvalidUse`] where no signal is on its way (VUID-vkQueueSubmit-pWaitSemaphores-03238),
    /// [`SyncError::Timeout`] once the deadline has passed, [`SyncError::PeerGone`] once `peer` is dead,
    /// [`SyncError::DeviceLost`], or what the driver answered.
    fn wait(&self, semaphore: &mut Self::Semaphore, deadline: Deadline, peer: &Peer) -> Result<(), SyncError>;

    /// A handle to its payload, and the descriptor that must travel beside it. A copy ([`crate::sync::Transference::Copy`]) takes the
    /// signal away as a wait does.
    ///
    /// # Errors
    /// [`SyncError::NotExportable`] where the type was not declared (VUID-VkSemaphoreGetFdInfoKHR-handleType-01132),
    /// [`SyncError::InvalidUse`] for a copy of a semaphore that no signal is on its way to (…-handleType-03254) or that a queue
    /// waits for (…-handleType-01134), and for an import that the device does not export again (…-semaphore-01133). For Win32
    /// handles the same is VUID-VkSemaphoreGetWin32HandleInfoKHR-handleType-01126 and …-semaphore-01128, and an import cannot be
    /// exported once the payload that it replaced has been, as the same type (…-handleType-01127).
    fn export_semaphore(
        &self,
        semaphore: &mut Self::Semaphore,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError>;

    /// Replace the payload of `into` by the one that a handle carries. The handle is consumed by success and only then.
    ///
    /// # Errors
    /// [`SyncRefused`] holds the handle and the reason: [`SyncError::InvalidUse`] for a permanent import of a copy
    /// (VUID-VkImportSemaphoreFdInfoKHR-handleType-07307) or a semaphore in use (VUID-vkImportSemaphoreFdKHR-semaphore-01142),
    /// [`SyncError::Descriptor`] for a timeline's handle (…-handleType-03264), or what the driver answered.
    fn import_semaphore(
        &self,
        into: &mut Self::Semaphore,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused>;
}
