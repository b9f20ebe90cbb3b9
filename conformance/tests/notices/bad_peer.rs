//! Peers that abort, are killed, hang or speak garbage: each becomes a verdict with the step and the exit status, and the run goes
//! on.

use std::process::ExitCode;
use std::time::Duration;

use gpushare::{Channel, Deadline};
use gpushare_conformance::verdict::Verdict;
use gpushare_harness::protocol::{Numbered, Reply, Request, VERSION};
use libtest_mimic::{Failed, Trial};

use crate::{fault, run};

/// What a peer with such a fault does when it is asked to fill a texture.
pub(crate) fn at_fill() {
    match () {
        () if fault::is("aborts") => {
            eprintln!("the driver gave up");
            std::process::abort();
        }
        () if fault::is("exits") => std::process::exit(3),
        () if fault::is("is_killed") => {
            let this = rustix::process::getpid();
            rustix::process::kill_process(this, rustix::process::Signal::KILL).expect("a process may kill itself");
        }
        () if fault::is("hangs") => loop {
            std::thread::park();
        },
        () => {}
    }
}

/// Peers that do not even speak the protocol; they end when their channel does.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    std::env::var_os(gpushare_harness::peer::PEER_VARIABLE)?;
    let speaks: fn(&Request, u64) -> Option<Vec<u8>> = match () {
        () if fault::is("speaks_garbage") => |request, id| answer(request, id).or_else(|| Some(b"\xff\xfe not JSON".to_vec())),
        () if fault::is("answers_another_request") => |request, id| answer(request, id).or_else(|| answer(&hello(), id + 7)),
        () if fault::is("closes_channel") => answer,
        () if fault::is("speaks_another_version") => |_, id| {
            let body = Reply::Hello { protocol: VERSION + 1, backend: "future".into() };
            serde_json::to_vec(&Numbered { id, body }).ok()
        },
        () => return None,
    };
    let input = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned().ok()?;
    let mut channel = Channel::from_handle(input.into()).ok()?;
    while let Ok(message) = channel.receive(Deadline::NEVER) {
        let request: Numbered<Request> = serde_json::from_slice(&message.bytes).ok()?;
        match speaks(&request.body, request.id) {
            Some(reply) => channel.send(&reply, &[], Deadline::NEVER).ok()?,
            None => {
                drop(channel);
                // Standard input is the channel's last descriptor.
                rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null").ok()?).ok()?;
                loop {
                    std::thread::park();
                }
            }
        }
    }
    Some(ExitCode::SUCCESS)
}

const fn hello() -> Request {
    Request::Hello { protocol: VERSION }
}

/// The right answers to what comes before the first case; nothing to anything else.
fn answer(request: &Request, id: u64) -> Option<Vec<u8>> {
    let mut backend = gpushare_harness::backend::by_name("host").ok()?;
    let body = match request {
        Request::Hello { .. } => Reply::Hello { protocol: VERSION, backend: "bad".into() },
        Request::Probe => Reply::Devices(backend.probe().ok()?),
        Request::Open { device } => Reply::Opened(backend.open(*device).ok()?),
        _ => return None,
    };
    serde_json::to_vec(&Numbered { id, body }).ok()
}

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
    let result = run::run(bad.fault, &cases, Duration::from_millis(500))?;
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
    let text = failed.message().unwrap_or_default().to_owned();
    if text.contains("expected hello in protocol version 1") { Ok(()) } else { Err(text.into()) }
}
