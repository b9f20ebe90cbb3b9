//! The suite notices: every case fails for a fault made for it, and a bad peer becomes a verdict while the run goes on.
//!
//! This program is the orchestrator and, started as a peer, the faulty one: the environment names the fault. With the fault `none`
//! the same wrapper is healthy, and every case passes.

mod bad_peer;
mod checks;
mod explores;
mod layer;
mod pairs;
mod traces;

use std::collections::BTreeSet;
use std::process::ExitCode;

use gpushare_mutants::table::ENTRIES;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = gpushare_mutants::run_peer_if_asked() {
        return code;
    }
    let mut trials = vec![
        Trial::test("every_case_has_a_fault", checks::every_case_has_a_fault),
        Trial::test("every_described_fault_has_a_case", checks::every_described_fault_has_a_case),
        Trial::test("every_defect_has_a_mutant_or_a_reason", checks::every_defect_has_a_mutant_or_a_reason),
        Trial::test("every_patch_applies", checks::every_patch_applies),
        Trial::test("a_healthy_wrapper_passes", checks::a_healthy_wrapper_passes),
        Trial::test("a_healthy_pair_passes", pairs::a_healthy_pair_passes),
    ];
    trials.extend(pairs::FAULTS.iter().map(|(case, fault)| {
        Trial::test(format!("pair::{fault}::{}", case.replace("::", ".")), || pairs::is_noticed(case, fault))
    }));
    let faults: BTreeSet<&str> = ENTRIES.iter().map(|entry| entry.fault).collect();
    trials.extend(faults.into_iter().map(|fault| Trial::test(format!("fault::{fault}"), || checks::is_noticed(fault))));
    trials.extend(bad_peer::trials());
    trials.extend(explores::trials());
    trials.extend(layer::trials());
    trials.extend(traces::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
