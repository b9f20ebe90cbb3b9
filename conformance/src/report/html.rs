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
    let unexpected = together(lanes().flat_map(|lane| lane.unexpected().map(move |case| (lane, vec![case]))));
    let known = together(lanes().flat_map(|lane| lane.known().into_iter().map(move |(_, cases)| (lane, cases))));
    html! {
        section {
            h2 { "Findings" }
            @if unexpected.is_empty() { p { "Nothing unexpected." } }
            @for seen in &unexpected { (finding(seen, catalogue)) }
            @for lane in lanes() {
                @for entry in &lane.idle_expectations {
                    p.bad { "Expectation " code { (entry) } " about " (lane.lane) " names no case." }
                }
            }
            @if !known.is_empty() {
                h3 { "Known of these drivers" }
                @for seen in &known { (finding(seen, catalogue)) }
            }
        }
    }
}

/// A lane, and the cases that show something there, at least one.
type Seen<'run> = (&'run LaneResult, Vec<&'run CaseResult>);

/// What several lanes show alike is one finding: the same case that nobody expected, or the same thing that is known.
fn together<'run>(all: impl Iterator<Item = Seen<'run>>) -> Vec<Vec<Seen<'run>>> {
    let same = |case: &'run CaseResult| {
        let subject = case.known.as_deref().filter(|_| case.standing == Standing::Expected).unwrap_or(&case.case);
        (case.verdict, case.standing, subject)
    };
    let mut findings: Vec<Vec<Seen<'run>>> = Vec::new();
    for (lane, cases) in all {
        let Some(key) = cases.first().map(|case| same(case)) else { continue };
        match findings.iter_mut().find(|seen| seen.first().is_some_and(|(_, first)| same(first[0]) == key)) {
            Some(seen) => seen.push((lane, cases)),
            None => findings.push(vec![(lane, cases)]),
        }
    }
    findings
}

/// One finding, with the lanes that show it and the other cases that do.
fn finding(seen: &[Seen<'_>], catalogue: &Catalogue) -> Markup {
    let Some((lane, case)) = seen.first().map(|(lane, cases)| (lane, cases[0])) else { return Markup::default() };
    let others: Vec<_> =
        seen.iter().flat_map(|(lane, cases)| cases.iter().skip(1).map(move |other| (&lane.lane, &other.case))).collect();
    let alike = seen.iter().all(|(_, cases)| cases[0].detail == case.detail);
    html! {
        article.finding {
            h4 {
                span.badge.(case.verdict.name()) { (case.verdict) }
                @if case.standing == Standing::UnexpectedImprovement { " unexpected improvement" }
                " " code { @if seen.len() == 1 { (lane.lane) "::" } (case.case) }
            }
            @if seen.len() > 1 {
                p { "On " (seen.len()) " lanes: " @for (at, (lane, _)) in seen.iter().enumerate() {
                    @if at > 0 { ", " }
                    a href=(format!("#{}", lane.lane)) { (lane.lane) }
                } }
            }
            @if !alike {
                ul { @for (lane, cases) in seen { li { (lane.lane) ": " (cases[0].detail) } } }
            } @else if !case.detail.is_empty() { p { (case.detail) } }
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
                    ul { @for (lane, other) in &others { li { code { @if seen.len() > 1 { (lane) "::" } (other) } } } }
                }
            }
            @for (_, cases) in seen { pre { "repeat: " (cases[0].repro) } }
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
                                @else if let Some(reason) = &rule.undecided { span.small { "no case yet: " (reason) } }
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
    use serde_json::json;

    use super::{moment, together};
    use crate::run::LaneResult;

    fn lane(name: &str, cases: &[(&str, Option<&str>)]) -> LaneResult {
        let case = |(case, known): &(&str, Option<&str>)| {
            let standing = if known.is_some() { "expected" } else { "unexpected_failure" };
            json!({
                "case": case, "rules": [], "verdict": "fail", "detail": name, "standing": standing, "known": known,
                "report": null, "millis": 1.0, "repro": "",
            })
        };
        let cases: Vec<_> = cases.iter().map(case).collect();
        let lane = json!({
            "lane": name, "device": "", "driver": "", "seconds": 1.0, "cases": cases, "idle_expectations": [],
        });
        serde_json::from_value(lane).expect("a lane's result")
    }

    #[test]
    fn what_several_lanes_show_alike_is_one_finding() {
        let lanes = [
            lane("one", &[("a", None), ("b", Some("it leaks")), ("c", Some("it stalls"))]),
            lane("two", &[("b", None), ("a", None), ("d", Some("it leaks"))]),
        ];
        let names = |findings: Vec<Vec<super::Seen<'_>>>| -> Vec<String> {
            let name = |(lane, cases): &super::Seen<'_>| format!("{}::{}", lane.lane, cases[0].case);
            findings.iter().map(|seen| seen.iter().map(name).collect::<Vec<_>>().join(" ")).collect()
        };

        let unexpected = together(lanes.iter().flat_map(|lane| lane.unexpected().map(move |case| (lane, vec![case]))));
        let known = together(lanes.iter().flat_map(|lane| lane.known().into_iter().map(move |(_, cases)| (lane, cases))));

        assert_eq!(names(unexpected), ["one::a two::a", "two::b"]);
        assert_eq!(names(known), ["one::b two::d", "one::c"]);
    }

    #[test]
    fn the_moment_of_a_run_is_told() {
        assert_eq!(moment(1_795_252_005), "2026-11-21 09:06 UTC");
        assert_eq!(moment(u64::MAX), "at an unknown time");
    }
}
