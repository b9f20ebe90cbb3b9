//! Peers whose loop is at fault: one of ours inside, and something between it and the orchestrator.

use std::process::ExitCode;

use gpushare::{Channel, ChannelError, Deadline, OwnedHandle};
use gpushare_harness::peer;
use gpushare_harness::protocol::{Numbered, Request};

use crate::fault;

const FAULTS: [&str; 3] = ["surplus_kept", "nonsense_is_endured", "outlives_channel"];

/// Be such a peer if the fault says so.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    std::env::var_os(peer::PEER_VARIABLE)?;
    FAULTS.iter().any(|name| fault::is(name)).then_some(())?;
    let input = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned().ok()?;
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null").ok()?).ok()?;
    let mut outside = Channel::from_handle(input.into()).ok()?;
    let (mut relay, mut inside) = Channel::pair().ok()?;
    std::thread::spawn(move || peer::serve(gpushare_harness::backend::by_name("host").ok()?, &mut inside).ok());
    let ended = pass_on(&mut outside, &mut relay);
    let fault = if ended == End::Closed { "outlives_channel" } else { "nonsense_is_endured" };
    while fault::is(fault) {
        std::thread::park();
    }
    Some(if ended == End::Closed { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Why there is nothing more to pass on.
#[derive(PartialEq, Eq)]
enum End {
    /// The orchestrator closed its channel.
    Closed,
    /// What came from it was no message, or no request.
    Nonsense,
}

/// Requests inwards, replies outwards.
fn pass_on(outside: &mut Channel, inside: &mut Channel) -> End {
    loop {
        let request = match outside.receive(Deadline::NEVER) {
            Ok(request) => request,
            Err(ChannelError::Closed) => return End::Closed,
            Err(_) => return End::Nonsense,
        };
        if fault::is("surplus_kept") && !takes_handles(&request.bytes) {
            keep_open(&request.handles);
        }
        let answered = send(inside, &request.bytes, &request.handles).and_then(|()| inside.receive(Deadline::NEVER));
        let Ok(reply) = answered else { return End::Nonsense };
        if send(outside, &reply.bytes, &reply.handles).is_err() {
            return End::Closed;
        }
    }
}

fn send(to: &mut Channel, bytes: &[u8], handles: &[OwnedHandle]) -> Result<(), ChannelError> {
    to.send(bytes, &handles.iter().collect::<Vec<_>>(), Deadline::NEVER)
}

fn takes_handles(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Numbered<Request>>(bytes).is_ok_and(|request| matches!(request.body, Request::Keep { .. }))
}

/// For good.
fn keep_open(handles: &[OwnedHandle]) {
    if let Some(copy) = handles.first().and_then(|handle| handle.try_clone().ok()) {
        std::mem::forget(copy);
    }
}
