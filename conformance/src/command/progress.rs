//! How a run shows that it goes on: a bar on a terminal, a line a lane elsewhere. Both on standard error.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::PoisonError;

use gpushare_harness::history::{History, Step};
use indicatif::{ProgressBar, ProgressStyle};

use crate::run::{CaseResult, Progress};
use crate::verdict::Verdict;

/// Writes the history, too: it sees every case as it ends.
pub(super) struct Shown<W: std::io::Write + Send> {
    bar: Mutex<ProgressBar>,
    terminal: bool,
    history: Option<Mutex<History<W>>>,
    /// The first failure to write the history.
    broken: Mutex<Option<std::io::Error>>,
}

impl<W: std::io::Write + Send> Shown<W> {
    pub(super) fn new(history: Option<History<W>>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let (bar, broken) = (Mutex::new(ProgressBar::hidden()), Mutex::new(None));
        Self { bar, terminal, history: history.map(Mutex::new), broken }
    }

    /// End the bar and the history.
    pub(super) fn finish(self) -> Result<(), std::io::Error> {
        self.bar.into_inner().unwrap_or_else(PoisonError::into_inner).finish_and_clear();
        if let Some(error) = self.broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        self.history.map_or(Ok(()), |history| history.into_inner().unwrap_or_else(PoisonError::into_inner).finish().map(drop))
    }
}

impl<W: std::io::Write + Send> Progress for Shown<W> {
    fn lane(&self, lane: &str, cases: usize) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        bar.finish_and_clear();
        if self.terminal {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {wide_msg}");
            *bar = ProgressBar::new(cases as u64).with_prefix(lane.to_owned());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        } else {
            anstream::eprintln!("{lane}: {cases} cases");
        }
    }

    fn case(&self, lane: &str, result: &CaseResult, steps: &[Step]) {
        let full = format!("{lane}::{}", result.case);
        {
            let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
            bar.set_message(result.case.clone());
            bar.inc(1);
        }
        if let Some(history) = &self.history {
            let mut history = history.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody asks for the steps of what went well, and they are most of a run.
            let kept = if result.verdict == Verdict::Pass { &[] } else { steps };
            if let Err(error) = history.case(&full, kept, result.verdict.name()) {
                self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::expectation::Standing;

    fn ended(verdict: Verdict) -> CaseResult {
        CaseResult {
            case: "memory::a_case".into(),
            rules: Vec::new(),
            verdict,
            detail: String::new(),
            points: 0,
            standing: Standing::Expected,
            known: None,
            report: None,
            millis: 1.0,
            repro: String::new(),
            steps: Vec::new(),
        }
    }

    #[rstest]
    #[case(Verdict::Pass, 0)]
    #[case(Verdict::Fail, 2)]
    #[case(Verdict::Warn, 2)]
    fn the_history_keeps_the_steps_of_what_did_not_pass(#[case] verdict: Verdict, #[case] kept: usize) {
        let step = Step {
            at: 1,
            took: 1,
            case: "host::memory::a_case".into(),
            peer: "producer".into(),
            step: 1,
            request: None,
            action: Some("kill".into()),
            reply: None,
            error: None,
        };
        let history = History::begin(Vec::new(), std::time::Instant::now(), "0", 7, 0).expect("a vector takes all");
        let shown = Shown::new(Some(history));

        shown.case("host", &ended(verdict), &[step.clone(), step]);

        let history = shown.history.expect("there is one").into_inner().expect("unpoisoned");
        let text = String::from_utf8(history.finish().expect("a vector takes all")).expect("text");
        let lines = |kind: &str| text.lines().filter(|line| line.starts_with(&format!("{{\"line\":\"{kind}\""))).count();
        assert_eq!((lines("step"), lines("decided")), (kept, 1), "{text}");
    }
}
