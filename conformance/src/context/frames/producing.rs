//! Frames that are drawn and submitted, and who is there to see them.

use std::time::{Duration, Instant};

use gpushare::{Pattern, TextureSpec};
use gpushare_harness::protocol::frames::{FramesReply, FramesRequest, Slot, Why};
use gpushare_harness::protocol::{Code, Problem, Reply, Request};

use super::{Consumer, EndOfFrames, OneFrame};
use crate::case::{Outcome, Stop, require};
use crate::context::rings::{Partly, text};
use crate::context::{Begun, Party};

impl<'context, 'run> Party<'context, 'run> {
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
        let end = Instant::now() + self.context.limit();
        loop {
            let (gone, _) = self.departures(producer)?;
            if gone == [(consumer.0, why)] {
                return Ok(());
            }
            if !gone.is_empty() || Instant::now() > end {
                return Err(Stop::Fail(format!("gone are {gone:?}, expected {consumer:?} as {why:?}")));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Let a consumer go.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn dismiss(&self, producer: EndOfFrames, consumer: Consumer) -> Outcome {
        self.must_do(&Request::Frames(FramesRequest::Dismiss { producer: producer.0, consumer: consumer.0 }))
    }
}
