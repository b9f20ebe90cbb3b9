//! The command as a user meets it: what it prints, how it ends, and that bad input is told in a sentence.

use std::path::PathBuf;
use std::process::{Command, Output};

use rstest::rstest;
use tempfile::TempDir;

fn gpushare(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gpushare")).args(arguments).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Ends with 2, says this on standard error, and does not panic.
fn assert_told(output: &Output, says: &str) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains(says), "expected {says:?} in: {error}");
    assert!(!error.contains("panicked"), "{error}");
}

fn file(folder: &TempDir, name: &str, content: &str) -> String {
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, content).expect("a file in a temporary folder");
    path.display().to_string()
}

#[rstest]
#[case::no_subcommand(&[], "Usage")]
#[case::unknown_subcommand(&["fly"], "unrecognized subcommand 'fly'")]
#[case::unknown_argument(&["run", "--fast"], "unexpected argument '--fast'")]
#[case::seed(&["run", "--seed", "many"], "give a number below 2^64")]
#[case::limit(&["run", "--limit", "0"], "0 is not in")]
#[case::jobs(&["run", "--jobs", "0"], "0 is not in")]
#[case::format(&["list", "--format", "xml"], "possible values: text, json")]
#[case::manifest(&["run", "--driver", "/nowhere/icd.json"], "no driver manifest at /nowhere/icd.json")]
#[case::lane(&["run", "--driver", "voodoo"], "no lane \"voodoo\" here; there are host")]
#[case::peer_missing(&["run", "--driver", "host", "--peer", "/nowhere/peer"], "peer program /nowhere/peer: No such file")]
#[case::peer_folder(&["run", "--driver", "host", "--peer", "/tmp"], "it is no file; give the path of a program that speaks")]
#[case::peer_no_peer(&["run", "--driver", "host", "--peer", "/bin/true"], "the peer died (exit status 0)")]
#[case::peer_not_executable(&["run", "--driver", "host", "--peer", "/etc/passwd"], "cannot start /etc/passwd: Permission denied")]
#[case::expectations(&["run", "--driver", "host", "--expectations", "/nowhere.toml"], "expectations /nowhere.toml: No such file")]
#[case::out(&["run", "--driver", "host", "--out", "/dev/null/report"], "cannot write to /dev/null/report")]
#[case::write(&["run", "--driver", "host", "--write", "/nowhere/page.md"], "cannot write to /nowhere/page.md")]
#[case::filter(&["run", "--driver", "host", "["], "is no glob")]
#[case::no_match(&["run", "--driver", "host", "nothing::*"], "no case matches [\"nothing::*\"] on host")]
#[case::repro_case(&["repro", "--driver", "host", "host::nothing"], "no case matches [\"host::nothing\"]")]
#[case::scenario_missing(&["repro", "--driver", "host", "--scenario", "/nowhere.json"], "cannot read the scenario /nowhere.json: No such file")]
#[case::scenario_and_case(&["repro", "--driver", "host", "--scenario", "/nowhere.json", "host::x"], "cannot be used with")]
#[case::scenario_or_case(&["repro", "--driver", "host"], "required arguments were not provided")]
fn bad_input_is_told(#[case] arguments: &[&str], #[case] says: &str) {
    assert_told(&gpushare(arguments), says);
}

#[rstest]
#[case::not_json("{", "it is no driver manifest")]
#[case::no_library("{}", "missing field `ICD`")]
#[case::nowhere(r#"{"ICD":{"library_path":"./libnowhere.so"}}"#, "does not exist; correct `library_path`")]
fn a_bad_manifest_is_told(#[case] content: &str, #[case] says: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = file(&folder, "icd.json", content);
    assert_told(&gpushare(&["run", "--driver", &manifest]), says);
}

#[rstest]
#[case::not_json("[", "it is no scenario: EOF while parsing")]
#[case::unknown_step(r#"{"name":"x","peers":1,"steps":[{"peer":0,"action":{"fly":{}}}]}"#, "unknown variant `fly`")]
#[case::many_peers(r#"{"name":"x","peers":5,"steps":[]}"#, "it has 5 peers, expected 1 to 4")]
#[case::no_such_peer(
    r#"{"name":"x","peers":2,"steps":[{"peer":0,"action":{"handle":{"pass":{"handle":1,"to":2}}}}]}"#,
    "step 1 is about peer 2"
)]
fn a_bad_scenario_is_told(#[case] content: &str, #[case] says: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = file(&folder, "scenario.json", content);
    assert_told(&gpushare(&["repro", "--driver", "host", "--scenario", &scenario]), says);
}

#[test]
fn a_scenario_is_replayed_step_by_step() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let steps = r#"[{"peer":0,"action":{"texture":{"fill":{"texture":7,"picture":1}}}}]"#;
    let scenario = file(&folder, "scenario.json", &format!(r#"{{"name":"early","peers":1,"steps":{steps}}}"#));
    let output = gpushare(&["repro", "--driver", "host", "--scenario", &scenario]);
    let told = text(&output.stdout);
    assert!(
        told.contains("inconclusive host::scenario::early: the scenario has a step without its object: fill texture 7"),
        "{told}"
    );
}

#[rstest]
#[case::not_toml("[driver", "expectations")]
#[case::unknown_field("[driver]\nname='host'\nversion='*'\ncolour='red'", "unknown field `colour`")]
#[case::no_address(
    "[driver]\nname='host'\nversion='*'\n[[expect]]\ncase='*'\nverdict='fail'\nbecause='x'\nreport='soon'",
    "give the address of the bug report or \"not yet reported\""
)]
fn a_malformed_expectations_file_is_told(#[case] content: &str, #[case] says: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(&folder, "mine.toml", content);
    assert_told(&gpushare(&["run", "--driver", "host", "--expectations", &path]), says);
}

const ONE: &str = "channel::socket::close_is_told";

#[test]
fn a_page_tells_of_the_command_the_machine_and_each_case() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(&folder, "page.md", "what was there before");
    let output = gpushare(&["run", "--driver", "host", "--write", &path, ONE]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(&path).expect("a page");
    let command = format!("gpushare run --driver host --write {path} '{ONE}'\n");
    for part in [
        "# What became of close is told\n",
        &command,
        "processors.",
        "| `channel::socket::close_is_told` | pass |",
        "`channel.close_is_told`",
    ] {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    assert!(!page.contains("what was there"), "{page}");
}

fn expecting(case: &str, verdict: &str) -> String {
    format!(
        "[driver]\nname='host'\nversion=''\n[[expect]]\ncase='{case}'\nverdict='{verdict}'\nbecause='it was so'\nreport='not yet reported'"
    )
}

#[test]
fn an_unexpected_improvement_fails_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(&folder, "mine.toml", &expecting(ONE, "fail"));
    let output = gpushare(&["run", "--driver", "host", "--expectations", &path, ONE]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("remove its expectation"), "{}", text(&output.stdout));
}

#[test]
fn the_command_that_repeats_a_case_has_what_the_run_was_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(&folder, "mine.toml", &expecting(ONE, "fail"));
    let output = gpushare(&["run", "--driver", "host", "--format", "json", "--limit", "5000", "--expectations", &path, ONE]);
    let told = text(&output.stdout);
    assert!(told.contains(&format!("gpushare repro --driver host --expectations {path} --limit 5000 --seed")), "{told}");
}

#[test]
fn an_expectation_that_names_no_case_fails_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(&folder, "mine.toml", &expecting("channel::gone", "fail"));
    let output = gpushare(&["run", "--driver", "host", "--expectations", &path, ONE]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("names no case"), "{}", text(&output.stdout));
}

/// Times and rates are the machine's.
fn without_times(output: &str) -> String {
    let cut = |line: &str| {
        let is_row = line.starts_with("host ");
        let words: Vec<&str> = line.split_whitespace().collect();
        if is_row { format!("{} …", words[..words.len() - 2].join(" ")) } else { line.trim_end().to_owned() }
    };
    output.lines().map(cut).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_ends_with_the_table() {
    let output = gpushare(&["run", "--driver", "host", "channel::socket::c*"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(without_times(&text(&output.stdout)));
}

#[test]
fn list_shows_cases_and_skips() {
    let output =
        gpushare(&["list", "--driver", "host", "memory::*freed_import*", "memory::*freed_100*", "handle::*works_after*"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn rules_show_their_sources_and_cases() {
    let output = gpushare(&["rules", "--driver", "host"]);
    assert_eq!(output.status.code(), Some(0));
    let all = text(&output.stdout);
    let chosen: Vec<&str> = all
        .split("\n\n")
        .filter(|rule| rule.starts_with("channel.close") || rule.starts_with("memory.import_on_same"))
        .collect();
    insta::assert_snapshot!(chosen.join("\n\n"));
    let count = all.lines().next_back().expect("a last line");
    assert!(count.contains(" decided on a lane here, ") && count.ends_with(" undecidable from outside"), "{count}");
}

#[test]
fn help_names_every_subcommand() {
    insta::assert_snapshot!(text(&gpushare(&["--help"]).stdout));
}

#[test]
fn reports_are_written_and_agree() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("deep/er");
    let output = gpushare(&["run", "--driver", "host", "--out", &out.display().to_string(), "channel::*"]);
    assert_eq!(output.status.code(), Some(0));
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("the report was written");
    let json: serde_json::Value = serde_json::from_str(&read("report.json")).expect("JSON");
    let cases = json["lanes"][0]["cases"].as_array().expect("cases").len();
    assert!(cases > 30);
    assert_eq!(read("junit.xml").matches("<testcase ").count(), cases);
    assert!(read("report.html").contains("as expected</p>"));
    let history = read("history.jsonl");
    let lines: Vec<serde_json::Value> =
        history.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let kinds = |kind: &str| lines.iter().filter(|line| line["line"] == kind).count();
    assert_eq!((kinds("header"), kinds("decided"), kinds("footer")), (1, cases, 1));
    let footer = lines.last().expect("a footer");
    assert_eq!((&footer["line"], footer["cases"].as_u64()), (&"footer".into(), Some(cases as u64)));
    assert_eq!(footer["steps"].as_u64(), Some(kinds("step") as u64));
}

#[test]
fn a_repro_shows_every_step() {
    let output = gpushare(&["repro", "--driver", "host", "--seed", "0x7", "host::memory::shared_memory::exported_twice"]);
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    for step in
        ["{\"create\":", "{\"export\":", "{\"import\":", "{\"verify\":", "pass host::memory::shared_memory::exported_twice"]
    {
        assert!(shown.contains(step), "{step} in {shown}");
    }
}

/// Sharing peers changes no verdict, on any lane of this machine.
#[test]
fn warm_and_fresh_peers_give_the_same_verdicts() {
    let cases = [
        "memory::*::rgba8_unorm_optimal_61x47",
        "handle::*::wrong_memory_*",
        "channel::*",
        "capability::identity::*",
        "lifecycle::*::kill::share_back",
    ];
    let verdicts = |more: &[&str]| {
        let output = gpushare(&[&["run", "--format", "json"], more, &cases].concat());
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let lanes = json["lanes"].as_array().expect("lanes").clone();
        let of_lane = |lane: &serde_json::Value| {
            let cases = lane["cases"].as_array().expect("cases").clone();
            let name = lane["lane"].clone();
            cases.into_iter().map(move |case| format!("{} {} {}", name, case["case"], case["verdict"])).collect::<Vec<_>>()
        };
        lanes.iter().flat_map(of_lane).collect::<Vec<_>>()
    };
    let (warm, fresh) = (verdicts(&[]), verdicts(&["--fresh"]));
    assert!(warm.len() > 100, "{}", warm.len());
    assert_eq!(warm, fresh);
}
