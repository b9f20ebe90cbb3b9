//! The other side is killed: whoever survives returns, says so, and holds nothing more than before.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use gpushare::ring::{Consumer, Producer, RingError};
use gpushare::{Deadline, Patience, Peer, Wait};

use crate::amount;
use crate::other::{Other, SLEEPY, soon};
use crate::sys::{PARENT_IS_KNOWN, holdings, not_a_process};

#[test]
fn a_wait_ends_with_the_death_of_the_peer() {
    let mut other = Other::start("sleep");
    let (mut producer, mut consumer) = other.sleepy_rings(64);
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        let moment = Instant::now();
        other.kill();
        moment
    });

    let answer = consumer.wait(Deadline::NEVER).unwrap();

    let took = killer.join().unwrap().elapsed();
    assert_eq!(answer, Wait::PeerGone);
    assert!(took < Duration::from_millis(500), "noticed after {took:?}");
    assert!(matches!(consumer.receive(&mut Vec::new(), Deadline::NEVER), Err(RingError::PeerGone)));
    producer.send(&[0; 56], Deadline::NEVER).unwrap();
    assert!(matches!(producer.send(&[0; 56], Deadline::NEVER), Err(RingError::PeerGone)));
}

#[test]
fn what_was_sent_before_the_death_arrives() {
    let mut other = Other::start("fill");
    let (mut consumer, offer) = Consumer::create(256).unwrap();
    consumer.watch(&other.watch());
    other.offer(offer);
    other.ready();
    other.kill();
    let mut taken = 0;
    let end = loop {
        match consumer.receive(&mut Vec::new(), soon()) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(end, RingError::PeerGone), "{end}");
    assert_eq!(taken, 8, "256 bytes of ring hold 8 records of 32");
}

#[test]
fn who_only_looks_sees_the_death_too() {
    let mut other = Other::start("sleep");
    let (mut producer, mut consumer) = other.rings(64);
    other.ready();
    assert!(!consumer.try_receive(&mut Vec::new()).unwrap());
    other.kill();
    let end = Instant::now() + Duration::from_secs(20);
    let error = loop {
        match consumer.try_receive(&mut Vec::new()) {
            Ok(_) => assert!(Instant::now() < end, "a reader that spins never saw the death"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RingError::PeerGone), "{error}");
    assert!(producer.try_send(&[0; 56]).unwrap());
    assert!(matches!(producer.try_send(&[0; 56]), Err(RingError::PeerGone)));
}

#[test]
fn a_kill_at_any_moment_leaves_a_survivor_that_returns_and_leaks_nothing() {
    let mut held = None;
    for round in 0..amount(24, 1000) {
        let survivor_sends = round % 2 == 0;
        let mut other = Other::start(if survivor_sends { "drink" } else { "flood" });
        let peer = other.watch();
        let patience = if round % 4 < 2 { SLEEPY } else { Patience::default() };
        let moment = Duration::from_micros(round * 7919 % 20_000);
        if survivor_sends {
            let (mut producer, offer) = Producer::create(4096).unwrap();
            producer.watch(&peer);
            producer.set_patience(patience);
            other.offer(offer);
            survive(other, moment, || producer.send(&[1; 100], Deadline::after(Duration::from_secs(10))));
        } else {
            let (mut consumer, offer) = Consumer::create(4096).unwrap();
            consumer.watch(&peer);
            consumer.set_patience(patience);
            other.offer(offer);
            survive(other, moment, || consumer.drain(9, Deadline::after(Duration::from_secs(10)), |_| {}).map(drop));
        }
        drop(peer);
        // The first rounds set up what a process sets up once.
        if round == 4 {
            held = Some(holdings());
        }
    }
    assert_eq!(held, Some(holdings()), "handles, shared mappings and threads after a few rounds, and after all");
}

fn survive(mut other: Other, moment: Duration, mut work: impl FnMut() -> Result<(), RingError>) {
    other.ready();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(moment);
        other.kill();
        let killed = Instant::now();
        drop(other);
        killed
    });
    let error = loop {
        if let Err(error) = work() {
            break error;
        }
    };
    let returned = Instant::now();
    let killed = killer.join().unwrap();
    assert!(matches!(error, RingError::PeerGone), "{error}");
    let took = returned.saturating_duration_since(killed);
    assert!(took < Duration::from_secs(5), "returned {took:?} after the kill");
}

#[test]
fn only_a_process_can_be_watched() {
    assert_eq!(Peer::from_handle(not_a_process()).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    assert!(!Peer::from_handle(Peer::this_process().unwrap()).unwrap().is_dead());
    match Peer::parent() {
        Ok(parent) => assert!(parent.is_watched() && !parent.is_dead()),
        Err(error) => assert!(!PARENT_IS_KNOWN && error.kind() == std::io::ErrorKind::InvalidInput, "{error}"),
    }
}

#[test]
fn a_peer_is_shown_alive_and_then_dead() {
    let mut other = Other::start("sleep");
    let peer = other.watch();
    assert_eq!(format!("{peer:?}"), "Peer(alive)");
    other.kill();
    let end = Instant::now() + Duration::from_secs(20);
    while !peer.is_dead() {
        assert!(Instant::now() < end, "the death was not seen");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(format!("{peer:?}"), "Peer(dead)");
}

#[test]
fn the_death_of_the_peer_is_not_the_end_of_a_stream() {
    let mut other = Other::start("copy");
    let mut stream = other.stream(4096);
    other.ready();
    stream.write_all(b"once").unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    other.kill();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let error = std::iter::repeat_with(|| stream.write(&[0; 1000])).take(20).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
