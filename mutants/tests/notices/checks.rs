//! Every case fails for the fault that the table names.

use std::collections::BTreeSet;
use std::time::Duration;

use gpushare_conformance::registry::cases_of;
use gpushare_conformance::verdict::Verdict;
use gpushare_mutant_layer::table::MUTANTS;
use gpushare_mutants::defects::DEFECTS;
use gpushare_mutants::faults::FAULTS;
use gpushare_mutants::patches;
use gpushare_mutants::run;
use gpushare_mutants::table::ENTRIES;
use libtest_mimic::Failed;

const LIMIT: Duration = Duration::from_secs(5);
/// Cases of one fault at once: where something never comes, a case does nothing but wait for it.
const JOBS: usize = 8;

/// Each case that is named for the fault, run in peers that have it, has to end in its verdict.
pub(crate) fn is_noticed(fault: &str) -> Result<(), Failed> {
    let entries: Vec<_> = ENTRIES.iter().filter(|entry| entry.fault == fault).collect();
    let ids: Vec<String> = entries.iter().map(|entry| entry.case.into()).collect();
    let result = run::run(fault, &ids, LIMIT, JOBS)?;
    let wrong = entries.iter().filter_map(|entry| match result.cases.iter().find(|case| case.case == entry.case) {
        Some(case) if case.verdict == entry.verdict => None,
        Some(case) => Some(format!("{} became {}, expected {}: {}", entry.case, case.verdict, entry.verdict, case.detail)),
        None => Some(format!("there is no case {}", entry.case)),
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// A case that no fault breaks is a check that cannot fail.
pub(crate) fn every_case_has_a_fault() -> Result<(), Failed> {
    let named: BTreeSet<&str> = ENTRIES.iter().map(|entry| entry.case).collect();
    let families: BTreeSet<String> = cases_of(&run::host_with("none")?, &[]).into_iter().map(|case| case.family).collect();
    let covered = |family: &String| named.iter().any(|case| *case == family || case.starts_with(&format!("{family}::")));
    let missing: Vec<_> = families.iter().filter(|family| !covered(family)).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no fault for {}", missing.join(", ")).into()) }
}

/// A fault that is described and that no case is named for.
pub(crate) fn every_described_fault_has_a_case() -> Result<(), Failed> {
    let used: BTreeSet<&str> = ENTRIES.iter().map(|entry| entry.fault).collect();
    let idle: Vec<_> = FAULTS.iter().map(|fault| fault.name).filter(|name| !used.contains(name)).collect();
    if idle.is_empty() { Ok(()) } else { Err(format!("no case is named for {}", idle.join(", ")).into()) }
}

/// Either a defect has a mutant, or it says why it has none.
pub(crate) fn every_defect_has_a_mutant_or_a_reason() -> Result<(), Failed> {
    let mut expressed: BTreeSet<String> = MUTANTS.iter().map(|mutant| mutant.defect().to_owned()).collect();
    expressed.extend(FAULTS.iter().flat_map(|fault| fault.defects).map(|defect| (*defect).to_owned()));
    expressed.extend(patches::all().iter().map(|patch| patch.defect().to_owned()));
    let wrong = DEFECTS.iter().filter(|defect| expressed.contains(defect.number) == defect.unexpressed.is_some());
    let wrong: Vec<_> = wrong.map(|defect| defect.number).collect();
    let unknown: Vec<_> = expressed.iter().filter(|number| !DEFECTS.iter().any(|defect| defect.number == *number)).collect();
    if wrong.is_empty() && unknown.is_empty() { Ok(()) } else { Err(format!("{wrong:?}; unknown: {unknown:?}").into()) }
}

/// A patch that the source has left behind.
pub(crate) fn every_patch_applies() -> Result<(), Failed> {
    patches::check_source(&patches::all()).map_err(|error| error.to_string().into())
}

/// Without a fault the wrapper changes nothing: what it notices is the fault and not the wrapper.
pub(crate) fn a_healthy_wrapper_passes() -> Result<(), Failed> {
    let cases: Vec<String> = ENTRIES.iter().map(|entry| entry.case.into()).collect();
    let result = run::run("none", &cases, LIMIT, 1)?;
    let wrong: Vec<_> = result.cases.iter().filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skip)).collect();
    match wrong.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} of them, {} first: {}", wrong.len(), first.case, first.detail).into()),
    }
}
