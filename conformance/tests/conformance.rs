//! The registry under `cargo nextest run`: one test for each area and handle type of a lane, `<lane>::<area>::<handle>`.
//!
//! Every test is a process of its own, and most of a small case's time is the start of its peers, so the cases of a test share
//! warm peers as those of `gpushare run` do. `GPUSHARE_TESTS=cases` makes a test of each case, in new peers, and
//! `GPUSHARE_TESTS=families` one of each case with all its parameters. What the probe says cannot run here is listed as ignored;
//! listing loads no driver.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gpushare_conformance::case::Case;
use gpushare_conformance::expectation::{Expectations, Standing};
use gpushare_conformance::lane::{Asking, Lane, Lanes, PeerProgram};
use gpushare_conformance::pool::Pool;
use gpushare_conformance::registry::{Filter, cases_of};
use gpushare_conformance::rule::Catalogue;
use gpushare_conformance::run::{Settings, run_case};
use libtest_mimic::{Arguments, Failed, Trial};

/// The environment variable that says what a test is.
const VARIABLE: &str = "GPUSHARE_TESTS";

/// What every test needs.
struct Shared {
    catalogue: Catalogue,
    expectations: Expectations,
    settings: Settings,
}

/// What is one test.
#[derive(Clone, Copy)]
enum Grain {
    Area,
    Family,
    Case,
}

impl Grain {
    fn asked_for() -> Result<Self, String> {
        match std::env::var(VARIABLE).as_deref() {
            Err(std::env::VarError::NotPresent) | Ok("areas") => Ok(Self::Area),
            Ok("families") => Ok(Self::Family),
            Ok("cases") => Ok(Self::Case),
            other => Err(format!("{VARIABLE} is {other:?}; set it to areas, families or cases, or leave it out")),
        }
    }

    /// The test that a case belongs to.
    fn name(self, case: &Case) -> &str {
        match self {
            Self::Area => case.family.rsplit_once("::").map_or(case.family.as_str(), |(area, _)| area),
            Self::Family => &case.family,
            Self::Case => &case.id,
        }
    }
}

fn main() -> ExitCode {
    if let Some(code) = gpushare_harness::peer::run_if_asked(gpushare_harness::backend::by_name) {
        return code;
    }
    let arguments = Arguments::from_args();
    match trials(&arguments) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// For one test that is named exactly, as each is when cargo nextest runs it, only its lane's are made, and no driver is asked: that was
/// done when the tests were listed.
fn trials(arguments: &Arguments) -> Result<Vec<Trial>, Box<dyn std::error::Error>> {
    let (grain, filter, start) = (Grain::asked_for()?, Filter::new(&[])?, Instant::now());
    let settings = Settings {
        seed: 0x6770_7573,
        fresh: false,
        limit: Duration::from_secs(20),
        jobs: 1,
        filter,
        start,
        repeated_with: String::new(),
    };
    let shared = Arc::new(Shared { catalogue: Catalogue::load()?, expectations: Expectations::built_in()?, settings });
    let program = PeerProgram::this()?;
    if let Some(name) = arguments.filter.as_ref().filter(|_| arguments.exact) {
        let one = trials_of(grain, &shared, &Lanes::discover(&program, Asking::Never), |lane| {
            name.strip_prefix(lane).is_some_and(|rest| rest.starts_with("::"))
        });
        if one.iter().any(|trial| trial.name() == name) {
            return Ok(one);
        }
    }
    Ok(trials_of(grain, &shared, &Lanes::discover(&program, Asking::UnlessKept), |_| true))
}

fn trials_of(grain: Grain, shared: &Arc<Shared>, lanes: &Lanes, wanted: impl Fn(&str) -> bool) -> Vec<Trial> {
    let mut trials = Vec::new();
    for lane in lanes.ready.iter().filter(|lane| wanted(&lane.name)).cloned().map(Arc::new) {
        for (name, cases) in tests_of(grain, &lane, &lanes.ready) {
            let (lane, shared) = (Arc::clone(&lane), Arc::clone(shared));
            let nothing_runs = cases.iter().all(|case| case.skip.is_some());
            let trial = Trial::test(format!("{}::{name}", lane.name), move || run(&cases, &lane, &shared));
            trials.push(trial.with_ignored_flag(nothing_runs));
        }
    }
    trials
}

/// The tests of a lane with their cases, both in the order of definition.
fn tests_of(grain: Grain, lane: &Lane, all: &[Lane]) -> Vec<(String, Vec<Case>)> {
    let mut tests: Vec<(String, Vec<Case>)> = Vec::new();
    for case in cases_of(lane, all) {
        let name = grain.name(&case);
        match tests.iter_mut().rev().find(|(test, _)| test == name) {
            Some((_, cases)) => cases.push(case),
            None => tests.push((name.to_owned(), vec![case])),
        }
    }
    tests
}

/// Fails with every case that is not as expected, and with the command that repeats it.
fn run(cases: &[Case], lane: &Lane, shared: &Shared) -> Result<(), Failed> {
    let Shared { catalogue, expectations, settings } = shared;
    let pool = Pool::new(lane, settings.limit);
    let (mut skipped, mut unexpected) = (0, Vec::new());
    for case in cases {
        let (result, _) = run_case(case, lane, &pool, settings, catalogue, expectations);
        skipped += usize::from(case.skip.is_some());
        let standing = match result.standing {
            Standing::Expected => continue,
            Standing::UnexpectedFailure => "",
            Standing::UnexpectedImprovement => "better than expected, ",
        };
        let (verdict, detail) = (result.verdict, result.detail);
        unexpected.push(format!("{standing}{verdict}: {}\n{detail}\nrepeat: {}", result.case, result.repro));
    }
    println!("{} cases, {skipped} skipped, {} not as expected", cases.len(), unexpected.len());
    if unexpected.is_empty() { Ok(()) } else { Err(Failed::from(unexpected.join("\n\n"))) }
}
