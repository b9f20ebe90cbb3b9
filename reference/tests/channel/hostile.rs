//! A hostile sender: each thing it can do is an error that says so, closes what arrived, and breaks the channel.

use std::time::Duration;

use gpushare::channel::Limits;
use gpushare::{ChannelError, Deadline};
use rstest::rstest;

use crate::census::Census;
use crate::raw::{self, Raw, header, message};

type Script = fn(&mut Raw);

/// Small, so that a table can go over each of them.
const LIMITS: Limits = Limits { message_bytes: 16, handles: 2 };

#[rstest]
#[case::another_protocol(|raw: &mut Raw| raw.send(b"HTTP/1.1", 0), "the peer does not speak this protocol: a message begins with [48, 54, 54, 50, 2f, 31, 2e, 31]")]
#[case::first_byte_wrong(|raw: &mut Raw| raw.send(b"X", 0), "the peer does not speak this protocol: a message begins with [58, 00, 00, 00, 00, 00, 00, 00]")]
#[case::second_byte_wrong(|raw: &mut Raw| raw.send(b"GT", 0), "the peer does not speak this protocol: a message begins with [47, 54, 00, 00, 00, 00, 00, 00]")]
#[case::handles_beside_another_protocol(|raw: &mut Raw| raw.send(b"XX", 2), "the peer does not speak this protocol: a message begins with [58, 58, 00, 00, 00, 00, 00, 00]")]
#[case::garbage_after_a_message(|raw: &mut Raw| raw.send(b"X", 1), "the peer does not speak this protocol: a message begins with [58, 00, 00, 00, 00, 00, 00, 00]")]
#[case::one_byte_too_many(|raw: &mut Raw| raw.send(&header(0, 17), 0), "17 bytes in one message, the limit is 16")]
#[case::four_gigabytes(|raw: &mut Raw| raw.send(&header(0, u32::MAX), 0), "4294967295 bytes in one message, the limit is 16")]
#[case::four_gigabytes_with_handles(|raw: &mut Raw| raw.send(&header(2, u32::MAX), 2), "4294967295 bytes in one message, the limit is 16")]
#[case::one_handle_too_many(|raw: &mut Raw| raw.send(&header(3, 0), 0), "3 handles in one message, the limit is 2")]
#[case::most_handles(|raw: &mut Raw| raw.send(&header(u16::MAX, 0), 2), "65535 handles in one message, the limit is 2")]
#[case::no_announced_handle_comes(|raw: &mut Raw| raw.send(&message(2, b"abc"), 0), "0 handles arrived, the message announced 2; they were closed")]
#[case::one_announced_handle_is_missing(|raw: &mut Raw| raw.send(&message(2, b"abc"), 1), "1 handles arrived, the message announced 2; they were closed")]
#[case::announced_beside_nothing(|raw: &mut Raw| raw.send(&message(1, b""), 0), "0 handles arrived, the message announced 1; they were closed")]
#[case::unannounced_handle(|raw: &mut Raw| raw.send(&message(0, b"abc"), 1), "1 handles arrived, the message announced 0; they were closed")]
#[case::unannounced_beside_nothing(|raw: &mut Raw| raw.send(&message(0, b""), 2), "2 handles arrived, the message announced 0; they were closed")]
#[case::unannounced_beside_the_body(|raw: &mut Raw| { raw.send(&header(0, 3), 0); raw.send(b"abc", 1) }, "1 handles arrived, the message announced 0; they were closed")]
#[case::one_more_than_announced(|raw: &mut Raw| raw.send(&message(1, b"abc"), 2), "2 handles arrived, the message announced 1; they were closed")]
#[case::too_many_in_two_parts(|raw: &mut Raw| { raw.send(&header(2, 3), 2); raw.send(b"abc", 1) }, "3 handles in one message, the limit is 2")]
#[case::more_than_there_is_room_for(|raw: &mut Raw| raw.send(&message(2, b"abc"), 3), "3 handles in one message, the limit is 2")]
#[case::cut_in_the_header(|raw: &mut Raw| { raw.send(&header(0, 3)[..1], 0); raw.stop_sending() }, "the peer closed the channel within a message: 1 of 8 bytes had arrived")]
#[case::cut_in_the_header_with_handles(|raw: &mut Raw| { raw.send(&header(2, 3)[..7], 2); raw.stop_sending() }, "the peer closed the channel within a message: 7 of 8 bytes had arrived")]
#[case::cut_behind_the_header(|raw: &mut Raw| { raw.send(&header(1, 10), 1); raw.stop_sending() }, "the peer closed the channel within a message: 8 of 18 bytes had arrived")]
#[case::cut_in_the_body(|raw: &mut Raw| { raw.send(&message(2, b"0123456789")[..17], 2); raw.stop_sending() }, "the peer closed the channel within a message: 17 of 18 bytes had arrived")]
fn a_message_that_is_none(#[case] script: Script, #[case] expected: &str) {
    let census = Census::take();
    let (channel, mut raw) = raw::pair();
    let mut channel = channel.with_limits(LIMITS);
    raw.send(&message(1, b"a good one first"), 1);
    script(&mut raw);

    let good = channel.receive(Deadline::NEVER).expect("the good message arrives");
    let error = channel.receive(Deadline::after(Duration::from_secs(5))).expect_err("the other does not");

    assert_eq!((good.bytes.as_slice(), good.handles.len()), (&b"a good one first"[..], 1));
    assert_eq!(error.to_string(), expected);
    let afterwards = channel.receive(Deadline::after(Duration::from_millis(1)));
    assert!(matches!(afterwards, Err(ChannelError::Broken)), "{afterwards:?}");
    let sending = channel.send(b"", &[], Deadline::NEVER);
    assert!(matches!(sending, Err(ChannelError::Broken)), "{sending:?}");
    // What had come beside the bad message is closed already, before the channel is dropped.
    drop((good, raw));
    drop(channel.into_handle());
    census.check();
}

#[rstest]
// The buffer for ancillary data is aligned, so that a little more fits than the limit says; beyond that the kernel cuts off.
#[case::no_handle_allowed(0, 1, "1 handles in one message, the limit is 0")]
#[case::no_handle_allowed_and_many_sent(
    0,
    100,
    "handles were lost on the way (ancillary data truncated); 2 that arrived were closed"
)]
#[case::one_allowed(1, 2, "2 handles in one message, the limit is 1")]
#[case::one_allowed_and_many_sent(
    1,
    100,
    "handles were lost on the way (ancillary data truncated); 4 that arrived were closed"
)]
#[case::as_many_as_the_kernel_takes(
    2,
    253,
    "handles were lost on the way (ancillary data truncated); 4 that arrived were closed"
)]
#[case::limits_above_the_kernels_are_lowered(1000, 0, "0 handles arrived, the message announced 200; they were closed")]
fn limits_on_handles_hold_for_what_arrives(#[case] limit: usize, #[case] sent: usize, #[case] expected: &str) {
    let _census = Census::take();
    let (channel, raw) = raw::pair();
    let mut channel = channel.with_limits(Limits { handles: limit, message_bytes: 16 });
    let announced = if limit > 253 { 200 } else { u16::try_from(limit).expect("small") };
    raw.send(&message(announced, b"abc"), sent);

    let error = channel.receive(Deadline::NEVER).expect_err("refused");

    assert_eq!(error.to_string(), expected);
}

#[test]
fn handles_are_closed_as_soon_as_the_message_is_refused() {
    let census = Census::take();
    let (mut channel, raw) = raw::pair();
    let before = descriptors();
    raw.send(&message(0, b"abc"), 100);

    channel.receive(Deadline::NEVER).expect_err("nothing was announced");

    assert_eq!(descriptors(), before);
    drop((channel, raw));
    census.check();
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc is mounted").count()
}

#[test]
fn a_message_that_does_not_end_costs_no_memory() {
    let _census = Census::take();
    let (channel, raw) = raw::pair();
    let mut channel = channel.with_limits(Limits { message_bytes: 1 << 30, handles: 0 });
    raw.send(&header(0, 1 << 30), 0);

    let before = resident_kilobytes();
    let outcome = channel.receive(Deadline::after(Duration::from_millis(10)));

    assert!(matches!(outcome, Err(ChannelError::TimedOut)), "{outcome:?}");
    assert!(resident_kilobytes() < before + (100 << 10), "memory was set aside for what was only announced");
}

fn resident_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("every process has one");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
