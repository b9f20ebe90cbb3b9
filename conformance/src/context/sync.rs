//! Steps with semaphores, timelines and fences.
//!
//! What all three can do has one name here, so that one script decides the same rule for each: a signal, a wait, an export, an
//! import. A value is the timeline's; the others have none.

use gpushare::sync::{SyncFields, Transference};
use gpushare::{HandleType, Permanence, Side, SyncKind, Which};
use gpushare_harness::protocol::fence::FenceRequest;
use gpushare_harness::protocol::semaphore::SemaphoreRequest;
use gpushare_harness::protocol::sync::SyncReply;
use gpushare_harness::protocol::timeline::{Point, TimelineRequest};
use gpushare_harness::protocol::{Code, HandleSource, Id, ImportManner, Object, Problem, Reply, Request};

use crate::case::{Outcome, Stop};
use crate::context::{Begun, Handle, Party};

/// A semaphore, timeline or fence of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync {
    kind: SyncKind,
    id: Id,
}

/// An exported semaphore, timeline or fence: the handle, and what travels beside it.
#[derive(Clone, Debug)]
pub struct SharedSync {
    /// The handle, which peer holds it is for the script to know; `None` where the payload is signalled and there is none.
    pub handle: Option<Handle>,
    /// The descriptor, open to being changed by a script.
    pub descriptor: SyncFields,
}

impl SharedSync {
    /// The same with one field changed.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut SyncFields)) -> Self {
        let mut changed = self.clone();
        change(&mut changed.descriptor);
        changed
    }

    /// The same with another handle.
    #[must_use]
    pub fn through(&self, handle: Handle) -> Self {
        Self { handle: Some(handle), ..self.clone() }
    }

    /// The handle, where a case needs one.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where the signal came before the export.
    pub fn object(&self) -> Outcome<Handle> {
        self.handle.ok_or_else(|| Stop::Inconclusive("the signal came before the export, so that there is no handle".into()))
    }

    fn source(&self) -> HandleSource {
        self.handle.map_or(HandleSource::MinusOne, |handle| HandleSource::Held(handle.0))
    }
}

impl<'context, 'run> Party<'context, 'run> {
    /// Create one, with the types of handles that it can be exported as.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_sync(&self, kind: SyncKind, export: &[HandleType]) -> Outcome<Sync> {
        self.try_create_sync(kind, export)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to create one.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_create_sync(&self, kind: SyncKind, export: &[HandleType]) -> Outcome<Result<Sync, Problem>> {
        let (id, export) = (self.context.number(self.seat), export.to_vec());
        let request = match kind {
            SyncKind::Semaphore => Request::Semaphore(SemaphoreRequest::Create { semaphore: id, export }),
            SyncKind::Timeline => Request::Timeline(TimelineRequest::Create { timeline: id, initial: 0, export }),
            SyncKind::Fence => Request::Fence(FenceRequest::Create { fence: id, signalled: false, export }),
        };
        Ok(self.try_ask(&request, &[])?.map(|_| Sync { kind, id }))
    }

    /// Create a timeline that has reached a value.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_timeline(&self, initial: u64, export: &[HandleType]) -> Outcome<Sync> {
        let (id, export) = (self.context.number(self.seat), export.to_vec());
        self.must_do(&Request::Timeline(TimelineRequest::Create { timeline: id, initial, export }))?;
        Ok(Sync { kind: SyncKind::Timeline, id })
    }

    /// Create a fence that is signalled from the start.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_signalled_fence(&self, export: &[HandleType]) -> Outcome<Sync> {
        let (id, export) = (self.context.number(self.seat), export.to_vec());
        self.must_do(&Request::Fence(FenceRequest::Create { fence: id, signalled: true, export }))?;
        Ok(Sync { kind: SyncKind::Fence, id })
    }

    /// The request that lets the device signal; a timeline reaches `value`.
    #[must_use]
    pub fn signalling(sync: Sync, value: u64) -> Request {
        match sync.kind {
            SyncKind::Semaphore => Request::Semaphore(SemaphoreRequest::Signal { semaphore: sync.id }),
            SyncKind::Timeline => Request::Timeline(TimelineRequest::Signal { timeline: sync.id, value, by: Side::Device }),
            SyncKind::Fence => Request::Fence(FenceRequest::Submit { fence: sync.id }),
        }
    }

    /// Let the device signal it; a timeline reaches `value`.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn signal(&self, sync: Sync, value: u64) -> Outcome {
        self.must_do(&Self::signalling(sync, value))
    }

    /// Let the device signal a fence, and then this.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn submit_before(&self, work: Sync, sync: Sync, value: u64) -> Outcome {
        self.must_do(&Request::Sequence(vec![Self::signalling(work, 1), Self::signalling(sync, value)]))
    }

    /// Let the device signal it, and wait until the device has done so: whatever becomes of this peer then, the signal was given.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn signal_and_wait(&self, sync: Sync, value: u64) -> Outcome {
        let (fence, within) = (self.context.number(self.seat), self.context.within());
        self.must_do(&Request::Sequence(vec![
            Self::signalling(sync, value),
            Request::Fence(FenceRequest::Create { fence, signalled: false, export: Vec::new() }),
            Request::Fence(FenceRequest::Submit { fence }),
            Request::Fence(FenceRequest::Wait { fence, within, watching: None }),
            Request::Fence(FenceRequest::Free { fences: vec![fence] }),
        ]))
    }

    /// Try to signal it.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_signal(&self, sync: Sync, value: u64) -> Outcome<Result<(), Problem>> {
        Ok(self.try_ask(&Self::signalling(sync, value), &[])?.map(drop))
    }

    /// Move a timeline on.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn advance(&self, timeline: Sync, value: u64, by: Side) -> Outcome {
        self.must_do(&Request::Timeline(TimelineRequest::Signal { timeline: timeline.id, value, by }))
    }

    /// Try to move a timeline on.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_advance(&self, timeline: Sync, value: u64, by: Side) -> Outcome<Result<(), Problem>> {
        let request = Request::Timeline(TimelineRequest::Signal { timeline: timeline.id, value, by });
        Ok(self.try_ask(&request, &[])?.map(drop))
    }

    /// The request that waits for it; a timeline for `value`.
    #[must_use]
    pub fn waiting(sync: Sync, value: u64, within: u64, watching: Option<Handle>) -> Request {
        let watching = watching.map(|handle| handle.0);
        match sync.kind {
            SyncKind::Semaphore => Request::Semaphore(SemaphoreRequest::Wait { semaphore: sync.id, within, watching }),
            SyncKind::Timeline => {
                let points = vec![Point { timeline: sync.id, value }];
                let (which, by) = (Which::All, Side::Host);
                Request::Timeline(TimelineRequest::Wait { points, which, by, within, watching })
            }
            SyncKind::Fence => Request::Fence(FenceRequest::Wait { fence: sync.id, within, watching }),
        }
    }

    /// Wait for it, which has to succeed. A fence is reset then, so that it can be used as a semaphore is.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn wait(&self, sync: Sync, value: u64) -> Outcome {
        self.must_do(&Self::waiting(sync, value, self.context.within(), None))?;
        if sync.kind == SyncKind::Fence { self.reset(sync) } else { Ok(()) }
    }

    /// Wait for it; a fence is left as it is.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_wait(&self, sync: Sync, value: u64, within: u64) -> Outcome<Result<(), Problem>> {
        Ok(self.try_ask(&Self::waiting(sync, value, within, None), &[])?.map(drop))
    }

    /// It is not signalled: a wait for a short time ends in a timeout.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the wait succeeds.
    pub fn waits_in_vain(&self, sync: Sync, value: u64) -> Outcome {
        const SHORT: u64 = 25;
        match self.try_wait(sync, value, SHORT)? {
            Err(problem) if problem.code == Code::Timeout => Ok(()),
            Err(problem) => {
                let (role, step) = (self.role(), self.context.last_step());
                Err(Stop::Fail(format!("{role} at {step}: {} ({:?}), expected a timeout", problem.message, problem.code)))
            }
            Ok(()) => {
                let (role, step) = (self.role(), self.context.last_step());
                Err(Stop::Fail(format!("{role} at {step}: the wait ended, and nobody had signalled")))
            }
        }
    }

    /// Begin to wait for it, while other peers go on.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_wait(&self, sync: Sync, value: u64, watching: Option<Handle>) -> Outcome<Begun<'context, 'run>> {
        self.begin(Self::waiting(sync, value, self.context.within(), watching))
    }

    /// Wait for values of timelines.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_wait_for(&self, points: &[(Sync, u64)], which: Which, by: Side, within: u64) -> Outcome<Result<(), Problem>> {
        let points = points.iter().map(|(timeline, value)| Point { timeline: timeline.id, value: *value }).collect();
        let request = Request::Timeline(TimelineRequest::Wait { points, which, by, within, watching: None });
        Ok(self.try_ask(&request, &[])?.map(drop))
    }

    /// Begin to wait for values of timelines.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_wait_for(&self, points: &[(Sync, u64)], which: Which, by: Side) -> Outcome<Begun<'context, 'run>> {
        let points = points.iter().map(|(timeline, value)| Point { timeline: timeline.id, value: *value }).collect();
        let within = self.context.within();
        self.begin(Request::Timeline(TimelineRequest::Wait { points, which, by, within, watching: None }))
    }

    /// The value that a timeline has reached.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn value(&self, timeline: Sync) -> Outcome<u64> {
        match self.must(&Request::Timeline(TimelineRequest::Value { timeline: timeline.id }))? {
            Reply::Sync(SyncReply::Value(value)) => Ok(value),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Whether a fence is signalled.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn is_signalled(&self, fence: Sync) -> Outcome<bool> {
        match self.must(&Request::Fence(FenceRequest::Status { fence: fence.id }))? {
            Reply::Sync(SyncReply::Signalled(signalled)) => Ok(signalled),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Unsignal a fence.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn reset(&self, fence: Sync) -> Outcome {
        self.must_do(&Request::Fence(FenceRequest::Reset { fence: fence.id }))
    }

    /// Try to unsignal a fence.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_reset(&self, fence: Sync) -> Outcome<Result<(), Problem>> {
        Ok(self.try_ask(&Request::Fence(FenceRequest::Reset { fence: fence.id }), &[])?.map(drop))
    }

    /// Export it; the handle stays with this peer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn export_sync(&self, sync: Sync, handle_type: HandleType) -> Outcome<SharedSync> {
        self.try_export_sync(sync, handle_type, true)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to export it. `guarded`: the sharing library corrects what the driver made.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_export_sync(&self, sync: Sync, handle_type: HandleType, guarded: bool) -> Outcome<Result<SharedSync, Problem>> {
        let (id, handle) = (sync.id, self.context.number(self.seat));
        let request = match sync.kind {
            SyncKind::Semaphore => Request::Semaphore(SemaphoreRequest::Export { semaphore: id, handle_type, handle, guarded }),
            SyncKind::Timeline => Request::Timeline(TimelineRequest::Export { timeline: id, handle_type, handle, guarded }),
            SyncKind::Fence => Request::Fence(FenceRequest::Export { fence: id, handle_type, handle, guarded }),
        };
        match self.try_ask(&request, &[])? {
            Ok((Reply::Sync(SyncReply::Exported { descriptor, signalled }), _)) => {
                let handle = (!signalled).then_some(Handle(handle));
                Ok(Ok(SharedSync { handle, descriptor: descriptor.into() }))
            }
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Hand an export over to another peer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn hand_sync(&self, shared: &SharedSync, to: &Self) -> Outcome<SharedSync> {
        let handle = shared.handle.map(|handle| self.hand_over(handle, to)).transpose()?;
        Ok(SharedSync { handle, ..shared.clone() })
    }

    /// Export it and hand it to another peer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn share_sync(&self, sync: Sync, handle_type: HandleType, with: &Self) -> Outcome<SharedSync> {
        self.hand_sync(&self.export_sync(sync, handle_type)?, with)
    }

    /// A new one over the payload of an export, whose handle is used up: for good, or until its next use where the type is a copy.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn import_sync(&self, kind: SyncKind, shared: &SharedSync) -> Outcome<Sync> {
        let imported = self.try_import_sync(kind, shared, ImportManner::Library)?;
        imported.map_err(|problem| self.refused(&problem))
    }

    /// Try to import.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_import_sync(&self, kind: SyncKind, shared: &SharedSync, manner: ImportManner) -> Outcome<Result<Sync, Problem>> {
        self.try_import_sync_from(kind, shared, shared.source(), manner)
    }

    /// Try to import from any handle.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_import_sync_from(
        &self,
        kind: SyncKind,
        shared: &SharedSync,
        source: HandleSource,
        manner: ImportManner,
    ) -> Outcome<Result<Sync, Problem>> {
        let permanence = match Transference::of(shared.descriptor.handle_type) {
            Transference::Copy => Permanence::Temporary,
            Transference::Reference => Permanence::Permanent,
        };
        if kind == SyncKind::Timeline {
            let (timeline, descriptor) = (self.context.number(self.seat), shared.descriptor.clone());
            let request = TimelineRequest::Import { timeline, descriptor, handle: source, manner };
            let answer = self.try_ask(&Request::Timeline(request), &[])?;
            return Ok(answer.map(|_| Sync { kind, id: timeline }));
        }
        let into = self.create_sync(kind, &[])?;
        Ok(self.try_import_into_from(into, shared, source, permanence, manner)?.map(|()| into))
    }

    /// Replace a payload by that of an export.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn import_into(&self, into: Sync, shared: &SharedSync, permanence: Permanence) -> Outcome {
        self.try_import_into(into, shared, permanence)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to replace a payload.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_import_into(&self, into: Sync, shared: &SharedSync, permanence: Permanence) -> Outcome<Result<(), Problem>> {
        self.try_import_into_from(into, shared, shared.source(), permanence, ImportManner::Library)
    }

    fn try_import_into_from(
        &self,
        into: Sync,
        shared: &SharedSync,
        handle: HandleSource,
        permanence: Permanence,
        manner: ImportManner,
    ) -> Outcome<Result<(), Problem>> {
        let (id, descriptor) = (into.id, shared.descriptor.clone());
        let request = match into.kind {
            SyncKind::Semaphore => {
                Request::Semaphore(SemaphoreRequest::Import { semaphore: id, descriptor, handle, permanence, manner })
            }
            SyncKind::Fence => Request::Fence(FenceRequest::Import { fence: id, descriptor, handle, permanence, manner }),
            SyncKind::Timeline => return Err(Stop::Inconclusive("a timeline is imported as a new one".into())),
        };
        Ok(self.try_ask(&request, &[])?.map(drop))
    }

    /// Export, hand over, import.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn import_sync_from(&self, from: &Self, sync: Sync, handle_type: HandleType) -> Outcome<Sync> {
        let shared = from.share_sync(sync, handle_type, self)?;
        self.import_sync(sync.kind, &shared)
    }

    /// Free it.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn free_sync(&self, sync: Sync) -> Outcome {
        self.must_do(&match sync.kind {
            SyncKind::Semaphore => Request::Semaphore(SemaphoreRequest::Free { semaphores: vec![sync.id] }),
            SyncKind::Timeline => Request::Timeline(TimelineRequest::Free { timelines: vec![sync.id] }),
            SyncKind::Fence => Request::Fence(FenceRequest::Free { fences: vec![sync.id] }),
        })
    }

    /// Hold the device's queue back, or let it go on.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn gate(&self, open: bool) -> Outcome {
        self.must_do(&Request::Gate { open })
    }

    /// A handle to this peer's process, in the hands of another.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn process_for(&self, other: &Self) -> Outcome<Handle> {
        let process = self.make(Object::ThisProcess)?;
        self.hand_over(process, other)
    }
}
