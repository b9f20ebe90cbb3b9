//! Whole messages, in order, with their handles, however they are cut on the way.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use gpushare::channel::Limits;
use gpushare::{Channel, ChannelError, Deadline, Message, OwnedHandle, SharedMemory};
use proptest::prelude::*;
use rstest::rstest;
use rustix::io::FdFlags;

use crate::census::Census;
use crate::raw::{self, message};

const LONG: Duration = Duration::from_secs(10);

/// Handles that can be told apart: object `n` has `n + 1` bytes.
fn objects() -> Vec<OwnedHandle> {
    let object = |bytes| SharedMemory::create(bytes).and_then(|memory| memory.handle()).expect("shared memory");
    (1..=8).map(object).collect()
}

fn which(handle: &OwnedHandle) -> i64 {
    rustix::fs::fstat(handle).expect("an open handle").st_size - 1
}

fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(31) ^ at >> 8 ^ seed) as u8).collect()
}

fn is_close_on_exec(handle: &OwnedHandle) -> bool {
    rustix::io::fcntl_getfd(handle.as_fd()).expect("an open handle").contains(FdFlags::CLOEXEC)
}

#[rstest]
#[case::nothing(0, 0)]
#[case::only_a_handle(0, 1)]
#[case::one_byte(1, 0)]
#[case::a_chunk((64 << 10) - 8, 1)]
#[case::a_chunk_and_a_byte((64 << 10) + 1, 2)]
#[case::most_handles(5, Limits::MOST_HANDLES)]
#[case::most_of_both(1 << 20, Limits::MOST_HANDLES)]
fn a_message_of_an_extreme_size(#[case] len: usize, #[case] count: usize) {
    let _census = Census::take();
    let (mut here, mut there) = Channel::pair().expect("a pair");
    let objects = objects();
    let beside: Vec<&OwnedHandle> = objects.iter().cycle().take(count).collect();

    let received = std::thread::scope(|scope| {
        let sending = scope.spawn(|| here.send(&bytes(len, 7), &beside, Deadline::after(LONG)));
        let received = there.receive(Deadline::after(LONG)).expect("it arrives");
        sending.join().expect("no panic").expect("it goes");
        received
    });

    assert!(received.bytes == bytes(len, 7), "the bytes differ");
    assert_eq!(received.handles.len(), count);
    assert!(received.handles.iter().map(which).eq((0..8).cycle().take(count)), "another order");
    assert!(received.handles.iter().all(is_close_on_exec));
}

#[rstest]
#[case::each_byte_alone(1)]
#[case::header_and_body(8)]
#[case::across_the_header(5)]
fn pieces_make_a_message(#[case] piece: usize) {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();
    let whole = message(1, b"in pieces");
    for (index, part) in whole.chunks(piece).enumerate() {
        raw.send(part, usize::from(index == 0));
    }

    let received = channel.receive(Deadline::after(LONG)).expect("it arrives");

    assert_eq!((received.bytes.as_slice(), received.handles.len()), (&b"in pieces"[..], 1));
}

#[test]
fn two_messages_in_one_piece_stay_two() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();
    raw.send(&[message(0, b"first"), message(0, b""), message(0, b"third")].concat(), 0);

    let received: Vec<Vec<u8>> = (0..3).map(|_| channel.receive(Deadline::NEVER).expect("it arrives").bytes).collect();

    assert_eq!(received, [b"first".to_vec(), b"".to_vec(), b"third".to_vec()]);
}

#[test]
fn a_time_out_in_the_middle_loses_nothing() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();
    let whole = message(2, b"late but whole");
    for (index, part) in whole.chunks(3).enumerate() {
        let outcome = channel.receive(Deadline::after(Duration::from_millis(1)));
        assert!(matches!(outcome, Err(ChannelError::TimedOut)), "{outcome:?}");
        raw.send(part, usize::from(index == 0) * 2);
    }

    let received = channel.receive(Deadline::NEVER).expect("it arrives");

    assert_eq!((received.bytes.as_slice(), received.handles.len()), (&b"late but whole"[..], 2));
}

#[test]
fn giving_up_the_channel_in_the_middle_closes_what_came() {
    let census = Census::take();
    let (mut channel, raw) = raw::pair();
    raw.send(&message(2, b"unfinished")[..12], 2);
    channel.receive(Deadline::after(Duration::from_millis(1))).expect_err("it is not whole");

    let handle = channel.into_handle();

    drop((handle, raw));
    census.check();
}

#[test]
fn a_handle_is_a_duplicate_and_the_sender_keeps_its_own() {
    let _census = Census::take();
    let (mut here, mut there) = Channel::pair().expect("a pair");
    let memory = SharedMemory::create(64).expect("shared memory");
    let handle = memory.handle().expect("a handle");

    here.send(b"", &[&handle], Deadline::NEVER).expect("it goes");
    let Message { mut handles, .. } = there.receive(Deadline::NEVER).expect("it arrives");

    let theirs = SharedMemory::attach(handles.pop().expect("one handle"), 64).expect("it can be attached");
    memory.write(3, b"seen").expect("in bounds");
    let mut seen = [0; 4];
    theirs.read(3, &mut seen).expect("in bounds");
    assert_eq!(&seen, b"seen");
    drop(OwnedFd::from(handle));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn messages_arrive_whole_and_in_order(
        messages in prop::collection::vec((prop_oneof![4 => 0..2000usize, 1 => 0..300_000usize], 0..20usize), 1..8),
    ) {
        let _census = Census::take();
        let (mut here, mut there) = Channel::pair().expect("a pair");
        let objects = objects();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for (index, (len, count)) in messages.iter().enumerate() {
                    let beside: Vec<&OwnedHandle> = objects.iter().cycle().skip(index).take(*count).collect();
                    here.send(&bytes(*len, index), &beside, Deadline::after(LONG)).expect("it goes");
                }
                drop(here);
            });
            for (index, (len, count)) in messages.iter().enumerate() {
                let received = there.receive(Deadline::after(LONG)).expect("it arrives");
                assert!(received.bytes == bytes(*len, index), "message {index} differs");
                assert!(received.handles.iter().map(which).eq((0..8).cycle().skip(index).take(*count)), "handles differ");
            }
            let end = there.receive(Deadline::after(LONG));
            assert!(matches!(end, Err(ChannelError::Closed)), "{end:?}");
        });
    }
}
