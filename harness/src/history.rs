//! What was asked and answered in a run, as JSON Lines: a header, an event a line, a footer.
//!
//! A file without a footer is one whose run was cut off.

use std::io::{self, Write};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::protocol::{Reply, Request};

/// Version of these lines.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "line")]
pub enum Line {
    /// The first.
    Header {
        /// [`VERSION`].
        version: u32,
        /// The version of the suite.
        suite: String,
        /// The run's seed.
        seed: u64,
        /// Seconds since 1970 at the start.
        started: u64,
    },
    /// A step of a case.
    Step(Box<Step>),
    /// A case was decided.
    Decided {
        /// Microseconds since the run began.
        at: u64,
        /// Lane and case.
        case: String,
        /// The verdict's name.
        verdict: String,
    },
    /// The last.
    Footer {
        /// Cases decided.
        cases: u64,
        /// Steps recorded.
        steps: u64,
    },
}

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Microseconds since the run began, when the request was sent.
    pub at: u64,
    /// Microseconds until the answer.
    pub took: u64,
    /// Lane and case.
    pub case: String,
    /// Which process.
    pub peer: String,
    /// Counts up from 1 within the case.
    pub step: u32,
    /// The request; absent where the step is none (a kill).
    pub request: Option<Request>,
    /// What was done where it is no request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The answer; absent where none came.
    pub reply: Option<Reply>,
    /// What happened instead of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Writes lines and counts them.
pub struct History<W: Write> {
    out: W,
    start: Instant,
    cases: u64,
    steps: u64,
}

impl<W: Write> History<W> {
    /// Begin with a header. `start` is the moment from which the steps' times count.
    ///
    /// # Errors
    /// The writer's.
    pub fn begin(out: W, start: Instant, suite: &str, seed: u64, started: u64) -> io::Result<Self> {
        let mut history = Self { out, start, cases: 0, steps: 0 };
        history.write(&Line::Header { version: VERSION, suite: suite.into(), seed, started })?;
        Ok(history)
    }

    /// Add a case: its steps and its verdict.
    ///
    /// # Errors
    /// The writer's.
    pub fn case(&mut self, case: &str, steps: &[Step], verdict: &str) -> io::Result<()> {
        for step in steps {
            self.write(&Line::Step(Box::new(step.clone())))?;
        }
        self.cases += 1;
        self.steps += steps.len() as u64;
        let at = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.write(&Line::Decided { at, case: case.into(), verdict: verdict.into() })
    }

    /// End with a footer and give the writer back.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(mut self) -> io::Result<W> {
        self.write(&Line::Footer { cases: self.cases, steps: self.steps })?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}
