//! Random scenarios on a lane, and the shortest that fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpushare_harness::protocol::DeviceReport;
use proptest::test_runner::{TestCaseError, TestError};

use crate::case::{ANY_TEXTURE, Case, Peers, unshareable};
use crate::context::{Context, Setting};
use crate::judge::{Judgement, judge};
use crate::lane::Lane;
use crate::pool::Pool;
use crate::rule::Catalogue;
use crate::scenario::generate::{Material, runner, scenarios};
use crate::scenario::{Scenario, play};
use crate::verdict::Verdict;

/// How to explore.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many scenarios.
    pub scenarios: u32,
    /// The same seed gives the same scenarios.
    pub seed: u64,
    /// How long a peer may take for one step.
    pub limit: Duration,
}

/// What became of it.
#[derive(Debug)]
pub enum Explored {
    /// Every scenario went well.
    Well {
        /// How many steps they had together.
        steps: u64,
    },
    /// One did not; this is the shortest that was found.
    Badly {
        /// The scenario.
        scenario: Scenario,
        /// What it came to.
        judgement: Box<Judgement>,
    },
    /// Nothing could be tried.
    Not {
        /// Why.
        reason: String,
    },
}

/// The rules that a random scenario decides.
pub(crate) const RULES: &[&str] = &["lifecycle.any_order_is_good", "ledger.nothing_is_left"];

/// A scenario as a case: every step succeeds, every texture holds what was filled in last, nothing is left.
#[must_use]
pub fn as_case(scenario: Scenario, report: &DeviceReport) -> Case {
    let skip = scenario.impossible(report);
    let id = format!("scenario::{}", scenario.name);
    let script = move |context: &Context<'_>| play(context, &scenario);
    Case {
        family: id.clone(),
        id,
        rules: RULES,
        peers: Peers::Warm,
        skip,
        patience: None,
        upsets: false,
        beside: None,
        script: Arc::new(script),
    }
}

/// Try random scenarios until one fails, then shorten it.
#[must_use]
pub fn explore(lane: &Lane, settings: &Settings, catalogue: &Catalogue) -> Explored {
    if let Some(reason) = unshareable(&lane.report, &ANY_TEXTURE) {
        return Explored::Not { reason };
    }
    let pool = Pool::new(lane, settings.limit);
    let try_one = |scenario: Scenario| {
        let setting = Setting {
            watched: false,
            lane,
            pool: &pool,
            fresh: false,
            limit: settings.limit,
            seed: settings.seed,
            case: "scenario",
            start: Instant::now(),
        };
        judge(&as_case(scenario, &lane.report), &setting, catalogue)
    };
    let steps = std::cell::Cell::new(0);
    let outcome = runner(settings.seed, settings.scenarios).run(&scenarios(Material::of(&lane.report)), |scenario| {
        steps.set(steps.get() + scenario.steps.len() as u64);
        let judgement = try_one(scenario);
        if judgement.verdict == Verdict::Pass { Ok(()) } else { Err(TestCaseError::fail(judgement.detail)) }
    });
    match outcome {
        Ok(()) => Explored::Well { steps: steps.get() },
        Err(TestError::Fail(_, scenario)) => {
            let judgement = Box::new(try_one(scenario.clone()));
            Explored::Badly { scenario, judgement }
        }
        Err(TestError::Abort(reason)) => Explored::Not { reason: reason.message().into() },
    }
}
