//! JUnit XML, as CI systems read it: a suite a lane, a case a test.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::expectation::Standing;
use crate::report::RunReport;
use crate::run::CaseResult;
use crate::verdict::Verdict;

/// The XML text.
///
/// # Errors
/// When a text holds what XML cannot.
pub fn render(report: &RunReport) -> Result<String, quick_junit::SerializeError> {
    let mut out = Report::new("gpushare");
    for lane in &report.lanes {
        let mut suite = TestSuite::new(lane.lane.as_str());
        suite.set_time(Duration::from_secs_f64(lane.seconds.max(0.0)));
        for entry in &lane.idle_expectations {
            let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failure.set_type("unused expectation").set_message(format!("expectation {entry:?} names no case; remove it"));
            suite.add_test_case(TestCase::new(format!("expectation {entry}"), failure));
        }
        suite.add_test_cases(lane.cases.iter().map(|case| test_case(&lane.lane, case)));
        out.add_test_suite(suite);
    }
    out.to_string()
}

fn test_case(lane: &str, case: &CaseResult) -> TestCase {
    let mut test = TestCase::new(case.case.as_str(), status(case));
    test.set_classname(lane);
    test.set_time(Duration::from_secs_f64(case.millis.max(0.0) / 1000.0));
    if case.verdict != Verdict::Pass && case.verdict != Verdict::Skip {
        test.set_system_out(format!("{}\n{}\n{}", case.detail, case.known.as_deref().unwrap_or(""), case.repro));
    }
    test
}

fn status(case: &CaseResult) -> TestCaseStatus {
    let text = format!("{}: {}", case.verdict, case.detail);
    match (case.standing, case.verdict) {
        (Standing::Expected, Verdict::Skip) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(case.detail.as_str());
            skipped
        }
        // A known failure is what this driver does: green, with the text in its output.
        (Standing::Expected, _) => TestCaseStatus::success(),
        (Standing::UnexpectedImprovement, _) => {
            let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failure.set_type("unexpected improvement").set_message(format!("{text} (remove its expectation)"));
            failure
        }
        (Standing::UnexpectedFailure, verdict) => {
            let broken = matches!(verdict, Verdict::Crash | Verdict::Hang | Verdict::Inconclusive);
            let kind = if broken { NonSuccessKind::Error } else { NonSuccessKind::Failure };
            let mut failure = TestCaseStatus::non_success(kind);
            failure.set_type(verdict.name()).set_message(text).set_description(format!("repeat: {}", case.repro));
            failure
        }
    }
}
