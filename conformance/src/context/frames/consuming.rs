//! Frames that are taken, looked at and given back.

use gpushare::Pattern;
use gpushare_harness::protocol::frames::{Came, FramesReply, FramesRequest};
use gpushare_harness::protocol::{Code, Problem, Reply, Request};

use super::{Consumed, EndOfFrames, OneFrame};
use crate::case::{Outcome, Stop, require};
use crate::context::rings::text;
use crate::context::{Begun, Party};

impl<'context, 'run> Party<'context, 'run> {
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
}
