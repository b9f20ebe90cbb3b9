//! Answering requests about frames.

use gpushare::{OwnedHandle, Pattern};

use crate::backend::frames::FramesBackend;
use crate::peer::handles::Handles;
use crate::peer::rings::deadline;
use crate::protocol::frames::{FramesReply, FramesRequest};
use crate::protocol::{Id, Problem, Reply};

/// The number of the frame that requests for many use, one after the other.
const PASSING: Id = Id::MAX;

pub(super) fn answer(request: FramesRequest, backend: &mut dyn FramesBackend, handles: &mut Handles) -> Result<Reply, Problem> {
    let mut socket = |handle| -> Result<OwnedHandle, Problem> { handles.take_exactly([handle]).map(|[handle]| handle) };
    let reply = match request {
        FramesRequest::Create { producer, spec, slots, policy } => {
            return backend.create_producer(producer, &spec, slots, policy).map(|()| Reply::Done);
        }
        FramesRequest::Invite { producer, handle, within } => {
            FramesReply::Invited(backend.invite(producer, socket(handle)?, deadline(within))?)
        }
        FramesRequest::Join { consumer, handle, within } => {
            return backend.join(consumer, socket(handle)?, deadline(within)).map(|()| Reply::Done);
        }
        FramesRequest::Side { of, by } => return backend.set_side(of, by).map(|()| Reply::Done),
        FramesRequest::Acquire { producer, frame, within } => {
            FramesReply::Slot(backend.acquire(producer, frame, deadline(within))?)
        }
        FramesRequest::Draw { frame, pattern } => return backend.draw(frame, pattern).map(|()| Reply::Done),
        FramesRequest::Submit { frame } => FramesReply::Submitted(backend.submit(frame)?),
        FramesRequest::Produce { producer, count, pattern, within } => produce(backend, producer, count, pattern, within),
        FramesRequest::Reconfigure { producer, spec, within } => {
            return backend.reconfigure(producer, &spec, deadline(within)).map(|()| Reply::Done);
        }
        FramesRequest::Departures { producer } => {
            let (consumers, generations) = backend.departures(producer)?;
            FramesReply::Departed { consumers, generations }
        }
        FramesRequest::Dismiss { producer, consumer } => return backend.dismiss(producer, consumer).map(|()| Reply::Done),
        FramesRequest::Next { consumer, frame, within } => {
            FramesReply::Came(backend.next(consumer, frame, deadline(within))?)
        }
        FramesRequest::Look { frame, pattern } => {
            return Ok(backend.look(frame, pattern)?.map_or(Reply::Done, Reply::Mismatch));
        }
        FramesRequest::Release { frame } => return backend.release(frame).map(|()| Reply::Done),
        FramesRequest::Consume { consumer, count, pattern, within } => consume(backend, consumer, count, pattern, within),
        FramesRequest::Close { of } => return of.into_iter().try_for_each(|of| backend.close(of)).map(|()| Reply::Done),
    };
    Ok(Reply::Frames(reply))
}

/// The picture of a frame.
fn picture(pattern: Pattern, number: u64) -> Pattern {
    // Two frames that far apart are never under way together.
    Pattern { frame: number as u32, ..pattern }
}

fn produce(backend: &mut dyn FramesBackend, producer: Id, count: u64, pattern: Pattern, within: u64) -> FramesReply {
    let mut last = 0;
    let mut one = || {
        backend.acquire(producer, PASSING, deadline(within))?;
        let number = backend.submitted(producer)? + 1;
        backend.draw(PASSING, picture(pattern, number))?;
        backend.submit(PASSING)
    };
    for done in 0..count {
        match one() {
            Ok(number) => last = number,
            Err(problem) => return FramesReply::Produced { count: done, last, stopped: Some(problem) },
        }
    }
    FramesReply::Produced { count, last, stopped: None }
}

fn consume(backend: &mut dyn FramesBackend, consumer: Id, count: u64, pattern: Pattern, within: u64) -> FramesReply {
    let (mut runs, mut skipped, mut mismatch, mut stopped) = (Vec::new(), 0, None, None);
    for _ in 0..count {
        let outcome = backend.next(consumer, PASSING, deadline(within)).and_then(|came| {
            add(&mut runs, came.number);
            skipped += came.skipped;
            let differs = backend.look(PASSING, picture(pattern, came.number))?;
            backend.release(PASSING)?;
            Ok(differs)
        });
        match outcome {
            Ok(None) => {}
            Ok(differs) => {
                mismatch = differs;
                break;
            }
            Err(problem) => {
                stopped = Some(problem);
                break;
            }
        }
    }
    FramesReply::Consumed { runs, skipped, mismatch, stopped }
}

fn add(runs: &mut Vec<(u64, u64)>, number: u64) {
    match runs.last_mut() {
        Some((_, to)) if to.checked_add(1) == Some(number) => *to = number,
        _ => runs.push((number, number)),
    }
}
