//! Peers that abort, are killed, hang or speak garbage.

use std::process::ExitCode;

use gpushare::{Channel, Deadline};
use gpushare_harness::protocol::{Numbered, Reply, Request, VERSION};

use crate::fault;

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

/// What a peer with such a fault does when it is asked to look at a texture.
pub(crate) fn at_verify() {
    while fault::is("waits_for_stopped_peer") && a_sibling_is_stopped() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Whether another process of the same parent is stopped, as `/proc` tells.
fn a_sibling_is_stopped() -> bool {
    let parent = std::os::unix::process::parent_id().to_string();
    let stats = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok()).any(|stat| {
        // The name before it may hold anything, a bracket included.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let mut fields = fields.split(' ');
        fields.next() == Some("T") && fields.next() == Some(&parent)
    })
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
