//! The peer's loop: any program becomes a peer by calling [`run_if_asked`] first in `main`.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     if let Some(code) = gpushare_harness::peer::run_if_asked(gpushare_harness::backend::by_name) {
//!         return code;
//!     }
//!     // … the program's own work …
//!     std::process::ExitCode::SUCCESS
//! }
//! ```

mod copies;
mod frames;
mod handles;
mod rings;
mod serve;
mod streams;
mod sync;

use std::process::ExitCode;

use gpushare::{Channel, Deadline, OwnedHandle};

use crate::backend::Backend;
use crate::protocol::Problem;
use crate::sys;
use serve::Served;

/// The environment variable that asks a program to be a peer; its value names the backend. The channel is standard input.
pub const PEER_VARIABLE: &str = "GPUSHARE_PEER";

/// The value that asks for a list of the descriptors that the program inherited, on standard output, as JSON.
pub const LIST_INHERITED: &str = "list-inherited";

/// Be a peer if the environment asks for one: serve until the orchestrator goes away, and return the exit code. `None`: this is
/// not a peer.
pub fn run_if_asked(backend: impl FnOnce(&str) -> Result<Box<dyn Backend>, Problem>) -> Option<ExitCode> {
    let name = std::env::var(PEER_VARIABLE).ok()?;
    let outcome = if name == LIST_INHERITED { sys::list_inherited() } else { run(backend, &name) };
    Some(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A peer has no other way to say it: its standard error is kept as evidence.
            sys::complain(&format!("peer: {error}"));
            ExitCode::from(2)
        }
    })
}

/// Answer what comes over a channel with a backend, until the channel's other side closes it.
///
/// # Errors
/// Why it ended otherwise: what came was no message or no request, or the reply could not be sent.
pub fn serve(backend: Box<dyn Backend>, channel: &mut Channel) -> Result<(), String> {
    match serve::Server::new(backend).serve(channel, Deadline::NEVER)? {
        Served::Ended => Ok(()),
        Served::Copied(_) => Err("a copy needs a program that owns its channel".into()),
    }
}

fn run(backend: impl FnOnce(&str) -> Result<Box<dyn Backend>, Problem>, name: &str) -> Result<(), String> {
    sys::die_with_parent().map_err(|error| format!("tying this process to its orchestrator: {error}"))?;
    sys::survive_interruptions().map_err(|error| format!("installing a signal handler: {error}"))?;
    let socket = sys::take_standard_input().map_err(|error| format!("taking the channel from standard input: {error}"))?;
    let mut server = serve::Server::new(backend(name).map_err(|problem| problem.message)?);
    let mut channel = open(socket)?;
    while let Served::Copied(own) = server.serve(&mut channel, Deadline::NEVER)? {
        // The number that a peer's channel has from the start: limits of descriptors are about numbers.
        drop(channel);
        channel = open(sys::lowest_number(own).map_err(|error| format!("taking a copy's channel: {error}"))?)?;
    }
    Ok(())
}

fn open(socket: OwnedHandle) -> Result<Channel, String> {
    Channel::from_handle(socket).map_err(|(_, error)| format!("this is no channel: {error}"))
}
