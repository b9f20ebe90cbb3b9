//! Starting a peer, asking it, and how it ended.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use gpushare::{Channel, ChannelError, Deadline, OwnedHandle};
use serde::{Deserialize, Serialize};

use crate::ledger::Ledger;
use crate::peer::PEER_VARIABLE;
use crate::process::Process;
use crate::protocol::{Numbered, Reply, Request, VERSION};
use crate::sys::{self, Evidence};

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCommand {
    /// The command before the program's, with its arguments: a dynamic linker of another distribution, a debugger. Empty for none.
    /// It has to become the program, as `exec` does, and to leave its standard streams alone.
    pub launcher: Vec<String>,
    /// The program; it has to call [`crate::peer::run_if_asked`] or speak `docs/protocol.md`.
    pub program: PathBuf,
    /// The backend to ask for.
    pub backend: String,
    /// More environment variables: which driver to load, for instance.
    pub environment: Vec<(String, String)>,
    /// The library that the backend will load, where it is known: a [`Stem`](crate::Stem) has it already.
    pub library: Option<PathBuf>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself.
    Status {
        /// Its exit status.
        code: i32,
    },
    /// By a signal.
    Signal {
        /// The signal's name.
        name: String,
    },
    /// Not at all: it closed its channel, went on, and was killed.
    ClosedChannel,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { code } => write!(f, "exit status {code}"),
            Self::Signal { name } => f.write_str(name),
            Self::ClosedChannel => f.write_str("closed its channel without ending, killed"),
        }
    }
}

/// Why a peer did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// It could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It ended instead of answering.
    #[error("the peer died ({exit}){}", evidence(stderr))]
    Died {
        /// How.
        exit: Exit,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It did not answer in time, and was killed.
    #[error("the peer did not answer within {} ms{}", after.as_millis(), evidence(stderr))]
    Hung {
        /// The limit.
        after: Duration,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It answered something that is no answer, and was killed.
    #[error("the peer broke the protocol: {detail}{}", evidence(stderr))]
    Garbage {
        /// What.
        detail: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// The request could not be sent or the peer not watched, through no fault of the peer.
    #[error("{what}: {source}")]
    Orchestrator {
        /// What was attempted.
        what: &'static str,
        /// The answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn evidence(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; it wrote: {stderr}") }
}

/// A running peer. Dropping it kills the process and reaps it.
#[derive(Debug)]
pub struct Peer {
    process: Process,
    pub(crate) channel: Channel,
    pub(crate) stderr: Evidence,
    /// How much of that was asked for already.
    pub(crate) read: u64,
    sent: u64,
}

/// How long a peer that closed its channel may take to end.
const GRACE: Duration = Duration::from_secs(2);

impl Peer {
    /// Start a peer and shake hands.
    ///
    /// # Errors
    /// [`PeerError::Start`] where there is no such program; the others as in [`Peer::ask`].
    pub fn start(command: &PeerCommand, limit: Duration) -> Result<Self, PeerError> {
        let (ours, theirs) = Channel::pair().map_err(orchestrator("creating a channel"))?;
        let stderr = Evidence::new().map_err(orchestrator("keeping standard error"))?;
        let mut words = command.launcher.iter().map(OsStr::new).chain([command.program.as_os_str()]);
        let first = words.next().unwrap_or_default();
        let child = Command::new(first)
            .args(words)
            .env(PEER_VARIABLE, &command.backend)
            .envs(command.environment.iter().map(|(name, value)| (name, value)))
            .stdin(sys::stdio(theirs.into_handle()))
            .stdout(stderr.writer().map_err(orchestrator("keeping standard output"))?)
            .stderr(stderr.writer().map_err(orchestrator("keeping standard error"))?)
            .spawn()
            .map_err(|source| PeerError::Start { program: first.into(), source })?;
        Self::greet(Process::Child(child), ours, stderr, limit)
    }

    /// Shake hands with a process that has just begun.
    pub(crate) fn greet(process: Process, channel: Channel, stderr: Evidence, limit: Duration) -> Result<Self, PeerError> {
        let mut peer = Self { process, channel, stderr, read: 0, sent: 0 };
        match peer.ask(&Request::Hello { protocol: VERSION }, &[], limit)? {
            (Reply::Hello { protocol: VERSION, .. }, _) => Ok(peer),
            (other, _) => Err(peer.garbage(format!("expected hello in protocol version {VERSION}, got {other:?}"))),
        }
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What the process wrote to standard output and standard error since this was asked last.
    pub fn new_words(&mut self) -> String {
        let (words, end) = self.stderr.since(self.read);
        self.read = end;
        words
    }

    /// Whether a file with this in its name is mapped into the process: a driver's library, a layer's.
    ///
    /// # Errors
    /// [`PeerError::Orchestrator`] where it cannot be read.
    pub fn has_mapped(&self, name: &str) -> Result<bool, PeerError> {
        sys::has_mapped(self.pid(), name).map_err(orchestrator("reading what the peer has mapped"))
    }

    /// What the process holds now.
    ///
    /// # Errors
    /// [`PeerError::Orchestrator`] where it cannot be read.
    pub fn ledger(&self) -> Result<Ledger, PeerError> {
        Ledger::of(self.pid()).map_err(orchestrator("reading what the peer holds"))
    }

    /// Send a request, with duplicates of `handles` beside it, and wait for the answer.
    ///
    /// # Errors
    /// [`PeerError`]; after any of them the process has been killed and reaped.
    pub fn ask(
        &mut self,
        request: &Request,
        handles: &[&OwnedHandle],
        limit: Duration,
    ) -> Result<(Reply, Vec<OwnedHandle>), PeerError> {
        self.tell(request, handles, limit)?;
        self.hear(limit)
    }

    /// Send a request, and do not wait for the answer: [`Peer::hear`] does.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub fn tell(&mut self, request: &Request, handles: &[&OwnedHandle], limit: Duration) -> Result<(), PeerError> {
        self.sent += 1;
        let numbered = Numbered { id: self.sent, body: request };
        let bytes = serde_json::to_vec(&numbered).map_err(orchestrator("writing a request"))?;
        match self.channel.send(&bytes, handles, Deadline::after(limit)) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failed(error, limit)),
        }
    }

    /// Wait for the answer to the request that was sent last.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub fn hear(&mut self, limit: Duration) -> Result<(Reply, Vec<OwnedHandle>), PeerError> {
        match self.channel.receive(Deadline::after(limit)) {
            Ok(message) => match serde_json::from_slice::<Numbered<Reply>>(&message.bytes) {
                Ok(reply) if reply.id == self.sent => Ok((reply.body, message.handles)),
                Ok(reply) => Err(self.garbage(format!("an answer to request {} where {} was asked", reply.id, self.sent))),
                Err(error) => Err(self.garbage(format!("an answer that is none: {error}"))),
            },
            Err(error) => Err(self.failed(error, limit)),
        }
    }

    /// Why the channel to the peer failed; the process has ended then.
    fn failed(&mut self, error: ChannelError, limit: Duration) -> PeerError {
        match error {
            ChannelError::Closed | ChannelError::CutOff { .. } => self.died(),
            ChannelError::TimedOut => {
                self.kill();
                PeerError::Hung { after: limit, stderr: self.stderr.tail() }
            }
            error @ ChannelError::Os { .. } => {
                self.kill();
                orchestrator("talking to a peer")(error)
            }
            error => self.garbage(error.to_string()),
        }
    }

    fn garbage(&mut self, detail: String) -> PeerError {
        self.kill();
        PeerError::Garbage { detail, stderr: self.stderr.tail() }
    }

    fn died(&mut self) -> PeerError {
        match self.wait(GRACE) {
            Ok(exit) => PeerError::Died { exit, stderr: self.stderr.tail() },
            Err(error) => error,
        }
    }

    /// Ask the process to end with a status, and wait for that.
    ///
    /// # Errors
    /// [`PeerError::Hung`] when it does not.
    pub fn exit(&mut self, status: i32, limit: Duration) -> Result<Exit, PeerError> {
        match self.ask(&Request::Exit { status }, &[], limit) {
            Err(PeerError::Died { exit, .. }) => Ok(exit),
            Err(error) => Err(error),
            Ok((reply, _)) => Err(self.garbage(format!("answered {reply:?} to exit"))),
        }
    }

    /// Kill the process (`SIGKILL`) and reap it. One that has ended already stays as it ended.
    pub fn kill(&mut self) -> Exit {
        self.process.kill()
    }

    /// Wait until the process has ended by itself; one that does not is killed.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<Exit, PeerError> {
        let ended = sys::wait_for_exit(self.pid(), Deadline::after(limit)).map_err(orchestrator("waiting for a peer"))?;
        let exit = self.kill();
        Ok(if ended { exit } else { Exit::ClosedChannel })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn orchestrator<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    what: &'static str,
) -> impl FnOnce(E) -> PeerError {
    move |source| PeerError::Orchestrator { what, source: source.into() }
}
