//! Peers that find each other by a path.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gpushare::channel::Listener;
use gpushare::{Channel, ChannelError, Deadline};

use crate::census::Census;

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(10);

/// A path where nothing is yet.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("socket")
    }
}

fn kind(error: &ChannelError) -> std::io::ErrorKind {
    let ChannelError::Os { source, .. } = error else { panic!("another error: {error:?}") };
    source.kind()
}

#[test]
fn two_peers_meet_at_a_path() {
    let _census = Census::take();
    let place = Place::new();
    let listener = Listener::bind(&place.path()).expect("the path is free");
    let mut theirs = Channel::connect(&place.path(), Deadline::after(LONG)).expect("somebody listens");
    let mut ours = listener.accept(Deadline::after(LONG)).expect("somebody connects");

    theirs.send(b"hello", &[], Deadline::NEVER).expect("it goes");

    assert_eq!(ours.receive(Deadline::NEVER).expect("it arrives").bytes, b"hello");
}

#[test]
fn only_the_owner_may_connect_and_the_path_goes_with_the_listener() {
    let _census = Census::take();
    let place = Place::new();
    let listener = Listener::bind(&place.path()).expect("the path is free");

    let mode = std::fs::metadata(place.path()).expect("it exists").permissions().mode();

    assert_eq!(mode & 0o777, 0o600);
    drop(listener);
    assert!(!place.path().exists());
}

#[test]
fn a_path_that_exists_is_left_alone() {
    let _census = Census::take();
    let place = Place::new();
    let first = Listener::bind(&place.path()).expect("the path is free");

    let error = Listener::bind(&place.path()).expect_err("taken");

    assert_eq!(kind(&error), std::io::ErrorKind::AddrInUse);
    Channel::connect(&place.path(), Deadline::NEVER).expect("the first one still listens");
    drop(first);
}

#[test]
fn nobody_listens() {
    let _census = Census::take();
    let place = Place::new();

    let error = Channel::connect(&place.path(), Deadline::NEVER).expect_err("nothing is there");

    assert_eq!(kind(&error), std::io::ErrorKind::NotFound);
}

#[test]
fn nobody_comes() {
    let _census = Census::take();
    let place = Place::new();
    let listener = Listener::bind(&place.path()).expect("the path is free");
    let start = Instant::now();

    let outcome = listener.accept(Deadline::after(SHORT));

    assert!(matches!(outcome, Err(ChannelError::TimedOut)), "{outcome:?}");
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn of_two_that_wait_for_one_peer_the_other_times_out() {
    let _census = Census::take();
    let place = Place::new();
    let listener = Listener::bind(&place.path()).expect("the path is free");
    let mut accepted = 0;

    // Both are woken by the one connection; which of them gets it is a matter of luck, so it is tried a few times.
    for _ in 0..20 {
        let outcomes = std::thread::scope(|scope| {
            let waiting = [0, 1].map(|_| scope.spawn(|| listener.accept(Deadline::after(SHORT))));
            let peer = Channel::connect(&place.path(), Deadline::after(LONG)).expect("somebody listens");
            let outcomes = waiting.map(|one| one.join().expect("no panic"));
            drop(peer);
            outcomes
        });
        accepted += outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(ChannelError::TimedOut))), "{outcomes:?}");
    }

    assert_eq!(accepted, 20);
}

#[test]
fn a_listener_that_never_accepts_does_not_hold_up_its_peers() {
    let _census = Census::take();
    let place = Place::new();
    let _listener = Listener::bind(&place.path()).expect("the path is free");
    let start = Instant::now();

    // The queue takes a few; the first one that finds it full has to give up in time.
    let mut waiting = Vec::new();
    let outcome = loop {
        match Channel::connect(&place.path(), Deadline::after(SHORT)) {
            Ok(channel) if waiting.len() < 100 => waiting.push(channel),
            other => break other,
        }
    };

    assert!(matches!(outcome, Err(ChannelError::TimedOut)), "{outcome:?}");
    assert!(start.elapsed() < LONG);
}
