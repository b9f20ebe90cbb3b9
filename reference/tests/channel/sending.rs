//! Sending: limits are checked before anything goes, a peer that is gone or does not read is an error.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use gpushare::channel::Limits;
use gpushare::{ChannelError, Deadline, OwnedHandle, SharedMemory};
use rstest::rstest;

use crate::census::Census;
use crate::raw::{self, message};

const SHORT: Duration = Duration::from_millis(20);

#[rstest]
#[case::bytes(17, 0, "17 bytes in one message, the limit is 16")]
#[case::handles(0, 3, "3 handles in one message, the limit is 2")]
fn too_much_is_refused_before_anything_is_sent(#[case] len: usize, #[case] count: usize, #[case] expected: &str) {
    let _census = Census::take();
    let (channel, mut raw) = raw::pair();
    let mut channel = channel.with_limits(Limits { message_bytes: 16, handles: 2 });
    let handle = SharedMemory::create(1).and_then(|memory| memory.handle()).expect("shared memory");
    let beside: Vec<&OwnedHandle> = std::iter::repeat_n(&handle, count).collect();

    let error = channel.send(&vec![1; len], &beside, Deadline::NEVER).expect_err("refused");

    assert_eq!(error.to_string(), expected);
    assert_eq!(raw.drain(), b"");
    channel.send(&[7; 16], &[&handle, &handle], Deadline::NEVER).expect("the limits themselves are allowed");
    assert_eq!(raw.drain(), message(2, &[7; 16]));
}

#[test]
fn the_default_limits_are_a_mebibyte_and_what_the_kernel_takes() {
    assert_eq!(Limits::default(), Limits { message_bytes: 1 << 20, handles: 253 });
}

#[test]
fn a_peer_that_closed_is_gone() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();
    drop(raw);

    for _ in 0..2 {
        let outcome = channel.send(b"anybody there?", &[], Deadline::NEVER);
        assert!(matches!(outcome, Err(ChannelError::Closed)), "{outcome:?}");
    }
    let outcome = channel.receive(Deadline::NEVER);
    assert!(matches!(outcome, Err(ChannelError::Closed)), "{outcome:?}");
}

#[test]
fn a_peer_that_closed_without_reading_is_gone_too() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();
    channel.send(b"unread", &[], Deadline::NEVER).expect("it goes");
    drop(raw);

    let outcome = channel.receive(Deadline::NEVER);

    assert!(matches!(outcome, Err(ChannelError::Closed)), "{outcome:?}");
}

#[test]
fn a_peer_that_closes_in_the_middle_breaks_the_channel() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();

    let outcome = std::thread::scope(|scope| {
        let sending = scope.spawn(|| channel.send(&[0; 1 << 20], &[], Deadline::NEVER));
        std::thread::sleep(SHORT);
        drop(raw);
        sending.join().expect("no panic")
    });

    assert!(matches!(outcome, Err(ChannelError::Closed)), "{outcome:?}");
    let again = channel.send(b"", &[], Deadline::NEVER);
    assert!(matches!(again, Err(ChannelError::Broken)), "{again:?}");
}

#[test]
fn a_message_that_went_in_part_breaks_the_channel() {
    let _census = Census::take();
    let (mut channel, mut raw) = raw::pair();
    let start = Instant::now();

    let outcome = channel.send(&[0; 1 << 20], &[], Deadline::after(SHORT));

    assert!(matches!(outcome, Err(ChannelError::TimedOut)), "{outcome:?}");
    assert!(start.elapsed() >= SHORT);
    assert!(!raw.drain().is_empty(), "part had gone");
    let again = channel.send(b"", &[], Deadline::NEVER);
    assert!(matches!(again, Err(ChannelError::Broken)), "{again:?}");
}

#[test]
fn a_message_that_did_not_go_leaves_the_channel_usable() {
    let _census = Census::take();
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let mut same_socket = ours.try_clone().expect("a duplicate");
    same_socket.set_nonblocking(true).expect("a socket can be told not to wait");
    while same_socket.write(&[b'-'; 4096]).is_ok() {}
    let mut channel = raw::channel(ours);

    let outcome = channel.send(b"no room", &[], Deadline::after(SHORT));

    assert!(matches!(outcome, Err(ChannelError::TimedOut)), "{outcome:?}");
    let mut raw = raw::Raw::over(theirs);
    assert!(raw.drain().iter().all(|&byte| byte == b'-'), "something had gone");
    channel.send(b"room", &[], Deadline::NEVER).expect("there is room now");
    assert_eq!(raw.drain(), message(0, b"room"));
}
