#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::{Stream, StreamError, StreamOffer};
use crate::deadline::Deadline;
use crate::ring::{Corruption, RingError};
use crate::waiter::Patience;

fn streams(capacity: u64) -> (Stream, Stream) {
    let (here, offer) = Stream::create(capacity).unwrap();
    (here, Stream::attach(offer).unwrap())
}

fn now() -> Deadline {
    Deadline::after(Duration::ZERO)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn numbered(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 7 + at / 256) as u8).collect()
}

#[test]
fn both_directions_at_once_and_much_more_than_the_rings_hold() {
    let (mut here, mut there) = streams(256);
    let bytes = numbered(300_000);
    let echo = std::thread::spawn(move || {
        let mut buffer = [0; 1000];
        loop {
            match there.read_by(&mut buffer, soon()).unwrap() {
                0 => break,
                count => there.write_all_by(&buffer[..count], soon()).unwrap(),
            }
        }
    });
    let mut back = Vec::new();
    for piece in bytes.chunks(200) {
        here.write_all(piece).unwrap();
        let mut buffer = vec![0; piece.len()];
        here.read_exact_by(&mut buffer, soon()).unwrap();
        back.extend(buffer);
    }
    here.close_write();
    assert_eq!(here.read(&mut [0; 8]).unwrap(), 0, "the echo ended its direction too");
    echo.join().unwrap();
    assert_eq!(back, bytes);
}

/// Empty buffers at the beginning, between and at the end have nothing to wait for.
#[test]
fn several_buffers_larger_than_the_ring_together() {
    let (mut here, mut there) = streams(256);
    let bytes = numbered(5000);
    let writer = std::thread::spawn({
        let bytes = bytes.clone();
        move || {
            let (first, rest) = bytes.split_at(100);
            let mut buffers = [&[], first, &[], rest, &[]].map(IoSlice::new);
            here.write_all_vectored_by(&mut buffers, soon()).unwrap();
            here.write_all_vectored_by(&mut [IoSlice::new(&[])], soon()).unwrap();
        }
    });
    let mut read = Vec::new();
    there.read_to_end(&mut read).unwrap();
    writer.join().unwrap();
    assert_eq!(read, bytes);
}

#[test]
fn one_write_larger_than_the_ring() {
    let (mut here, mut there) = streams(1 << 17);
    let bytes = numbered(1 << 20);
    let expected = bytes.clone();
    let writer = std::thread::spawn(move || here.write_all_by(&bytes, soon()).unwrap());
    let mut back = vec![0; expected.len()];
    there.read_exact_by(&mut back, soon()).unwrap();
    assert!(back == expected);
    writer.join().unwrap();
}

#[test]
fn a_read_that_ends_early_says_so_and_keeps_what_came() {
    let (mut here, mut there) = streams(64);
    here.write_all(b"tail").unwrap();
    here.close_write();
    let mut buffer = [0; 6];

    let answer = there.read_exact_by(&mut buffer, soon());

    assert!(matches!(answer, Err(StreamError::Ended { filled: 4, wanted: 6 })), "{answer:?}");
    assert_eq!(&buffer, b"tail\0\0");
}

#[test]
fn half_closed_means_half() {
    let (mut here, mut there) = streams(64);
    here.write_all(b"question").unwrap();
    here.close_write();
    assert_eq!(here.write(b"more").unwrap_err().kind(), ErrorKind::BrokenPipe);

    let mut text = String::new();
    there.read_to_string(&mut text).unwrap();
    assert_eq!(text, "question");
    there.write_all(b"answer").unwrap();
    drop(there);

    text.clear();
    here.read_to_string(&mut text).unwrap();
    assert_eq!(text, "answer");
}

#[test]
fn a_write_that_nobody_will_read_fails() {
    let (mut here, mut there) = streams(64);
    there.close_read();
    let error = std::iter::repeat_with(|| here.write(b"twelve bytes")).take(20).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(there.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert!(here.read_by(&mut [0; 1], now()).is_err_and(|error| matches!(error, StreamError::Ring(RingError::TimedOut))));
}

#[test]
fn timeouts_of_the_traits() {
    let (mut here, mut there) = streams(64);
    here.set_timeout(Some(Duration::from_millis(10)));
    assert_eq!(here.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(here.write(&[1; 100]).unwrap(), 56, "what there is room for");
    assert_eq!(here.write(&[1; 100]).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(there.read(&mut [0; 100]).unwrap(), 56);
    assert_eq!(here.write(b"").unwrap(), 0);
    assert_eq!(there.read(&mut []).unwrap(), 0, "an empty buffer is not the end");
}

#[test]
fn an_offer_has_as_many_handles_as_it_says() {
    let (_here, offer) = Stream::create(64).unwrap();
    assert_eq!(offer.into_parts().1.len(), StreamOffer::HANDLES);
}

#[test]
fn patience_is_that_of_both_directions() {
    let (mut here, _there) = streams(64);
    here.set_patience(Patience { spin: 0, park: Duration::ZERO });
    here.write_all_by(&[0; 56], soon()).unwrap();
    // A sleep without an end of its own lasts until the deadline, so there would be one for each attempt. Where the machine is
    // very busy there may be no time for a second one.
    let mut sleeps = [0, 0];
    let more_than_once = (1..=20).any(|attempts| {
        assert!(here.read_by(&mut [0; 1], Deadline::after(Duration::from_millis(20))).is_err());
        assert!(here.write_by(&[0; 1], Deadline::after(Duration::from_millis(20))).is_err());
        sleeps = here.counts().map(|counts| counts.unwrap().sleeps);
        sleeps.iter().all(|sleeps| *sleeps > attempts)
    });
    assert!(more_than_once, "{sleeps:?}");
}

#[test]
fn vectored() {
    let (mut here, mut there) = streams(64);
    let parts = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
    assert_eq!(here.write_vectored(&parts).unwrap(), 5);
    let (mut first, mut second, mut third) = ([0; 1], [0; 3], [0; 9]);
    let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second), IoSliceMut::new(&mut third)];
    assert_eq!(there.read_vectored(&mut buffers).unwrap(), 5);
    assert_eq!((&first, &second, &third[..1]), (b"a", b"bcd", &b"e"[..]));
}

#[rstest]
#[case(StreamError::Ended { filled: 0, wanted: 1 }, ErrorKind::UnexpectedEof)]
#[case(StreamError::ClosedHere("writing"), ErrorKind::BrokenPipe)]
#[case(RingError::Closed.into(), ErrorKind::BrokenPipe)]
#[case(RingError::TimedOut.into(), ErrorKind::TimedOut)]
#[case(RingError::PeerGone.into(), ErrorKind::ConnectionReset)]
#[case(RingError::GivenUp.into(), ErrorKind::InvalidData)]
#[case(RingError::Corrupt(Corruption::Position { found: 1, least: 0, most: 0 }).into(), ErrorKind::InvalidData)]
fn kinds(#[case] error: StreamError, #[case] kind: ErrorKind) {
    assert_eq!(std::io::Error::from(error).kind(), kind);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any sequence of writes and reads of any size, against a queue of bytes.
    #[test]
    fn behaves_like_a_queue_of_bytes(steps in prop::collection::vec((any::<bool>(), 0..200usize), 1..200)) {
        let (mut here, mut there) = streams(128);
        let (mut model, mut next) = (VecDeque::new(), 0u8);
        for (write, count) in steps {
            if write {
                let bytes: Vec<u8> = (0..count).map(|at| next.wrapping_add(at as u8)).collect();
                match here.write_by(&bytes, now()) {
                    Ok(written) => {
                        prop_assert!(written != 0 || count == 0);
                        model.extend(&bytes[..written]);
                        next = next.wrapping_add(written as u8);
                    }
                    // A piece that is read in part keeps its room.
                    Err(StreamError::Ring(RingError::TimedOut)) => prop_assert!(!model.is_empty(), "there is room"),
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
            } else {
                let mut buffer = vec![0; count];
                match there.read_by(&mut buffer, now()) {
                    Ok(read) => {
                        prop_assert_eq!(read, count.min(model.len()));
                        let expected: Vec<u8> = model.drain(..read).collect();
                        prop_assert_eq!(&buffer[..read], &expected[..]);
                    }
                    Err(StreamError::Ring(RingError::TimedOut)) => prop_assert!(model.is_empty()),
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
            }
        }
        drop(here);
        let mut rest = Vec::new();
        there.read_to_end(&mut rest).unwrap();
        prop_assert_eq!(rest, Vec::from(model));
    }
}
