//! Steps with frames.

mod state;

pub(super) use state::{Sink, Source, forget};

use std::collections::VecDeque;
use std::fmt;

use gpushare::frames::Policy;
use gpushare::{Pattern, TextureSpec};
use gpushare_harness::protocol::frames::Why;
use gpushare_harness::protocol::{Code, DeviceReport, Object, Problem};
use serde::{Deserialize, Serialize};

use super::generate::{Draft, Pick};
use super::model::{Departure, Model};
use super::step::{Deed, Foreseen, done_if, lost, role};
use super::world::{SHORT, Stage, make};
use super::{Action, Name};
use crate::case::{Outcome, Stop, require, texture_name, unshareable};
use crate::context::{EndOfFrames, Party};

/// What a peer can do with frames. All show one picture, each as its number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FramesStep {
    /// Create a producer that waits for its consumers.
    Create {
        /// Its name.
        frames: Name,
        /// What the frames are in.
        spec: TextureSpec,
        /// How many slots.
        slots: u32,
    },
    /// Let another peer in as a consumer.
    Invite {
        /// By which producer.
        frames: Name,
        /// Whom.
        to: usize,
    },
    /// Draw a frame and submit it.
    Submit {
        /// By which producer.
        frames: Name,
    },
    /// The next frame comes with its picture, and goes back; or how the producer went, after the last.
    Take {
        /// Of which producer.
        frames: Name,
    },
    /// From now on other textures.
    Resize {
        /// Of which producer.
        frames: Name,
        /// What the frames are in.
        spec: TextureSpec,
    },
    /// The producer is told of the consumers that went since it asked last, and how each went.
    Departures {
        /// Which producer.
        frames: Name,
    },
    /// Leave, as a producer or as a consumer.
    Close {
        /// Which.
        frames: Name,
    },
}

use FramesStep::{Close, Create, Departures, Invite, Resize, Submit, Take};

/// How long frames may wait for each other is another matter: their number is small.
const MOST_PENDING: usize = 4;

impl FramesStep {
    const fn frames(&self) -> Name {
        let (Create { frames, .. }
        | Invite { frames, .. }
        | Submit { frames }
        | Take { frames }
        | Resize { frames, .. }
        | Departures { frames }
        | Close { frames }) = *self;
        frames
    }

    fn take(&self, party: Party<'_, '_>, stage: &Stage<'_, '_>, from: EndOfFrames) -> Outcome {
        let sink = stage.model.sinks.get(&(party.seat(), self.frames()));
        let due = sink.and_then(|sink| sink.pending.front()).copied();
        let within = if stage.foresees(Code::FramesTimedOut) { SHORT } else { stage.context.within() };
        let (frame, came) = party.try_next_frame(from, within)?.map_err(|problem| party.refused(&problem))?;
        require(due == Some((came.number, came.spec)), || {
            let came = (came.number, texture_name(&came.spec));
            let due = due.map(|(number, spec)| (number, texture_name(&spec)));
            format!("{} got frame {came:?} at {}, due is {due:?}", party.role(), stage.context.last_step())
        })?;
        party.look_at(frame, Pattern { frame: came.number as u32, ..stage.context.pattern(0) })?;
        party.release(frame)
    }

    /// Each consumer that went is told once, and how it went.
    fn departures(&self, party: Party<'_, '_>, stage: &Stage<'_, '_>, of: EndOfFrames) -> Outcome {
        let source = stage.model.sources.get(&self.frames()).ok_or_else(|| lost(self))?;
        let mut due = source.departed.clone();
        let end = std::time::Instant::now() + stage.context.limit();
        loop {
            for (number, why) in party.departures(of)?.0 {
                let consumers = |peer| stage.kept.consumers.get(&(peer, self.frames())).into_iter().flatten();
                let known = |peer: usize| consumers(peer).any(|one| one.0 == number);
                let index = due.iter().position(|(peer, how)| known(*peer) && told_as(*how).contains(&why));
                let index = index.ok_or_else(|| {
                    Stop::Fail(format!("{} was told that consumer {number} is gone as {why:?}, due is {due:?}", party.role()))
                })?;
                due.remove(index);
            }
            if due.is_empty() || std::time::Instant::now() > end {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        require(due.is_empty(), || format!("{} was never told of the end of {due:?}", party.role()))
    }
}

fn told_as(how: Departure) -> &'static [Why] {
    match how {
        Departure::Left => &[Why::Left],
        Departure::Died => &[Why::Died],
        Departure::Ended => &[Why::Left, Why::Died],
    }
}

impl Deed for FramesStep {
    fn impossible(&self, report: &DeviceReport) -> Option<String> {
        let none = (!report.frames).then(|| "the library has no frames".to_owned());
        let (Create { spec, .. } | Resize { spec, .. }) = self else { return none };
        none.or_else(|| unshareable(report, spec))
    }

    fn towards(&self) -> Option<usize> {
        if let Invite { to, .. } = self { Some(*to) } else { None }
    }

    fn foresee(&self, peer: usize, model: &Model) -> Foreseen {
        let frames = self.frames();
        let source = model.source(peer, frames);
        match *self {
            Create { .. } => done_if(!model.sources.contains_key(&frames)),
            Invite { to, .. } => {
                let stranger = to != peer && !model.sinks.contains_key(&(to, frames));
                done_if(source.is_some_and(|source| !source.doubtful) && stranger && model.is_there(to))
            }
            Submit { .. } => match source {
                None => Foreseen::Missing,
                Some(source) if source.doubtful => Foreseen::Missing,
                Some(source) if model.under_way(frames) >= source.slots => Foreseen::Refused(&[Code::FramesTimedOut]),
                Some(_) => done_if(model.sinks_of(frames).all(|sink| sink.pending.len() < MOST_PENDING)),
            },
            Take { .. } => match (model.sinks.get(&(peer, frames)), model.sources.get(&frames)) {
                (Some(sink), Some(source)) if !sink.doubtful => match source.gone {
                    _ if !sink.pending.is_empty() => Foreseen::Done,
                    None => Foreseen::Refused(&[Code::FramesTimedOut]),
                    Some(Departure::Left) => Foreseen::Refused(&[Code::FramesClosed]),
                    Some(Departure::Died) => Foreseen::Refused(&[Code::FramesPeerGone]),
                    Some(Departure::Ended) => Foreseen::Refused(&[Code::FramesClosed, Code::FramesPeerGone]),
                },
                _ => Foreseen::Missing,
            },
            // More than a few generations cannot be under way at once.
            Resize { .. } => done_if(
                source.is_some_and(|source| !source.doubtful) && {
                    let since = source.map_or(0, |source| source.since);
                    model.sinks_of(frames).flat_map(|sink| &sink.pending).all(|(number, _)| *number >= since)
                },
            ),
            Departures { .. } => done_if(source.is_some_and(|source| !source.doubtful)),
            Close { .. } => done_if(source.is_some() || model.sinks.contains_key(&(peer, frames))),
        }
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let (peer, frames) = (party.seat(), self.frames());
        let there = |stage: &Stage<'_, '_>| stage.kept.frames.get(&(peer, frames)).copied().ok_or_else(|| lost(self));
        match *self {
            Create { spec, slots, .. } => {
                let source = party.create_frames(spec, slots, Policy::Paced)?;
                stage.kept.frames.insert((peer, frames), source);
            }
            Invite { to, .. } => {
                let (consumer, sink) = party.invite(there(stage)?, &stage.party(to)?)?;
                stage.kept.consumers.entry((to, frames)).or_default().push(consumer);
                stage.kept.frames.insert((to, frames), sink);
            }
            Submit { .. } if stage.foreseen == Foreseen::Done => {
                let begun = party.begin_produce(there(stage)?, 1, stage.context.pattern(0))?;
                match party.produced(begun)? {
                    (0, Some(problem)) => return Err(party.refused(&problem)),
                    produced => party.expect_produced(produced, 1)?,
                }
            }
            Submit { .. } => {
                party.try_acquire(there(stage)?, SHORT)?.map_err(|problem| party.refused(&problem))?;
            }
            Take { .. } => self.take(party, stage, there(stage)?)?,
            Resize { spec, .. } => party.reconfigure(there(stage)?, spec)?,
            Departures { .. } => self.departures(party, stage, there(stage)?)?,
            Close { .. } => party.close_frames(there(stage)?)?,
        }
        Ok(())
    }

    fn done(&self, peer: usize, model: &mut Model) {
        let frames = self.frames();
        match *self {
            Create { spec, slots, .. } => {
                let (slots, departed) = (slots as usize, Vec::new());
                let source = Source { peer, gone: None, spec, slots, submitted: 0, since: 1, departed, doubtful: false };
                model.sources.insert(frames, source);
            }
            Invite { to, .. } => {
                model.sinks.insert((to, frames), Sink { pending: VecDeque::new(), doubtful: false });
            }
            Submit { .. } => {
                let Some(source) = model.sources.get_mut(&frames) else { return };
                source.submitted += 1;
                let frame = (source.submitted, source.spec);
                let sinks = model.sinks.iter_mut().filter(|((_, name), _)| *name == frames);
                sinks.for_each(|(_, sink)| sink.pending.push_back(frame));
            }
            Take { .. } => {
                if let Some(sink) = model.sinks.get_mut(&(peer, frames)) {
                    sink.pending.pop_front();
                }
            }
            Resize { spec, .. } => {
                if let Some(source) = model.sources.get_mut(&frames) {
                    (source.spec, source.since) = (spec, source.submitted + 1);
                }
            }
            Departures { .. } => {
                if let Some(source) = model.sources.get_mut(&frames) {
                    source.departed.clear();
                }
            }
            Close { .. } => match model.sources.get_mut(&frames) {
                Some(source) if source.peer == peer => source.gone = Some(Departure::Left),
                _ => model.depart(peer, frames, Departure::Left),
            },
        }
    }

    fn refused(&self, peer: usize, problem: &Problem, model: &mut Model) {
        let timed_out = problem.code == Code::FramesTimedOut;
        let is_end = matches!(problem.code, Code::FramesClosed | Code::FramesPeerGone);
        match *self {
            Invite { to, frames } => model.doubt(to, frames),
            Take { frames } if !timed_out && !is_end => model.doubt(peer, frames),
            Submit { frames } | Resize { frames, .. } if !timed_out => {
                let sinks: Vec<usize> = model.sinks.keys().filter(|(_, name)| *name == frames).map(|(of, _)| *of).collect();
                sinks.into_iter().for_each(|sink| model.doubt(sink, frames));
                model.doubt(peer, frames);
            }
            _ => {}
        }
    }

    fn takes_handle(&self, _other: bool) -> bool {
        matches!(self, Invite { .. })
    }

    fn try_wrong(&self, victim: Party<'_, '_>, stage: &Stage<'_, '_>, object: Object) -> Outcome<bool> {
        let wrong = make(object)?;
        match stage.kept.frames.get(&(victim.seat(), self.frames())) {
            // The one who invites, and the one who would join.
            Some(source) if stage.model.source(victim.seat(), self.frames()).is_some() => {
                Ok(victim.finish_invite(victim.begin_invite(*source, wrong)?)?.is_err())
            }
            _ => Ok(victim.try_join(wrong)?.is_err()),
        }
    }
}

/// Every frame comes in the end.
pub(super) fn looks(model: &Model) -> Vec<(usize, Action)> {
    let sinks = model.sinks.iter().filter(|(_, sink)| !sink.doubtful);
    sinks
        .flat_map(|(&(peer, frames), sink)| sink.pending.iter().map(move |_| (peer, Action::Frames(Take { frames }))))
        .collect()
}

/// The step that these numbers pick.
pub(super) fn propose(draft: &Draft<'_>, which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    let source = |pick: &mut Pick| pick.entry(&draft.model.sources).map(|(name, source)| (source.peer, name));
    let (peer, step) = match which % 14 {
        0 if draft.model.sources.len() < 2 => {
            let (peer, slots) = (pick.number(draft.peers), 1 + pick.number(3) as u32);
            (peer, Create { frames: draft.new_name(), spec: *pick.of(&draft.material.specs)?, slots })
        }
        1..=3 => {
            let (peer, frames) = source(pick)?;
            (peer, Invite { frames, to: draft.another(peer, pick) })
        }
        4..=6 => {
            let (peer, frames) = source(pick)?;
            (peer, Submit { frames })
        }
        7..=10 => {
            let (peer, frames) = pick.among(draft.model.sinks.keys())?;
            (peer, Take { frames })
        }
        11 => {
            let (peer, frames) = source(pick)?;
            (peer, Resize { frames, spec: *pick.of(&draft.material.specs)? })
        }
        12 => {
            let (peer, frames) = source(pick)?;
            (peer, Departures { frames })
        }
        _ => {
            let (sink, (peer, frames)) = (pick.among(draft.model.sinks.keys()), source(pick)?);
            let (peer, frames) = sink.filter(|_| pick.number(4) > 0).unwrap_or((peer, frames));
            (peer, Close { frames })
        }
    };
    Some((peer, Action::Frames(step)))
}

impl fmt::Display for FramesStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Create { frames, slots, .. } => write!(f, "create frames {frames} with {slots} slots"),
            Invite { frames, to } => write!(f, "invite {} to frames {frames}", role(*to)),
            Submit { frames } => write!(f, "submit a frame of {frames}"),
            Take { frames } => write!(f, "take a frame of {frames}"),
            Resize { frames, spec } => write!(f, "make frames {frames} {}x{}", spec.width, spec.height),
            Departures { frames } => write!(f, "ask frames {frames} who is gone"),
            Close { frames } => write!(f, "close frames {frames}"),
        }
    }
}
