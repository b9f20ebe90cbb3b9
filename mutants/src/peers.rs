//! The peer's mutants: each fault on the host lane, against the cases that the table names for it.

use std::collections::BTreeSet;

use gpushare_conformance::registry::cases_of;
use gpushare_conformance::verdict::Verdict;

use crate::drivers::How;
use crate::fault::NONE;
use crate::faults::Fault;
use crate::run::{RunError, host_with, run};
use crate::score::{Notice, Trial};
use crate::table::{ENTRIES, Entry};

/// The rules that the host lane's cases decide.
///
/// # Errors
/// [`RunError`].
pub fn decided() -> Result<BTreeSet<String>, RunError> {
    let cases = cases_of(&host_with(NONE)?, &[]).into_iter().filter(|case| case.skip.is_none());
    Ok(cases.flat_map(|case| case.rules).map(|rule| (*rule).to_owned()).collect())
}

fn entries_of(fault: &Fault) -> Vec<&'static Entry> {
    ENTRIES.iter().copied().filter(|entry| entry.fault == fault.name).collect()
}

/// Of the cases that the table names for these faults, those that something is wrong with when there is no fault: they prove
/// nothing. A fault in what a device says of itself can also bring cases about that are skipped, or not there, without it.
///
/// # Errors
/// [`RunError`].
pub fn unwell(faults: &[&Fault], how: &How) -> Result<BTreeSet<String>, RunError> {
    let cases: BTreeSet<&str> = faults.iter().flat_map(|fault| entries_of(fault)).map(|entry| entry.case).collect();
    let cases: Vec<String> = cases.into_iter().map(str::to_owned).collect();
    let results = run(NONE, &cases, how.limit, how.jobs)?.cases.into_iter();
    let unwell = results.filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skip));
    Ok(unwell.map(|case| case.case).collect())
}

/// Run the cases that the table names for a fault; each that is well without it has to end in the verdict that stands there.
///
/// # Errors
/// [`RunError`].
pub fn try_fault(fault: &Fault, unwell: &BTreeSet<String>, how: &How) -> Result<Trial, RunError> {
    let entries = entries_of(fault);
    let globs: Vec<String> = entries.iter().map(|entry| entry.case.to_owned()).collect();
    let result = run(fault.name, &globs, how.limit, how.jobs)?;
    let named = |case: &str| entries.iter().find(|entry| entry.case == case);
    let by = result.cases.iter().filter(|case| !unwell.contains(&case.case));
    let by = by.filter(|case| named(&case.case).is_some_and(|entry| entry.verdict == case.verdict));
    let by = by.map(|case| Notice { case: case.case.clone(), rules: case.rules.clone(), verdict: case.verdict }).collect();
    Ok(Trial { lane: result.lane, ran: result.cases.len(), by, deaths: 0, acted: true, skipped: None })
}
