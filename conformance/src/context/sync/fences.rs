//! What only a fence has: it can be signalled from the start, asked and unsignalled.

use gpushare::{HandleType, SyncKind};
use gpushare_harness::protocol::fence::FenceRequest;
use gpushare_harness::protocol::sync::SyncReply;
use gpushare_harness::protocol::{Problem, Reply, Request};

use super::Sync;
use crate::case::Outcome;
use crate::context::Party;

impl Party<'_, '_> {
    /// Create a fence that is signalled from the start.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop).
    pub fn create_signalled_fence(&self, export: &[HandleType]) -> Outcome<Sync> {
        let (id, export) = (self.context.number(self.seat), export.to_vec());
        self.must_do(&Request::Fence(FenceRequest::Create { fence: id, signalled: true, export }))?;
        Ok(Sync { kind: SyncKind::Fence, id })
    }

    /// Whether a fence is signalled.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop).
    pub fn is_signalled(&self, fence: Sync) -> Outcome<bool> {
        match self.must(&Request::Fence(FenceRequest::Status { fence: fence.id }))? {
            Reply::Sync(SyncReply::Signalled(signalled)) => Ok(signalled),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Unsignal a fence.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop).
    pub fn reset(&self, fence: Sync) -> Outcome {
        self.must_do(&Request::Fence(FenceRequest::Reset { fence: fence.id }))
    }

    /// Try to unsignal a fence.
    ///
    /// # Errors
    /// [`Stop`](crate::case::Stop) for anything but a refusal.
    pub fn try_reset(&self, fence: Sync) -> Outcome<Result<(), Problem>> {
        Ok(self.try_ask(&Request::Fence(FenceRequest::Reset { fence: fence.id }), &[])?.map(drop))
    }
}
