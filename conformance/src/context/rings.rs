//! Steps with rings.

use std::time::Duration;

use gpushare::OwnedHandle;
use gpushare::ring::{Role, Terms};
use gpushare_harness::protocol::ring::{Digested, ReceiveManner, RingReply, RingRequest, SendManner, Waited};
use gpushare_harness::protocol::{Code, Object, Payload, Problem, Reply, Request};

use crate::case::{Outcome, Stop, require};
use crate::context::{Begun, Party};

/// A ring, as one peer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring(pub(crate) u32);

/// What another peer attaches with; the orchestrator holds the handles.
#[derive(Debug)]
pub struct RingOffer {
    /// What travels beside the handles.
    pub terms: Terms,
    /// The attaching side's memory object, and the creating side's.
    pub handles: [OwnedHandle; 2],
}

impl RingOffer {
    /// Second handles to the same objects, to be changed by a script.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when there is no descriptor left.
    pub fn try_clone(&self) -> Outcome<Self> {
        let copy = |handle: &OwnedHandle| handle.try_clone().map_err(|error| Stop::Inconclusive(error.to_string()));
        Ok(Self { terms: self.terms, handles: [copy(&self.handles[0])?, copy(&self.handles[1])?] })
    }
}

/// What a send or receive did before it ended, and what ended it.
pub type Partly<T> = (T, Option<Problem>);

impl<'context, 'run> Party<'context, 'run> {
    /// Create a ring and take one side of it.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_ring(&self, role: Role, capacity: u64) -> Outcome<(Ring, RingOffer)> {
        self.try_create_ring(role, capacity)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to create a ring.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_create_ring(&self, role: Role, capacity: u64) -> Outcome<Result<(Ring, RingOffer), Problem>> {
        self.try_offer(role, capacity, None)
    }

    pub(super) fn try_offer(
        &self,
        role: Role,
        capacity: u64,
        size: Option<usize>,
    ) -> Outcome<Result<(Ring, RingOffer), Problem>> {
        let [ring, first, second] = std::array::from_fn(|_| self.context.number(self.seat));
        let request = RingRequest::Create { ring, role, capacity, size, handles: [first, second] };
        match self.try_ask(&Request::Ring(request), &[])? {
            Ok((Reply::Ring(RingReply::Offered(terms)), _)) => {
                let given = self.give(&[super::Handle(first), super::Handle(second)])?;
                let handles = given.try_into().map_err(|_| Stop::Fail("a ring has two handles".into()))?;
                Ok(Ok((Ring(ring), RingOffer { terms, handles })))
            }
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Take a side of a ring that another peer created.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn attach_ring(&self, role: Role, offer: &RingOffer) -> Outcome<Ring> {
        self.try_attach_ring(role, offer)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to take a side. A refusal has to leave the handles with the peer, which closes them.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_attach_ring(&self, role: Role, offer: &RingOffer) -> Outcome<Result<Ring, Problem>> {
        self.try_accept(role, offer, None)
    }

    pub(super) fn try_accept(&self, role: Role, offer: &RingOffer, size: Option<usize>) -> Outcome<Result<Ring, Problem>> {
        let kept = self.keep(&offer.handles)?;
        let &[first, second] = kept.as_slice() else { return Err(Stop::Fail("a ring has two handles".into())) };
        let ring = self.context.number(self.seat);
        let request = RingRequest::Attach { ring, role, terms: offer.terms, size, handles: [first.0, second.0] };
        match self.try_ask(&Request::Ring(request), &[])? {
            Ok((Reply::Done, _)) => Ok(Ok(Ring(ring))),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => {
                self.close([first, second])?;
                Ok(Err(problem))
            }
        }
    }

    /// Attaching has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it succeeds or is refused for another reason.
    pub fn attach_is_refused(&self, role: Role, offer: &RingOffer, codes: &[Code]) -> Outcome {
        match self.try_attach_ring(role, offer)? {
            Ok(_) => Err(Stop::Fail(format!("{} attached at {}, expected a refusal", self.role(), self.context.last_step()))),
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    pub(crate) fn expect_code(&self, problem: &Problem, codes: &[Code]) -> Outcome {
        let Problem { code, message, .. } = problem;
        require(codes.contains(code), || {
            format!("{} was told {code:?} ({message}) at {}, expected {codes:?}", self.role(), self.context.last_step())
        })
    }

    /// A ring to another peer, which attaches to it.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ring_to(&self, consumer: &Self, capacity: u64) -> Outcome<(Ring, Ring)> {
        let (out, offer) = self.create_ring(Role::Producer, capacity)?;
        Ok((out, consumer.attach_ring(Role::Consumer, &offer)?))
    }

    /// Let waits of this ring end with another peer's death.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn watch_ring(&self, ring: Ring, other: &Self) -> Outcome {
        let process = other.make(Object::ThisProcess)?;
        let process = other.hand_over(process, self)?;
        self.must_do(&Request::Ring(RingRequest::Watch { ring: ring.0, process: process.0 }))
    }

    /// Watching an object that is no process has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn watching_is_refused(&self, ring: Ring, object: Object, codes: &[Code]) -> Outcome {
        let process = self.make(object)?.0;
        match self.try_ask(&Request::Ring(RingRequest::Watch { ring: ring.0, process }), &[])? {
            Ok(_) => Err(Stop::Fail(format!("{} watches {object:?}", self.role()))),
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    /// Let waits of this ring sleep at once, until a wake-up, the deadline or a death: what is lost is not found again by chance.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn sleep_soundly(&self, ring: Ring) -> Outcome {
        self.must_do(&Request::Ring(RingRequest::Patience { ring: ring.0, spin: 0, park: None }))
    }

    /// Send, and say how far that went.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn try_send_messages(
        &self,
        ring: Ring,
        messages: &[Payload],
        manner: SendManner,
        within: Option<u64>,
    ) -> Outcome<Partly<u32>> {
        let request = RingRequest::Send { ring: ring.0, messages: messages.into(), manner, within };
        self.sent(self.try_ask(&Request::Ring(request), &[])?.map(|(reply, _)| reply))
    }

    /// As [`Party::try_send_messages`], and go on meanwhile.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_send(
        &self,
        ring: Ring,
        messages: &[Payload],
        manner: SendManner,
        within: Option<u64>,
    ) -> Outcome<Begun<'context, 'run>> {
        self.begin(Request::Ring(RingRequest::Send { ring: ring.0, messages: messages.into(), manner, within }))
    }

    /// What became of a send that was begun.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_send(&self, begun: Begun<'_, '_>) -> Outcome<Partly<u32>> {
        self.sent(begun.finish()?)
    }

    fn sent(&self, answer: Result<Reply, Problem>) -> Outcome<Partly<u32>> {
        match answer.map_err(|problem| self.refused(&problem))? {
            Reply::Ring(RingReply::Sent { count, stopped }) => Ok((count, stopped)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// All of these have to be sent.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn send_all(&self, ring: Ring, messages: &[Payload], manner: SendManner) -> Outcome {
        let sent = self.try_send_messages(ring, messages, manner, Some(self.context.within()))?;
        self.expect_sent(sent, messages.len())
    }

    pub(crate) fn expect_sent(&self, (count, stopped): Partly<u32>, expected: usize) -> Outcome {
        require(count as usize == expected && stopped.is_none(), || {
            let (role, step) = (self.role(), self.context.last_step());
            format!("{role} sent {count} of {expected} messages at {step}: {}", text(stopped))
        })
    }

    /// Receive, and say how far that went.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn try_receive_messages(
        &self,
        ring: Ring,
        most: u32,
        manner: ReceiveManner,
        within: Option<u64>,
    ) -> Outcome<Partly<Vec<Digested>>> {
        let request = RingRequest::Receive { ring: ring.0, most, manner, within };
        self.received(self.try_ask(&Request::Ring(request), &[])?.map(|(reply, _)| reply))
    }

    /// As [`Party::try_receive_messages`], and go on meanwhile.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_receive(&self, ring: Ring, most: u32, manner: ReceiveManner, within: u64) -> Outcome<Begun<'context, 'run>> {
        self.begin(Request::Ring(RingRequest::Receive { ring: ring.0, most, manner, within: Some(within) }))
    }

    /// What became of a receive that was begun.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_receive(&self, begun: Begun<'_, '_>) -> Outcome<Partly<Vec<Digested>>> {
        self.received(begun.finish()?)
    }

    fn received(&self, answer: Result<Reply, Problem>) -> Outcome<Partly<Vec<Digested>>> {
        match answer.map_err(|problem| self.refused(&problem))? {
            Reply::Ring(RingReply::Received { messages, stopped }) => Ok((messages, stopped)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Exactly these have to arrive, in this order.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn receive_all(&self, ring: Ring, messages: &[Payload], manner: ReceiveManner) -> Outcome {
        let most = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        let came = self.try_receive_messages(ring, most, manner, Some(self.context.within()))?;
        self.expect_messages(came, messages)
    }

    pub(crate) fn expect_messages(&self, came: Partly<Vec<Digested>>, messages: &[Payload]) -> Outcome {
        let expected: Vec<Digested> = messages.iter().copied().map(Digested::from).collect();
        let (came, stopped) = came;
        if came == expected && stopped.is_none() {
            return Ok(());
        }
        let wrong = came.iter().zip(&expected).position(|(came, expected)| came != expected).unwrap_or(came.len());
        let at = |list: &[Digested]| list.get(wrong).map_or("nothing".into(), |message| format!("{} bytes", message.len));
        Err(Stop::Fail(format!(
            "{} received {} messages at {}, expected {}; number {wrong} is {} where {} was sent: {}",
            self.role(),
            came.len(),
            self.context.last_step(),
            expected.len(),
            at(&came),
            at(&expected),
            text(stopped)
        )))
    }

    /// There has to be nothing to receive now, and nothing wrong.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finds_empty(&self, ring: Ring) -> Outcome {
        let came = self.try_receive_messages(ring, 1, ReceiveManner::Single, None)?;
        self.expect_messages(came, &[])
    }

    /// There has to be no room for this message now, and nothing wrong.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finds_full(&self, ring: Ring, message: Payload) -> Outcome {
        let (count, stopped) = self.try_send_messages(ring, &[message], SendManner::Single, None)?;
        require(count == 0 && stopped.is_none(), || {
            format!("{} sent {count} into a full ring at {}: {}", self.role(), self.context.last_step(), text(stopped))
        })
    }

    /// Receiving has to end with one of these codes, before any message.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn receive_ends_with(&self, ring: Ring, within: Option<u64>, codes: &[Code]) -> Outcome {
        let came = self.try_receive_messages(ring, 1, ReceiveManner::Single, within)?;
        self.expect_end(came.0.len(), came.1, codes)
    }

    /// Sending has to end with one of these codes, before any message.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn send_ends_with(&self, ring: Ring, message: Payload, within: Option<u64>, codes: &[Code]) -> Outcome {
        let (count, stopped) = self.try_send_messages(ring, &[message], SendManner::Single, within)?;
        self.expect_end(count as usize, stopped, codes)
    }

    pub(crate) fn expect_end(&self, count: usize, stopped: Option<Problem>, codes: &[Code]) -> Outcome {
        let (role, step) = (self.role(), self.context.last_step());
        match stopped {
            Some(problem) if count == 0 => self.expect_code(&problem, codes),
            stopped => {
                Err(Stop::Fail(format!("{role} got {count} done at {step} ({}), expected {codes:?} before any", text(stopped))))
            }
        }
    }

    /// Begin to wait, for a message or for room for `len` bytes.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_ring_wait(&self, ring: Ring, len: usize, within: u64) -> Outcome<Begun<'context, 'run>> {
        self.begin(Request::Ring(RingRequest::Wait { ring: ring.0, len, within }))
    }

    /// How a wait that was begun ended.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_ring_wait(&self, begun: Begun<'_, '_>) -> Outcome<Waited> {
        match begun.finish()?.map_err(|problem| self.refused(&problem))? {
            Reply::Ring(RingReply::Waited(waited)) => Ok(waited),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Wait, which has to end so.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ring_wait_ends(&self, ring: Ring, len: usize, within: u64, expected: Waited) -> Outcome {
        let begun = self.begin_ring_wait(ring, len, within)?;
        self.ring_wait_ended(begun, expected)
    }

    /// A wait that was begun has to end so.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ring_wait_ended(&self, begun: Begun<'_, '_>, expected: Waited) -> Outcome {
        let waited = self.finish_ring_wait(begun)?;
        require(waited == expected, || {
            format!("{}'s wait ended as {waited:?} at {}, expected {expected:?}", self.role(), self.context.last_step())
        })
    }

    /// Bytes of the longest message.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn max_message(&self, ring: Ring) -> Outcome<usize> {
        match self.must(&Request::Ring(RingRequest::Look { ring: ring.0 }))? {
            Reply::Ring(RingReply::Side { max_message: Some(max), .. }) => Ok(max),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Wake-ups that cost a system call.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn wakes(&self, ring: Ring) -> Outcome<u64> {
        match self.must(&Request::Ring(RingRequest::Look { ring: ring.0 }))? {
            Reply::Ring(RingReply::Side { wakes, .. }) => Ok(wakes),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Leave rings.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn close_rings(&self, rings: &[Ring]) -> Outcome {
        self.must_do(&Request::Ring(RingRequest::Close { rings: rings.iter().map(|ring| ring.0).collect() }))
    }
}

/// Let some time pass in which a peer that was asked to wait falls asleep. What follows does not rest on it: a peer that is
/// still awake then makes the case easier to pass and never fails it.
pub fn let_it_sleep() {
    std::thread::sleep(Duration::from_millis(20));
}

pub(crate) fn text(stopped: Option<Problem>) -> String {
    stopped.map_or_else(|| "nothing was wrong".into(), |Problem { code, message, .. }| format!("{code:?} ({message})"))
}
