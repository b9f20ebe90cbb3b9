//! Steps with frames: who gives them and who takes them.

mod consuming;
mod producing;

use gpushare::frames::Policy;
use gpushare::timeline::Side;
use gpushare::{Channel, OwnedHandle, TextureSpec};
use gpushare_harness::protocol::frames::{FramesReply, FramesRequest};
use gpushare_harness::protocol::{Problem, Reply, Request};

use crate::case::{Outcome, Stop};
use crate::context::{Begun, Party};

/// A producer or consumer of frames, as its peer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfFrames(u32);

/// A consumer, as its producer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumer(pub u32);

/// A slot that was acquired, or a frame that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneFrame(u32);

/// What came of many frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// The numbers, without gaps in each run.
    pub runs: Vec<(u64, u64)>,
    /// How many were returned unseen.
    pub skipped: u64,
    /// What stopped it before all came.
    pub stopped: Option<Problem>,
}

impl Consumed {
    /// How many came.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|(from, to)| to - from + 1).sum()
    }
}

impl<'context, 'run> Party<'context, 'run> {
    /// Create a producer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_frames(&self, spec: TextureSpec, slots: u32, policy: Policy) -> Outcome<EndOfFrames> {
        let producer = self.next_number();
        self.must_do(&Request::Frames(FramesRequest::Create { producer, spec, slots, policy }))?;
        Ok(EndOfFrames(producer))
    }

    /// Let another peer in, which joins.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn invite(&self, producer: EndOfFrames, other: &Self) -> Outcome<(Consumer, EndOfFrames)> {
        let (ours, theirs) = channel()?;
        let inviting = self.begin_invite(producer, ours.into_handle())?;
        let joined = other.try_join(theirs.into_handle());
        // Whatever became of the other, its answer has to be heard.
        let invited = self.finish_invite(inviting)?;
        let joined = joined?.map_err(|problem| other.refused(&problem))?;
        Ok((invited.map_err(|problem| self.refused(&problem))?, joined))
    }

    /// Begin to let somebody in who joins at the other end of a socket.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_invite(&self, producer: EndOfFrames, socket: OwnedHandle) -> Outcome<Begun<'context, 'run>> {
        let handle = self.kept(socket)?;
        let within = self.context.within();
        self.begin(Request::Frames(FramesRequest::Invite { producer: producer.0, handle, within }))
    }

    /// What became of an invitation.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn finish_invite(&self, begun: Begun<'_, '_>) -> Outcome<Result<Consumer, Problem>> {
        match begun.finish()? {
            Ok(Reply::Frames(FramesReply::Invited(consumer))) => Ok(Ok(Consumer(consumer))),
            Ok(other) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Try to join at the other end of a socket.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_join(&self, socket: OwnedHandle) -> Outcome<Result<EndOfFrames, Problem>> {
        let handle = self.kept(socket)?;
        let (consumer, within) = (self.next_number(), self.context.within());
        let asked = self.try_ask(&Request::Frames(FramesRequest::Join { consumer, handle, within }), &[])?;
        Ok(asked.map(|_| EndOfFrames(consumer)))
    }

    fn kept(&self, socket: OwnedHandle) -> Outcome<u32> {
        let kept = self.keep(&[socket])?;
        kept.first().map(|handle| handle.0).ok_or_else(|| Stop::Inconclusive("no handle was kept".into()))
    }

    /// Let the host or the device say that a frame is rendered, or was read.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn signal_by(&self, of: EndOfFrames, by: Side) -> Outcome {
        self.must_do(&Request::Frames(FramesRequest::Side { of: of.0, by }))
    }

    /// Leave.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn close_frames(&self, of: EndOfFrames) -> Outcome {
        self.must_do(&Request::Frames(FramesRequest::Close { of: vec![of.0] }))
    }
}

/// The two ends of a connection.
///
/// # Errors
/// [`Stop::Inconclusive`] where the orchestrator has no descriptor left.
pub fn channel() -> Outcome<(Channel, Channel)> {
    Channel::pair().map_err(|error| Stop::Inconclusive(error.to_string()))
}
