//! Peers that are copies of one process: the same to their orchestrator as those that were started.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gpushare::Channel;
use gpushare_conformance::lane::{Driver, PeerProgram};
use gpushare_harness::fault::BreakOff;
use gpushare_harness::protocol::Object;
use gpushare_harness::spawn::Exit;
use gpushare_harness::{Code, Peer, PeerCommand, PeerError, Reply, Request, Stem};
use rstest::rstest;

const LIMIT: Duration = Duration::from_secs(20);

/// On the host backend, with a library that any program here can load.
fn command() -> PeerCommand {
    let program = PeerProgram::at(Path::new(env!("CARGO_BIN_EXE_gpushare"))).expect("the program");
    PeerCommand { library: Some("libc.so.6".into()), ..program.command(&Driver::Host) }
}

fn stem() -> Stem {
    Stem::start(&command(), LIMIT).expect("a stem")
}

fn answer(peer: &mut Peer, request: &Request) -> Reply {
    peer.ask(request, &[], LIMIT).expect("an answer").0
}

fn is_there(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

#[test]
fn a_copy_is_a_process_of_its_own_that_does_what_a_peer_does() {
    let mut stem = stem();
    let (mut one, mut other) = (stem.copy(LIMIT).expect("a copy"), stem.copy(LIMIT).expect("a copy"));
    assert_ne!(one.pid(), other.pid());
    for peer in [&mut one, &mut other] {
        let opened = answer(peer, &Request::Open { device: 0 });
        assert!(matches!(opened, Reply::Opened(_)), "{opened:?}");
    }
    let make = Request::Make { handle: 1, object: Object::Pipe };
    assert_eq!(answer(&mut one, &make), Reply::Done);
    // What one has the other has not.
    assert!(matches!(answer(&mut other, &Request::Inspect { handle: 1 }), Reply::Refused(_)));
}

#[test]
fn a_copy_holds_what_a_peer_holds_that_was_started() {
    let mut started = Peer::start(&command(), LIMIT).expect("a peer");
    let mut stem = stem();
    let mut copy = stem.copy(LIMIT).expect("a copy");
    let numbers = |peer: &mut Peer| {
        // The next number that is free, and so what a limit of descriptors leaves.
        assert_eq!(answer(peer, &Request::Make { handle: 1, object: Object::DevNull }), Reply::Done);
        match answer(peer, &Request::Inspect { handle: 1 }) {
            Reply::Handle(handle) => handle.number,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(numbers(&mut copy), numbers(&mut started));
    assert_eq!(copy.ledger().expect("a ledger").descriptors, started.ledger().expect("a ledger").descriptors);
}

#[rstest]
#[case::by_itself(|peer: &mut Peer| peer.exit(7, LIMIT).expect("an end"), Exit::Status { code: 7 })]
#[case::killed(Peer::kill, Exit::Signal { name: "SIGKILL".into() })]
#[case::left_alone(|peer: &mut Peer| peer.break_off(BreakOff::Closed, LIMIT).expect("an end"), Exit::Status { code: 0 })]
#[case::told_nonsense(|peer: &mut Peer| peer.break_off(BreakOff::NoMessage, LIMIT).expect("an end"), Exit::Status { code: 2 })]
fn how_a_copy_ends_is_known(#[case] end: fn(&mut Peer) -> Exit, #[case] expected: Exit) {
    let mut stem = stem();
    let mut copy = stem.copy(LIMIT).expect("a copy");
    let pid = copy.pid();
    assert_eq!(end(&mut copy), expected);
    assert_eq!(copy.kill(), expected, "asked again");
    assert!(is_there(pid), "its number stays its own until the stem is asked again");
    let next = stem.copy(LIMIT).expect("a copy");
    assert!(!is_there(pid) || next.pid() == pid, "the stem has forgotten it");
}

#[test]
fn what_a_copy_writes_is_kept_for_it_alone() {
    let mut stem = stem();
    let (mut one, mut other) = (stem.copy(LIMIT).expect("a copy"), stem.copy(LIMIT).expect("a copy"));
    one.break_off(BreakOff::NoMessage, LIMIT).expect("an end");
    assert!(one.last_words().contains("peer: "), "{}", one.last_words());
    assert_eq!(other.new_words(), "");
}

#[test]
fn copies_end_with_their_stem() {
    let mut stem = stem();
    let copy = stem.copy(LIMIT).expect("a copy");
    let pid = copy.pid();
    drop(stem);
    let begun = Instant::now();
    while is_there(pid) && begun.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!is_there(pid));
}

#[rstest]
#[case::no_library(None)]
#[case::missing(Some("/nowhere/libvulkan_none.so"))]
fn a_stem_says_what_it_cannot_load(#[case] library: Option<&str>) {
    let command = PeerCommand { library: library.map(PathBuf::from), ..command() };
    let error = Stem::start(&command, LIMIT).expect_err("it cannot be loaded");
    assert!(matches!(error, PeerError::Orchestrator { .. }), "{error:?}");
    assert!(error.to_string().contains(library.unwrap_or("no library")), "{error}");
}

#[test]
fn a_peer_at_work_is_not_copied() {
    let mut peer = Peer::start(&command(), LIMIT).expect("a peer");
    answer(&mut peer, &Request::Open { device: 0 });
    let (_ours, theirs) = Channel::pair().expect("a channel");
    let words = gpushare_harness::raw::make(Object::DevNull).expect("a place for words");
    let beside = [&theirs.into_handle(), &words];
    let (refused, _) = peer.ask(&Request::Copy { ended: Vec::new() }, &beside, LIMIT).expect("an answer");
    assert!(matches!(&refused, Reply::Refused(problem) if problem.code == Code::Request), "{refused:?}");
}

#[test]
fn a_copy_needs_a_channel_and_a_place_for_its_words() {
    let mut peer = Peer::start(&command(), LIMIT).expect("a peer");
    let refused = answer(&mut peer, &Request::Copy { ended: Vec::new() });
    assert!(matches!(&refused, Reply::Refused(problem) if problem.code == Code::Request), "{refused:?}");
    assert!(matches!(answer(&mut peer, &Request::HeapUsage), Reply::HeapUsage(_)), "and it goes on");
}
