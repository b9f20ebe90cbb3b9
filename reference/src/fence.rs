//! Fences: what a backend offers that has them.

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::sync::{Permanence, SyncDescriptor, SyncError, SyncHandle, SyncRefused, Synchronisation};
use crate::waiter::Peer;

/// Fences of a device: signalled by finished work, until they are reset.
pub trait Fences: Synchronisation {
    /// This backend's fence; given back when dropped.
    type Fence;

    /// A new fence. `export` declares the types of handles that it can be exported as.
    ///
    /// # Errors
    /// As [`crate::Semaphores::create_semaphore`], with VUID-VkExportFenceCreateInfo-handleTypes-01446.
    fn create_fence(&self, signalled: bool, export: &[HandleType]) -> Result<Self::Fence, SyncError>;

    /// Signal it once the device has done all that was submitted before.
    ///
    /// # Errors
    /// [`SyncError::InvalidUse`] where it is signalled already or its signal is pending (VUID-vkQueueSubmit-fence-00063, -00064), or
    /// what the driver answered.
    fn submit_fence(&self, fence: &mut Self::Fence) -> Result<(), SyncError>;

    /// Wait until it is signalled. It stays so.
    ///
    /// # Errors
    /// [`SyncError::Timeout`], [`SyncError::PeerGone`], [`SyncError::DeviceLost`], or what the driver answered. The fence is as before.
    fn wait_fence(&self, fence: &mut Self::Fence, deadline: Deadline, peer: &Peer) -> Result<(), SyncError>;

    /// Whether it is signalled.
    ///
    /// # Errors
    /// [`SyncError::DeviceLost`], or what the driver answered.
    fn fence_is_signalled(&self, fence: &mut Self::Fence) -> Result<bool, SyncError>;

    /// Unsignal it. A temporary payload makes way for the permanent one first, and that one is unsignalled.
    ///
    /// # Errors
    /// [`SyncError::InvalidUse`] while its signal is pending (VUID-vkResetFences-pFences-01123), or what the driver answered.
    fn reset_fence(&self, fence: &mut Self::Fence) -> Result<(), SyncError>;

    /// A handle to its payload, and the descriptor that must travel beside it. A copy resets the fence.
    ///
    /// # Errors
    /// [`SyncError::NotExportable`] where the type was not declared (VUID-VkFenceGetFdInfoKHR-handleType-01453),
    /// [`SyncError::InvalidUse`] for a copy of a fence that is not signalled and has no signal pending (…-handleType-01454), and for an
    /// import that the device does not export again (…-fence-01455). For Win32 handles the same is
    /// VUID-VkFenceGetWin32HandleInfoKHR-handleType-01448 and …-fence-01450, and an import cannot be exported once the
    /// payload that it replaced has been, as the same type (…-handleType-01449).
    fn export_fence(&self, fence: &mut Self::Fence, handle_type: HandleType)
    -> Result<(SyncDescriptor, SyncHandle), SyncError>;

    /// Replace the payload of `into` by the one that a handle carries. The handle is consumed by success and only then.
    ///
    /// # Errors
    /// [`SyncRefused`] holds the handle and the reason: [`SyncError::InvalidUse`] for a permanent import of a copy
    /// (VUID-VkImportFenceFdInfoKHR-handleType-07306) or a fence in use (VUID-vkImportFenceFdKHR-fence-01463),
    /// [`SyncError::Descriptor`] for another object's handle, or what the driver answered.
    fn import_fence(
        &self,
        into: &mut Self::Fence,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused>;
}
