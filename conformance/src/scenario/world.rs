//! Taking the steps of a scenario, beside the model of it: what has to come of each, and what came.

use std::collections::BTreeMap;
use std::fmt;

use gpushare::OwnedHandle;
use gpushare_harness::protocol::{Code, Object, Payload, Problem};

use super::handles::Carried;
pub use super::model::Departure;
use super::model::Model;
use super::step::{Deed, Foreseen, done_if};
use super::{Name, Scenario, Step};
use crate::case::{Outcome, Stop};
use crate::context::{
    Consumer, Context, EndOfFrames, EndOfStream, Handle, Party, PeerChannel, ROLES, Ring, RingOffer, StreamHandles, Sync,
    Texture,
};

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// What has to come of it came.
    Done,
    /// The peer refused it where it should be done, and said why.
    Refused(Problem),
    /// The peer is gone, or what the step is about never came to be.
    Missing,
}

/// What the peers of a scenario hold.
#[derive(Debug, Default)]
pub struct World {
    model: Model,
    kept: Kept,
}

/// What steps made, under the names that they have for the peers. It may be gone: that is the model's to know.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) textures: BTreeMap<(usize, Name), Texture>,
    pub(super) handles: BTreeMap<Name, Carried>,
    pub(super) syncs: BTreeMap<(usize, Name), Sync>,
    /// Handles to the processes whose death ends a wait for a timeline.
    pub(super) watches: BTreeMap<(usize, Name), Handle>,
    pub(super) channels: BTreeMap<(usize, Name), PeerChannel>,
    pub(super) rings: BTreeMap<(usize, Name), Ring>,
    pub(super) ring_offers: BTreeMap<Name, RingOffer>,
    pub(super) streams: BTreeMap<(usize, Name), EndOfStream>,
    pub(super) stream_offers: BTreeMap<Name, StreamHandles>,
    pub(super) frames: BTreeMap<(usize, Name), EndOfFrames>,
    /// What a peer is known as to a producer, each time that it was invited.
    pub(super) consumers: BTreeMap<(usize, Name), Vec<Consumer>>,
}

/// What a step works with.
pub(super) struct Stage<'stage, 'run> {
    pub(super) context: &'stage Context<'run>,
    pub(super) model: &'stage Model,
    pub(super) kept: &'stage mut Kept,
    pub(super) foreseen: Foreseen,
}

impl<'stage, 'run> Stage<'stage, 'run> {
    /// A peer that takes part.
    pub(super) fn party(&self, peer: usize) -> Outcome<Party<'stage, 'run>> {
        self.context.party(peer).ok_or_else(|| Stop::Inconclusive(format!("{} is gone", ROLES[peer])))
    }

    /// Whether the step has to be refused, or may be, with this code.
    pub(super) fn foresees(&self, code: Code) -> bool {
        matches!(self.foreseen, Foreseen::Refused(codes) | Foreseen::Either(codes) if codes.contains(&code))
    }
}

/// Milliseconds of a wait that has to end in a timeout.
pub(super) const SHORT: u64 = 4;

/// A short message of the case's own; some have no bytes.
pub(super) fn note(context: &Context<'_>, message: u64) -> Payload {
    Payload { len: [31, 0, 57][(message % 3) as usize], seed: context.seed().wrapping_add(message) }
}

/// An object of the orchestrator's.
pub(super) fn make(object: Object) -> Outcome<OwnedHandle> {
    gpushare_harness::raw::make(object).map_err(|error| Stop::Inconclusive(format!("making a handle: {error}")))
}

/// Take all steps of a scenario; of each has to come what is foreseen.
///
/// # Errors
/// [`Stop`]; [`Stop::Inconclusive`] for a step whose object no step before it makes.
pub fn play(context: &Context<'_>, scenario: &Scenario) -> Outcome {
    context.seats(scenario.peers)?;
    let mut world = World::default();
    for step in &scenario.steps {
        match world.perform(context, step)? {
            Done::Done => {}
            Done::Refused(problem) => {
                let (role, step) = (ROLES[step.peer], context.last_step());
                return Err(Stop::Fail(format!("{role} refused {step}: {}", problem.message)));
            }
            Done::Missing => {
                return Err(Stop::Inconclusive(format!("the scenario has a step without its object: {}", step.action)));
            }
        }
    }
    Ok(())
}

impl World {
    /// Take a step.
    ///
    /// # Errors
    /// [`Stop`] when a peer dies, hangs or answers nonsense, when something holds or says another thing than the model, and when what
    /// has to be refused is not, or for another reason. A refusal of what should be done is none.
    pub fn perform(&mut self, context: &Context<'_>, step: &Step) -> Outcome<Done> {
        let Some(party) = context.party(step.peer) else { return Ok(Done::Missing) };
        let (peer, deed) = (step.peer, step.action.deed());
        let foreseen = deed.foresee(peer, &self.model);
        let codes = match foreseen {
            Foreseen::Missing => return Ok(Done::Missing),
            Foreseen::Done => &[],
            Foreseen::Refused(codes) | Foreseen::Either(codes) => codes,
        };
        let Self { model, kept } = self;
        match deed.perform(party, &mut Stage { context, model, kept, foreseen }) {
            Ok(()) if matches!(foreseen, Foreseen::Refused(_)) => {
                Err(Stop::Fail(format!("{}: {} was done, expected {codes:?}", party.role(), step.action)))
            }
            Ok(()) => {
                deed.done(peer, model);
                Ok(Done::Done)
            }
            Err(Stop::Refused { problem, .. }) => {
                deed.refused(peer, &problem, model);
                Ok(if codes.contains(&problem.code) { Done::Done } else { Done::Refused(problem) })
            }
            Err(stop) => Err(stop),
        }
    }

    /// A peer is gone, and what it held with it.
    pub fn forget(&mut self, peer: usize, how: Departure) {
        self.model.forget(peer, how);
    }

    /// Whether a peer has to do something for a step.
    #[must_use]
    pub fn concerns(&self, step: &Step, peer: usize) -> bool {
        step.peer == peer || step.action.deed().other(step.peer, &self.model) == Some(peer)
    }

    /// Let a peer try a step with another object in place of the handle that it takes; returns whether that was refused, where there
    /// was something to try.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn try_wrong(&mut self, victim: Party<'_, '_>, step: &Step, object: Object) -> Outcome<bool> {
        let deed = step.action.deed();
        let foreseen = deed.foresee(step.peer, &self.model);
        let takes = deed.takes_handle(victim.seat() != step.peer) && self.concerns(step, victim.seat());
        if foreseen != Foreseen::Done || !takes {
            return Ok(true);
        }
        let Self { model, kept } = self;
        deed.try_wrong(victim, &Stage { context: victim.context, model, kept, foreseen }, object)
    }
}

/// The end of a process in whose place a new one comes.
pub(super) struct Exit;

impl Deed for Exit {
    fn foresee(&self, _peer: usize, _model: &Model) -> Foreseen {
        done_if(true)
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        party.exit()?;
        stage.context.replace(party.seat())
    }

    fn done(&self, peer: usize, model: &mut Model) {
        model.forget(peer, Departure::Died);
        model.replace(peer);
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("exit")
    }
}

/// Whether a step takes a handle from outside, of the peer that takes it or of the one it is towards.
#[must_use]
pub(super) fn takes_handle(step: &Step, peer: usize) -> bool {
    let deed = step.action.deed();
    (step.peer == peer || deed.towards() == Some(peer)) && deed.takes_handle(step.peer != peer)
}
