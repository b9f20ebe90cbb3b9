//! The registry under `cargo nextest run`: `<lane>::<case id>`, each in new peers.
//!
//! What the probe says cannot run here is listed as ignored; listing loads no driver.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gpushare_conformance::expectation::{Expectations, Standing};
use gpushare_conformance::lane::{Lanes, PeerProgram};
use gpushare_conformance::pool::Pool;
use gpushare_conformance::registry::{Filter, cases_of};
use gpushare_conformance::rule::Catalogue;
use gpushare_conformance::run::{Settings, run_case};
use libtest_mimic::{Arguments, Failed, Trial};

/// What every trial needs.
struct Shared {
    catalogue: Catalogue,
    expectations: Expectations,
    settings: Settings,
}

fn main() -> ExitCode {
    if let Some(code) = gpushare_harness::peer::run_if_asked(gpushare_harness::backend::by_name) {
        return code;
    }
    match trials() {
        Ok(trials) => libtest_mimic::run(&Arguments::from_args(), trials).exit_code(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn trials() -> Result<Vec<Trial>, Box<dyn std::error::Error>> {
    let (filter, start) = (Filter::new(&[])?, Instant::now());
    let settings = Settings { seed: 0x6770_7573, fresh: true, limit: Duration::from_secs(20), jobs: 1, filter, start };
    let shared = Arc::new(Shared { catalogue: Catalogue::load()?, expectations: Expectations::built_in()?, settings });
    let lanes = Lanes::discover(&PeerProgram::this()?, false);
    let mut trials = Vec::new();
    for lane in lanes.ready.into_iter().map(Arc::new) {
        for case in cases_of(&lane) {
            let (lane, shared, skip) = (Arc::clone(&lane), Arc::clone(&shared), case.skip.is_some());
            let trial = Trial::test(format!("{}::{}", lane.name, case.id), move || {
                let Shared { catalogue, expectations, settings } = &*shared;
                let pool = Pool::new(&lane, settings.limit);
                let (result, _) = run_case(&case, &lane, &pool, settings, catalogue, expectations);
                let verdict = format!("{}: {}\nrepeat: {}", result.verdict, result.detail, result.repro);
                match result.standing {
                    Standing::Expected => Ok(()),
                    Standing::UnexpectedFailure => Err(Failed::from(verdict)),
                    Standing::UnexpectedImprovement => Err(Failed::from(format!("better than expected, {verdict}"))),
                }
            });
            trials.push(trial.with_ignored_flag(skip));
        }
    }
    Ok(trials)
}
