//! Peers that abort, are killed, hang or speak garbage: each becomes a verdict with the step and the exit status, and the run goes
//! on.

use std::time::Duration;

use gpushare_conformance::verdict::Verdict;
use gpushare_mutants::run;
use libtest_mimic::{Failed, Trial};

/// A fault, the verdict it must become, and what the finding must say.
struct Bad {
    fault: &'static str,
    verdict: Verdict,
    says: &'static [&'static str],
}

const BAD: &[Bad] = &[
    Bad { fault: "aborts", verdict: Verdict::Crash, says: &["producer", "step 2 (fill)", "SIGABRT", "the driver gave up"] },
    Bad { fault: "exits", verdict: Verdict::Crash, says: &["producer", "step 2 (fill)", "exit status 3"] },
    Bad { fault: "is_killed", verdict: Verdict::Crash, says: &["producer", "step 2 (fill)", "SIGKILL"] },
    Bad { fault: "hangs", verdict: Verdict::Hang, says: &["producer", "step 2 (fill)", "500 ms"] },
    Bad { fault: "speaks_garbage", verdict: Verdict::Fail, says: &["producer", "step 1 (create)", "broke the protocol"] },
    Bad { fault: "answers_another_request", verdict: Verdict::Fail, says: &["step 1 (create)", "an answer to request"] },
    Bad { fault: "closes_channel", verdict: Verdict::Crash, says: &["step 1 (create)", "closed its channel without ending"] },
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let named = BAD.iter().map(|bad| Trial::test(format!("bad_peer::{}", bad.fault), move || becomes_a_verdict(bad)));
    named.chain([Trial::test("bad_peer::speaks_another_version", another_version_is_told)])
}

/// Two cases that fill a texture first, and between them one that needs no texture: it passes where the peer speaks at all.
fn becomes_a_verdict(bad: &Bad) -> Result<(), Failed> {
    let cases = ["memory::*::contents_preserved::rgba8_unorm_optimal_64x64", "memory::*::ping_pong::rgba8_unorm_optimal_61x47"];
    let cases = cases.map(String::from);
    let result = run::run(bad.fault, &cases, Duration::from_millis(500), 1)?;
    if result.cases.len() != cases.len() {
        return Err(format!("the run ended after {} of {} cases", result.cases.len(), cases.len()).into());
    }
    let first = &result.cases[0];
    if first.verdict != bad.verdict {
        return Err(format!("{} became {}: {}", bad.fault, first.verdict, first.detail).into());
    }
    if let Some(missing) = bad.says.iter().find(|text| !first.detail.contains(*text)) {
        return Err(format!("the finding does not say {missing:?}: {}", first.detail).into());
    }
    let repro = format!("gpushare repro --driver host --seed 0x7 'host::{}'", first.case);
    if first.repro != repro { Err(format!("repro is {}, expected {repro}", first.repro).into()) } else { Ok(()) }
}

/// A peer of another version is refused at the handshake, before any case, in words.
fn another_version_is_told() -> Result<(), Failed> {
    let Err(failed) = run::host_with("speaks_another_version") else {
        return Err("a peer of another version became a lane".into());
    };
    let text = failed.to_string();
    if text.contains("expected hello in protocol version 1") { Ok(()) } else { Err(text.into()) }
}
