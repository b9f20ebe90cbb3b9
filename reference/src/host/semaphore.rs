//! Binary semaphores in shared memory.

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::host::HostDevice;
use crate::host::payload::Payloads;
use crate::semaphore::Semaphores;
use crate::sync::{Permanence, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused};
use crate::waiter::Peer;

/// A binary semaphore in shared memory.
#[derive(Debug)]
pub struct HostSemaphore(Payloads);

impl Semaphores for HostDevice {
    type Semaphore = HostSemaphore;

    fn create_semaphore(&self, export: &[HandleType]) -> Result<HostSemaphore, SyncError> {
        Payloads::create(self, SyncKind::Semaphore, false, export).map(HostSemaphore)
    }

    fn signal(&self, semaphore: &mut HostSemaphore) -> Result<(), SyncError> {
        semaphore.0.submit(self)
    }

    fn wait(&self, semaphore: &mut HostSemaphore, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        semaphore.0.wait(true, deadline, peer)
    }

    fn export_semaphore(
        &self,
        semaphore: &mut HostSemaphore,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        semaphore.0.export(self, handle_type)
    }

    fn import_semaphore(
        &self,
        into: &mut HostSemaphore,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        into.0.import(self, descriptor, handle, permanence)
    }
}
