//! Steps with rings.

use std::collections::VecDeque;
use std::fmt;

use gpushare::ring::Role;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};
use gpushare_harness::protocol::{Code, Object, Problem};
use serde::{Deserialize, Serialize};

use super::generate::{Draft, Pick};
use super::model::{Departure, End, Model};
use super::step::{Deed, Foreseen, done_if, lost};
use super::world::{SHORT, Stage, make, note};
use super::{Action, Name};
use crate::case::Outcome;
use crate::context::{Party, Ring, RingOffer};

/// What a peer can do with a ring. Who creates it sends, who attaches to it receives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RingStep {
    /// Create it.
    Create {
        /// Its name.
        ring: Name,
    },
    /// Take the other side. From now on each side is told of the other's death.
    Attach {
        /// Of which.
        ring: Name,
    },
    /// Send a message.
    Send {
        /// Through which.
        ring: Name,
        /// The message's number.
        message: u64,
    },
    /// The next message arrives; or how the sender went, after the last.
    Receive {
        /// From which.
        ring: Name,
    },
    /// Leave it.
    Close {
        /// Which.
        ring: Name,
    },
}

use RingStep::{Attach, Close, Create, Receive, Send};

/// The two sides of a ring, and what is in it.
#[derive(Clone, Debug)]
pub(super) struct RingState {
    sender: End,
    receiver: End,
    /// Whether each was there to be watched when the other attached.
    watched: bool,
    arriving: VecDeque<u64>,
}

impl RingState {
    pub(super) fn forget(&mut self, peer: usize, how: Departure) {
        self.sender.forget(peer, how);
        self.receiver.forget(peer, how);
    }
}

/// More than a scenario has in a ring at once fits in.
const CAPACITY: u64 = 4096;
const MOST: usize = 16;

/// How somebody learns that the other side is gone.
pub(super) const fn told(how: Departure, watched: bool) -> &'static [Code] {
    match (how, watched) {
        (Departure::Left, _) => &[Code::RingClosed],
        (Departure::Died, true) => &[Code::RingPeerGone],
        (Departure::Died, false) => &[Code::RingTimedOut],
        (Departure::Ended, true) => &[Code::RingClosed, Code::RingPeerGone],
        (Departure::Ended, false) => &[Code::RingClosed, Code::RingTimedOut],
    }
}

impl Deed for RingStep {
    fn other(&self, peer: usize, model: &Model) -> Option<usize> {
        let Attach { ring } = self else { return None };
        match model.rings.get(ring)?.sender {
            End::Of(sender) if sender != peer => Some(sender),
            _ => None,
        }
    }

    fn foresee(&self, peer: usize, model: &Model) -> Foreseen {
        let (Create { ring } | Attach { ring } | Send { ring, .. } | Receive { ring } | Close { ring }) = *self;
        let Some(state) = model.rings.get(&ring) else { return done_if(matches!(self, Create { .. })) };
        match *self {
            Create { .. } => Foreseen::Missing,
            Attach { .. } => done_if(state.receiver == End::Open && state.sender != End::Of(peer)),
            Send { .. } if state.sender != End::Of(peer) || state.arriving.len() >= MOST => Foreseen::Missing,
            // At the latest when there is no room any more, somebody who sends is told.
            Send { .. } => match state.receiver {
                End::Open | End::Of(_) => Foreseen::Done,
                End::Gone(_) => Foreseen::Either(&[Code::RingClosed, Code::RingPeerGone]),
            },
            Receive { .. } if state.receiver != End::Of(peer) => Foreseen::Missing,
            Receive { .. } if !state.arriving.is_empty() => Foreseen::Done,
            Receive { .. } => match state.sender {
                End::Gone(how) => Foreseen::Refused(told(how, state.watched)),
                End::Open | End::Of(_) => Foreseen::Refused(&[Code::RingTimedOut]),
            },
            Close { .. } => done_if(state.sender == End::Of(peer) || state.receiver == End::Of(peer)),
        }
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let peer = party.seat();
        let there = |stage: &Stage<'_, '_>, ring| stage.kept.rings.get(&(peer, ring)).copied().ok_or_else(|| lost(self));
        match *self {
            Create { ring } => {
                let (side, offer) = party.create_ring(Role::Producer, CAPACITY)?;
                stage.kept.rings.insert((peer, ring), side);
                stage.kept.ring_offers.insert(ring, offer);
            }
            Attach { ring } => {
                let offer = stage.kept.ring_offers.remove(&ring).ok_or_else(|| lost(self))?;
                let side = party.attach_ring(Role::Consumer, &offer)?;
                stage.kept.rings.insert((peer, ring), side);
                if let Some(sender) = self.other(peer, stage.model) {
                    let (sender, far) = (stage.party(sender)?, stage.kept.rings.get(&(sender, ring)).copied());
                    party.watch_ring(side, &sender)?;
                    sender.watch_ring(far.ok_or_else(|| lost(self))?, &party)?;
                }
            }
            Send { ring, message } => {
                let message = note(stage.context, message);
                let within = Some(stage.context.within());
                let (count, stopped) = party.try_send_messages(there(stage, ring)?, &[message], SendManner::Single, within)?;
                match stopped {
                    Some(problem) if count == 0 => return Err(party.refused(&problem)),
                    stopped => party.expect_sent((count, stopped), 1)?,
                }
            }
            Receive { ring } => self.receive(party, stage, there(stage, ring)?, ring)?,
            Close { ring } => party.close_rings(&[there(stage, ring)?])?,
        }
        Ok(())
    }

    fn done(&self, peer: usize, model: &mut Model) {
        let (Create { ring } | Attach { ring } | Send { ring, .. } | Receive { ring } | Close { ring }) = *self;
        let other = self.other(peer, model);
        if matches!(self, Create { .. }) {
            let (sender, receiver) = (End::Of(peer), End::Open);
            model.rings.insert(ring, RingState { sender, receiver, watched: false, arriving: VecDeque::new() });
        }
        let Some(state) = model.rings.get_mut(&ring) else { return };
        match *self {
            Create { .. } => {}
            Attach { .. } => (state.receiver, state.watched) = (End::Of(peer), other.is_some()),
            Send { message, .. } => state.arriving.push_back(message),
            Receive { .. } => drop(state.arriving.pop_front()),
            Close { .. } => state.forget(peer, Departure::Left),
        }
    }

    /// Who could not take its side, or could not be watched, has none.
    fn refused(&self, _peer: usize, _problem: &Problem, model: &mut Model) {
        if let Attach { ring } = self {
            model.rings.remove(ring);
        }
    }

    fn takes_handle(&self, other: bool) -> bool {
        !other && matches!(self, Attach { .. })
    }

    fn try_wrong(&self, victim: Party<'_, '_>, stage: &Stage<'_, '_>, object: Object) -> Outcome<bool> {
        let (Attach { ring } | Create { ring } | Send { ring, .. } | Receive { ring } | Close { ring }) = self;
        let Some(offer) = stage.kept.ring_offers.get(ring) else { return Ok(true) };
        let wrong = RingOffer { terms: offer.terms, handles: [make(object)?, make(object)?] };
        Ok(victim.try_attach_ring(Role::Consumer, &wrong)?.is_err())
    }
}

impl RingStep {
    fn receive(&self, party: Party<'_, '_>, stage: &Stage<'_, '_>, from: Ring, ring: Name) -> Outcome {
        let (within, receive) = (stage.context.within(), ReceiveManner::Single);
        let front = stage.model.rings.get(&ring).and_then(|state| state.arriving.front());
        if let Some(&message) = front {
            return party.receive_all(from, &[note(stage.context, message)], receive);
        }
        let within = if stage.foresees(Code::RingTimedOut) { SHORT } else { within };
        match party.try_receive_messages(from, 1, receive, Some(within))? {
            (came, Some(problem)) if came.is_empty() => Err(party.refused(&problem)),
            came => party.expect_messages(came, &[]),
        }
    }
}

/// Everything arrives in the end.
pub(super) fn looks(model: &Model) -> Vec<(usize, Action)> {
    let each = model.rings.iter().filter_map(|(&ring, state)| match state.receiver {
        End::Of(peer) => Some(state.arriving.iter().map(move |_| (peer, Action::Ring(Receive { ring })))),
        _ => None,
    });
    each.flatten().collect()
}

/// The step that these numbers pick.
pub(super) fn propose(draft: &Draft<'_>, which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    let side = |pick: &mut Pick, far: bool| {
        let (ring, state) = pick.entry(&draft.model.rings)?;
        match if far { state.receiver } else { state.sender } {
            End::Of(peer) => Some((peer, ring)),
            _ => None,
        }
    };
    let (peer, step) = match which % 10 {
        0 => (pick.number(draft.peers), Create { ring: draft.new_name() }),
        1..=3 => {
            let (ring, _) = pick.entry(&draft.model.rings)?;
            (pick.number(draft.peers), Attach { ring })
        }
        4 | 5 => {
            let (peer, ring) = side(pick, false)?;
            (peer, Send { ring, message: pick.number(1 << 16) as u64 })
        }
        6..=8 => {
            let (peer, ring) = side(pick, true)?;
            (peer, Receive { ring })
        }
        _ => {
            let far = pick.number(2) == 1;
            let (peer, ring) = side(pick, far)?;
            (peer, Close { ring })
        }
    };
    Some((peer, Action::Ring(step)))
}

impl fmt::Display for RingStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Create { ring } => write!(f, "create ring {ring}"),
            Attach { ring } => write!(f, "attach to ring {ring}"),
            Send { ring, message } => write!(f, "send message {message} through ring {ring}"),
            Receive { ring } => write!(f, "receive from ring {ring}"),
            Close { ring } => write!(f, "close ring {ring}"),
        }
    }
}
