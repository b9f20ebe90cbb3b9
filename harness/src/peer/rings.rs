//! The rings that a peer has a side of, by number.

use std::collections::BTreeMap;
use std::time::Duration;

use gpushare::ring::Offer;
use gpushare::{Deadline, Patience};

use crate::backend::{Backend, RingSide};
use crate::peer::handles::Handles;
use crate::protocol::ring::{Digested, RingReply, RingRequest};
use crate::protocol::{Code, Id, Payload, Problem, Reply};

/// Sides of rings by number.
#[derive(Default)]
pub(super) struct Rings(BTreeMap<Id, Box<dyn RingSide>>);

impl Rings {
    pub(super) fn answer(
        &mut self,
        request: RingRequest,
        backend: &mut dyn Backend,
        handles: &mut Handles,
    ) -> Result<Reply, Problem> {
        match request {
            RingRequest::Create { ring, role, capacity, size, handles: ids } => {
                self.check_free(ring)?;
                let (side, offer) = match size {
                    None => backend.create_ring(role, capacity)?,
                    Some(size) => backend.create_fixed_ring(role, size, capacity)?,
                };
                let (terms, offered) = offer.into_parts();
                handles.keep(&ids, offered)?;
                self.0.insert(ring, side);
                Ok(Reply::Ring(RingReply::Offered(terms)))
            }
            RingRequest::Attach { ring, role, terms, size, handles: ids } => {
                self.check_free(ring)?;
                let offer = Offer::from_parts(terms, handles.take_exactly(ids)?.into());
                let attached = match size {
                    None => backend.attach_ring(role, offer),
                    Some(size) => backend.attach_fixed_ring(role, size, offer),
                };
                self.attached(ring, attached, ids, handles)
            }
            RingRequest::Watch { ring, process } => {
                let [process] = handles.take_exactly([process])?;
                self.get(ring)?.watch(process).map(|()| Reply::Done)
            }
            RingRequest::Patience { ring, spin, park } => {
                self.get(ring)?.set_patience(patience(spin, park));
                Ok(Reply::Done)
            }
            RingRequest::Send { ring, messages, manner, within } => {
                let messages: Vec<_> = messages.into_iter().map(Payload::bytes).collect();
                let (count, stopped) = self.get(ring)?.send(&messages, manner, within.map(deadline));
                check(stopped).map(|stopped| Reply::Ring(RingReply::Sent { count, stopped }))
            }
            RingRequest::Receive { ring, most, manner, within } => {
                let (messages, stopped) = self.get(ring)?.receive(most, manner, within.map(deadline));
                let messages = messages.iter().map(|message| Digested::of(message)).collect();
                check(stopped).map(|stopped| Reply::Ring(RingReply::Received { messages, stopped }))
            }
            RingRequest::Wait { ring, len, within } => {
                let answer = self.get(ring)?.wait(len, deadline(within))?;
                Ok(Reply::Ring(RingReply::Waited(answer.into())))
            }
            RingRequest::Look { ring } => {
                let side = self.get(ring)?;
                Ok(Reply::Ring(RingReply::Side { max_message: side.max_message(), wakes: side.wakes() }))
            }
            RingRequest::Close { rings } => {
                if let Some(missing) = rings.iter().find(|id| !self.0.contains_key(id)) {
                    return Err(unknown(*missing));
                }
                self.0.retain(|id, _| !rings.contains(id));
                Ok(Reply::Done)
            }
        }
    }

    fn attached(
        &mut self,
        ring: Id,
        attached: Result<Box<dyn RingSide>, (Offer, Problem)>,
        ids: [Id; 2],
        handles: &mut Handles,
    ) -> Result<Reply, Problem> {
        match attached {
            Ok(side) => {
                self.0.insert(ring, side);
                Ok(Reply::Done)
            }
            Err((offer, problem)) => {
                // Still ours: a later request can attach with them again, or close them.
                let kept = handles.keep(&ids, offer.into_parts().1);
                debug_assert!(kept.is_ok(), "the numbers were freed above");
                Err(problem)
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn check_free(&self, ring: Id) -> Result<(), Problem> {
        if self.0.contains_key(&ring) {
            return Err(Problem::new(Code::Request, format!("ring {ring} exists already")));
        }
        Ok(())
    }

    fn get(&mut self, ring: Id) -> Result<&mut Box<dyn RingSide>, Problem> {
        self.0.get_mut(&ring).ok_or_else(|| unknown(ring))
    }
}

fn unknown(ring: Id) -> Problem {
    Problem::new(Code::Request, format!("no ring {ring}"))
}

/// What makes no sense at all is refused as a whole.
fn check(stopped: Option<Problem>) -> Result<Option<Problem>, Problem> {
    match stopped {
        Some(problem) if problem.code == Code::Request => Err(problem),
        other => Ok(other),
    }
}

pub(super) fn deadline(within: u64) -> Deadline {
    Deadline::after(Duration::from_millis(within))
}

pub(super) fn patience(spin: u32, park: Option<u64>) -> Patience {
    Patience { spin, park: park.map_or(Duration::MAX, Duration::from_millis) }
}
