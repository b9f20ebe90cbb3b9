//! A deadline passes when it is due, once for all steps that share it, or never.

use std::time::Duration;

use gpushare::Deadline;

#[test]
fn never_does_not_pass() {
    assert_eq!(Deadline::NEVER.left(), None);
    assert!(!Deadline::NEVER.passed());
}

#[test]
fn a_span_too_long_for_the_clock_means_never() {
    assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
}

#[test]
fn what_is_left_shrinks() {
    let span = Duration::from_secs(3600);
    let deadline = Deadline::after(span);

    let left = deadline.left().expect("it has an end");

    assert!(left <= span && left > span - Duration::from_secs(60), "{left:?}");
    assert!(!deadline.passed());
}

#[test]
fn once_passed_nothing_is_left() {
    let deadline = Deadline::after(Duration::from_millis(1));

    std::thread::sleep(Duration::from_millis(2));

    assert!(deadline.passed());
    assert_eq!(deadline.left(), Some(Duration::ZERO));
}
