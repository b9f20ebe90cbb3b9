//! The lines of a history.

use std::time::Instant;

use gpushare_harness::history::{History, Line, Step};
use gpushare_harness::protocol::{Code, Problem};
use gpushare_harness::{Reply, Request};

use crate::values::PATTERN;

fn steps() -> Vec<Step> {
    let step = Step {
        at: 1000,
        took: 250,
        case: "host::memory::a_case".into(),
        peer: "producer".into(),
        step: 1,
        request: Some(Request::Fill { texture: 1, pattern: PATTERN, only: None }),
        action: None,
        reply: Some(Reply::Done),
        error: None,
    };
    vec![
        step.clone(),
        Step { step: 2, reply: Some(Reply::Refused(Problem::new(Code::Unsupported, "it cannot do that"))), ..step.clone() },
        Step { step: 3, request: None, action: Some("kill".into()), reply: None, ..step.clone() },
        Step { step: 4, reply: None, error: Some("the peer died (SIGKILL)".into()), ..step },
    ]
}

fn recorded() -> String {
    let mut history = History::begin(Vec::new(), Instant::now(), "0.1.0", 42, 1_700_000_000).expect("a vector takes all");
    history.case("host::memory::a_case", &steps(), "pass").expect("a vector takes all");
    history.case("host::memory::another", &[], "skip").expect("a vector takes all");
    String::from_utf8(history.finish().expect("a vector takes all")).expect("JSON is text")
}

#[test]
fn a_history_from_header_to_footer() {
    let mut lines: Vec<serde_json::Value> =
        recorded().lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    for line in lines.iter_mut().filter(|line| line["line"] == "decided") {
        assert!(line["at"].as_u64().is_some_and(|at| at < 60_000_000), "{line}");
        line["at"] = "[microseconds]".into();
    }

    insta::assert_json_snapshot!(lines);
}

#[test]
fn each_line_is_read_as_it_was_written() {
    let lines: Vec<Line> = recorded().lines().map(|line| serde_json::from_str(line).expect("a line")).collect();

    assert!(matches!(lines.first(), Some(Line::Header { seed: 42, .. })));
    assert!(matches!(lines.last(), Some(Line::Footer { cases: 2, steps: 4 })));
    let read: Vec<Step> =
        lines.into_iter().filter_map(|line| if let Line::Step(step) = line { Some(*step) } else { None }).collect();
    assert_eq!(read, steps());
}
