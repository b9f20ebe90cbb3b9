//! Random scenarios find a fault, and shorten it to what it takes.

use std::time::Duration;

use gpushare_conformance::explore::{Explored, Settings, explore};
use gpushare_conformance::rule::Catalogue;
use gpushare_conformance::scenario::Scenario;
use gpushare_conformance::verdict::Verdict;
use gpushare_mutants::run;
use libtest_mimic::{Failed, Trial};

/// The fault, what it becomes, and the fewest steps that show it.
const FOUND: [(&str, Verdict, usize); 8] = [
    // create, invite, submit, take; or create, export, import, fill, verify.
    ("import_is_copy", Verdict::Fail, 4),
    // create, export.
    ("export_leaks", Verdict::Leak, 2),
    // create, invite, invite; or create, export, import, export, import.
    ("imported_once_only", Verdict::Fail, 3),
    // create, export, import, signal, query.
    ("sync_import_is_own", Verdict::Fail, 4),
    // create, export.
    ("sync_export_leaks", Verdict::Leak, 2),
    // create, attach, send, receive.
    ("ring_last_byte_changed", Verdict::Fail, 4),
    // open, send, receive.
    ("received_byte_changed", Verdict::Fail, 3),
    // create, invite, submit, take.
    ("frames_are_stale", Verdict::Fail, 4),
];

pub(crate) fn trials() -> Vec<Trial> {
    FOUND
        .into_iter()
        .map(|(fault, verdict, fewest)| Trial::test(format!("explore::{fault}"), move || is_found(fault, verdict, fewest)))
        .collect()
}

fn is_found(fault: &str, verdict: Verdict, fewest: usize) -> Result<(), Failed> {
    let lane = run::host_with(fault)?;
    let settings = Settings { scenarios: 200, seed: 7, limit: Duration::from_secs(5) };
    let found = explore(&lane, &settings, &Catalogue::load()?);
    let Explored::Badly { scenario, judgement } = found else { return Err(format!("{found:?}").into()) };
    if judgement.verdict != verdict {
        return Err(format!("it became {}: {}", judgement.verdict, judgement.detail).into());
    }
    // In the end everybody looks at everything, which shortening cannot leave out.
    let steps = scenario.steps.len();
    if !(fewest..=fewest + 4).contains(&steps) {
        return Err(format!("{steps} steps are left, about {fewest} are enough: {:?}", scenario.steps).into());
    }
    let written = serde_json::to_vec(&scenario)?;
    if Scenario::parse(&written)? == scenario { Ok(()) } else { Err("it is read as another than was written".into()) }
}
