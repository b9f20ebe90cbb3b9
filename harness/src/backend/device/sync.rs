//! The semaphores, timelines and fences of a device, by number.

use std::collections::BTreeMap;

use gpushare::sync::{SyncFields, Transference};
use gpushare::vulkan::RawSync;
use gpushare::{
    Deadline, HandleType, Peer, Permanence, Side, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, Which,
};

use crate::backend::sync::{Exported, SyncBackend};
use crate::backend::{DeviceBackend, ImportHandle, ImportRefused, SharingDevice};
use crate::protocol::timeline::Point;
use crate::protocol::{Code, Id, ImportManner, Problem};

/// Objects of one kind, by number.
pub(super) struct Numbered<T>(BTreeMap<Id, T>, SyncKind);

impl<T> Numbered<T> {
    pub(super) const fn new(kind: SyncKind) -> Self {
        Self(BTreeMap::new(), kind)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn get(&mut self, id: Id) -> Result<&mut T, Problem> {
        let kind = self.1;
        self.0.get_mut(&id).ok_or_else(|| Problem::new(Code::Request, format!("no {kind} {id}")))
    }

    fn check_free(&self, id: Id) -> Result<(), Problem> {
        match self.0.contains_key(&id) {
            true => Err(Problem::new(Code::Request, format!("{} {id} exists already", self.1))),
            false => Ok(()),
        }
    }

    fn add(&mut self, id: Id, made: Result<T, SyncError>) -> Result<(), Problem> {
        self.check_free(id)?;
        self.0.insert(id, made?);
        Ok(())
    }

    fn free(&mut self, id: Id) -> Result<(), Problem> {
        self.get(id)?;
        self.0.remove(&id);
        Ok(())
    }
}

/// A handle on its way in, with a descriptor that makes sense.
struct Incoming {
    descriptor: SyncDescriptor,
    source: RawSync,
    guarded: bool,
}

impl Incoming {
    fn new(descriptor: &SyncFields, handle: ImportHandle, manner: ImportManner) -> Result<Self, ImportRefused> {
        let validated = SyncDescriptor::new(descriptor.clone());
        let source = match handle {
            ImportHandle::Owned(handle) => RawSync::Payload(SyncHandle::Handle(handle)),
            ImportHandle::Number(-1) if Transference::of(descriptor.handle_type) == Transference::Copy => {
                RawSync::Payload(SyncHandle::Signalled)
            }
            ImportHandle::Number(number) => RawSync::Number(number),
        };
        match validated {
            Ok(descriptor) => Ok(Self { descriptor, source, guarded: manner != ImportManner::Driver }),
            Err(error) => Err((returned(source), error.into())),
        }
    }
}

fn returned(source: RawSync) -> Option<gpushare::OwnedHandle> {
    match source {
        RawSync::Payload(SyncHandle::Handle(handle)) => Some(handle),
        RawSync::Payload(SyncHandle::Signalled) | RawSync::Number(_) => None,
    }
}

fn refused(refused: SyncRefused) -> ImportRefused {
    (refused.handle.and_then(|handle| returned(RawSync::Payload(handle))), refused.error.into())
}

impl<D: SharingDevice> SyncBackend for DeviceBackend<D> {
    fn gate(&mut self, open: bool) -> Result<(), Problem> {
        let device = self.device()?;
        Ok(if open { device.open_gate() } else { device.close_gate() }?)
    }

    fn create_semaphore(&mut self, semaphore: Id, export: &[HandleType]) -> Result<(), Problem> {
        let made = self.device()?.create_semaphore(export);
        self.semaphores.add(semaphore, made)
    }

    fn signal_semaphore(&mut self, semaphore: Id) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.signal(self.semaphores.get(semaphore)?)?)
    }

    fn wait_semaphore(&mut self, semaphore: Id, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.wait(self.semaphores.get(semaphore)?, deadline, peer)?)
    }

    fn export_semaphore(&mut self, semaphore: Id, handle_type: HandleType, guarded: bool) -> Exported {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        let semaphore = self.semaphores.get(semaphore)?;
        Ok(match guarded {
            true => device.export_semaphore(semaphore, handle_type),
            false => device.export_semaphore_unguarded(semaphore, handle_type),
        }?)
    }

    fn import_semaphore(
        &mut self,
        semaphore: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        permanence: Permanence,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        let Incoming { descriptor, source, guarded } = Incoming::new(descriptor, handle, manner)?;
        let (device, into) = match (self.device.as_ref().ok_or_else(no_device), self.semaphores.get(semaphore)) {
            (Ok(device), Ok(into)) => (device, into),
            (Err(problem), _) | (_, Err(problem)) => return Err((returned(source), problem)),
        };
        match source {
            RawSync::Payload(handle) if guarded => device.import_semaphore(into, &descriptor, handle, permanence),
            source => device.import_semaphore_unguarded(into, &descriptor, source, permanence),
        }
        .map_err(refused)
    }

    fn free_semaphore(&mut self, semaphore: Id) -> Result<(), Problem> {
        self.semaphores.free(semaphore)
    }

    fn create_timeline(&mut self, timeline: Id, initial: u64, export: &[HandleType]) -> Result<(), Problem> {
        let made = self.device()?.create_timeline(initial, export);
        self.timelines.add(timeline, made)
    }

    fn value(&mut self, timeline: Id) -> Result<u64, Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.value(self.timelines.get(timeline)?)?)
    }

    fn signal_timeline(&mut self, timeline: Id, value: u64, by: Side) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.signal_timeline(self.timelines.get(timeline)?, value, by)?)
    }

    fn wait_timelines(&mut self, points: &[Point], which: Which, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        let find = |point: &Point| match self.timelines.0.get(&point.timeline) {
            Some(timeline) => Ok((timeline, point.value)),
            None => Err(Problem::new(Code::Request, format!("no timeline {}", point.timeline))),
        };
        let waits = points.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        Ok(device.wait_timelines(&waits, which, deadline, peer)?)
    }

    fn wait_on_device(&mut self, point: Point, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.wait_on_device(self.timelines.get(point.timeline)?, point.value, deadline, peer)?)
    }

    fn export_timeline(&mut self, timeline: Id, handle_type: HandleType, guarded: bool) -> Exported {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        let timeline = self.timelines.get(timeline)?;
        Ok(match guarded {
            true => device.export_timeline(timeline, handle_type),
            false => device.export_timeline_unguarded(timeline, handle_type),
        }?)
    }

    fn import_timeline(
        &mut self,
        timeline: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        let Incoming { descriptor, source, guarded } = Incoming::new(descriptor, handle, manner)?;
        let (device, ()) = match (self.device.as_ref().ok_or_else(no_device), self.timelines.check_free(timeline)) {
            (Ok(device), Ok(free)) => (device, free),
            (Err(problem), _) | (_, Err(problem)) => return Err((returned(source), problem)),
        };
        let imported = match source {
            RawSync::Payload(handle) if guarded => device.import_timeline(&descriptor, handle),
            source => device.import_timeline_unguarded(&descriptor, source),
        };
        self.timelines.0.insert(timeline, imported.map_err(refused)?);
        Ok(())
    }

    fn free_timeline(&mut self, timeline: Id) -> Result<(), Problem> {
        self.timelines.free(timeline)
    }

    fn create_fence(&mut self, fence: Id, signalled: bool, export: &[HandleType]) -> Result<(), Problem> {
        let made = self.device()?.create_fence(signalled, export);
        self.fences.add(fence, made)
    }

    fn submit_fence(&mut self, fence: Id) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.submit_fence(self.fences.get(fence)?)?)
    }

    fn wait_fence(&mut self, fence: Id, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.wait_fence(self.fences.get(fence)?, deadline, peer)?)
    }

    fn fence_is_signalled(&mut self, fence: Id) -> Result<bool, Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.fence_is_signalled(self.fences.get(fence)?)?)
    }

    fn reset_fence(&mut self, fence: Id) -> Result<(), Problem> {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        Ok(device.reset_fence(self.fences.get(fence)?)?)
    }

    fn export_fence(&mut self, fence: Id, handle_type: HandleType, guarded: bool) -> Exported {
        let device = self.device.as_ref().ok_or_else(no_device)?;
        let fence = self.fences.get(fence)?;
        Ok(match guarded {
            true => device.export_fence(fence, handle_type),
            false => device.export_fence_unguarded(fence, handle_type),
        }?)
    }

    fn import_fence(
        &mut self,
        fence: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        permanence: Permanence,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        let Incoming { descriptor, source, guarded } = Incoming::new(descriptor, handle, manner)?;
        let (device, into) = match (self.device.as_ref().ok_or_else(no_device), self.fences.get(fence)) {
            (Ok(device), Ok(into)) => (device, into),
            (Err(problem), _) | (_, Err(problem)) => return Err((returned(source), problem)),
        };
        match source {
            RawSync::Payload(handle) if guarded => device.import_fence(into, &descriptor, handle, permanence),
            source => device.import_fence_unguarded(into, &descriptor, source, permanence),
        }
        .map_err(refused)
    }

    fn free_fence(&mut self, fence: Id) -> Result<(), Problem> {
        self.fences.free(fence)
    }
}

fn no_device() -> Problem {
    Problem::new(Code::Request, "no device is open")
}
