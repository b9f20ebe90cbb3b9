//! One case, from peers to verdict.
//!
//! A case that comes to its end is not a pass yet: everything is freed, and no peer may hold more than before. Drivers set up some
//! things at first use, so growth counts as a leak only when running the case again in the same processes makes it grow again.

use std::collections::BTreeMap;

use gpushare_harness::history::Step;
use gpushare_harness::holding::Watch;
use gpushare_harness::ledger::Growth;

use crate::case::{Case, Outcome, Peers, Stop};
use crate::context::{Context, Left, ROLES, Seat, Setting};
use crate::pool::Pool;
use crate::rule::{Catalogue, Level};
use crate::verdict::Verdict;

/// A verdict, why, and the steps that led to it.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a pass; empty for a pass.
    pub detail: String,
    /// What was asked and answered.
    pub steps: Vec<Step>,
    /// Faults that were put into the script, and survived.
    pub points: u64,
}

/// Run a case that is not skipped.
#[must_use]
pub fn judge(case: &Case, setting: &Setting<'_>, catalogue: &Catalogue) -> Judgement {
    let fresh = setting.fresh || case.peers == Peers::Fresh;
    let limit = case.patience.map_or(setting.limit, |patience| patience.min(setting.limit));
    let setting = &Setting { fresh, limit, ..*setting };
    let first = round(case, setting, Vec::new());
    if first.growth.is_empty() || first.outcome.is_err() {
        return conclude(case, setting.pool, catalogue, first, fresh);
    }
    let suspects = first.growth;
    let again = round(case, setting, first.seats);
    let mut confirmed = again;
    confirmed.growth.retain(|grown| suspects.iter().any(|before| before.0 == grown.0 && before.1.what == grown.1.what));
    if confirmed.outcome.is_ok() && !confirmed.growth.is_empty() {
        confirmed = traced(case, setting, confirmed);
    }
    conclude(case, setting.pool, catalogue, confirmed, fresh)
}

/// Once more, looking after each step at what the peer holds: what is left in the end came with one of them.
fn traced(case: &Case, setting: &Setting<'_>, leaking: Round) -> Round {
    let Round { outcome, growth, seats, steps, points, .. } = leaking;
    let again = round(case, &Setting { watched: true, ..*setting }, seats);
    if again.outcome.is_ok() {
        // What leaks is what leaked twice; where it came from, what was seen now.
        Round { growth, ..again }
    } else {
        Round { outcome, growth, steps, points, ..again }
    }
}

/// What one run of the script left behind.
struct Round {
    outcome: Outcome,
    growth: Vec<(usize, Growth)>,
    seats: Vec<Seat>,
    steps: Vec<Step>,
    points: u64,
    watches: BTreeMap<usize, Watch>,
}

fn round(case: &Case, setting: &Setting<'_>, seats: Vec<Seat>) -> Round {
    let context = Context::new(setting, seats);
    let mut outcome = (case.script)(&context);
    let Left { mut seats, steps, points, mut watches } = context.finish();
    let mut growth = Vec::new();
    for (index, seat) in seats.iter_mut().enumerate() {
        if outcome.is_err() {
            break;
        }
        match settle(setting.pool, seat) {
            Ok(grown) => growth.extend(grown.into_iter().map(|grown| (index, grown))),
            Err(stop) => outcome = Err(stop),
        }
    }
    for watch in watches.values_mut() {
        // Of a peer that has ended nothing is left.
        let _ = watch.look("the freeing of everything");
    }
    Round { outcome, growth, seats, steps, points, watches }
}

/// Free everything in a peer and compare what it holds with what it held.
fn settle(pool: &Pool<'_>, seat: &mut Seat) -> Outcome<Vec<Growth>> {
    let Some(peer) = &mut seat.peer else { return Ok(Vec::new()) };
    let after = pool.reset(peer).and_then(|()| pool.ledger(peer));
    // What a driver sets up in a process that began within the script cannot be told from what the script left.
    let compare = |after| if seat.new { Vec::new() } else { seat.before.growth(&after) };
    after.map(compare).map_err(|error| {
        seat.peer = None;
        match error {
            gpushare_harness::PeerError::Died { ref exit, .. } => {
                Stop::Crash { exit: exit.clone(), detail: format!("while freeing everything: {error}") }
            }
            gpushare_harness::PeerError::Hung { .. } => Stop::Hang(format!("while freeing everything: {error}")),
            other => Stop::Inconclusive(format!("while freeing everything: {other}")),
        }
    })
}

fn conclude(case: &Case, pool: &Pool<'_>, catalogue: &Catalogue, round: Round, fresh: bool) -> Judgement {
    let Round { outcome, growth, seats, steps, points, watches } = round;
    let (verdict, detail) = match outcome {
        Ok(()) if growth.is_empty() => (Verdict::Pass, String::new()),
        Ok(()) => (Verdict::Leak, leak_text(&growth, &watches)),
        Err(stop) => (verdict(&stop, catalogue.level(case.rules)), stop.to_string()),
    };
    // Only peers that the ledger proved clean run another case; all others end here.
    if verdict == Verdict::Pass && !fresh && !case.upsets {
        for (index, seat) in seats.into_iter().enumerate() {
            seat.peer.into_iter().for_each(|peer| pool.put_back(index, peer));
        }
    }
    Judgement { verdict, detail, steps, points }
}

fn verdict(stop: &Stop, level: Level) -> Verdict {
    match stop {
        Stop::Fail(_) | Stop::Refused { .. } if level == Level::Should => Verdict::Warn,
        Stop::Fail(_) | Stop::Refused { .. } => Verdict::Fail,
        Stop::Inconclusive(_) => Verdict::Inconclusive,
        Stop::Crash { .. } => Verdict::Crash,
        Stop::Hang(_) => Verdict::Hang,
        Stop::Leak(_) => Verdict::Leak,
    }
}

fn leak_text(growth: &[(usize, Growth)], watches: &BTreeMap<usize, Watch>) -> String {
    let each = growth.iter().map(|(seat, grown)| {
        let came = watches.get(seat).map(|watch| origin(watch.came(&grown.what))).unwrap_or_default();
        format!("{} holds more each time: {grown}{came}", ROLES[*seat])
    });
    each.collect::<Vec<_>>().join("; ")
}

/// The steps with which things came that are left, the first few by name.
fn origin<'watch>(came: impl Iterator<Item = &'watch str>) -> String {
    const NAMED: usize = 3;
    let mut steps: Vec<&str> = came.collect();
    // Step 10 comes after step 9.
    steps.sort_by_key(|step| (step.len(), *step));
    steps.dedup();
    let others = steps.len().saturating_sub(NAMED);
    steps.truncate(NAMED);
    match (steps.as_slice(), others) {
        ([], _) => String::new(),
        (named, 0) => format!(", left by {}", named.join(", ")),
        (named, others) => format!(", left by {} and {others} more", named.join(", ")),
    }
}
