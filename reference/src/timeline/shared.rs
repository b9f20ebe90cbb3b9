//! A timeline without a driver: a number in shared memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::deadline::Deadline;
use crate::handle::{HandleType, OwnedHandle};
use crate::shm::{AttachRefused, SharedMemoryError};
use crate::sync::{SharedWord, SyncError, SyncHandle, SyncKind, SyncRefused, wait_for};
use crate::timeline::Which;
use crate::waiter::Peer;

/// A number in shared memory that only grows. Waiting and signalling cost a system call only where somebody sleeps.
///
/// As seen through one value of this type it never goes backwards, whatever another process writes. A peer that can write to it can move it
/// on, as it may; to one made by [`SharedTimeline::create_owned`] nobody but its creator can write, which the kernel holds to.
#[derive(Debug)]
pub struct SharedTimeline {
    word: SharedWord,
    /// The greatest value that was seen.
    seen: AtomicU64,
}

impl SharedTimeline {
    /// A new timeline that everybody who has its handle can move on.
    ///
    /// # Errors
    /// [`SyncError::SharedMemory`] where the system has no memory or descriptor left.
    pub fn create(initial: u64) -> Result<Self, SyncError> {
        Ok(Self::over(SharedWord::create(SyncKind::Timeline, initial)?))
    }

    /// A new timeline that only this process can move on.
    ///
    /// # Errors
    /// As [`SharedTimeline::create`].
    pub fn create_owned(initial: u64) -> Result<Self, SyncError> {
        Ok(Self::over(SharedWord::create_owned(SyncKind::Timeline, initial)?))
    }

    /// A timeline that another process created.
    ///
    /// # Errors
    /// [`SyncRefused`] gives the handle back: it is no shared memory, or holds no timeline.
    pub fn attach(handle: OwnedHandle) -> Result<Self, SyncRefused> {
        SharedWord::attach(handle, SyncKind::Timeline).map(Self::over).map_err(refused)
    }

    fn over(word: SharedWord) -> Self {
        let seen = AtomicU64::new(word.load());
        Self { word, seen }
    }

    /// A new handle to it, to send to another process.
    ///
    /// # Errors
    /// [`SyncError::SharedMemory`] when the process has no descriptor left.
    pub fn handle(&self) -> Result<OwnedHandle, SyncError> {
        Ok(self.word.handle()?)
    }

    /// Whether this process can move it on.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.word.is_writable()
    }

    /// The value that it has reached.
    #[must_use]
    pub fn value(&self) -> u64 {
        let found = self.word.load();
        self.seen.fetch_max(found, Ordering::AcqRel).max(found)
    }

    /// Move it on, and wake whoever waits for that.
    ///
    /// # Errors
    /// [`SyncError::NotIncreasing`] for a value that it has reached, [`SyncError::SharedMemory`] where only another process may.
    pub fn signal(&self, value: u64) -> Result<(), SyncError> {
        let floor = self.value();
        match self.word.change(|found| (value > found.max(floor)).then_some(value))? {
            Ok(_) => Ok(()),
            Err(found) => Err(SyncError::NotIncreasing { found: value, current: found.max(floor) }),
        }
    }

    /// Wait until it has reached a value.
    ///
    /// # Errors
    /// [`SyncError::Timeout`] once the deadline has passed, [`SyncError::PeerGone`] once `peer` is dead.
    pub fn wait(&self, value: u64, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        Self::wait_several(&[(self, value)], Which::All, deadline, peer)
    }

    /// Wait for several.
    ///
    /// # Errors
    /// As [`SharedTimeline::wait`].
    pub fn wait_several(waits: &[(&Self, u64)], which: Which, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        let reached = |(timeline, value): &(&Self, u64)| timeline.value() >= *value;
        match which {
            Which::Any if waits.is_empty() => Ok(()),
            Which::Any => {
                let words: Vec<_> = waits.iter().map(|(timeline, _)| &timeline.word).collect();
                wait_for(&words, SyncKind::Timeline, deadline, peer, || waits.iter().any(reached))
            }
            Which::All => waits
                .iter()
                .try_for_each(|wait| wait_for(&[&wait.0.word], SyncKind::Timeline, deadline, peer, || reached(wait))),
        }
    }
}

/// The refusal to import what is no object of ours.
pub(crate) fn refused(refused: AttachRefused) -> SyncRefused {
    let error = match refused.error {
        error @ SharedMemoryError::Os { .. } => error.into(),
        other => SyncError::InvalidHandle { expected: HandleType::SharedMemory, detail: other.to_string() },
    };
    SyncRefused { handle: Some(SyncHandle::Handle(refused.handle)), error }
}
