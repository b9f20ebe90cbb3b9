//! Work given to the queue, and waiting until it is done.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ash::vk;

use crate::deadline::Deadline;
use crate::sync::{SyncError, SyncKind};
use crate::vulkan::device::Logical;
use crate::vulkan::error::vulkan;
use crate::waiter::Peer;

/// How long an object that is given back waits for the queue to be done with it.
const LINGER: Duration = Duration::from_secs(2);
/// What a process signalled before it died may still be on its way through this device's queue for so long.
const GRACE: Duration = Duration::from_millis(100);
/// A wait looks this often whether the watched process lives.
const LOOK: Duration = Duration::from_millis(10);
/// The longest single wait: what a driver makes of very long ones differs.
const LONGEST: Duration = Duration::from_secs(1);

/// What was submitted together. Dropping it waits a while; where that is not enough, the device is given up.
pub(super) struct Submission {
    logical: Arc<Logical>,
    fence: vk::Fence,
    /// A wait for it has failed: more of them would.
    hopeless: bool,
}

impl Submission {
    /// Give work to the queue.
    ///
    /// # Safety
    /// The work is valid, and what it refers to lives until it is done.
    pub(super) unsafe fn submit(logical: &Arc<Logical>, info: vk::SubmitInfo<'_>) -> Result<Self, SyncError> {
        logical.usable()?;
        let fence = take_fence(logical)?;
        // SAFETY: the caller's promise; the fence is unsignalled and nobody else's.
        if let Err(error) = unsafe { logical.queue_submit(&[info], fence) } {
            give_fence(logical, fence);
            return Err(vulkan("vkQueueSubmit")(error).into());
        }
        Ok(Self { logical: Arc::clone(logical), fence, hopeless: false })
    }

    /// Whether it is done. An error counts as not.
    pub(super) fn is_done(&self) -> bool {
        // SAFETY: the fence is of this device.
        matches!(unsafe { self.logical.raw.get_fence_status(self.fence) }, Ok(true))
    }

    /// Wait until it is done.
    pub(super) fn wait(&mut self, kind: SyncKind, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        let outcome = wait_for_fence(&self.logical, self.fence, kind, deadline, peer);
        self.hopeless = outcome.is_err();
        outcome
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        let patience = if self.hopeless { Duration::ZERO } else { LINGER };
        let waited = wait_for_fence(&self.logical, self.fence, SyncKind::Fence, Deadline::after(patience), &Peer::UNWATCHED);
        match waited {
            Ok(()) => give_fence(&self.logical, self.fence),
            Err(_) => self.logical.give_up(),
        }
    }
}

/// Forget what is done.
pub(super) fn prune(submissions: &mut Vec<Submission>) {
    submissions.retain(|submission| !submission.is_done());
}

/// Wait until a fence of this device is signalled.
pub(super) fn wait_for_fence(
    logical: &Logical,
    fence: vk::Fence,
    kind: SyncKind,
    deadline: Deadline,
    peer: &Peer,
) -> Result<(), SyncError> {
    // SAFETY: the fence is of this device.
    in_slices(kind, deadline, peer, |nanos| match unsafe { logical.raw.wait_for_fences(&[fence], true, nanos) } {
        Err(error) if error != vk::Result::TIMEOUT => Err(vulkan("vkWaitForFences")(error).into()),
        waited => Ok(waited.is_ok()),
    })
}

/// Call `wait`, which takes nanoseconds and says whether what it waits for has come, until it has or it is time to stop.
pub(super) fn in_slices(
    kind: SyncKind,
    deadline: Deadline,
    peer: &Peer,
    mut wait: impl FnMut(u64) -> Result<bool, SyncError>,
) -> Result<(), SyncError> {
    loop {
        // Death and deadline first, then a last look.
        let (dead, passed) = (peer.is_dead(), deadline.passed());
        let most = if peer.is_watched() { LOOK } else { LONGEST };
        let most = if dead { GRACE } else { most };
        let slice = if passed { Duration::ZERO } else { deadline.left().map_or(most, |left| left.min(most)) };
        if wait(u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX))? {
            return Ok(());
        }
        if dead {
            return Err(SyncError::PeerGone { what: kind });
        }
        if passed {
            return Err(SyncError::Timeout { what: kind });
        }
    }
}

fn take_fence(logical: &Logical) -> Result<vk::Fence, SyncError> {
    if let Some(fence) = logical.spare_fences.lock().unwrap_or_else(PoisonError::into_inner).pop() {
        return Ok(fence);
    }
    // SAFETY: the info lives through the call.
    let made = unsafe { logical.raw.create_fence(&vk::FenceCreateInfo::default(), None) };
    Ok(made.map_err(vulkan("vkCreateFence"))?)
}

/// Keep a fence that no work refers to for the next submission.
fn give_fence(logical: &Logical, fence: vk::Fence) {
    // SAFETY: the fence is of this device, and the work that it was for is done or was never submitted.
    match unsafe { logical.raw.reset_fences(&[fence]) } {
        Ok(()) => logical.spare_fences.lock().unwrap_or_else(PoisonError::into_inner).push(fence),
        // SAFETY: as above.
        Err(_) => unsafe { logical.raw.destroy_fence(fence, None) },
    }
}
