//! Timelines: numbers that only grow, which processes and devices wait for.
//!
//! [`SharedTimeline`] needs no driver: a number in shared memory. A driver that exports no timeline falls back on it, so that work can
//! be ordered between processes everywhere.

mod shared;

pub(crate) use shared::refused;

pub use shared::SharedTimeline;

use serde::{Deserialize, Serialize};

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::sync::{SyncDescriptor, SyncError, SyncHandle, SyncRefused, Synchronisation};
use crate::waiter::Peer;

/// Who signals or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The calling thread (`vkSignalSemaphore`, `vkWaitSemaphores`).
    Host,
    /// The device's queue, after all that was submitted before (`vkQueueSubmit`).
    Device,
}

/// How many of several timelines a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Each of them (`wait_all`).
    All,
    /// One of them, whichever comes first (`wait_any`).
    Any,
}

/// Timelines of a device.
pub trait Timelines: Synchronisation {
    /// This backend's timeline; given back when dropped.
    type Timeline;

    /// A new timeline that has reached `initial`. `export` declares the types of handles that it can be exported as.
    ///
    /// # Errors
    /// As [`crate::Semaphores::create_semaphore`].
    fn create_timeline(&self, initial: u64, export: &[HandleType]) -> Result<Self::Timeline, SyncError>;

    /// Take over a number in shared memory as a timeline of this device, which can be exported as [`HandleType::SharedMemory`].
    fn adopt_timeline(&self, shared: SharedTimeline) -> Self::Timeline;

    /// How far ahead of its value a timeline may be signalled and waited for (`maxTimelineSemaphoreValueDifference`).
    fn max_difference(&self, timeline: &Self::Timeline) -> u64;

    /// The value that it has reached.
    ///
    /// # Errors
    /// [`SyncError::DeviceLost`], or what the driver answered.
    fn value(&self, timeline: &Self::Timeline) -> Result<u64, SyncError>;

    /// Move it on to a value: at once, or once the device has done all that was submitted before.
    ///
    /// # Errors
    /// [`SyncError::NotIncreasing`] for a value that it has reached or that is pending (VUID-VkSemaphoreSignalInfo-value-03258,
    /// 03259), [`SyncError::TooFarAhead`] (…-value-03260), or what the driver answered.
    fn signal_timeline(&self, timeline: &mut Self::Timeline, value: u64, by: Side) -> Result<(), SyncError>;

    /// Wait until timelines have reached values. No wait changes one. A wait for no timeline ends at once.
    ///
    /// # Errors
    /// [`SyncError::Timeout`] once the deadline has passed, [`SyncError::PeerGone`] once `peer` is dead, [`SyncError::DeviceLost`], or
    /// what the driver answered.
    fn wait_timelines(
        &self,
        waits: &[(&Self::Timeline, u64)],
        which: Which,
        deadline: Deadline,
        peer: &Peer,
    ) -> Result<(), SyncError>;

    /// Let the device's queue wait for a value, and wait until it has. As with a binary semaphore, a driver's wait cannot be called back:
    /// after a timeout the queue stands still until the value is reached.
    ///
    /// # Errors
    /// As [`Timelines::wait_timelines`].
    fn wait_on_device(
        &self,
        timeline: &mut Self::Timeline,
        value: u64,
        deadline: Deadline,
        peer: &Peer,
    ) -> Result<(), SyncError>;

    /// A handle to its payload, and the descriptor that must travel beside it.
    ///
    /// # Errors
    /// [`SyncError::NotExportable`] where the type was not declared, [`SyncError::InvalidUse`] for an import that the device does not
    /// export again.
    fn export_timeline(
        &self,
        timeline: &mut Self::Timeline,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError>;

    /// A timeline over the payload that a handle carries, for good (VUID-VkImportSemaphoreFdInfoKHR-flags-03323: there are no temporary
    /// ones). The handle is consumed by success and only then. Where the device exports imported timelines, this one can be.
    ///
    /// # Errors
    /// [`SyncRefused`] holds the handle and the reason: [`SyncError::Descriptor`] for a binary semaphore's handle
    /// (VUID-VkImportSemaphoreFdInfoKHR-handleType-03264), or what the driver answered.
    fn import_timeline(&self, descriptor: &SyncDescriptor, handle: SyncHandle) -> Result<Self::Timeline, SyncRefused>;
}

/// Wait until every timeline has reached its value. See [`Timelines::wait_timelines`].
///
/// # Errors
/// As [`Timelines::wait_timelines`].
pub fn wait_all<D: Timelines>(
    device: &D,
    waits: &[(&D::Timeline, u64)],
    deadline: Deadline,
    peer: &Peer,
) -> Result<(), SyncError> {
    device.wait_timelines(waits, Which::All, deadline, peer)
}

/// Wait until one timeline has reached its value. See [`Timelines::wait_timelines`].
///
/// # Errors
/// As [`Timelines::wait_timelines`].
pub fn wait_any<D: Timelines>(
    device: &D,
    waits: &[(&D::Timeline, u64)],
    deadline: Deadline,
    peer: &Peer,
) -> Result<(), SyncError> {
    device.wait_timelines(waits, Which::Any, deadline, peer)
}

/// Values of signals that were submitted to a queue and may not have come yet, in that order.
#[derive(Debug, Default)]
pub(crate) struct PendingSignals(Vec<u64>);

impl PendingSignals {
    /// Whether a signal may be given now.
    pub(crate) fn check(&mut self, value: u64, current: u64, by: Side, most: u64) -> Result<(), SyncError> {
        self.0.retain(|pending| *pending > current);
        let floor = match by {
            Side::Host => current,
            Side::Device => self.0.last().copied().unwrap_or(current),
        };
        if value <= floor {
            return Err(SyncError::NotIncreasing { found: value, current: floor });
        }
        if by == Side::Host && self.0.first().is_some_and(|pending| value >= *pending) {
            let what = "a signal of a value that is not above this one is pending on the device";
            return Err(SyncError::InvalidUse { what, rule: "VUID-VkSemaphoreSignalInfo-value-03259" });
        }
        if value - current > most {
            return Err(SyncError::TooFarAhead { found: value, current, most });
        }
        Ok(())
    }

    /// One was submitted, which [`PendingSignals::check`] allowed.
    pub(crate) fn submitted(&mut self, value: u64) {
        self.0.push(value);
    }
}
