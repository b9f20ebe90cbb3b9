//! The cases between two lanes notice what they are about. The other lane is a host of another device.

use std::collections::BTreeSet;
use std::time::Duration;

use gpushare_conformance::lane::Lane;
use gpushare_conformance::registry::cases_of;
use gpushare_conformance::verdict::Verdict;
use gpushare_mutants::{fault, run};
use libtest_mimic::Failed;

const LIMIT: Duration = Duration::from_secs(5);

/// A case between two lanes, and the fault that makes it fail.
pub(crate) const FAULTS: &[(&str, &str)] = &[
    ("pair::shared_memory::texture_is_refused::from_other", "identity_unchecked"),
    ("pair::shared_memory::semaphore_crosses::from_other", "sync_import_is_own"),
    ("pair::shared_memory::timeline_crosses::from_other", "sync_import_is_own"),
    ("pair::shared_memory::fence_crosses::from_other", "sync_import_is_own"),
    ("pair::shared_signal::semaphore_crosses::from_other", "sync_import_is_own"),
    ("pair::shared_signal::fence_crosses::from_other", "sync_import_is_own"),
];

/// A lane whose device is not the host's.
fn other() -> Result<Vec<Lane>, Failed> {
    let lane = run::host_with(fault::ANOTHER_DEVICE)?;
    Ok(vec![Lane { name: "other".into(), ..lane }])
}

/// Every case between the two passes, and each has a fault here.
pub(crate) fn a_healthy_pair_passes() -> Result<(), Failed> {
    let other = other()?;
    let cases = cases_of(&run::host_with("none")?, &other);
    let between: BTreeSet<&str> = cases.iter().filter(|case| case.beside.is_some()).map(|case| case.id.as_str()).collect();
    let named: BTreeSet<&str> = FAULTS.iter().map(|(case, _)| *case).collect();
    if between != named {
        return Err(format!("cases: {between:?}; with a fault: {named:?}").into());
    }
    let result = run::run_beside("none", &other, &["pair::*".into()], LIMIT, 1)?;
    match result.cases.iter().find(|case| case.verdict != Verdict::Pass) {
        None => Ok(()),
        Some(case) => Err(format!("{} became {}: {}", case.case, case.verdict, case.detail).into()),
    }
}

/// The case, with the fault in the consumer, fails.
pub(crate) fn is_noticed(case: &str, fault: &str) -> Result<(), Failed> {
    let result = run::run_beside(fault, &other()?, &[case.into()], LIMIT, 1)?;
    match result.cases.as_slice() {
        [only] if only.verdict == Verdict::Fail => Ok(()),
        [only] => Err(format!("with {fault} it became {}: {}", only.verdict, only.detail).into()),
        cases => Err(format!("{} cases have this id", cases.len()).into()),
    }
}
