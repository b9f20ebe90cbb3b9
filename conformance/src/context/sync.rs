//! Steps with semaphores, timelines and fences.
//!
//! What all three can do has one name here, so that one script decides the same rule for each: a signal, a wait, an export, an
//! import. A value is the timeline's; the others have none.

mod fences;
mod sharing;
mod timelines;

use gpushare::sync::SyncFields;
use gpushare::{HandleType, Pattern, Side, SyncKind, Which};
use gpushare_harness::protocol::fence::FenceRequest;
use gpushare_harness::protocol::semaphore::SemaphoreRequest;
use gpushare_harness::protocol::timeline::{Point, TimelineRequest};
use gpushare_harness::protocol::{Code, HandleSource, Id, Object, Problem, Request};

use crate::case::{Outcome, Stop};
use crate::context::{Begun, Handle, Party, Texture};

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

    /// Wait for it as [`Party::wait`] does, and look at the texture in the same request: nothing comes between the end of the wait and
    /// the look.
    ///
    /// # Errors
    /// [`Stop::Fail`] tells how the picture differs.
    pub fn wait_and_verify(&self, sync: Sync, value: u64, texture: Texture, pattern: Pattern) -> Outcome {
        let waiting = Self::waiting(sync, value, self.context.within(), None);
        self.verified(&Request::Sequence(vec![waiting, Self::verifying(texture, pattern)]))?;
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
