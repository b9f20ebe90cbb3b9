//! A run as a page to be kept beside the source: on which machine, with which command, what became of each case, and what it decided.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::report::{RunReport, moment};
use crate::rule::Catalogue;
use crate::run::{CaseResult, LaneResult};

/// The page. `command` is what made it.
#[must_use]
pub fn render(report: &RunReport, catalogue: &Catalogue, command: &str) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(page, "# {}\n\nWritten by\n\n```\n{command}\n```\n", title(report));
    let _ = writeln!(page, "{}\n", environment(report));
    let _ = writeln!(page, "**{}.**\n", sentence(&report.outcome()));
    report.lanes.iter().for_each(|lane| cases(&mut page, lane));
    rules(&mut page, report, catalogue);
    page
}

/// The areas of its cases.
fn title(report: &RunReport) -> String {
    let cases = report.lanes.iter().flat_map(|lane| &lane.cases);
    let whats: BTreeSet<&str> = cases.filter_map(|case| case.case.split("::").nth(2)).collect();
    let whats: Vec<_> = whats.into_iter().map(|what| what.replace('_', " ")).collect();
    match whats.as_slice() {
        few if (1..=4).contains(&few.len()) => format!("What became of {}", few.join(", ")),
        _ => "What became of the cases".into(),
    }
}

fn environment(report: &RunReport) -> String {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) { "debug" } else { "optimised" };
    let kernel = crate::capability::kernel();
    format!(
        "gpushare {} ({build} build), {}, seed {:#x}, on {} {} {kernel} with {processors} processors.",
        report.suite,
        moment(report.started),
        report.seed,
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

fn cases(page: &mut String, lane: &LaneResult) {
    let _ = writeln!(page, "## {}\n\n{}. {:.1} seconds in all.\n", lane.lane, lane.device, lane.seconds);
    let _ = writeln!(page, "| case | verdict | seconds | why |\n| --- | --- | --- | --- |");
    for CaseResult { case, verdict, millis, detail, .. } in &lane.cases {
        let _ = writeln!(page, "| `{case}` | {verdict} | {:.1} | {} |", millis / 1000.0, detail.replace('|', "\\|"));
    }
    let _ = writeln!(page);
}

fn rules(page: &mut String, report: &RunReport, catalogue: &Catalogue) {
    let decided: BTreeSet<&str> =
        report.lanes.iter().flat_map(|lane| &lane.cases).flat_map(|case| &case.rules).map(String::as_str).collect();
    let _ = writeln!(page, "## What they decide\n");
    for rule in decided.into_iter().filter_map(|id| catalogue.get(id)) {
        let _ = writeln!(page, "- `{}`: {} ({})", rule.id, rule.sentence, rule.source);
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
