//! Answering requests about semaphores, timelines and fences.

use std::time::Duration;

use gpushare::{Deadline, Peer, Side, SyncHandle};

use crate::backend::sync::{Exported, SyncBackend};
use crate::backend::{ImportHandle, ImportRefused};
use crate::peer::handles::Handles;
use crate::protocol::fence::FenceRequest;
use crate::protocol::semaphore::SemaphoreRequest;
use crate::protocol::sync::SyncReply;
use crate::protocol::timeline::TimelineRequest;
use crate::protocol::{Code, HandleSource, Id, Problem, Reply};
use crate::sys;

type Answer = Result<Reply, Problem>;

pub(super) fn semaphore(request: SemaphoreRequest, backend: &mut dyn SyncBackend, handles: &mut Handles) -> Answer {
    match request {
        SemaphoreRequest::Create { semaphore, export } => backend.create_semaphore(semaphore, &export)?,
        SemaphoreRequest::Signal { semaphore } => backend.signal_semaphore(semaphore)?,
        SemaphoreRequest::Wait { semaphore, within, watching } => {
            backend.wait_semaphore(semaphore, deadline(within), &watched(handles, watching)?)?;
        }
        SemaphoreRequest::Export { semaphore, handle_type, handle, guarded } => {
            return exported(backend.export_semaphore(semaphore, handle_type, guarded), handle, handles);
        }
        SemaphoreRequest::Import { semaphore, descriptor, handle, permanence, manner } => {
            import(handles, handle, |handle| backend.import_semaphore(semaphore, &descriptor, handle, permanence, manner))?;
        }
        SemaphoreRequest::Free { semaphores } => semaphores.into_iter().try_for_each(|id| backend.free_semaphore(id))?,
    }
    Ok(Reply::Done)
}

pub(super) fn timeline(request: TimelineRequest, backend: &mut dyn SyncBackend, handles: &mut Handles) -> Answer {
    match request {
        TimelineRequest::Create { timeline, initial, export } => backend.create_timeline(timeline, initial, &export)?,
        TimelineRequest::Value { timeline } => return backend.value(timeline).map(SyncReply::Value).map(Reply::Sync),
        TimelineRequest::Signal { timeline, value, by } => backend.signal_timeline(timeline, value, by)?,
        TimelineRequest::Wait { points, which, by, within, watching } => {
            let (deadline, peer) = (deadline(within), watched(handles, watching)?);
            match (by, points.as_slice()) {
                (Side::Host, points) => backend.wait_timelines(points, which, deadline, &peer)?,
                (Side::Device, [point]) => backend.wait_on_device(*point, deadline, &peer)?,
                (Side::Device, points) => {
                    let text = format!("the device waits for one timeline at a time, not for {}", points.len());
                    return Err(Problem::new(Code::Request, text));
                }
            }
        }
        TimelineRequest::Export { timeline, handle_type, handle, guarded } => {
            return exported(backend.export_timeline(timeline, handle_type, guarded), handle, handles);
        }
        TimelineRequest::Import { timeline, descriptor, handle, manner } => {
            import(handles, handle, |handle| backend.import_timeline(timeline, &descriptor, handle, manner))?;
        }
        TimelineRequest::Free { timelines } => timelines.into_iter().try_for_each(|id| backend.free_timeline(id))?,
    }
    Ok(Reply::Done)
}

pub(super) fn fence(request: FenceRequest, backend: &mut dyn SyncBackend, handles: &mut Handles) -> Answer {
    match request {
        FenceRequest::Create { fence, signalled, export } => backend.create_fence(fence, signalled, &export)?,
        FenceRequest::Submit { fence } => backend.submit_fence(fence)?,
        FenceRequest::Wait { fence, within, watching } => {
            backend.wait_fence(fence, deadline(within), &watched(handles, watching)?)?;
        }
        FenceRequest::Status { fence } => {
            return backend.fence_is_signalled(fence).map(SyncReply::Signalled).map(Reply::Sync);
        }
        FenceRequest::Reset { fence } => backend.reset_fence(fence)?,
        FenceRequest::Export { fence, handle_type, handle, guarded } => {
            return exported(backend.export_fence(fence, handle_type, guarded), handle, handles);
        }
        FenceRequest::Import { fence, descriptor, handle, permanence, manner } => {
            import(handles, handle, |handle| backend.import_fence(fence, &descriptor, handle, permanence, manner))?;
        }
        FenceRequest::Free { fences } => fences.into_iter().try_for_each(|id| backend.free_fence(id))?,
    }
    Ok(Reply::Done)
}

fn deadline(within: u64) -> Deadline {
    Deadline::after(Duration::from_millis(within))
}

fn watched(handles: &Handles, watching: Option<Id>) -> Result<Peer, Problem> {
    let Some(id) = watching else { return Ok(Peer::UNWATCHED) };
    let process = handles.borrow(&[id])?.first().map(|handle| handle.try_clone());
    let watched = process.unwrap_or_else(|| Err(std::io::Error::other("no handle"))).and_then(Peer::from_handle);
    watched.map_err(|error| Problem::new(Code::System, format!("watching a process: {error}")))
}

fn exported(outcome: Exported, id: Id, handles: &mut Handles) -> Answer {
    let (descriptor, handle) = outcome?;
    let signalled = match handle {
        SyncHandle::Handle(handle) => {
            handles.keep(&[id], vec![handle])?;
            false
        }
        SyncHandle::Signalled => true,
    };
    Ok(Reply::Sync(SyncReply::Exported { descriptor, signalled }))
}

/// Take a handle to where it is imported; after a refusal it is still the peer's, unless it was used up.
pub(super) fn import(
    handles: &mut Handles,
    source: HandleSource,
    import: impl FnOnce(ImportHandle) -> Result<(), ImportRefused>,
) -> Result<(), Problem> {
    let (id, handle) = match source {
        HandleSource::Held(id) => {
            let held = handles.take(&[id])?.pop();
            (Some(id), ImportHandle::Owned(held.ok_or_else(|| Problem::new(Code::Request, "no handle"))?))
        }
        HandleSource::MinusOne => (None, ImportHandle::Number(-1)),
        HandleSource::ClosedNumber => {
            let system = |error| Problem::new(Code::System, format!("finding a closed descriptor number: {error}"));
            (None, ImportHandle::Number(sys::closed_number().map_err(system)?))
        }
    };
    import(handle).map_err(|(returned, problem)| {
        let handle_taken = id.is_some() && returned.is_none();
        // A later request can look at it or close it.
        if let (Some(id), Some(handle)) = (id, returned) {
            let kept = handles.keep(&[id], vec![handle]);
            debug_assert!(kept.is_ok(), "the number was freed above");
        }
        Problem { handle_taken, ..problem }
    })
}
