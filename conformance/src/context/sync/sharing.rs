//! Exports, imports, and what becomes of them on the way.

use gpushare::sync::Transference;
use gpushare::{HandleType, Permanence, SyncKind};
use gpushare_harness::protocol::fence::FenceRequest;
use gpushare_harness::protocol::semaphore::SemaphoreRequest;
use gpushare_harness::protocol::sync::SyncReply;
use gpushare_harness::protocol::timeline::TimelineRequest;
use gpushare_harness::protocol::{HandleSource, ImportManner, Problem, Reply, Request};

use super::{SharedSync, Sync};
use crate::case::{Outcome, Stop};
use crate::context::{Handle, Party};

impl Party<'_, '_> {
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
}
