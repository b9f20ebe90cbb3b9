//! One page without scripts from elsewhere: lanes × verdicts, then findings, then every case.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::expectation::Standing;
use crate::report::{RunReport, moment};
use crate::rule::{Catalogue, Level};
use crate::run::{CaseResult, LaneResult};
use crate::verdict::Verdict;

const STYLE: &str = include_str!("report.css");

/// The page.
#[must_use]
pub fn render(report: &RunReport, catalogue: &Catalogue) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "gpushare conformance report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "gpushare conformance report" }
                    p.outcome.(if report.is_as_expected() { "good" } else { "bad" }) {
                        (report.outcome())
                    }
                    p.small {
                        "Suite " (report.suite) ", " (moment(report.started)) ", seed " code { (format!("{:#x}", report.seed)) }
                        @if report.fresh { ", new peers for every case" }
                    }
                }
                (overview(report))
                (findings(report, catalogue))
                @for lane in &report.lanes { (lane_section(lane)) }
                (rules(report, catalogue))
            }
        }
    };
    page.into_string()
}

fn overview(report: &RunReport) -> Markup {
    html! {
        section {
            h2 { "Lanes" }
            p.small {
                "A lane is one device of one driver. Skipped cases cannot run there, for the reason that each gives, and count as \
                 nothing. Unexpected are cases that do worse or better than what is known of the driver."
            }
            table.overview {
                thead { tr {
                    th { "lane" }
                    @for verdict in Verdict::ALL { th.number { (verdict) } }
                    th.number { "unexpected" } th.number { "seconds" } th.number { "cases/s" }
                } }
                tbody {
                    @for lane in &report.lanes {
                        tr {
                            th scope="row" { a href=(format!("#{}", lane.lane)) { (lane.lane) } div.small { (lane.device) } }
                            @for verdict in Verdict::ALL { (count_cell(verdict, lane.count(verdict))) }
                            @let unexpected = lane.unexpected().count() + lane.idle_expectations.len();
                            td.number.(if unexpected == 0 { "zero" } else { "bad" }) { (unexpected) }
                            td.number { (format!("{:.1}", lane.seconds)) }
                            td.number { (format!("{:.0}", lane.rate())) }
                        }
                    }
                }
            }
            @if !report.unavailable.is_empty() {
                h3 { "Not available here" }
                ul { @for reason in &report.unavailable { li { (reason) } } }
            }
        }
    }
}

fn count_cell(verdict: Verdict, count: usize) -> Markup {
    let class = if count == 0 { "zero" } else { verdict.name() };
    html! { td.number.(class) { (count) } }
}

fn findings(report: &RunReport, catalogue: &Catalogue) -> Markup {
    let lanes = || report.lanes.iter();
    let unexpected: Vec<_> = lanes().flat_map(|lane| lane.unexpected().map(move |case| (lane, case))).collect();
    let known: Vec<_> = lanes().flat_map(|lane| lane.known().into_iter().map(move |kind| (lane, kind))).collect();
    html! {
        section {
            h2 { "Findings" }
            @if unexpected.is_empty() { p { "Nothing unexpected." } }
            @for (lane, case) in unexpected { (finding(lane, case, &[], catalogue)) }
            @for lane in lanes() {
                @for entry in &lane.idle_expectations {
                    p.bad { "Expectation " code { (entry) } " about " (lane.lane) " names no case." }
                }
            }
            @if !known.is_empty() {
                h3 { "Known of these drivers" }
                @for (lane, (_, cases)) in known { (finding(lane, cases[0], &cases[1..], catalogue)) }
            }
        }
    }
}

/// One finding, and the other cases that show the same.
fn finding(lane: &LaneResult, case: &CaseResult, others: &[&CaseResult], catalogue: &Catalogue) -> Markup {
    html! {
        article.finding {
            h4 {
                span.badge.(case.verdict.name()) { (case.verdict) }
                @if case.standing == Standing::UnexpectedImprovement { " unexpected improvement" }
                " " code { (lane.lane) "::" (case.case) }
            }
            @if !case.detail.is_empty() { p { (case.detail) } }
            @if let Some(known) = &case.known {
                p { "Known: " (known) " (" (address(case.report.as_deref().unwrap_or(""))) ")" }
                @if case.standing == Standing::UnexpectedImprovement { p.bad { "It is better now; remove its expectation." } }
            }
            ul.rules {
                @for rule in case.rules.iter().filter_map(|id| catalogue.get(id)) {
                    li {
                        a href=(format!("#{}", rule.id)) { code { (rule.id) } } ": " (rule.sentence)
                        span.small { " " (rule.source) @for vuid in &rule.vuid { " " (vuid) } }
                    }
                }
            }
            @if !others.is_empty() {
                details {
                    summary { "The same in " (others.len()) " more " (if others.len() == 1 { "case" } else { "cases" }) }
                    ul { @for other in others { li { code { (other.case) } } } }
                }
            }
            pre { "repeat: " (case.repro) }
        }
    }
}

fn address(report: &str) -> Markup {
    if report.starts_with("https://") {
        html! { a href=(report) { (report) } }
    } else {
        html! { (report) }
    }
}

fn lane_section(lane: &LaneResult) -> Markup {
    html! {
        section id=(lane.lane) {
            h2 { (lane.lane) }
            p.small { (lane.device) ", " (lane.executed()) " executed, " (lane.count(Verdict::Skip)) " skipped" }
            @for (area, cases) in by_area(lane) {
                @let fine = cases.iter().filter(|case| case.verdict == Verdict::Pass).count();
                details open[cases.iter().any(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skip))] {
                    summary { (area) " " span.small { (fine) " of " (cases.len()) " pass" } }
                    table.cases {
                        thead { tr { th { "case" } th { "verdict" } th.number { "ms" } th { "why" } } }
                        tbody {
                            @for case in cases {
                                tr {
                                    td { code { (case.case) } }
                                    td { span.badge.(case.verdict.name()) { (case.verdict) } }
                                    td.number { (format!("{:.1}", case.millis)) }
                                    td { (case.detail) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Cases by area and handle, in the order of definition.
fn by_area(lane: &LaneResult) -> Vec<(String, Vec<&CaseResult>)> {
    let mut areas: Vec<(String, Vec<&CaseResult>)> = Vec::new();
    for case in &lane.cases {
        let area = case.case.split("::").take(2).collect::<Vec<_>>().join("::");
        match areas.iter_mut().find(|(name, _)| *name == area) {
            Some((_, cases)) => cases.push(case),
            None => areas.push((area, vec![case])),
        }
    }
    areas
}

fn rules(report: &RunReport, catalogue: &Catalogue) -> Markup {
    let decided = |id: &str| -> Vec<&str> {
        let decides = |lane: &&LaneResult| {
            lane.cases.iter().any(|case| case.verdict != Verdict::Skip && case.rules.iter().any(|rule| rule == id))
        };
        report.lanes.iter().filter(decides).map(|lane| lane.lane.as_str()).collect()
    };
    html! {
        section {
            h2 { "Rules" }
            table.cases {
                thead { tr { th { "rule" } th { "level" } th { "sentence" } th { "decided on" } } }
                tbody {
                    @for rule in catalogue.iter() {
                        @let lanes = decided(&rule.id);
                        tr id=(rule.id) {
                            td { code { (rule.id) } }
                            td { (if rule.level == Level::Must { "must" } else { "should" }) }
                            td { (rule.sentence) div.small { (rule.source) @for vuid in &rule.vuid { " " (vuid) } } }
                            td {
                                @if let Some(reason) = &rule.undecidable { span.small { "undecidable: " (reason) } }
                                @else if lanes.is_empty() { span.small { "no case of this run" } }
                                @else { (lanes.join(", ")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn the_moment_of_a_run_is_told() {
        assert_eq!(moment(1_795_252_005), "2026-11-21 09:06 UTC");
        assert_eq!(moment(u64::MAX), "at an unknown time");
    }
}
