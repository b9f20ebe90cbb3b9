//! Steps with channels between peers.

use std::collections::VecDeque;
use std::fmt;

use gpushare::sync::Transference;
use gpushare_harness::protocol::{Code, Object, Problem};
use serde::{Deserialize, Serialize};

use super::generate::{Draft, Pick};
use super::handles::{Held, Leads};
use super::model::Model;
use super::step::{Deed, Foreseen, done_if, lost, role};
use super::world::{SHORT, Stage, note};
use super::{Action, Name};
use crate::case::{Outcome, Stop};
use crate::context::{Party, channel};

/// What a peer can do with a channel to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChannelStep {
    /// Open one; each peer gets an end.
    Open {
        /// Its name.
        channel: Name,
        /// To which peer.
        to: usize,
    },
    /// Send a message.
    Send {
        /// Over which.
        channel: Name,
        /// The message's number.
        message: u64,
        /// A handle beside it, which stays with this peer, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handle: Option<Name>,
    },
    /// The next message arrives, with what was sent beside it; or the end of the channel, where the other peer has left.
    Receive {
        /// From which.
        channel: Name,
        /// The name of the handle beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handle: Option<Name>,
    },
    /// Leave it.
    Close {
        /// Which.
        channel: Name,
    },
}

use ChannelStep::{Close, Open, Receive, Send};

/// The two ends of a channel, and what is under way to each.
#[derive(Clone, Debug)]
pub(super) struct ChannelState {
    ends: [Side; 2],
}

#[derive(Clone, Debug)]
struct Side {
    peer: usize,
    /// Whether the peer has it still.
    open: bool,
    /// Something was refused here, and what comes next nobody knows.
    doubtful: bool,
    arriving: VecDeque<(u64, Option<(Name, Leads)>)>,
}

impl ChannelState {
    fn between(peers: [usize; 2]) -> Self {
        Self { ends: peers.map(|peer| Side { peer, open: true, doubtful: false, arriving: VecDeque::new() }) }
    }

    pub(super) fn forget(&mut self, peer: usize) {
        for side in self.ends.iter_mut().filter(|side| side.peer == peer) {
            side.open = false;
        }
    }

    /// A peer's own end and the other's.
    fn of(&self, peer: usize) -> Option<(&Side, &Side)> {
        let [one, other] = &self.ends;
        let (own, far) = if one.peer == peer { (one, other) } else { (other, one) };
        (own.peer == peer && own.open).then_some((own, far))
    }

    fn of_mut(&mut self, peer: usize) -> (&mut Side, &mut Side) {
        let [one, other] = &mut self.ends;
        if one.peer == peer { (one, other) } else { (other, one) }
    }
}

impl Deed for ChannelStep {
    fn towards(&self) -> Option<usize> {
        if let Open { to, .. } = self { Some(*to) } else { None }
    }

    fn foresee(&self, peer: usize, model: &Model) -> Foreseen {
        let ends = |channel: Name| model.channels.get(&channel).and_then(|state| state.of(peer));
        match *self {
            Open { channel, to } => done_if(!model.channels.contains_key(&channel) && to != peer && model.is_there(to)),
            Send { channel, handle, .. } => {
                match ends(channel) {
                    Some((own, far))
                        if !own.doubtful && handle.is_none_or(|handle| can_be_doubled(model.held(peer, handle))) =>
                    {
                        if far.open { Foreseen::Done } else { Foreseen::Refused(&[Code::ChannelClosed]) }
                    }
                    _ => Foreseen::Missing,
                }
            }
            Receive { channel, handle } => match ends(channel) {
                Some((own, far)) if !own.doubtful => match own.arriving.front() {
                    Some((_, beside)) => done_if(
                        beside.is_some() == handle.is_some() && handle.is_none_or(|new| !model.handles.contains_key(&new)),
                    ),
                    None if far.open => Foreseen::Refused(&[Code::ChannelTimedOut]),
                    None => Foreseen::Refused(&[Code::ChannelClosed]),
                },
                _ => Foreseen::Missing,
            },
            Close { channel } => done_if(ends(channel).is_some()),
        }
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let peer = party.seat();
        let there =
            |stage: &Stage<'_, '_>, channel| stage.kept.channels.get(&(peer, channel)).copied().ok_or_else(|| lost(self));
        match *self {
            Open { channel: name, to } => {
                let (ours, theirs) = channel()?;
                let ours = party.open_channel(ours.into_handle(), MESSAGE_BYTES, 1)?;
                stage.kept.channels.insert((peer, name), ours);
                let theirs = stage.party(to)?.open_channel(theirs.into_handle(), MESSAGE_BYTES, 1)?;
                stage.kept.channels.insert((to, name), theirs);
            }
            Send { channel, message, handle } => {
                let beside = handle.map(|handle| stage.kept.handles.get(&handle).ok_or_else(|| lost(self))).transpose()?;
                // What needs no object travels as no handle.
                let beside: Vec<_> = beside.and_then(super::handles::Carried::handle).into_iter().collect();
                party.send(there(stage, channel)?, note(stage.context, message), &beside)?;
            }
            Receive { channel, handle } => self.receive(party, stage, there(stage, channel)?, channel, handle)?,
            Close { channel } => party.close_channels(&[there(stage, channel)?])?,
        }
        Ok(())
    }

    fn done(&self, peer: usize, model: &mut Model) {
        match *self {
            Open { channel, to } => {
                model.channels.insert(channel, ChannelState::between([peer, to]));
            }
            Send { channel, message, handle } => {
                let beside = handle.and_then(|handle| Some((handle, model.held(peer, handle)?.leads)));
                if let Some(state) = model.channels.get_mut(&channel) {
                    state.of_mut(peer).1.arriving.push_back((message, beside));
                }
            }
            Receive { channel, handle } => {
                let Some(state) = model.channels.get_mut(&channel) else { return };
                let came = state.of_mut(peer).0.arriving.pop_front();
                if let (Some((_, Some((_, leads)))), Some(handle)) = (came, handle) {
                    model.handles.insert(handle, Held { holder: peer, leads });
                }
            }
            Close { channel } => {
                if let Some(state) = model.channels.get_mut(&channel) {
                    state.of_mut(peer).0.open = false;
                }
            }
        }
    }

    fn refused(&self, peer: usize, problem: &Problem, model: &mut Model) {
        let (Open { channel, .. } | Send { channel, .. } | Receive { channel, .. } | Close { channel }) = *self;
        let Some(state) = model.channels.get_mut(&channel) else { return };
        let (own, far) = state.of_mut(peer);
        match problem.code {
            Code::ChannelTimedOut => {}
            // Told once; from then on the channel is good for nothing.
            Code::ChannelClosed => own.doubtful |= matches!(self, Receive { .. }),
            _ => (own.doubtful, far.doubtful) = (true, true),
        }
    }

    fn takes_handle(&self, _other: bool) -> bool {
        matches!(self, Open { .. })
    }

    fn try_wrong(&self, victim: Party<'_, '_>, _stage: &Stage<'_, '_>, object: Object) -> Outcome<bool> {
        match victim.open_channel(super::world::make(object)?, MESSAGE_BYTES, 1) {
            Ok(_) => Ok(false),
            Err(Stop::Refused { .. }) => Ok(true),
            Err(stop) => Err(stop),
        }
    }
}

/// A signal that is copied into a handle is there once: only the handle itself can be handed on.
fn can_be_doubled(held: Option<&Held>) -> bool {
    held.is_some_and(|held| match held.leads {
        Leads::Texture { .. } => true,
        Leads::Sync { handle_type, .. } => Transference::of(handle_type) == Transference::Reference,
    })
}

/// The longest message of a scenario is shorter.
const MESSAGE_BYTES: usize = 4096;

impl ChannelStep {
    fn receive(
        &self,
        party: Party<'_, '_>,
        stage: &mut Stage<'_, '_>,
        from: crate::context::PeerChannel,
        channel: Name,
        handle: Option<Name>,
    ) -> Outcome {
        let state = stage.model.channels.get(&channel).and_then(|state| state.of(party.seat()));
        let front = state.and_then(|(own, _)| own.arriving.front()).copied();
        let Some((message, beside)) = front else {
            let Foreseen::Refused(codes) = stage.foreseen else { return Err(lost(self)) };
            let within = if codes.contains(&Code::ChannelTimedOut) { SHORT } else { stage.context.within() };
            return Err(party.refused(&party.receive_is_refused(from, within, codes)?));
        };
        let carried = beside.and_then(|(sent, _)| stage.kept.handles.get(&sent).cloned());
        let count = carried.iter().filter(|carried| carried.handle().is_some()).count();
        let arrived = party.receive(from, note(stage.context, message), count)?;
        if let (Some(carried), Some(name)) = (carried, handle) {
            stage.kept.handles.insert(name, carried.under(arrived.handles.first().copied()));
        }
        Ok(())
    }
}

/// Everything arrives in the end.
pub(super) fn looks(model: &Model) -> Vec<(usize, Action)> {
    let mut looks = Vec::new();
    let mut named = Name::MAX;
    for (&channel, state) in &model.channels {
        for side in state.ends.iter().filter(|side| side.open && !side.doubtful) {
            looks.extend(side.arriving.iter().map(|(_, beside)| {
                named -= 1;
                let handle = beside.as_ref().map(|_| named);
                (side.peer, Action::Channel(Receive { channel, handle }))
            }));
        }
    }
    looks
}

/// The step that these numbers pick.
pub(super) fn propose(draft: &Draft<'_>, which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    let open = |draft: &Draft<'_>| {
        let all = draft.model.channels.iter();
        all.flat_map(|(name, state)| state.ends.iter().filter(|side| side.open).map(|side| (side.peer, *name)))
            .collect::<Vec<_>>()
    };
    let (peer, step) = match which % 8 {
        0 if open(draft).len() < Draft::MOST => {
            let peer = pick.number(draft.peers);
            (peer, Open { channel: draft.new_name(), to: draft.another(peer, pick) })
        }
        1..=3 => {
            let (peer, channel) = *pick.of(&open(draft))?;
            let own = draft.model.handles.iter().filter(|(_, held)| held.holder == peer).map(|(name, _)| *name);
            let handle = own.collect::<Vec<_>>().get(pick.number(4)).copied();
            (peer, Send { channel, message: pick.number(1 << 16) as u64, handle })
        }
        4..=6 => {
            let (peer, channel) = *pick.of(&open(draft))?;
            let (own, _) = draft.model.channels.get(&channel)?.of(peer)?;
            let handle = own.arriving.front()?.1.is_some();
            (peer, Receive { channel, handle: if handle { Some(draft.new_handle()?) } else { None } })
        }
        _ => {
            let (peer, channel) = *pick.of(&open(draft))?;
            (peer, Close { channel })
        }
    };
    Some((peer, Action::Channel(step)))
}

impl fmt::Display for ChannelStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beside = |handle: &Option<Name>| handle.map(|handle| format!(" with handle {handle}")).unwrap_or_default();
        match self {
            Open { channel, to } => write!(f, "open channel {channel} to {}", role(*to)),
            Send { channel, message, handle } => write!(f, "send message {message} over channel {channel}{}", beside(handle)),
            Receive { channel, handle } => write!(f, "receive from channel {channel}{}", beside(handle)),
            Close { channel } => write!(f, "close channel {channel}"),
        }
    }
}
