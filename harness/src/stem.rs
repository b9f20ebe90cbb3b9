//! A process that has loaded a driver's library, of which peers are copies. Loading one with a compiler in it takes as long as all
//! else that a new peer does.

use std::time::Duration;

use gpushare::Channel;

use crate::process::{Ended, Process};
use crate::protocol::{Reply, Request};
use crate::spawn::{Peer, PeerCommand, PeerError, orchestrator};
use crate::sys::Evidence;

/// A peer that opens no device and answers nothing but requests for copies. Copies of one lie at the same addresses in their memories,
/// which peers that share something should not: what holds an address would be right by chance. Dropping it ends all of them.
#[derive(Debug)]
pub struct Stem {
    peer: Peer,
    ended: Ended,
}

impl Stem {
    /// Start it, and let it load [`PeerCommand::library`].
    ///
    /// # Errors
    /// As [`Peer::start`], and [`PeerError::Orchestrator`] where there is no library to load or the program does not do this. All
    /// its peers are started by [`Peer::start`] then.
    pub fn start(command: &PeerCommand, limit: Duration) -> Result<Self, PeerError> {
        let library = command.library.clone().ok_or_else(|| refused("there is no library to load"))?;
        let mut peer = Peer::start(command, limit)?;
        match peer.ask(&Request::Load { library }, &[], limit)? {
            (Reply::Done, _) => Ok(Self { peer, ended: Ended::default() }),
            (other, _) => Err(refused(&format!("asked to load it, it answered {other:?}"))),
        }
    }

    /// A peer that has loaded it already, and has no device open.
    ///
    /// # Errors
    /// As [`Stem::start`].
    pub fn copy(&mut self, limit: Duration) -> Result<Peer, PeerError> {
        let (ours, theirs) = Channel::pair().map_err(orchestrator("creating a channel"))?;
        let stderr = Evidence::new().map_err(orchestrator("keeping standard error"))?;
        let words = stderr.handle().map_err(orchestrator("keeping standard error"))?;
        let request = Request::Copy { ended: self.ended.take() };
        match self.peer.ask(&request, &[&theirs.into_handle(), &words], limit)? {
            (Reply::Copied { pid }, _) => Peer::greet(Process::copy(pid, self.ended.clone()), ours, stderr, limit),
            (other, _) => Err(refused(&format!("asked for a copy of itself, it answered {other:?}"))),
        }
    }
}

fn refused(why: &str) -> PeerError {
    orchestrator("preparing peers")(why)
}
