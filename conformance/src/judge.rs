//! One case, from peers to verdict.
//!
//! A case that comes to its end is not a pass yet: everything is freed, and no peer may hold more than before. Drivers set up some
//! things at first use, so growth counts as a leak only when running the case again in the same processes makes it grow again.

use gpushare_harness::history::Step;
use gpushare_harness::ledger::Growth;

use crate::case::{Case, Outcome, Peers, Stop};
use crate::context::{Context, ROLES, Seat, Setting};
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
    conclude(case, setting.pool, catalogue, confirmed, fresh)
}

/// What one run of the script left behind.
struct Round {
    outcome: Outcome,
    growth: Vec<(usize, Growth)>,
    seats: Vec<Seat>,
    steps: Vec<Step>,
    points: u64,
}

fn round(case: &Case, setting: &Setting<'_>, seats: Vec<Seat>) -> Round {
    let context = Context::new(setting, seats);
    let mut outcome = (case.script)(&context);
    let (mut seats, steps, points) = context.finish();
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
    Round { outcome, growth, seats, steps, points }
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
    let Round { outcome, growth, seats, steps, points } = round;
    let (verdict, detail) = match outcome {
        Ok(()) if growth.is_empty() => (Verdict::Pass, String::new()),
        Ok(()) => (Verdict::Leak, leak_text(&growth)),
        Err(Stop::Fail(text)) if catalogue.level(case.rules) == Level::Should => (Verdict::Warn, text),
        Err(Stop::Fail(text)) => (Verdict::Fail, text),
        Err(Stop::Inconclusive(text)) => (Verdict::Inconclusive, text),
        Err(Stop::Crash { detail, .. }) => (Verdict::Crash, detail),
        Err(Stop::Hang(text)) => (Verdict::Hang, text),
        Err(Stop::Leak(text)) => (Verdict::Leak, text),
    };
    // Only peers that the ledger proved clean run another case; all others end here.
    if verdict == Verdict::Pass && !fresh && !case.upsets {
        seats.into_iter().filter_map(|seat| seat.peer).for_each(|peer| pool.put_back(peer));
    }
    Judgement { verdict, detail, steps, points }
}

fn leak_text(growth: &[(usize, Growth)]) -> String {
    let each = growth.iter().map(|(seat, grown)| format!("{} holds more each time: {grown}", ROLES[*seat]));
    each.collect::<Vec<_>>().join("; ")
}
