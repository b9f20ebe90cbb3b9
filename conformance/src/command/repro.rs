//! `gpushare repro`: one case with new peers, every step shown.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use gpushare_harness::history::Step;

use super::arguments::ReproArguments;
use super::{AS_EXPECTED, CommandError, NOT_AS_EXPECTED, expectations, lanes, peer_program};
use crate::case::Case;
use crate::expectation::Standing;
use crate::explore::as_case;
use crate::lane::{Lane, Lanes};
use crate::pool::Pool;
use crate::registry::{Filter, cases_of};
use crate::rule::Catalogue;
use crate::run::{CaseResult, Settings, run_case};
use crate::scenario::Scenario;

pub(super) fn repro(arguments: &ReproArguments) -> Result<u8, CommandError> {
    let catalogue = Catalogue::load()?;
    let expected = expectations(&arguments.expectations)?;
    let found = lanes(&peer_program(&arguments.lanes)?, &arguments.lanes.driver)?;
    let (lane, case) = match (&arguments.scenario, &arguments.case) {
        (Some(path), _) => scenario(path, &found)?,
        (None, case) => find(case.as_deref().unwrap_or_default(), &found)?,
    };
    let limit = Duration::from_millis(arguments.limit);
    let (filter, start) = (Filter::new(&[])?, Instant::now());
    let settings = Settings { seed: arguments.seed, fresh: true, limit, jobs: 1, filter, start, repeated_with: String::new() };
    let pool = Pool::new(lane, limit);
    let (result, steps) = run_case(&case, lane, &pool, &settings, &catalogue, &expected);
    let mut out = anstream::stdout().lock();
    steps.iter().try_for_each(|step| write_step(&mut out, step))?;
    write_result(&mut out, &lane.name, &result, &catalogue)?;
    Ok(if result.standing == Standing::Expected { AS_EXPECTED } else { NOT_AS_EXPECTED })
}

/// Without a lane in front, the only lane that was asked for is meant.
fn find<'lanes>(wanted: &str, found: &'lanes Lanes) -> Result<(&'lanes Lane, Case), CommandError> {
    let named = |lane: &str, case: &str| wanted == format!("{lane}::{case}") || wanted == case;
    let cases = |lane| cases_of(lane, &found.ready).into_iter();
    let mut candidates = found.ready.iter().flat_map(|lane| cases(lane).map(move |case| (lane, case)));
    candidates
        .find(|(lane, case)| named(&lane.name, &case.id))
        .ok_or_else(|| CommandError::NoCase { filters: vec![wanted.to_owned()], lanes: names(found) })
}

fn scenario<'lanes>(path: &Path, found: &'lanes Lanes) -> Result<(&'lanes Lane, Case), CommandError> {
    let [lane] = found.ready.as_slice() else { return Err(CommandError::ManyLanes { lanes: names(found) }) };
    let refuse = |reason: String| CommandError::Scenario { path: path.to_owned(), reason };
    let text = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let scenario = Scenario::parse(&text).map_err(|error| refuse(error.to_string()))?;
    Ok((lane, as_case(scenario, &lane.report)))
}

fn names(found: &Lanes) -> String {
    found.ready.iter().map(|lane| lane.name.clone()).collect::<Vec<_>>().join(", ")
}

fn write_step(out: &mut impl Write, step: &Step) -> Result<(), CommandError> {
    let asked = match (&step.request, &step.action) {
        (_, Some(action)) => action.clone(),
        (Some(request), None) => serde_json::to_string(request).unwrap_or_default(),
        (None, None) => String::new(),
    };
    let answer = match (&step.reply, &step.error) {
        (_, Some(error)) => error.clone(),
        (Some(reply), None) => serde_json::to_string(reply).unwrap_or_default(),
        (None, None) => "done".into(),
    };
    writeln!(out, "{:>3} {:>9} µs  {:<8} {asked}", step.step, step.took, step.peer)?;
    writeln!(out, "{:>26} → {answer}", "")?;
    Ok(())
}

fn write_result(out: &mut impl Write, lane: &str, result: &CaseResult, catalogue: &Catalogue) -> Result<(), CommandError> {
    let separator = if result.detail.is_empty() { "" } else { ": " };
    writeln!(out, "\n{} {lane}::{}{separator}{}", result.verdict, result.case, result.detail)?;
    for rule in result.rules.iter().filter_map(|id| catalogue.get(id)) {
        writeln!(out, "    rule {}: {} ({})", rule.id, rule.sentence, rule.source)?;
    }
    if let (Some(known), Some(report)) = (&result.known, &result.report) {
        writeln!(out, "    known: {known} ({report})")?;
    }
    if result.standing == Standing::UnexpectedImprovement {
        writeln!(out, "    better than expected: remove its expectation")?;
    }
    Ok(())
}
