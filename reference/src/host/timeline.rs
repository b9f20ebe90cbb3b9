//! The host's timelines: numbers in shared memory.

use std::sync::Arc;

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::host::HostDevice;
use crate::sync::{SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, Synchronisation, check_export_types};
use crate::texture::Device;
use crate::timeline::{PendingSignals, SharedTimeline, Side, Timelines, Which};
use crate::waiter::Peer;

/// A timeline in shared memory.
#[derive(Debug)]
pub struct HostTimeline {
    shared: Arc<SharedTimeline>,
    export: Vec<HandleType>,
    pending: PendingSignals,
}

impl Timelines for HostDevice {
    type Timeline = HostTimeline;

    fn create_timeline(&self, initial: u64, export: &[HandleType]) -> Result<HostTimeline, SyncError> {
        check_export_types(self, SyncKind::Timeline, export)?;
        let shared = Arc::new(SharedTimeline::create(initial)?);
        Ok(HostTimeline { shared, export: export.to_vec(), pending: PendingSignals::default() })
    }

    fn adopt_timeline(&self, shared: SharedTimeline) -> HostTimeline {
        let export = vec![HandleType::SharedMemory];
        HostTimeline { shared: Arc::new(shared), export, pending: PendingSignals::default() }
    }

    fn max_difference(&self, _timeline: &HostTimeline) -> u64 {
        u64::MAX
    }

    fn value(&self, timeline: &HostTimeline) -> Result<u64, SyncError> {
        Ok(timeline.shared.value())
    }

    fn signal_timeline(&self, timeline: &mut HostTimeline, value: u64, by: Side) -> Result<(), SyncError> {
        timeline.pending.check(value, timeline.shared.value(), by, u64::MAX)?;
        match by {
            Side::Host => timeline.shared.signal(value),
            Side::Device => {
                timeline.pending.submitted(value);
                let shared = Arc::clone(&timeline.shared);
                self.gate.submit(Box::new(move || shared.signal(value)))
            }
        }
    }

    fn wait_timelines(
        &self,
        waits: &[(&HostTimeline, u64)],
        which: Which,
        deadline: Deadline,
        peer: &Peer,
    ) -> Result<(), SyncError> {
        let waits: Vec<_> = waits.iter().map(|(timeline, value)| (&*timeline.shared, *value)).collect();
        SharedTimeline::wait_several(&waits, which, deadline, peer)
    }

    fn wait_on_device(
        &self,
        timeline: &mut HostTimeline,
        value: u64,
        deadline: Deadline,
        peer: &Peer,
    ) -> Result<(), SyncError> {
        timeline.shared.wait(value, deadline, peer)
    }

    fn export_timeline(
        &self,
        timeline: &mut HostTimeline,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        let kind = SyncKind::Timeline;
        if !timeline.export.contains(&handle_type) {
            let rule = "VUID-VkSemaphoreGetFdInfoKHR-handleType-01132";
            return Err(SyncError::NotExportable { kind, handle_type, rule });
        }
        let descriptor = SyncDescriptor::of(self.identity(), kind, handle_type)?;
        Ok((descriptor, SyncHandle::Handle(timeline.shared.handle()?)))
    }

    fn import_timeline(&self, descriptor: &SyncDescriptor, handle: SyncHandle) -> Result<HostTimeline, SyncRefused> {
        let (kind, found) = (SyncKind::Timeline, descriptor.fields().handle_type);
        let checked = descriptor.check(self.identity(), kind).and_then(|()| {
            let importable = self.capability(kind, found).importable;
            if importable { Ok(()) } else { Err(SyncError::WrongHandleType { kind, found }) }
        });
        let handle = match (checked, handle) {
            (Ok(()), SyncHandle::Handle(handle)) => handle,
            (Ok(()), SyncHandle::Signalled) => {
                let error =
                    SyncError::InvalidHandle { expected: found, detail: "a timeline is never without an object".into() };
                return Err(SyncRefused { handle: Some(SyncHandle::Signalled), error });
            }
            (Err(error), handle) => return Err(SyncRefused { handle: Some(handle), error }),
        };
        Ok(self.adopt_timeline(SharedTimeline::attach(handle)?))
    }
}
