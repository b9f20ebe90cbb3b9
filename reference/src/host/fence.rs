//! Fences in shared memory.

use crate::deadline::Deadline;
use crate::fence::Fences;
use crate::handle::HandleType;
use crate::host::HostDevice;
use crate::host::payload::Payloads;
use crate::sync::{Permanence, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused};
use crate::waiter::Peer;

/// A fence in shared memory.
#[derive(Debug)]
pub struct HostFence(Payloads);

impl Fences for HostDevice {
    type Fence = HostFence;

    fn create_fence(&self, signalled: bool, export: &[HandleType]) -> Result<HostFence, SyncError> {
        Payloads::create(self, SyncKind::Fence, signalled, export).map(HostFence)
    }

    fn submit_fence(&self, fence: &mut HostFence) -> Result<(), SyncError> {
        fence.0.submit(self)
    }

    fn wait_fence(&self, fence: &mut HostFence, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        fence.0.wait(false, deadline, peer)
    }

    fn fence_is_signalled(&self, fence: &mut HostFence) -> Result<bool, SyncError> {
        Ok(fence.0.is_signalled())
    }

    fn reset_fence(&self, fence: &mut HostFence) -> Result<(), SyncError> {
        fence.0.reset()
    }

    fn export_fence(&self, fence: &mut HostFence, handle_type: HandleType) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        fence.0.export(self, handle_type)
    }

    fn import_fence(
        &self,
        into: &mut HostFence,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        into.0.import(self, descriptor, handle, permanence)
    }
}
