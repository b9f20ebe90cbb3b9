//! What a person reads at the end of a run: findings first, the table last.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::expectation::Standing;
use crate::report::RunReport;
use crate::rule::Catalogue;
use crate::run::{CaseResult, LaneResult};
use crate::verdict::Verdict;

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The summary, with colours that the output stream may strip.
#[must_use]
pub fn render(report: &RunReport, catalogue: &Catalogue) -> String {
    let mut out = String::new();
    for lane in &report.lanes {
        lane.unexpected().for_each(|case| finding(&mut out, lane, case, catalogue));
        for entry in &lane.idle_expectations {
            let _ = writeln!(out, "{} {}: expectation {entry:?} names no case; remove it", styled(BAD, "unused"), lane.lane);
        }
    }
    known(&mut out, report);
    for reason in &report.unavailable {
        let _ = writeln!(out, "{} {reason}", styled(DIM, "not available:"));
    }
    table(&mut out, &report.lanes);
    let points: u64 = report.lanes.iter().flat_map(|lane| &lane.cases).map(|case| case.points).sum();
    if points > 0 {
        let _ = writeln!(out, "\n{points} faults put before the steps of scenarios and survived");
    }
    let style = if report.is_as_expected() { GOOD } else { BAD };
    let _ = writeln!(out, "\n{}", styled(style, &report.outcome()));
    out
}

fn finding(out: &mut String, lane: &LaneResult, case: &CaseResult, catalogue: &Catalogue) {
    let kind = match case.standing {
        Standing::UnexpectedImprovement => "unexpected improvement".into(),
        _ => case.verdict.to_string(),
    };
    let _ = writeln!(out, "{} {}::{}", styled(BAD, &kind), lane.lane, case.case);
    if !case.detail.is_empty() {
        let _ = writeln!(out, "    {}", case.detail);
    }
    if case.standing == Standing::UnexpectedImprovement {
        let _ =
            writeln!(out, "    it is {} now; remove its expectation ({})", case.verdict, case.known.as_deref().unwrap_or(""));
    }
    for rule in case.rules.iter().filter_map(|id| catalogue.get(id)) {
        let vuids = if rule.vuid.is_empty() { String::new() } else { format!(" [{}]", rule.vuid.join(", ")) };
        let _ = writeln!(out, "    rule {}: {} ({}){vuids}", rule.id, rule.sentence, rule.source);
    }
    let _ = writeln!(out, "    repeat: {}\n", case.repro);
}

/// Known misbehaviour is said in one line a kind, so that nobody takes a green run for a perfect driver.
fn known(out: &mut String, report: &RunReport) {
    for lane in &report.lanes {
        for (because, cases) in lane.known() {
            let address = cases[0].report.as_deref().unwrap_or("");
            let more = if cases.len() > 1 { format!(" and {} more", cases.len() - 1) } else { String::new() };
            let _ = writeln!(out, "{} {}: {because} ({address})", styled(DIM, "known"), lane.lane);
            let _ = writeln!(out, "      {} {}{more}", cases[0].verdict, cases[0].case);
        }
    }
}

/// Lanes × verdicts.
fn table(out: &mut String, lanes: &[LaneResult]) {
    let width = lanes.iter().map(|lane| lane.lane.len()).max().unwrap_or(0).max("lane".len());
    let mut head = format!("{:width$}", "lane");
    Verdict::ALL.iter().for_each(|verdict| head.push_str(&format!("  {verdict}")));
    head.push_str("  unexpected   seconds  cases/s");
    let _ = writeln!(out, "\n{}", styled(BOLD, &head));
    for lane in lanes {
        let _ = write!(out, "{:width$}", lane.lane);
        for verdict in Verdict::ALL {
            let count = lane.count(verdict);
            let cell = format!("{count:>width$}", width = verdict.name().len());
            let _ = write!(out, "  {}", if count == 0 { styled(DIM, &cell) } else { cell });
        }
        let unexpected = lane.unexpected().count() + lane.idle_expectations.len();
        let cell = format!("{unexpected:>10}");
        let _ = write!(out, "  {}", if unexpected == 0 { cell } else { styled(BAD, &cell) });
        let _ = writeln!(out, "  {:>8.1}  {:>7.0}", lane.seconds, lane.rate());
    }
}
