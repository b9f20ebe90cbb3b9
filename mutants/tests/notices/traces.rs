//! A leak is traced to the step that left it.

use std::time::Duration;

use gpushare_conformance::verdict::Verdict;
use gpushare_mutants::run;
use libtest_mimic::{Failed, Trial};

/// The fault, a case that becomes a leak, who holds more, and the kind of step that it is traced to.
const TRACED: [(&str, &str, &str, &str); 4] = [
    ("export_leaks", "memory::shared_memory::shared_and_freed_100_times", "producer", "export"),
    ("refusal_leaks", "handle::shared_memory::nothing_left_after_refusals", "consumer", "import"),
    ("sync_export_leaks", "semaphore::shared_memory::shared_and_freed_100_times", "producer", "semaphore export"),
    ("excess_handles_leak", "channel::socket::unannounced_handles_are_refused", "producer", "receive"),
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(fault, case, role, step)| Trial::test(format!("trace::{fault}"), move || is_traced(fault, case, role, step));
    TRACED.into_iter().map(trial).collect()
}

fn is_traced(fault: &str, case: &str, role: &str, step: &str) -> Result<(), Failed> {
    let result = run::run(fault, &[case.into()], Duration::from_secs(5), 1)?;
    let [only] = result.cases.as_slice() else { return Err(format!("{} cases have this id", result.cases.len()).into()) };
    // Other steps leave nothing.
    let (_, traced) = only.detail.split_once(", left by ").unwrap_or_default();
    let named = traced.split(", ").next().is_some_and(|first| first.contains(&format!("({step})")));
    let of_role = only.detail.starts_with(&format!("{role} holds more each time"));
    if only.verdict == Verdict::Leak && named && of_role {
        Ok(())
    } else {
        Err(format!("{}: {}", only.verdict, only.detail).into())
    }
}
