//! Steps with streams.

use std::collections::VecDeque;
use std::fmt;

use gpushare_harness::protocol::stream::{Direction, ReadManner, WriteManner};
use gpushare_harness::protocol::{Code, Object, Payload, Problem};
use serde::{Deserialize, Serialize};

use super::generate::{Draft, Pick};
use super::model::{Departure, End, Model};
use super::rings::told;
use super::step::{Deed, Foreseen, done_if, lost};
use super::world::{SHORT, Stage, make};
use super::{Action, Name};
use crate::case::Outcome;
use crate::context::{Context, EndOfStream, Party, StreamHandles};

/// What a peer can do with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StreamStep {
    /// Create it.
    Create {
        /// Its name.
        stream: Name,
    },
    /// Take the other end. From now on each end is told of the other's death.
    Attach {
        /// Of which.
        stream: Name,
    },
    /// Write some bytes.
    Write {
        /// To which.
        stream: Name,
        /// The number of what is written.
        message: u64,
    },
    /// What was written next arrives; or the end, or how the other went, after the last.
    Read {
        /// From which.
        stream: Name,
    },
    /// Write no more.
    EndWriting {
        /// To which.
        stream: Name,
    },
    /// Leave it.
    Close {
        /// Which.
        stream: Name,
    },
}

use StreamStep::{Attach, Close, Create, EndWriting, Read, Write};

/// The two ends of a stream, and what is under way to each.
#[derive(Clone, Debug)]
pub(super) struct StreamState {
    /// The creator's, and the other.
    ends: [Side; 2],
    watched: bool,
}

#[derive(Clone, Debug)]
struct Side {
    end: End,
    /// Whether it writes no more.
    ended: bool,
    arriving: VecDeque<u64>,
}

impl StreamState {
    pub(super) fn forget(&mut self, peer: usize, how: Departure) {
        self.ends.iter_mut().for_each(|side| side.end.forget(peer, how));
    }

    /// A peer's own end and the other's.
    fn of(&self, peer: usize) -> Option<(&Side, &Side)> {
        let [one, other] = &self.ends;
        [(one, other), (other, one)].into_iter().find(|(own, _)| own.end == End::Of(peer))
    }

    fn of_mut(&mut self, peer: usize) -> Option<(&mut Side, &mut Side)> {
        let [one, other] = &mut self.ends;
        if one.end == End::Of(peer) { Some((one, other)) } else { (other.end == End::Of(peer)).then_some((other, one)) }
    }
}

/// More than a scenario has under way at once fits in.
const CAPACITY: u64 = 4096;
const MOST: usize = 16;

/// So many bytes of the case's own, at least one: a read of none says nothing.
fn piece(context: &Context<'_>, message: u64) -> Payload {
    Payload { len: 1 + (message % 60) as usize, seed: context.seed().wrapping_add(message) }
}

impl StreamStep {
    const fn stream(&self) -> Name {
        let (Create { stream }
        | Attach { stream }
        | Write { stream, .. }
        | Read { stream }
        | EndWriting { stream }
        | Close { stream }) = *self;
        stream
    }

    fn read(&self, party: Party<'_, '_>, stage: &Stage<'_, '_>, from: EndOfStream) -> Outcome {
        let ends = stage.model.streams.get(&self.stream()).and_then(|state| state.of(party.seat()));
        if let Some(&message) = ends.and_then(|(own, _)| own.arriving.front()) {
            return party.read_exactly(from, &piece(stage.context, message).bytes());
        }
        let within = if stage.foresees(Code::RingTimedOut) { SHORT } else { stage.context.within() };
        match party.try_read(from, 16, ReadManner::Some, within)? {
            (came, Some(problem)) if came.len == 0 => Err(party.refused(&problem)),
            // The end of the stream is no refusal.
            came => party.expect_read(came, &[]),
        }
    }
}

impl Deed for StreamStep {
    fn other(&self, peer: usize, model: &Model) -> Option<usize> {
        let Attach { stream } = self else { return None };
        match model.streams.get(stream)?.ends[0].end {
            End::Of(creator) if creator != peer => Some(creator),
            _ => None,
        }
    }

    fn foresee(&self, peer: usize, model: &Model) -> Foreseen {
        let Some(state) = model.streams.get(&self.stream()) else { return done_if(matches!(self, Create { .. })) };
        let [creator, other] = &state.ends;
        if let Attach { .. } = self {
            return done_if(other.end == End::Open && creator.end != End::Of(peer));
        }
        let Some((own, far)) = state.of(peer).filter(|_| !matches!(self, Create { .. })) else { return Foreseen::Missing };
        match *self {
            Create { .. } | Attach { .. } => Foreseen::Missing,
            Write { .. } if own.ended || far.arriving.len() >= MOST => Foreseen::Missing,
            Write { .. } => match far.end {
                End::Open | End::Of(_) => Foreseen::Done,
                End::Gone(_) => Foreseen::Either(&[Code::RingClosed, Code::RingPeerGone]),
            },
            Read { .. } if !own.arriving.is_empty() || far.ended => Foreseen::Done,
            Read { .. } => match far.end {
                // It is told as the end of the stream.
                End::Gone(Departure::Left) => Foreseen::Done,
                End::Gone(Departure::Ended) => Foreseen::Either(told(Departure::Ended, state.watched)),
                End::Gone(how) => Foreseen::Refused(told(how, state.watched)),
                End::Open | End::Of(_) => Foreseen::Refused(&[Code::RingTimedOut]),
            },
            EndWriting { .. } => done_if(!own.ended),
            Close { .. } => Foreseen::Done,
        }
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let (peer, stream) = (party.seat(), self.stream());
        let there = |stage: &Stage<'_, '_>| stage.kept.streams.get(&(peer, stream)).copied().ok_or_else(|| lost(self));
        match *self {
            Create { .. } => {
                let (end, offer) = party.create_stream(CAPACITY)?;
                stage.kept.streams.insert((peer, stream), end);
                stage.kept.stream_offers.insert(stream, offer);
            }
            Attach { .. } => {
                let offer = stage.kept.stream_offers.remove(&stream).ok_or_else(|| lost(self))?;
                let end = party.attach_stream(&offer)?;
                stage.kept.streams.insert((peer, stream), end);
                if let Some(creator) = self.other(peer, stage.model) {
                    let (creator, far) = (stage.party(creator)?, stage.kept.streams.get(&(creator, stream)).copied());
                    party.watch_stream(end, &creator)?;
                    creator.watch_stream(far.ok_or_else(|| lost(self))?, &party)?;
                }
            }
            Write { message, .. } => {
                let piece = piece(stage.context, message);
                match party.try_write(there(stage)?, piece, WriteManner::All, stage.context.within())? {
                    (0, Some(problem)) => return Err(party.refused(&problem)),
                    written => party.expect_written(written, piece.len)?,
                }
            }
            Read { .. } => self.read(party, stage, there(stage)?)?,
            EndWriting { .. } => party.half_close(there(stage)?, Direction::Writing)?,
            Close { .. } => party.close_streams(&[there(stage)?])?,
        }
        Ok(())
    }

    fn done(&self, peer: usize, model: &mut Model) {
        let (stream, other) = (self.stream(), self.other(peer, model));
        if matches!(self, Create { .. }) {
            let ends = [End::Of(peer), End::Open].map(|end| Side { end, ended: false, arriving: VecDeque::new() });
            model.streams.insert(stream, StreamState { ends, watched: false });
        }
        let Some(state) = model.streams.get_mut(&stream) else { return };
        if let Attach { .. } = self {
            (state.ends[1].end, state.watched) = (End::Of(peer), other.is_some());
        }
        let Some((own, far)) = state.of_mut(peer) else { return };
        match *self {
            Create { .. } | Attach { .. } => {}
            Write { message, .. } => far.arriving.push_back(message),
            Read { .. } => drop(own.arriving.pop_front()),
            EndWriting { .. } => own.ended = true,
            Close { .. } => state.forget(peer, Departure::Left),
        }
    }

    /// Who could not take its end, or could not be watched, has none.
    fn refused(&self, _peer: usize, _problem: &Problem, model: &mut Model) {
        if let Attach { stream } = self {
            model.streams.remove(stream);
        }
    }

    fn takes_handle(&self, other: bool) -> bool {
        !other && matches!(self, Attach { .. })
    }

    fn try_wrong(&self, victim: Party<'_, '_>, stage: &Stage<'_, '_>, object: Object) -> Outcome<bool> {
        let Some(offer) = stage.kept.stream_offers.get(&self.stream()) else { return Ok(true) };
        let handles = [make(object)?, make(object)?, make(object)?, make(object)?];
        Ok(victim.try_attach_stream(&StreamHandles { terms: offer.terms, handles })?.is_err())
    }
}

/// Everything arrives in the end.
pub(super) fn looks(model: &Model) -> Vec<(usize, Action)> {
    let ends = model.streams.iter().flat_map(|(&stream, state)| state.ends.iter().map(move |side| (stream, side)));
    let each = ends.filter_map(|(stream, side)| match side.end {
        End::Of(peer) => Some(side.arriving.iter().map(move |_| (peer, Action::Stream(Read { stream })))),
        _ => None,
    });
    each.flatten().collect()
}

/// The step that these numbers pick.
pub(super) fn propose(draft: &Draft<'_>, which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    let end = |pick: &mut Pick| {
        let (stream, state) = pick.entry(&draft.model.streams)?;
        match state.ends[pick.number(2)].end {
            End::Of(peer) => Some((peer, stream)),
            _ => None,
        }
    };
    let (peer, step) = match which % 11 {
        0 => (pick.number(draft.peers), Create { stream: draft.new_name() }),
        1..=3 => {
            let (stream, _) = pick.entry(&draft.model.streams)?;
            (pick.number(draft.peers), Attach { stream })
        }
        4 | 5 => {
            let (peer, stream) = end(pick)?;
            (peer, Write { stream, message: pick.number(1 << 16) as u64 })
        }
        6..=8 => {
            let (peer, stream) = end(pick)?;
            (peer, Read { stream })
        }
        9 => {
            let (peer, stream) = end(pick)?;
            (peer, EndWriting { stream })
        }
        _ => {
            let (peer, stream) = end(pick)?;
            (peer, Close { stream })
        }
    };
    Some((peer, Action::Stream(step)))
}

impl fmt::Display for StreamStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Create { stream } => write!(f, "create stream {stream}"),
            Attach { stream } => write!(f, "attach to stream {stream}"),
            Write { stream, message } => write!(f, "write {message} to stream {stream}"),
            Read { stream } => write!(f, "read from stream {stream}"),
            EndWriting { stream } => write!(f, "write no more to stream {stream}"),
            Close { stream } => write!(f, "close stream {stream}"),
        }
    }
}
