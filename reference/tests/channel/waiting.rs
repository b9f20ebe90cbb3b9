//! Waiting to receive: until the deadline, until something comes, or not at all.

use std::time::{Duration, Instant};

use gpushare::{ChannelError, Deadline};

use crate::census::Census;
use crate::raw::{self, message};

#[test]
fn nothing_comes_until_the_deadline() {
    let _census = Census::take();
    let (mut channel, _raw) = raw::pair();
    let (span, start) = (Duration::from_millis(30), Instant::now());

    let outcome = channel.receive(Deadline::after(span));

    assert!(matches!(outcome, Err(ChannelError::TimedOut)), "{outcome:?}");
    assert!(start.elapsed() >= span && start.elapsed() < span + Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn what_has_arrived_is_received_even_past_the_deadline() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();
    raw.send(&message(0, b"early"), 0);

    let received = channel.receive(Deadline::after(Duration::ZERO)).expect("it is here already");

    assert_eq!(received.bytes, b"early");
}

#[test]
fn without_a_deadline_it_waits() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();

    let received = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            raw.send(&message(0, b"late"), 0);
        });
        channel.receive(Deadline::NEVER).expect("it comes")
    });

    assert_eq!(received.bytes, b"late");
}

#[test]
fn the_end_between_two_messages_is_no_error_of_the_message() {
    let _census = Census::take();
    let (mut channel, raw) = raw::pair();
    raw.send(&message(0, b"the last"), 0);
    raw.stop_sending();

    let last = channel.receive(Deadline::NEVER).expect("it arrives");
    let end = channel.receive(Deadline::NEVER);

    assert_eq!(last.bytes, b"the last");
    assert!(matches!(end, Err(ChannelError::Closed)), "{end:?}");
}
