//! The faulty device's semaphores, timelines and fences: the host's own.

use gpushare::host::{HostFence, HostSemaphore, HostTimeline};
use gpushare::sync::SyncCapability;
use gpushare::{
    Deadline, Fences, HandleType, Peer, Permanence, Semaphores, SharedTimeline, Side, SyncDescriptor, SyncError, SyncHandle,
    SyncKind, SyncRefused, Synchronisation, Timelines, Which,
};
use gpushare_harness::backend::sync::SyncDevice;

use crate::faulty_device::FaultyDevice;

type Exported = Result<(SyncDescriptor, SyncHandle), SyncError>;
type Done = Result<(), SyncError>;

impl SyncDevice for FaultyDevice {}

impl Synchronisation for FaultyDevice {
    fn capabilities(&self, kind: SyncKind) -> Vec<SyncCapability> {
        self.inner.capabilities(kind)
    }

    fn close_gate(&self) -> Done {
        self.inner.close_gate()
    }

    fn open_gate(&self) -> Done {
        self.inner.open_gate()
    }
}

impl Semaphores for FaultyDevice {
    type Semaphore = HostSemaphore;

    fn create_semaphore(&self, export: &[HandleType]) -> Result<HostSemaphore, SyncError> {
        self.inner.create_semaphore(export)
    }

    fn signal(&self, semaphore: &mut HostSemaphore) -> Done {
        self.inner.signal(semaphore)
    }

    fn wait(&self, semaphore: &mut HostSemaphore, deadline: Deadline, peer: &Peer) -> Done {
        self.inner.wait(semaphore, deadline, peer)
    }

    fn export_semaphore(&self, semaphore: &mut HostSemaphore, handle_type: HandleType) -> Exported {
        self.inner.export_semaphore(semaphore, handle_type)
    }

    fn import_semaphore(
        &self,
        into: &mut HostSemaphore,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.inner.import_semaphore(into, descriptor, handle, permanence)
    }
}

impl Timelines for FaultyDevice {
    type Timeline = HostTimeline;

    fn create_timeline(&self, initial: u64, export: &[HandleType]) -> Result<HostTimeline, SyncError> {
        self.inner.create_timeline(initial, export)
    }

    fn adopt_timeline(&self, shared: SharedTimeline) -> HostTimeline {
        self.inner.adopt_timeline(shared)
    }

    fn max_difference(&self, timeline: &HostTimeline) -> u64 {
        self.inner.max_difference(timeline)
    }

    fn value(&self, timeline: &HostTimeline) -> Result<u64, SyncError> {
        self.inner.value(timeline)
    }

    fn signal_timeline(&self, timeline: &mut HostTimeline, value: u64, by: Side) -> Done {
        self.inner.signal_timeline(timeline, value, by)
    }

    fn wait_timelines(&self, waits: &[(&HostTimeline, u64)], which: Which, deadline: Deadline, peer: &Peer) -> Done {
        self.inner.wait_timelines(waits, which, deadline, peer)
    }

    fn wait_on_device(&self, timeline: &mut HostTimeline, value: u64, deadline: Deadline, peer: &Peer) -> Done {
        self.inner.wait_on_device(timeline, value, deadline, peer)
    }

    fn export_timeline(&self, timeline: &mut HostTimeline, handle_type: HandleType) -> Exported {
        self.inner.export_timeline(timeline, handle_type)
    }

    fn import_timeline(&self, descriptor: &SyncDescriptor, handle: SyncHandle) -> Result<HostTimeline, SyncRefused> {
        self.inner.import_timeline(descriptor, handle)
    }
}

impl Fences for FaultyDevice {
    type Fence = HostFence;

    fn create_fence(&self, signalled: bool, export: &[HandleType]) -> Result<HostFence, SyncError> {
        self.inner.create_fence(signalled, export)
    }

    fn submit_fence(&self, fence: &mut HostFence) -> Done {
        self.inner.submit_fence(fence)
    }

    fn wait_fence(&self, fence: &mut HostFence, deadline: Deadline, peer: &Peer) -> Done {
        self.inner.wait_fence(fence, deadline, peer)
    }

    fn fence_is_signalled(&self, fence: &mut HostFence) -> Result<bool, SyncError> {
        self.inner.fence_is_signalled(fence)
    }

    fn reset_fence(&self, fence: &mut HostFence) -> Done {
        self.inner.reset_fence(fence)
    }

    fn export_fence(&self, fence: &mut HostFence, handle_type: HandleType) -> Exported {
        self.inner.export_fence(fence, handle_type)
    }

    fn import_fence(
        &self,
        into: &mut HostFence,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.inner.import_fence(into, descriptor, handle, permanence)
    }
}
