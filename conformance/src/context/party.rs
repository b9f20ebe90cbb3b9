//! A peer in its role, and the names of what it holds.

use std::time::{Duration, Instant};

use gpushare::OwnedHandle;
use gpushare_harness::protocol::{Code, DeviceReport, Id, Problem, Reply, Request};
use gpushare_harness::spawn::Exit;
use gpushare_harness::{Ledger, Peer};

use crate::case::{Outcome, Stop};
use crate::context::{Context, ROLES};

/// A texture of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texture(pub(crate) Id);

/// A handle that one peer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub(crate) Id);

/// A peer in its role.
#[derive(Clone, Copy)]
pub struct Party<'context, 'run> {
    pub(crate) context: &'context Context<'run>,
    pub(crate) seat: usize,
}

/// A request that was sent, and whose answer is still to come.
#[must_use]
pub struct Begun<'context, 'run> {
    party: Party<'context, 'run>,
    request: Request,
    sent: Instant,
}

impl Begun<'_, '_> {
    /// How long ago it was sent.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.sent.elapsed()
    }

    /// Wait for the answer, and tell a refusal apart.
    ///
    /// # Errors
    /// [`Stop`] for anything but an answer or a refusal.
    pub fn finish(self) -> Outcome<Result<Reply, Problem>> {
        let Self { party, request, sent } = self;
        party.sorted(party.context.hear(party.seat, sent, &request)?).map(|answer| answer.map(|(reply, _)| reply))
    }
}

impl<'context, 'run> Party<'context, 'run> {
    pub(crate) const fn new(context: &'context Context<'run>, seat: usize) -> Self {
        Self { context, seat }
    }

    /// Its place among the peers of the case.
    pub(crate) const fn seat(&self) -> usize {
        self.seat
    }

    /// A number for a texture or handle that it is to have.
    pub(crate) fn next_number(&self) -> u32 {
        self.context.number(self.seat)
    }

    /// Ask, whatever the answer.
    pub(crate) fn ask(&self, request: &Request, beside: &[&OwnedHandle]) -> Outcome<(Reply, Vec<OwnedHandle>)> {
        self.context.ask(self.seat, request, beside)
    }

    /// Its role, for texts.
    #[must_use]
    pub fn role(&self) -> &'static str {
        ROLES[self.seat]
    }

    /// Ask, and tell a refusal apart.
    pub(crate) fn try_ask(
        &self,
        request: &Request,
        beside: &[&OwnedHandle],
    ) -> Outcome<Result<(Reply, Vec<OwnedHandle>), Problem>> {
        self.sorted(self.ask(request, beside)?)
    }

    /// A request that made no sense to the peer shows nothing; any other refusal is an answer.
    fn sorted(&self, answer: (Reply, Vec<OwnedHandle>)) -> Outcome<Result<(Reply, Vec<OwnedHandle>), Problem>> {
        match answer {
            (Reply::Refused(problem), _) if problem.code == Code::Request => {
                Err(Stop::Inconclusive(format!("{} at {}: {}", self.role(), self.context.last_step(), problem.message)))
            }
            (Reply::Refused(problem), _) => Ok(Err(problem)),
            answer => Ok(Ok(answer)),
        }
    }

    /// Ask for something that has to succeed.
    pub(crate) fn must(&self, request: &Request) -> Outcome<Reply> {
        let answer = self.try_ask(request, &[])?;
        answer.map(|(reply, _)| reply).map_err(|problem| self.refused(&problem))
    }

    /// Ask for something whose answer is only that it was done.
    pub(crate) fn must_do(&self, request: &Request) -> Outcome {
        match self.must(request)? {
            Reply::Done => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// The failure that a refusal is where success is due.
    pub(crate) fn refused(&self, problem: &Problem) -> Stop {
        Stop::Refused { by: self.role(), step: self.context.last_step(), problem: problem.clone() }
    }

    /// An answer to another question.
    pub(crate) fn unexpected(&self, reply: &Reply) -> Stop {
        Stop::Fail(format!("{} answered {} with {reply:?}", self.role(), self.context.last_step()))
    }

    /// Ask for something that takes until somebody else has done something; [`Begun::finish`] waits for the answer.
    ///
    /// # Errors
    /// [`Stop`] where it cannot be asked.
    pub fn begin(&self, request: Request) -> Outcome<Begun<'context, 'run>> {
        let sent = self.context.tell(self.seat, &request)?;
        Ok(Begun { party: *self, request, sent })
    }

    /// Let a signal handler run in the process.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where the system refuses.
    pub fn interrupt(&self) -> Outcome {
        self.context.signal(self.seat, "interrupt", Peer::interrupt)
    }

    /// Stop the process (`SIGSTOP`).
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where the system refuses.
    pub fn pause(&self) -> Outcome {
        self.context.signal(self.seat, "stop", Peer::pause)
    }

    /// Let it go on (`SIGCONT`).
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where the system refuses.
    pub fn resume(&self) -> Outcome {
        self.context.signal(self.seat, "continue", Peer::resume)
    }

    /// Kill the process (`SIGKILL`).
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when it had ended before.
    pub fn kill(&self) -> Outcome {
        match self.context.end(self.seat, None)? {
            Exit::Signal { name } if name == "SIGKILL" => Ok(()),
            exit => {
                Err(Stop::Crash { exit: exit.clone(), detail: format!("{} ended before it was killed: {exit}", self.role()) })
            }
        }
    }

    /// Let the process end by itself, freeing nothing.
    ///
    /// # Errors
    /// [`Stop::Crash`] when it ends in another way.
    pub fn exit(&self) -> Outcome {
        match self.context.end(self.seat, Some(0))? {
            Exit::Status { code: 0 } => Ok(()),
            exit => {
                Err(Stop::Crash { exit: exit.clone(), detail: format!("{} was asked to exit with 0: {exit}", self.role()) })
            }
        }
    }

    /// What the devices say they can share, asked anew in this process.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn probe(&self) -> Outcome<Vec<DeviceReport>> {
        match self.must(&Request::Probe)? {
            Reply::Devices(reports) => Ok(reports),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Bytes of device memory that the driver says the process uses.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when it does not tell.
    pub fn heap_usage(&self) -> Outcome<u64> {
        match self.must(&Request::HeapUsage)? {
            Reply::HeapUsage(Some(bytes)) => Ok(bytes),
            Reply::HeapUsage(None) => Err(Stop::Inconclusive("the driver no longer tells its heap usage".into())),
            other => Err(self.unexpected(&other)),
        }
    }

    /// What the process holds now.
    ///
    /// # Errors
    /// [`Stop`] where that cannot be counted.
    pub fn holdings(&self) -> Outcome<Ledger> {
        self.context.holdings(self.seat)
    }

    /// Bytes of the process's private memory that are resident.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when the system does not tell.
    pub fn private_bytes(&self) -> Outcome<u64> {
        let pid = self.context.pid(self.seat)?;
        gpushare_harness::ledger::resident_private_bytes(pid).map_err(|error| Stop::Inconclusive(error.to_string()))
    }
}
