//! What a case can end in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The outcome of one case on one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its rules held.
    Pass,
    /// A rule that should hold did not.
    Warn,
    /// It could not run here; decided before it started, and never a pass.
    Skip,
    /// It ran and showed nothing.
    Inconclusive,
    /// A rule that must hold did not.
    Fail,
    /// A peer died.
    Crash,
    /// A peer did not answer in time.
    Hang,
    /// Its rules held, and a peer holds more than before.
    Leak,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Self; 8] =
        [Self::Pass, Self::Warn, Self::Skip, Self::Inconclusive, Self::Fail, Self::Crash, Self::Hang, Self::Leak];

    /// Its name, as in reports and expectations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Leak => "leak",
        }
    }

    /// Whether it needs no attention where nothing is expected.
    #[must_use]
    pub const fn is_fine(self) -> bool {
        matches!(self, Self::Pass | Self::Skip | Self::Warn)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
