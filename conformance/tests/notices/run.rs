//! Running cases against a faulty peer.

use std::time::{Duration, Instant};

use gpushare_conformance::expectation::Expectations;
use gpushare_conformance::lane::{Lane, Lanes, PeerProgram};
use gpushare_conformance::registry::Filter;
use gpushare_conformance::rule::Catalogue;
use gpushare_conformance::run::{CaseResult, LaneResult, Progress, Settings, run_lane};
use gpushare_harness::history::Step;
use libtest_mimic::Failed;

use crate::fault;

struct Silent;

impl Progress for Silent {
    fn lane(&self, _lane: &str, _cases: usize) {}
    fn case(&self, _lane: &str, _result: &CaseResult, _steps: &[Step]) {}
}

/// The host lane with peers that have this fault.
pub(crate) fn host_with(fault: &str) -> Result<Lane, Failed> {
    let program = PeerProgram { environment: vec![(fault::VARIABLE.into(), fault.into())], ..PeerProgram::this()? };
    Lanes::select(&program, &["host".into()], false)?.ready.pop().ok_or_else(|| "no host lane".into())
}

/// Run the cases that match, in peers that have this fault.
pub(crate) fn run(fault: &str, cases: &[String], limit: Duration) -> Result<LaneResult, Failed> {
    let lane = host_with(fault)?;
    let settings = Settings { seed: 7, fresh: false, limit, jobs: 1, filter: Filter::new(cases)?, start: Instant::now() };
    Ok(run_lane(&lane, &settings, &Catalogue::load()?, &Expectations::default(), &Silent))
}
