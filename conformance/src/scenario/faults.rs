//! Faults, put before every step of a scenario, into every peer.
//!
//! After each, the survivors have done what they could, every step was answered in time, a new peer takes the place of one that is
//! gone, the scenario succeeds with it, and nobody holds more than before.

use gpushare_harness::fault::BreakOff;
use gpushare_harness::ledger::Growth;
use gpushare_harness::protocol::{Code, Object, Request};
use gpushare_harness::spawn::Exit;
use gpushare_harness::{Ledger, Peer, Reply};

use super::world::{Departure, takes_handle};
use super::{Done, Scenario, Step, World, play};
use crate::case::{Outcome, Stop, require};
use crate::context::{Context, Party, ROLES};

/// What befalls a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is killed (`SIGKILL`).
    Kill,
    /// Its orchestrator closes the channel.
    ChannelClosed,
    /// Its orchestrator sends half a message, no message, or no request: each in turn.
    Nonsense,
    /// It is stopped (`SIGSTOP`) until its own next step is due.
    Stop,
    /// A request comes with handles that do not belong to it.
    SurplusHandles,
    /// Another object comes in place of the handle that it takes for the next step.
    WrongHandle,
    /// It can open so few more descriptors that a step fails: every number from none up to the first with which none fails.
    NoDescriptors,
    /// No shared-memory object can be made larger than 0 bytes, or than a page.
    NoMemory,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Kill,
        Self::ChannelClosed,
        Self::Nonsense,
        Self::Stop,
        Self::SurplusHandles,
        Self::WrongHandle,
        Self::NoDescriptors,
        Self::NoMemory,
    ];

    /// Its name in a case's id.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::ChannelClosed => "channel_closed",
            Self::Nonsense => "nonsense",
            Self::Stop => "stop",
            Self::SurplusHandles => "surplus_handles",
            Self::WrongHandle => "wrong_handle",
            Self::NoDescriptors => "no_descriptors",
            Self::NoMemory => "no_memory",
        }
    }

    /// How hard it can be, in the order in which it is tried.
    fn measures(self) -> Vec<u64> {
        match self {
            Self::NoDescriptors => (0..=MOST_DESCRIPTORS).collect(),
            Self::NoMemory => vec![0, 4096],
            _ => vec![0],
        }
    }
}

/// No step of a scenario may need more descriptors than this at once.
const MOST_DESCRIPTORS: u64 = 32;

/// Put a fault before every step of the scenario, and after the last, into every peer. Returns when all was survived.
///
/// # Errors
/// [`Stop`] for the first that was not, saying which it was and how many more there are.
pub fn survive(context: &Context<'_>, scenario: &Scenario, fault: Fault) -> Outcome {
    let mut trial = Trial { context, scenario, baselines: Vec::new(), failures: Vec::new() };
    trial.prepare()?;
    for victim in 0..scenario.peers {
        for place in 0..=scenario.steps.len() {
            trial.place(fault, victim, place)?;
        }
    }
    trial.conclude(End::All)
}

/// After so many failures, or a hang, the rest is not put: it says nothing new, and each costs a limit. The verdict says so.
const MOST_FAILURES: usize = 16;

/// Where a fault is put.
#[derive(Clone, Copy)]
struct Point {
    fault: Fault,
    victim: usize,
    /// Before this step.
    place: usize,
    measure: u64,
}

/// How far the trial went.
#[derive(Clone, Copy)]
enum End {
    /// Each fault was put.
    All,
    /// Not those after a hang, after [`MOST_FAILURES`], or where new peers cannot go on.
    CutOff,
}

struct Trial<'trial, 'run> {
    context: &'trial Context<'run>,
    scenario: &'trial Scenario,
    /// What each peer held after the scenario had gone well once.
    baselines: Vec<Ledger>,
    /// What was not survived.
    failures: Vec<Stop>,
}

impl Trial<'_, '_> {
    fn prepare(&mut self) -> Outcome {
        play(self.context, self.scenario)?;
        self.baselines.clear();
        for seat in 0..self.scenario.peers {
            self.baselines.push(self.context.settle(seat)?);
            self.context.rebase(seat)?;
        }
        Ok(())
    }

    /// All measures of a fault at one place.
    fn place(&mut self, fault: Fault, victim: usize, place: usize) -> Outcome {
        let takes = self.scenario.steps.get(place).is_some_and(|step| takes_handle(step, victim));
        if fault == Fault::WrongHandle && !takes {
            return Ok(());
        }
        for measure in fault.measures() {
            let point = Point { fault, victim, place, measure };
            match self.point(point) {
                Ok(refused) => {
                    self.context.point_survived();
                    match fault {
                        Fault::NoDescriptors if !refused => return Ok(()),
                        Fault::NoDescriptors if measure == MOST_DESCRIPTORS => {
                            let text = format!("{}: a step is refused even then", self.describe(point));
                            self.failures.push(Stop::Fail(text));
                        }
                        _ => {}
                    }
                }
                Err(stop) => self.failed(stop.within(|| self.describe(point)))?,
            }
        }
        Ok(())
    }

    /// Keep what failed, and go on with new peers.
    fn failed(&mut self, stop: Stop) -> Outcome {
        self.context.point_failed();
        let hung = matches!(stop, Stop::Hang(_));
        self.failures.push(stop);
        if hung || self.failures.len() == MOST_FAILURES {
            return self.conclude(End::CutOff);
        }
        let ready = (0..self.scenario.peers).try_for_each(|seat| self.context.replace(seat)).and_then(|()| self.prepare());
        ready.or_else(|stop| {
            self.failures.push(stop);
            self.conclude(End::CutOff)
        })
    }

    /// The first failure stands for all.
    fn conclude(&mut self, end: End) -> Outcome {
        let count = self.failures.len();
        let Some(first) = self.failures.drain(..).next() else { return Ok(()) };
        Err(match (end, count) {
            (End::All, 1) => first,
            (End::All, _) => first.within(|| format!("{count} faults were not survived; the first")),
            (End::CutOff, _) => {
                first.within(|| format!("the rest of the faults not put after {count} that were not survived; the first"))
            }
        })
    }

    fn describe(&self, Point { fault, victim, place, measure }: Point) -> String {
        let before = self.scenario.steps.get(place).map_or_else(
            || "after the last step".to_owned(),
            |step| format!("before step {} ({}: {})", place + 1, ROLES[step.peer], step.action),
        );
        let measure = match fault {
            Fault::NoDescriptors => format!(" but {measure}"),
            Fault::NoMemory => format!(" above {measure} bytes"),
            _ => String::new(),
        };
        format!("{}{measure}, {} of {}, {before}", fault.name(), ROLES[victim], self.scenario.name)
    }

    /// Whether a step was refused.
    fn point(&mut self, point: Point) -> Outcome<bool> {
        let refused = self.with_fault(point)?;
        let grown = self.recover()?;
        if grown.is_empty() {
            return Ok(refused);
        }
        // A driver may set things up when something happens for the first time: only growth that repeats is a leak.
        self.with_fault(point)?;
        let again = self.recover()?.into_iter();
        let repeats = |seat, what: &str| grown.iter().any(|(before, one)| *before == seat && one.what == what);
        let leaks: Vec<_> = again
            .filter(|(seat, one)| repeats(*seat, &one.what))
            .map(|(seat, one)| format!("{} holds more each time: {one}", ROLES[seat]))
            .collect();
        if leaks.is_empty() { Ok(refused) } else { Err(Stop::Leak(leaks.join("; "))) }
    }

    /// The scenario, with the fault in its place.
    fn with_fault(&self, point: Point) -> Outcome<bool> {
        let mut world = World::default();
        let (mut refused, mut stopped) = (false, false);
        for place in 0..=self.scenario.steps.len() {
            if place == point.place {
                stopped = self.inject(point, &mut world)?;
            }
            let Some(step) = self.scenario.steps.get(place) else { break };
            if stopped && world.concerns(step, point.victim) {
                stopped = self.resume(point.victim)?;
            }
            refused |= match world.perform(self.context, step)? {
                Done::Done | Done::Missing => false,
                Done::Refused(problem) => {
                    self.may_refuse(point, step.peer, &problem.message)?;
                    true
                }
            };
        }
        if stopped {
            self.resume(point.victim)?;
        }
        Ok(refused)
    }

    /// Only a peer that lacks something may refuse a step, and it has to say why.
    fn may_refuse(&self, point: Point, peer: usize, message: &str) -> Outcome {
        let lacks = matches!(point.fault, Fault::NoDescriptors | Fault::NoMemory);
        let step = self.context.last_step();
        require(lacks, || format!("{} refused {step}: {message}", ROLES[peer]))?;
        require(!message.is_empty(), || format!("{} refused {step} without a word", ROLES[peer]))
    }

    /// Returns whether the victim stands still.
    fn inject(&self, point: Point, world: &mut World) -> Outcome<bool> {
        let victim = self.context.party(point.victim).ok_or_else(|| Stop::Inconclusive("the victim is not there".into()))?;
        match point.fault {
            Fault::Kill => {
                victim.kill()?;
                world.forget(point.victim, Departure::Died);
            }
            Fault::ChannelClosed => {
                self.break_off(victim, BreakOff::Closed)?;
                world.forget(point.victim, Departure::Ended);
            }
            Fault::Nonsense => {
                let kinds = [BreakOff::CutOff, BreakOff::NoMessage, BreakOff::NoRequest];
                self.break_off(victim, kinds[(point.place + point.victim) % kinds.len()])?;
                world.forget(point.victim, Departure::Ended);
            }
            Fault::Stop => {
                self.context.signal(point.victim, "stop", Peer::pause)?;
                return Ok(true);
            }
            Fault::SurplusHandles => surplus_handles(victim)?,
            Fault::WrongHandle => wrong_handle(victim, world, &self.scenario.steps[point.place])?,
            Fault::NoDescriptors => victim.limit_descriptors(Some(point.measure))?,
            Fault::NoMemory => victim.must_do(&Request::LimitMemory { bytes: Some(point.measure) })?,
        }
        Ok(false)
    }

    /// Returns that the victim stands still no more.
    fn resume(&self, victim: usize) -> Outcome<bool> {
        self.context.signal(victim, "continue", Peer::resume)?;
        Ok(false)
    }

    /// The peer has to end by itself, with 0 when the channel was closed as it should be.
    fn break_off(&self, victim: Party<'_, '_>, how: BreakOff) -> Outcome {
        let exit = self.context.break_off(victim.seat(), how)?;
        let good = match (&exit, how) {
            (Exit::Status { code }, BreakOff::Closed) => *code == 0,
            (Exit::Status { code }, _) => *code != 0,
            _ => false,
        };
        let expected = if how == BreakOff::Closed { "exit status 0" } else { "another exit status than 0" };
        require(good, || format!("{} ended with {exit}, expected {expected}", victim.role()))
    }

    /// New peers for those that are gone; the scenario goes well; nothing is left. Returns what there is more of.
    fn recover(&mut self) -> Outcome<Vec<(usize, Growth)>> {
        for seat in 0..self.scenario.peers {
            match self.context.party(seat) {
                None => self.context.replace(seat)?,
                Some(party) => party.must_do(&Request::Reset)?,
            }
        }
        play(self.context, self.scenario).map_err(|stop| stop.within(|| "once more afterwards".into()))?;
        let mut grown = Vec::new();
        for seat in 0..self.scenario.peers {
            let after = self.context.settle(seat)?;
            if self.context.is_new(seat) {
                self.baselines[seat] = after;
                self.context.rebase(seat)?;
            } else {
                grown.extend(self.baselines[seat].growth(&after).into_iter().map(|one| (seat, one)));
            }
        }
        Ok(grown)
    }
}

/// A request that takes no handles is refused with some beside it, and they are closed.
fn surplus_handles(victim: Party<'_, '_>) -> Outcome {
    let surplus = [Object::Pipe, Object::Memory { len: 4096 }].map(gpushare_harness::raw::make);
    let [pipe, memory] = surplus;
    let made = pipe.and_then(|pipe| Ok([pipe, memory?]));
    let made = made.map_err(|error| Stop::Inconclusive(format!("making handles: {error}")))?;
    match victim.ask(&Request::HeapUsage, &made.iter().collect::<Vec<_>>())? {
        (Reply::Refused(problem), handles) if problem.code == Code::Request && handles.is_empty() => Ok(()),
        (other, _) => Err(Stop::Fail(format!("{} answered {other:?} to surplus handles", victim.role()))),
    }
}

/// Another object in the handle's place is refused, and stays with the peer or is closed.
fn wrong_handle(victim: Party<'_, '_>, world: &mut World, step: &Step) -> Outcome {
    for object in [Object::Pipe, Object::EventFd, Object::Directory, Object::Memory { len: 16 }] {
        let refused = world.try_wrong(victim, step, object)?;
        require(refused, || format!("{} took {object:?} for the handle of: {}", victim.role(), step.action))?;
    }
    Ok(())
}
