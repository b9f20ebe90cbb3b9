//! A run as others read it: terminal, JSON, JUnit, HTML, Markdown.

pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod terminal;

use serde::{Deserialize, Serialize};

use crate::run::LaneResult;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// The suite's version.
    pub suite: String,
    /// Seconds since 1970 when it began.
    pub started: u64,
    /// The run's seed.
    pub seed: u64,
    /// Whether every case had new peers.
    pub fresh: bool,
    /// Every lane.
    pub lanes: Vec<LaneResult>,
    /// Drivers that gave no lane, and why.
    pub unavailable: Vec<String>,
}

impl RunReport {
    /// How the run ended, in one sentence.
    #[must_use]
    pub fn outcome(&self) -> String {
        let unexpected: usize = self.lanes.iter().map(|lane| lane.unexpected().count() + lane.idle_expectations.len()).sum();
        let known: usize = self.lanes.iter().flat_map(LaneResult::known).map(|(_, cases)| cases.len()).sum();
        let known = if known == 0 { String::new() } else { format!("; {known} cases fail in ways known of these drivers") };
        match unexpected {
            0 => format!("as expected{known}"),
            1 => format!("1 case is NOT as expected{known}"),
            _ => format!("{unexpected} cases are NOT as expected{known}"),
        }
    }

    /// Whether everything is as expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.lanes.iter().all(LaneResult::is_as_expected)
    }
}

/// `2026-11-21 09:05 UTC`.
fn moment(seconds_since_1970: u64) -> String {
    let moment = i64::try_from(seconds_since_1970).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    moment.map_or_else(|| "at an unknown time".into(), |moment| moment.format("%Y-%m-%d %H:%M UTC").to_string())
}
