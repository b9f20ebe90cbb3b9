//! What can befall a peer from outside: it is stopped, its channel breaks, its orchestrator talks nonsense.

use std::time::Duration;

use gpushare::{Channel, ChannelError};

use crate::raw;
use crate::spawn::{Exit, Peer, PeerError, orchestrator};
use crate::sys;

/// How an orchestrator breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakOff {
    /// The channel is closed between two messages: the normal end.
    Closed,
    /// A message arrives whose body is no request.
    NoRequest,
    /// Something arrives that is no message.
    NoMessage,
    /// The channel is closed within a message.
    CutOff,
}

impl BreakOff {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Closed => b"",
            Self::NoRequest => b"GS\0\0\x0e\0\0\0not a request!",
            Self::NoMessage => b"HTTP/1.1 400 Bad Request\r\n\r\n",
            Self::CutOff => b"GS\0\0\x40\0\0\0{\"id\":1,\"bo",
        }
    }
}

impl Peer {
    /// Stop the process (`SIGSTOP`); it keeps what it holds and answers nothing.
    ///
    /// # Errors
    /// [`PeerError::Orchestrator`] when the system refuses.
    pub fn pause(&self) -> Result<(), PeerError> {
        sys::pause(self.pid()).map_err(orchestrator("stopping a peer"))
    }

    /// Let a stopped process go on (`SIGCONT`).
    ///
    /// # Errors
    /// [`PeerError::Orchestrator`] when the system refuses.
    pub fn resume(&self) -> Result<(), PeerError> {
        sys::resume(self.pid()).map_err(orchestrator("letting a stopped peer go on"))
    }

    /// Let a signal handler run in the process (`SIGUSR1`, which a peer has to survive).
    ///
    /// # Errors
    /// [`PeerError::Orchestrator`] when the system refuses.
    pub fn interrupt(&self) -> Result<(), PeerError> {
        sys::interrupt(self.pid()).map_err(orchestrator("interrupting a peer"))
    }

    /// Break off: the process is expected to end by itself within the limit, and its end is returned. One that does not is
    /// killed, which is [`Exit::ClosedChannel`]. With a driver's device open, an end can take seconds.
    ///
    /// # Errors
    /// [`PeerError::Orchestrator`] when the channel cannot be replaced or written to.
    pub fn break_off(&mut self, how: BreakOff, limit: Duration) -> Result<Exit, PeerError> {
        let (unused, _) = Channel::pair().map_err(orchestrator::<ChannelError>("creating a channel"))?;
        let socket = std::mem::replace(&mut self.channel, unused).into_handle();
        raw::send(&socket, how.bytes(), &[]).map_err(orchestrator("writing nonsense to a peer"))?;
        drop(socket);
        self.wait(limit)
    }

    /// The end of what the process wrote to standard error.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.stderr.tail()
    }
}
