//! Many cases on many lanes.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gpushare_harness::history::Step;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::context::Setting;
use crate::expectation::{Expectations, Standing, stand};
use crate::judge::{Judgement, judge};
use crate::lane::{Driver, Lane};
use crate::pool::Pool;
use crate::registry::{Filter, cases_of};
use crate::rule::Catalogue;
use crate::validation;
use crate::verdict::Verdict;

/// How to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The run's seed; each case's own is made from it and the case's id.
    pub seed: u64,
    /// New peers for every case.
    pub fresh: bool,
    /// How long a peer may take for one step.
    pub limit: Duration,
    /// Cases at once.
    pub jobs: usize,
    /// Which cases.
    pub filter: Filter,
    /// When the run began; the steps' times count from here.
    pub start: Instant,
    /// What else the command that repeats a case needs: its arguments, each behind a space.
    pub repeated_with: String,
}

/// What became of one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseResult {
    /// The case's id.
    pub case: String,
    /// The rules it decides.
    pub rules: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a pass.
    pub detail: String,
    /// Faults that were put into the case's steps, and survived.
    #[serde(default)]
    pub points: u64,
    /// How it stands to what was expected.
    pub standing: Standing,
    /// What the driver is known to do, where something else than a pass was expected.
    pub known: Option<String>,
    /// The bug report that belongs to it.
    pub report: Option<String>,
    /// Milliseconds.
    pub millis: f64,
    /// The command that repeats it.
    pub repro: String,
    /// What was asked and answered; kept where the case is not a pass.
    #[serde(skip)]
    pub steps: Vec<Step>,
}

/// What became of one lane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaneResult {
    /// The lane.
    pub lane: String,
    /// The device and driver, in their own words.
    pub device: String,
    /// The manifest, or `host`.
    pub driver: String,
    /// Seconds from the first case to the last.
    pub seconds: f64,
    /// Every case, in the order of definition.
    pub cases: Vec<CaseResult>,
    /// Expectations about this lane that name none of its cases.
    pub idle_expectations: Vec<String>,
}

impl LaneResult {
    /// Cases with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|case| case.verdict == verdict).count()
    }

    /// Cases that were executed: all but the skipped.
    #[must_use]
    pub fn executed(&self) -> usize {
        self.cases.len() - self.count(Verdict::Skip)
    }

    /// Executed cases a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.executed() as f64 / self.seconds } else { 0.0 }
    }

    /// Cases that are not as expected.
    pub fn unexpected(&self) -> impl Iterator<Item = &CaseResult> {
        self.cases.iter().filter(|case| case.standing != Standing::Expected)
    }

    /// Known misbehaviour: each kind with its cases, in the order of definition.
    #[must_use]
    pub fn known(&self) -> Vec<(&str, Vec<&CaseResult>)> {
        let mut kinds: Vec<(&str, Vec<&CaseResult>)> = Vec::new();
        for case in self.cases.iter().filter(|case| case.standing == Standing::Expected) {
            let Some(because) = &case.known else { continue };
            match kinds.iter_mut().find(|(known, _)| known == because) {
                Some((_, cases)) => cases.push(case),
                None => kinds.push((because, vec![case])),
            }
        }
        kinds
    }

    /// Whether everything is as expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.unexpected().next().is_none() && self.idle_expectations.is_empty()
    }
}

/// Told of each case as it ends, from any thread.
pub trait Progress: Sync {
    /// A lane begins, with so many cases to run.
    fn lane(&self, lane: &str, cases: usize);
    /// A case ended.
    fn case(&self, lane: &str, result: &CaseResult, steps: &[Step]);
}

/// Run the cases of one lane, also those between it and others.
#[must_use]
pub fn run_lane(
    lane: &Lane,
    others: &[Lane],
    settings: &Settings,
    catalogue: &Catalogue,
    expectations: &Expectations,
    progress: &dyn Progress,
) -> LaneResult {
    let all = cases_of(lane, others);
    let ids: Vec<&str> = all.iter().map(|case| case.id.as_str()).collect();
    let idle = expectations.idle(lane, &ids).into_iter().map(|entry| entry.case.clone()).collect();
    let chosen: Vec<&Case> = all.iter().filter(|case| settings.filter.passes(&lane.name, &case.id)).collect();
    progress.lane(&lane.name, chosen.len());
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, CaseResult)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..settings.jobs.clamp(1, chosen.len().max(1)) {
            scope.spawn(|| {
                let pool = Pool::new(lane, settings.limit);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = chosen.get(index) else { break };
                    let (result, steps) = run_case(case, lane, &pool, settings, catalogue, expectations);
                    progress.case(&lane.name, &result, &steps);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    LaneResult {
        lane: lane.name.clone(),
        device: device_words(lane),
        driver: driver_argument(&lane.driver),
        seconds: begun.elapsed().as_secs_f64(),
        cases: results.into_iter().map(|(_, result)| result).collect(),
        idle_expectations: idle,
    }
}

/// Run or skip one case.
pub fn run_case(
    case: &Case,
    lane: &Lane,
    pool: &Pool<'_>,
    settings: &Settings,
    catalogue: &Catalogue,
    expectations: &Expectations,
) -> (CaseResult, Vec<Step>) {
    let begun = Instant::now();
    let full = format!("{}::{}", lane.name, case.id);
    let judgement = match &case.skip {
        Some(reason) => Judgement { verdict: Verdict::Skip, detail: reason.clone(), steps: Vec::new(), points: 0 },
        None => {
            let seed = settings.seed ^ gpushare_harness::protocol::digest(case.id.as_bytes());
            let Settings { fresh, limit, start, .. } = *settings;
            let setting = Setting { lane, pool, fresh, limit, seed, case: &full, start, watched: false };
            judge(case, &setting, catalogue)
        }
    };
    let expected = expectations.of(lane, &case.id);
    let Judgement { verdict, detail, steps, points } = judgement;
    let result = CaseResult {
        case: case.id.clone(),
        rules: case.rules.iter().map(|rule| (*rule).to_owned()).collect(),
        verdict,
        detail,
        points,
        standing: stand(verdict, expected),
        known: expected.map(|entry| entry.because.clone()),
        report: expected.map(|entry| entry.report.clone()),
        millis: begun.elapsed().as_secs_f64() * 1000.0,
        repro: repro(lane, case, settings),
        steps: if verdict == Verdict::Pass { Vec::new() } else { steps.clone() },
    };
    (result, steps)
}

/// The command that repeats a case, from any folder.
fn repro(lane: &Lane, case: &Case, settings: &Settings) -> String {
    let mut drivers = vec![driver_argument(&lane.driver)];
    drivers.extend(case.beside.as_ref().map(|other| driver_argument(&other.driver)));
    // Two devices of one driver are two lanes of one manifest.
    drivers.dedup();
    let drivers: String = drivers.iter().map(|driver| format!(" --driver {}", quote(driver))).collect();
    let own = std::env::current_exe().is_ok_and(|program| program == lane.command.program);
    let peer = if own { String::new() } else { format!(" --peer {}", quote(&lane.command.program.display().to_string())) };
    let peer = format!("{peer}{}", validation::argument(&lane.command));
    let Settings { seed, repeated_with, .. } = settings;
    format!("gpushare repro{drivers}{peer}{repeated_with} --seed {seed:#x} '{}::{}'", lane.name, case.id)
}

pub(crate) fn quote(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What `--driver` takes for it.
pub(crate) fn driver_argument(driver: &Driver) -> String {
    match driver {
        Driver::Host => "host".into(),
        Driver::Manifest(manifest) => manifest.display().to_string(),
    }
}

fn device_words(lane: &Lane) -> String {
    let identity = &lane.report.identity;
    let driver = format!("{} {}", identity.driver_name, identity.driver_info);
    format!("{}, {}, {} {}", identity.device_name, driver.trim(), identity.api, identity.api_version)
}
