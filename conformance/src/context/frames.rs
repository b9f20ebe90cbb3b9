//! Steps with frames.

use gpushare::frames::Policy;
use gpushare::timeline::Side;
use gpushare::{Channel, OwnedHandle, Pattern, TextureSpec};
use gpushare_harness::protocol::frames::{Came, FramesReply, FramesRequest, Slot, Why};
use gpushare_harness::protocol::{Code, Problem, Reply, Request};

use super::rings::{Partly, text};
use crate::case::{Outcome, Stop, require};
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

    /// Acquire a slot.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn acquire(&self, producer: EndOfFrames) -> Outcome<(OneFrame, Slot)> {
        self.try_acquire(producer, self.context.within())?.map_err(|problem| self.refused(&problem))
    }

    /// Try to acquire a slot.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_acquire(&self, producer: EndOfFrames, within: u64) -> Outcome<Result<(OneFrame, Slot), Problem>> {
        let (frame, acquiring) = self.begin_acquire(producer, within)?;
        self.finish_acquire(frame, acquiring)
    }

    /// Begin to acquire a slot.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_acquire(&self, producer: EndOfFrames, within: u64) -> Outcome<(OneFrame, Begun<'context, 'run>)> {
        let frame = self.next_number();
        let request = FramesRequest::Acquire { producer: producer.0, frame, within };
        Ok((OneFrame(frame), self.begin(Request::Frames(request))?))
    }

    /// What became of it.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn finish_acquire(&self, frame: OneFrame, begun: Begun<'_, '_>) -> Outcome<Result<(OneFrame, Slot), Problem>> {
        match begun.finish()? {
            Ok(Reply::Frames(FramesReply::Slot(slot))) => Ok(Ok((frame, slot))),
            Ok(other) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// No slot may be had, for one of these reasons.
    ///
    /// # Errors
    /// [`Stop::Fail`] where one is, or it is refused for another reason.
    pub fn acquire_is_refused(&self, producer: EndOfFrames, within: u64, codes: &[Code]) -> Outcome {
        match self.try_acquire(producer, within)? {
            Ok((_, slot)) => {
                Err(Stop::Fail(format!("{} got {slot:?} at {}, expected a refusal", self.role(), self.context.last_step())))
            }
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    /// Draw into a slot.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn draw(&self, frame: OneFrame, pattern: Pattern) -> Outcome {
        self.must_do(&Request::Frames(FramesRequest::Draw { frame: frame.0, pattern }))
    }

    /// Submit a slot.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn submit(&self, frame: OneFrame) -> Outcome<u64> {
        self.try_submit(frame)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to submit a slot.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_submit(&self, frame: OneFrame) -> Outcome<Result<u64, Problem>> {
        match self.try_ask(&Request::Frames(FramesRequest::Submit { frame: frame.0 }), &[])? {
            Ok((Reply::Frames(FramesReply::Submitted(number)), _)) => Ok(Ok(number)),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Acquire, draw and submit so many frames.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn produce(&self, producer: EndOfFrames, count: u64, pattern: Pattern) -> Outcome {
        let begun = self.begin_produce(producer, count, pattern)?;
        self.finish_produce(begun, count)
    }

    /// Begin to.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_produce(&self, producer: EndOfFrames, count: u64, pattern: Pattern) -> Outcome<Begun<'context, 'run>> {
        let within = self.context.within();
        self.begin(Request::Frames(FramesRequest::Produce { producer: producer.0, count, pattern, within }))
    }

    /// How many were submitted.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn produced(&self, begun: Begun<'_, '_>) -> Outcome<Partly<u64>> {
        match begun.finish()?.map_err(|problem| self.refused(&problem))? {
            Reply::Frames(FramesReply::Produced { count, stopped, .. }) => Ok((count, stopped)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// All of them have to be submitted.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_produce(&self, begun: Begun<'_, '_>, expected: u64) -> Outcome {
        let produced = self.produced(begun)?;
        self.expect_produced(produced, expected)
    }

    pub(crate) fn expect_produced(&self, (count, stopped): Partly<u64>, expected: u64) -> Outcome {
        require(count == expected && stopped.is_none(), || {
            let (role, step) = (self.role(), self.context.last_step());
            format!("{role} submitted {count} of {expected} frames at {step}: {}", text(stopped))
        })
    }

    /// Change the textures.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn reconfigure(&self, producer: EndOfFrames, spec: TextureSpec) -> Outcome {
        let within = self.context.within();
        self.must_do(&Request::Frames(FramesRequest::Reconfigure { producer: producer.0, spec, within }))
    }

    /// Who is gone, and how many generations have textures.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn departures(&self, producer: EndOfFrames) -> Outcome<(Vec<(u32, Why)>, u32)> {
        match self.must(&Request::Frames(FramesRequest::Departures { producer: producer.0 }))? {
            Reply::Frames(FramesReply::Departed { consumers, generations }) => Ok((consumers, generations)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// One consumer is gone, for this reason, within the time of a step.
    ///
    /// # Errors
    /// [`Stop::Fail`] where none is, or another.
    pub fn departs(&self, producer: EndOfFrames, consumer: Consumer, why: Why) -> Outcome {
        let end = std::time::Instant::now() + self.context.limit();
        loop {
            let (gone, _) = self.departures(producer)?;
            if gone == [(consumer.0, why)] {
                return Ok(());
            }
            if !gone.is_empty() || std::time::Instant::now() > end {
                return Err(Stop::Fail(format!("gone are {gone:?}, expected {consumer:?} as {why:?}")));
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// Let a consumer go.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn dismiss(&self, producer: EndOfFrames, consumer: Consumer) -> Outcome {
        self.must_do(&Request::Frames(FramesRequest::Dismiss { producer: producer.0, consumer: consumer.0 }))
    }

    /// Take the next frame.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn next_frame(&self, consumer: EndOfFrames) -> Outcome<(OneFrame, Came)> {
        self.try_next_frame(consumer, self.context.within())?.map_err(|problem| self.refused(&problem))
    }

    /// Try to take the next frame.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_next_frame(&self, consumer: EndOfFrames, within: u64) -> Outcome<Result<(OneFrame, Came), Problem>> {
        let (frame, begun) = self.begin_next_frame(consumer, within)?;
        match begun.finish()? {
            Ok(Reply::Frames(FramesReply::Came(came))) => Ok(Ok((frame, came))),
            Ok(other) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Begin to.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_next_frame(&self, consumer: EndOfFrames, within: u64) -> Outcome<(OneFrame, Begun<'context, 'run>)> {
        let frame = self.next_number();
        let request = FramesRequest::Next { consumer: consumer.0, frame, within };
        Ok((OneFrame(frame), self.begin(Request::Frames(request))?))
    }

    /// No frame may come, for one of these reasons.
    ///
    /// # Errors
    /// [`Stop::Fail`] where one does, or it is refused for another reason.
    pub fn no_frame_comes(&self, consumer: EndOfFrames, within: u64, codes: &[Code]) -> Outcome {
        match self.try_next_frame(consumer, within)? {
            Ok((_, came)) => Err(Stop::Fail(format!("{} got {came:?} at {}", self.role(), self.context.last_step()))),
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    /// A frame has to hold this picture.
    ///
    /// # Errors
    /// [`Stop::Fail`] tells how it differs.
    pub fn look_at(&self, frame: OneFrame, pattern: Pattern) -> Outcome {
        match self.must(&Request::Frames(FramesRequest::Look { frame: frame.0, pattern }))? {
            Reply::Done => Ok(()),
            Reply::Mismatch(mismatch) => {
                Err(Stop::Fail(format!("{} at {}: {mismatch}", self.role(), self.context.last_step())))
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Give a frame back.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn release(&self, frame: OneFrame) -> Outcome {
        self.must_do(&Request::Frames(FramesRequest::Release { frame: frame.0 }))
    }

    /// Take so many frames, compare and release each.
    ///
    /// # Errors
    /// [`Stop::Fail`] for one that holds another picture.
    pub fn try_consume(&self, consumer: EndOfFrames, count: u64, pattern: Pattern, within: u64) -> Outcome<Consumed> {
        let begun = self.begin_consume(consumer, count, pattern, within)?;
        self.finish_consume(begun)
    }

    /// Begin to.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_consume(
        &self,
        consumer: EndOfFrames,
        count: u64,
        pattern: Pattern,
        within: u64,
    ) -> Outcome<Begun<'context, 'run>> {
        self.begin(Request::Frames(FramesRequest::Consume { consumer: consumer.0, count, pattern, within }))
    }

    /// What came of it.
    ///
    /// # Errors
    /// [`Stop::Fail`] for a frame that holds another picture.
    pub fn finish_consume(&self, begun: Begun<'_, '_>) -> Outcome<Consumed> {
        match begun.finish()?.map_err(|problem| self.refused(&problem))? {
            Reply::Frames(FramesReply::Consumed { runs, skipped, mismatch: None, stopped }) => {
                Ok(Consumed { runs, skipped, stopped })
            }
            Reply::Frames(FramesReply::Consumed { runs, mismatch: Some(mismatch), .. }) => {
                let last = runs.last().map_or(0, |(_, to)| *to);
                Err(Stop::Fail(format!("{}: frame {last} at {}: {mismatch}", self.role(), self.context.last_step())))
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Exactly these frames have to come, one after the other.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn consume(&self, consumer: EndOfFrames, from: u64, to: u64, pattern: Pattern) -> Outcome {
        let begun = self.begin_consume(consumer, to - from + 1, pattern, self.context.within())?;
        self.finish_consume_of(begun, from, to)
    }

    /// The same of what was begun.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_consume_of(&self, begun: Begun<'_, '_>, from: u64, to: u64) -> Outcome {
        let Consumed { runs, skipped, stopped } = self.finish_consume(begun)?;
        require(runs == [(from, to)] && skipped == 0 && stopped.is_none(), || {
            let (role, step) = (self.role(), self.context.last_step());
            format!("{role} got {runs:?} at {step}, expected {from} to {to}; {skipped} skipped: {}", text(stopped))
        })
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
