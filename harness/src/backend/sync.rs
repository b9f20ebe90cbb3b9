//! Semaphores, timelines and fences as a peer drives them.

use gpushare::sync::SyncFields;
use gpushare::vulkan::RawSync;
use gpushare::{
    Deadline, Fences, HandleType, OwnedHandle, Peer, Permanence, Semaphores, Side, SyncDescriptor, SyncError, SyncHandle,
    SyncRefused, Timelines, Which,
};

use crate::backend::{ImportHandle, ImportRefused};
use crate::protocol::timeline::Point;
use crate::protocol::{Id, ImportManner, Problem};

/// What an export gives: what travels beside the handle, and the handle.
pub type Exported = Result<(SyncDescriptor, SyncHandle), Problem>;

/// The synchronisation of a sharing library as a peer drives it. Numbers name objects, as they do textures.
///
/// All methods return a [`Problem`] where something was not done, and then nothing has changed.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
pub trait SyncBackend {
    /// Hold the queue back (`false`), or let it go on.
    fn gate(&mut self, open: bool) -> Result<(), Problem>;

    /// Create a semaphore.
    fn create_semaphore(&mut self, semaphore: Id, export: &[HandleType]) -> Result<(), Problem>;
    /// Submit its signal.
    fn signal_semaphore(&mut self, semaphore: Id) -> Result<(), Problem>;
    /// Submit a wait for it, and wait.
    fn wait_semaphore(&mut self, semaphore: Id, deadline: Deadline, peer: &Peer) -> Result<(), Problem>;
    /// Export it.
    fn export_semaphore(&mut self, semaphore: Id, handle_type: HandleType, guarded: bool) -> Exported;
    /// Replace its payload.
    fn import_semaphore(
        &mut self,
        semaphore: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        permanence: Permanence,
        manner: ImportManner,
    ) -> Result<(), ImportRefused>;
    /// Free it.
    fn free_semaphore(&mut self, semaphore: Id) -> Result<(), Problem>;

    /// Create a timeline.
    fn create_timeline(&mut self, timeline: Id, initial: u64, export: &[HandleType]) -> Result<(), Problem>;
    /// The value that it has reached.
    fn value(&mut self, timeline: Id) -> Result<u64, Problem>;
    /// Move it on.
    fn signal_timeline(&mut self, timeline: Id, value: u64, by: Side) -> Result<(), Problem>;
    /// Wait on the host.
    fn wait_timelines(&mut self, points: &[Point], which: Which, deadline: Deadline, peer: &Peer) -> Result<(), Problem>;
    /// Let the device wait, and wait for that.
    fn wait_on_device(&mut self, point: Point, deadline: Deadline, peer: &Peer) -> Result<(), Problem>;
    /// Export it.
    fn export_timeline(&mut self, timeline: Id, handle_type: HandleType, guarded: bool) -> Exported;
    /// Import one.
    fn import_timeline(
        &mut self,
        timeline: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        manner: ImportManner,
    ) -> Result<(), ImportRefused>;
    /// Free it.
    fn free_timeline(&mut self, timeline: Id) -> Result<(), Problem>;

    /// Create a fence.
    fn create_fence(&mut self, fence: Id, signalled: bool, export: &[HandleType]) -> Result<(), Problem>;
    /// Submit its signal.
    fn submit_fence(&mut self, fence: Id) -> Result<(), Problem>;
    /// Wait for it.
    fn wait_fence(&mut self, fence: Id, deadline: Deadline, peer: &Peer) -> Result<(), Problem>;
    /// Whether it is signalled.
    fn fence_is_signalled(&mut self, fence: Id) -> Result<bool, Problem>;
    /// Unsignal it.
    fn reset_fence(&mut self, fence: Id) -> Result<(), Problem>;
    /// Export it.
    fn export_fence(&mut self, fence: Id, handle_type: HandleType, guarded: bool) -> Exported;
    /// Replace its payload.
    fn import_fence(
        &mut self,
        fence: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        permanence: Permanence,
        manner: ImportManner,
    ) -> Result<(), ImportRefused>;
    /// Free it.
    fn free_fence(&mut self, fence: Id) -> Result<(), Problem>;
}

/// What a device's synchronisation offers beyond its contract, so that it can be tested. A device that has no driver behind it is the
/// same with and without the library's own checks.
pub trait SyncDevice: Semaphores + Timelines + Fences {
    /// Export, and leave the handle as the driver made it.
    ///
    /// # Errors
    /// As [`Semaphores::export_semaphore`].
    fn export_semaphore_unguarded(
        &self,
        semaphore: &mut Self::Semaphore,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_semaphore(semaphore, handle_type)
    }

    /// Import without looking at the object behind the handle, or from a bare number.
    ///
    /// # Errors
    /// As [`Semaphores::import_semaphore`].
    fn import_semaphore_unguarded(
        &self,
        into: &mut Self::Semaphore,
        descriptor: &SyncDescriptor,
        source: RawSync,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.import_semaphore(into, descriptor, open(source, descriptor)?, permanence)
    }

    /// Export, and leave the handle as the driver made it.
    ///
    /// # Errors
    /// As [`Timelines::export_timeline`].
    fn export_timeline_unguarded(
        &self,
        timeline: &mut Self::Timeline,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_timeline(timeline, handle_type)
    }

    /// Import without looking at the object behind the handle, or from a bare number.
    ///
    /// # Errors
    /// As [`Timelines::import_timeline`].
    fn import_timeline_unguarded(&self, descriptor: &SyncDescriptor, source: RawSync) -> Result<Self::Timeline, SyncRefused> {
        self.import_timeline(descriptor, open(source, descriptor)?)
    }

    /// Export, and leave the handle as the driver made it.
    ///
    /// # Errors
    /// As [`Fences::export_fence`].
    fn export_fence_unguarded(
        &self,
        fence: &mut Self::Fence,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_fence(fence, handle_type)
    }

    /// Import without looking at the object behind the handle, or from a bare number.
    ///
    /// # Errors
    /// As [`Fences::import_fence`].
    fn import_fence_unguarded(
        &self,
        into: &mut Self::Fence,
        descriptor: &SyncDescriptor,
        source: RawSync,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.import_fence(into, descriptor, open(source, descriptor)?, permanence)
    }
}

/// What a bare number stands for, where there is no driver to judge.
#[expect(unsafe_code, reason = "a number that may or may not be an open handle")]
fn open(source: RawSync, descriptor: &SyncDescriptor) -> Result<SyncHandle, SyncRefused> {
    match source {
        RawSync::Payload(handle) => Ok(handle),
        // SAFETY: the orchestrator asks for numbers that nobody has open; one that is open is refused by no owner here.
        RawSync::Number(number) => match unsafe { OwnedHandle::from_number(number) } {
            Ok(handle) => Ok(SyncHandle::Handle(handle)),
            Err(error) => {
                let expected = descriptor.fields().handle_type;
                let error = SyncError::InvalidHandle { expected, detail: error.to_string() };
                Err(SyncRefused { handle: None, error })
            }
        },
    }
}
