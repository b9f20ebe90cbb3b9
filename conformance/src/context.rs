//! What a case's script can do.
//!
//! A script holds [`Party`]s (peers in their role), [`Texture`]s and [`Handle`]s, and reads like the sentence that its rules are.
//! Every step is recorded; the first that does not go as the script needs ends it with a [`Stop`].

mod batches;
mod faults;
mod fixed_rings;
pub mod frames;
mod handles;
mod party;
mod rings;
mod streams;
mod sync;
mod textures;

pub use frames::{Consumed, Consumer, EndOfFrames, OneFrame, channel};
pub use handles::{Arrived, PeerChannel};
pub use party::{Begun, Handle, Party, Texture};
pub use rings::{Partly, Ring, RingOffer, let_it_sleep};
pub use streams::{EndOfStream, StreamHandles};
pub use sync::{SharedSync, Sync};
pub use textures::Shared;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use gpushare::{OwnedHandle, Pattern};
use gpushare_harness::history::Step;
use gpushare_harness::holding::Watch;
use gpushare_harness::protocol::{DeviceReport, Reply, Request};
use gpushare_harness::{Ledger, Peer, PeerError};

use crate::case::{Outcome, Stop};
use crate::lane::Lane;
use crate::pool::Pool;
use crate::validation;

/// The roles of a case's peers, in the order in which scripts name them.
pub const ROLES: [&str; 4] = ["producer", "consumer", "third", "fourth"];

/// A peer in its role.
#[derive(Default)]
pub(crate) struct Seat {
    pub(crate) peer: Option<Peer>,
    /// What it held when the case began.
    pub(crate) before: Ledger,
    /// Names in the file system that the peer in it had when it came.
    pub(crate) names: BTreeSet<String>,
    /// Whether the script has taken this seat; asking again for the same peers changes nothing.
    taken: bool,
    /// Whether it took the place of one that is gone, and what it held was not counted since.
    pub(crate) new: bool,
    next_id: u32,
}

/// What a script works with.
pub struct Context<'run> {
    lane: &'run Lane,
    pool: &'run Pool<'run>,
    fresh: bool,
    limit: Duration,
    seed: u64,
    case: &'run str,
    start: Instant,
    seats: RefCell<Vec<Seat>>,
    steps: RefCell<Vec<Step>>,
    count: Cell<u32>,
    points: Cell<u64>,
    /// The steps of the first fault that was not survived.
    failed: RefCell<Vec<Step>>,
    /// Since when each peer holds what it holds, by seat, if anybody asks.
    watches: Option<RefCell<BTreeMap<usize, Watch>>>,
}

/// What a script leaves.
pub(crate) struct Left {
    pub(crate) seats: Vec<Seat>,
    pub(crate) steps: Vec<Step>,
    /// How many faults were put into the script.
    pub(crate) points: u64,
    pub(crate) watches: BTreeMap<usize, Watch>,
}

/// What a context is made from.
pub struct Setting<'run> {
    /// The lane.
    pub lane: &'run Lane,
    /// Where peers come from.
    pub pool: &'run Pool<'run>,
    /// Whether peers have to be new.
    pub fresh: bool,
    /// How long a peer may take for one step.
    pub limit: Duration,
    /// The case's seed.
    pub seed: u64,
    /// Lane and case, for the record.
    pub case: &'run str,
    /// When the run began.
    pub start: Instant,
    /// Whether to look after each step at what the peer holds, which takes its time.
    pub watched: bool,
}

impl<'run> Context<'run> {
    pub(crate) fn new(setting: &Setting<'run>, mut seats: Vec<Seat>) -> Self {
        seats.iter_mut().for_each(|seat| seat.taken = false);
        let Setting { lane, pool, fresh, limit, seed, case, start, watched } = *setting;
        let (seats, steps) = (RefCell::new(seats), RefCell::new(Vec::new()));
        Self {
            lane,
            pool,
            fresh,
            limit,
            seed,
            case,
            start,
            seats,
            steps,
            count: Cell::new(0),
            points: Cell::new(0),
            failed: RefCell::default(),
            watches: watched.then(RefCell::default),
        }
    }

    pub(crate) fn finish(self) -> Left {
        let failed = self.failed.into_inner();
        let steps = if failed.is_empty() { self.steps.into_inner() } else { failed };
        let watches = self.watches.map(RefCell::into_inner).unwrap_or_default();
        Left { seats: self.seats.into_inner(), steps, points: self.points.get(), watches }
    }

    /// What the lane's device says it can share.
    #[must_use]
    pub fn report(&self) -> &DeviceReport {
        &self.lane.report
    }

    /// The lane.
    #[must_use]
    pub const fn lane(&self) -> &Lane {
        self.lane
    }

    /// The case's `number`th picture; every case has pictures of its own.
    #[must_use]
    pub fn pattern(&self, number: u64) -> Pattern {
        Pattern::seeded(self.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number of the case's own.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// So many peers, each with the lane's device open: producer, consumer, third, fourth.
    ///
    /// # Errors
    /// [`Stop`] when one does not come up.
    pub fn peers<const COUNT: usize>(&self) -> Outcome<[Party<'_, 'run>; COUNT]> {
        for seat in 0..COUNT {
            self.take_seat(seat, || self.pool.take(seat, self.fresh))?;
        }
        Ok(std::array::from_fn(|seat| Party::new(self, seat)))
    }

    /// A producer on another lane and a consumer on this one.
    ///
    /// # Errors
    /// [`Stop`] when one does not come up.
    pub fn peers_from(&self, producers: &Lane) -> Outcome<[Party<'_, 'run>; 2]> {
        self.take_seat(0, || self.pool.start(producers))?;
        self.take_seat(1, || self.pool.take(1, self.fresh))?;
        Ok([Party::new(self, 0), Party::new(self, 1)])
    }

    fn take_seat(&self, seat: usize, start: impl FnOnce() -> Result<Peer, PeerError>) -> Outcome {
        let mut seats = self.seats.borrow_mut();
        if seats.len() <= seat {
            seats.push(Seat::default());
        }
        let Some(taken) = seats.get_mut(seat) else { return Err(Stop::Inconclusive(format!("no seat {seat}"))) };
        if taken.taken {
            return Ok(());
        }
        let was_there = taken.peer.is_some();
        if !was_there {
            let started = start().map_err(|error| self.stop(seat, "start", error))?;
            taken.peer = Some(started);
        }
        if let Some(peer) = &mut taken.peer {
            // A peer that stays in its seat from one run of the script to the next is no longer new in the second.
            taken.new &= !was_there;
            taken.before = self.pool.ledger(peer).map_err(|error| self.stop(seat, "count", error))?;
            if !was_there {
                taken.names.clone_from(&taken.before.names);
            }
            self.watch(seat, peer.pid());
        }
        (taken.taken, taken.next_id) = (true, 1);
        Ok(())
    }

    fn watch(&self, seat: usize, pid: u32) {
        if let Some(watches) = &self.watches
            && let Ok(watch) = Watch::begin(pid)
        {
            watches.borrow_mut().insert(seat, watch);
        }
    }

    /// What the peer in a seat holds now.
    pub(crate) fn holdings(&self, seat: usize) -> Outcome<Ledger> {
        let counted = self.with_peer(seat, |peer| self.pool.ledger(peer))?;
        counted.map_err(|error| self.stop(seat, "count", error))
    }

    /// Ask the peer in a seat.
    pub(crate) fn ask(&self, seat: usize, request: &Request, beside: &[&OwnedHandle]) -> Outcome<(Reply, Vec<OwnedHandle>)> {
        let sent = Instant::now();
        let answer = self.with_peer(seat, |peer| peer.ask(request, beside, self.limit))?;
        self.answered(seat, sent, request, answer)
    }

    /// Ask the peer in a seat without waiting for its answer, which [`Context::hear`] does; in between nothing can be asked of it.
    pub(crate) fn tell(&self, seat: usize, request: &Request) -> Outcome<Instant> {
        let sent = Instant::now();
        match self.with_peer(seat, |peer| peer.tell(request, &[], self.limit))? {
            Ok(()) => Ok(sent),
            Err(error) => self.answered(seat, sent, request, Err(error)).map(|_| sent),
        }
    }

    /// The answer to what was told at that moment.
    pub(crate) fn hear(&self, seat: usize, sent: Instant, request: &Request) -> Outcome<(Reply, Vec<OwnedHandle>)> {
        let answer = self.with_peer(seat, |peer| peer.hear(self.limit))?;
        self.answered(seat, sent, request, answer)
    }

    fn answered(
        &self,
        seat: usize,
        sent: Instant,
        request: &Request,
        answer: Result<(Reply, Vec<OwnedHandle>), PeerError>,
    ) -> Outcome<(Reply, Vec<OwnedHandle>)> {
        let (reply, error) = match &answer {
            Ok((reply, _)) => (Some(reply.clone()), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let step = self.record(seat, sent, Some(request.clone()), None, reply, error);
        if let Some(message) = self.invalid_use(seat, request) {
            return Err(Stop::Fail(format!("{} at {step}: the validation layer says: {message}", ROLES[seat])));
        }
        answer.map_err(|error| {
            self.leave(seat);
            self.stop(seat, &step, error)
        })
    }

    /// What the validation layer says of a request that was to be valid.
    fn invalid_use(&self, seat: usize, request: &Request) -> Option<String> {
        if !validation::is_on(&self.lane.command) {
            return None;
        }
        let written = self.with_peer(seat, Peer::new_words).ok()?;
        validation::first_error(&written).filter(|_| !validation::is_meant_to_be_invalid(request)).map(str::to_owned)
    }

    fn with_peer<T>(&self, seat: usize, then: impl FnOnce(&mut Peer) -> T) -> Outcome<T> {
        let mut seats = self.seats.borrow_mut();
        match seats.get_mut(seat).and_then(|seat| seat.peer.as_mut()) {
            Some(peer) => Ok(then(peer)),
            None => Err(Stop::Inconclusive(format!("the script uses {} after its end", ROLES[seat]))),
        }
    }

    /// The process's number and what it holds.
    pub(crate) fn pid(&self, seat: usize) -> Outcome<u32> {
        self.with_peer(seat, |peer| peer.pid())
    }

    /// The next number for a texture or handle of a peer.
    pub(crate) fn number(&self, seat: usize) -> u32 {
        let mut seats = self.seats.borrow_mut();
        seats.get_mut(seat).map_or(0, |seat| {
            seat.next_id += 1;
            seat.next_id - 1
        })
    }

    /// The longest that a peer may take for a step.
    #[must_use]
    pub const fn limit(&self) -> Duration {
        self.limit
    }

    /// Milliseconds for a wait inside a peer: well within [`Context::limit`], so that the peer answers and does not hang.
    #[must_use]
    pub fn within(&self) -> u64 {
        u64::try_from(self.limit.as_millis() / 2).unwrap_or(u64::MAX)
    }

    /// Try something that has to happen while a peer holds back for so many milliseconds, until it did happen in that time (`true`).
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when the machine is too slow even for seconds.
    pub fn while_held(&self, mut attempt: impl FnMut(u64) -> Outcome<bool>) -> Outcome {
        for hold in [60, 600, 3000] {
            if attempt(hold)? {
                return Ok(());
            }
        }
        Err(Stop::Inconclusive("nothing could be done within 3 seconds".into()))
    }

    fn leave(&self, seat: usize) {
        if let Some(seat) = self.seats.borrow_mut().get_mut(seat) {
            seat.peer = None;
        }
    }

    /// Returns the step's name for people.
    fn record(
        &self,
        seat: usize,
        sent: Instant,
        request: Option<Request>,
        action: Option<String>,
        reply: Option<Reply>,
        error: Option<String>,
    ) -> String {
        let number = self.count.get() + 1;
        self.count.set(number);
        let what = action.clone().unwrap_or_else(|| request.as_ref().map(request_name).unwrap_or_default());
        self.steps.borrow_mut().push(Step {
            at: micros(sent.duration_since(self.start)),
            took: micros(sent.elapsed()),
            case: self.case.into(),
            peer: ROLES[seat].into(),
            step: number,
            request,
            action,
            reply,
            error,
        });
        let name = format!("step {number} ({what})");
        if let Some(watches) = &self.watches
            && let Some(watch) = watches.borrow_mut().get_mut(&seat)
        {
            // A peer that this step has ended holds nothing.
            let _ = watch.look(&name);
        }
        name
    }

    /// The last step's name, for a failure that an answer shows.
    pub(crate) fn last_step(&self) -> String {
        let steps = self.steps.borrow();
        steps.last().map_or_else(String::new, |step| {
            let what = step.action.clone().unwrap_or_else(|| step.request.as_ref().map(request_name).unwrap_or_default());
            format!("step {} ({what})", step.step)
        })
    }

    fn stop(&self, seat: usize, step: &str, error: PeerError) -> Stop {
        let role = ROLES[seat];
        match error {
            PeerError::Died { ref exit, .. } => {
                Stop::Crash { exit: exit.clone(), detail: format!("{role} at {step}: {error}") }
            }
            PeerError::Hung { .. } => Stop::Hang(format!("{role} hung at {step}: {error}")),
            PeerError::Garbage { .. } => Stop::Fail(format!("{role} at {step}: {error}")),
            other => Stop::Inconclusive(format!("{role} at {step}: {other}")),
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// The request's name as it travels, e.g. `create` or `semaphore wait`.
fn request_name(request: &Request) -> String {
    let value = serde_json::to_value(request).unwrap_or_default();
    let first = |value: &serde_json::Value| match value {
        serde_json::Value::String(name) => name.clone(),
        serde_json::Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let name = first(&value);
    match request {
        Request::Semaphore(_)
        | Request::Timeline(_)
        | Request::Fence(_)
        | Request::Ring(_)
        | Request::Stream(_)
        | Request::Frames(_) => {
            format!("{name} {}", value.get(&name).map(first).unwrap_or_default())
        }
        _ => name,
    }
}
