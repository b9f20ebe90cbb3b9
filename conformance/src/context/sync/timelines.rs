//! What only a timeline has: a value to begin with, to move to, to wait for among others, and to ask for.

use gpushare::{HandleType, Side, SyncKind, Which};
use gpushare_harness::protocol::sync::SyncReply;
use gpushare_harness::protocol::timeline::{Point, TimelineRequest};
use gpushare_harness::protocol::{Problem, Reply, Request};

use super::Sync;
use crate::case::Outcome;
use crate::context::{Begun, Party};

impl<'context, 'run> Party<'context, 'run> {
    /// Create a timeline that has reached a value.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop).
    pub fn create_timeline(&self, initial: u64, export: &[HandleType]) -> Outcome<Sync> {
        let (id, export) = (self.context.number(self.seat), export.to_vec());
        self.must_do(&Request::Timeline(TimelineRequest::Create { timeline: id, initial, export }))?;
        Ok(Sync { kind: SyncKind::Timeline, id })
    }

    /// Move a timeline on.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop).
    pub fn advance(&self, timeline: Sync, value: u64, by: Side) -> Outcome {
        self.must_do(&Request::Timeline(TimelineRequest::Signal { timeline: timeline.id, value, by }))
    }

    /// Try to move a timeline on.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop) for anything but a refusal.
    pub fn try_advance(&self, timeline: Sync, value: u64, by: Side) -> Outcome<Result<(), Problem>> {
        let request = Request::Timeline(TimelineRequest::Signal { timeline: timeline.id, value, by });
        Ok(self.try_ask(&request, &[])?.map(drop))
    }

    /// Wait for values of timelines.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop) for anything but a refusal.
    pub fn try_wait_for(&self, points: &[(Sync, u64)], which: Which, by: Side, within: u64) -> Outcome<Result<(), Problem>> {
        let points = points.iter().map(|(timeline, value)| Point { timeline: timeline.id, value: *value }).collect();
        let request = Request::Timeline(TimelineRequest::Wait { points, which, by, within, watching: None });
        Ok(self.try_ask(&request, &[])?.map(drop))
    }

    /// Begin to wait for values of timelines.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop).
    pub fn begin_wait_for(&self, points: &[(Sync, u64)], which: Which, by: Side) -> Outcome<Begun<'context, 'run>> {
        let points = points.iter().map(|(timeline, value)| Point { timeline: timeline.id, value: *value }).collect();
        let within = self.context.within();
        self.begin(Request::Timeline(TimelineRequest::Wait { points, which, by, within, watching: None }))
    }

    /// The value that a timeline has reached.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop).
    pub fn value(&self, timeline: Sync) -> Outcome<u64> {
        match self.must(&Request::Timeline(TimelineRequest::Value { timeline: timeline.id }))? {
            Reply::Sync(SyncReply::Value(value)) => Ok(value),
            other => Err(self.unexpected(&other)),
        }
    }
}
