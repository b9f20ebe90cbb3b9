//! How long an operation may take: a moment on the monotonic clock, or never.

use std::time::{Duration, Instant};

/// The moment by which an operation has to be done. Waits made of several steps share one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No deadline: wait for as long as it takes.
    pub const NEVER: Self = Self(None);

    /// So long from now. A span too long for the clock means never.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self(Instant::now().checked_add(span))
    }

    /// This moment, or so long from now if that is sooner.
    #[must_use]
    pub fn within(self, span: Duration) -> Self {
        Self::after(self.left().map_or(span, |left| left.min(span)))
    }

    /// What is left, zero once it has passed, `None` for never.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        self.0.map(|moment| moment.saturating_duration_since(Instant::now()))
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }
}
