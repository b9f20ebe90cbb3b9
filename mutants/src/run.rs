//! Running cases against a faulty peer.

use std::time::{Duration, Instant};

use gpushare_conformance::expectation::Expectations;
use gpushare_conformance::lane::{Asking, Lane, LaneError, Lanes, PeerProgram};
use gpushare_conformance::registry::{Filter, FilterError};
use gpushare_conformance::rule::{Catalogue, RuleError};
use gpushare_conformance::run::{CaseResult, LaneResult, Progress, Settings, run_lane};
use gpushare_harness::history::Step;

use crate::{fault, left_name};

/// Why cases could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The program's own path, or a file.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// No such lane.
    #[error(transparent)]
    Lane(#[from] LaneError),
    /// A filter that is none.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The catalogue.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The layer's library is missing.
    #[error("no {name} in {} or in deps/ there; build this program with cargo", folder.display())]
    NoLayer {
        /// The library's name.
        name: String,
        /// Where it was looked for.
        folder: std::path::PathBuf,
    },
    /// A driver does not come up behind the layer.
    #[error("{lane} behind the layer with mutant {mutant}: {reason}")]
    Mute {
        /// The lane.
        lane: String,
        /// The mutant.
        mutant: String,
        /// Why.
        reason: String,
    },
    /// A name of no mutant.
    #[error("no mutant or defect {name:?}; `gpushare mutants --list` shows them")]
    NoMutant {
        /// The name.
        name: String,
    },
    /// The source of a mutant cannot be made or tested.
    #[error("patch {name}: {reason}")]
    Patch {
        /// The patch.
        name: String,
        /// Why.
        reason: String,
    },
    /// The host lane did not come up.
    #[error("the host lane does not come up: {0}")]
    NoHost(String),
}

/// Says nothing.
pub(crate) struct Silent;

impl Progress for Silent {
    fn lane(&self, _lane: &str, _cases: usize) {}
    fn case(&self, _lane: &str, _result: &CaseResult, _steps: &[Step]) {}
}

/// The host lane with peers that have this fault.
///
/// # Errors
/// [`RunError`] where such a peer does not come up.
pub fn host_with(fault: &str) -> Result<Lane, RunError> {
    let this = PeerProgram::this().map_err(|source| RunError::Io { what: "finding this program".into(), source })?;
    let program = PeerProgram { environment: vec![(fault::VARIABLE.into(), fault.into())], ..this };
    Lanes::select(&program, &["host".into()], Asking::UnlessKept)?.ready.pop().ok_or_else(|| RunError::NoHost("no lane".into()))
}

/// Run the cases that match, in peers that have this fault.
///
/// # Errors
/// [`RunError`] as [`host_with`], and for a filter that is no glob.
pub fn run(fault: &str, cases: &[String], limit: Duration, jobs: usize) -> Result<LaneResult, RunError> {
    run_beside(fault, &[], cases, limit, jobs)
}

/// The same, with other lanes for the cases between two.
///
/// # Errors
/// As [`run`].
pub fn run_beside(
    fault: &str,
    others: &[Lane],
    cases: &[String],
    limit: Duration,
    jobs: usize,
) -> Result<LaneResult, RunError> {
    let lane = host_with(fault)?;
    let settings = Settings {
        seed: 7,
        fresh: false,
        limit,
        jobs,
        filter: Filter::new(cases)?,
        start: Instant::now(),
        repeated_with: String::new(),
    };
    let result = run_lane(&lane, others, &settings, &Catalogue::load()?, &Expectations::default(), &Silent);
    left_name::remove();
    Ok(result)
}
