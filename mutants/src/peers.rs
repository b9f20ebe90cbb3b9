//! The peer's mutants: each fault on the host lane, against the cases that the table names for it.

use std::collections::BTreeSet;
use std::time::Duration;

use gpushare_conformance::registry::cases_of;

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
    let cases = cases_of(&host_with(NONE)?).into_iter().filter(|case| case.skip.is_none());
    Ok(cases.flat_map(|case| case.rules).map(|rule| (*rule).to_owned()).collect())
}

/// Run the cases that the table names for a fault; each has to end in the verdict that stands there.
///
/// # Errors
/// [`RunError`].
pub fn try_fault(fault: &Fault, limit: Duration) -> Result<Trial, RunError> {
    let entries: Vec<&Entry> = ENTRIES.iter().copied().filter(|entry| entry.fault == fault.name).collect();
    let globs: Vec<String> = entries.iter().map(|entry| entry.case.to_owned()).collect();
    let result = run(fault.name, &globs, limit)?;
    let named = |case: &str| entries.iter().find(|entry| entry.case == case);
    let by = result.cases.iter().filter(|case| named(&case.case).is_some_and(|entry| entry.verdict == case.verdict));
    let by = by.map(|case| Notice { case: case.case.clone(), rules: case.rules.clone(), verdict: case.verdict }).collect();
    Ok(Trial { lane: result.lane, ran: result.cases.len(), by, deaths: 0, acted: true })
}
