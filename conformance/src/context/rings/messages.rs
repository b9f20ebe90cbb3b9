//! Messages through a ring: sent, received, and what has to come of that.

use gpushare_harness::protocol::ring::{Digested, ReceiveManner, RingReply, RingRequest, SendManner};
use gpushare_harness::protocol::{Code, Payload, Problem, Reply, Request};

use super::{Partly, Ring, text};
use crate::case::{Outcome, Stop, require};
use crate::context::{Begun, Party};

impl<'context, 'run> Party<'context, 'run> {
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
}
