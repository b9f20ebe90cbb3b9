//! Timelines, in threads of one process and between devices.

use std::thread;
use std::time::Duration;

use gpushare::host::HostDevice;
use gpushare::timeline::{wait_all, wait_any};
use gpushare::{Deadline, HandleType, SharedTimeline, Side, SyncError, Synchronisation, Timelines};
use rstest::rstest;

use crate::{NOBODY, now, soon};

const MEMORY: HandleType = HandleType::SharedMemory;

#[rstest]
fn one_waits_before_the_other_signals(#[values(true, false)] owned: bool) {
    let ours = if owned { SharedTimeline::create_owned(0) } else { SharedTimeline::create(0) }.expect("created");
    let theirs = SharedTimeline::attach(ours.handle().expect("a handle")).expect("attached");

    thread::scope(|scope| {
        let waiting = scope.spawn(|| theirs.wait(3, soon(), NOBODY).map(|()| theirs.value()));
        for value in 1..=3 {
            thread::sleep(Duration::from_millis(5));
            ours.signal(value).expect("signalled");
        }
        assert_eq!(waiting.join().expect("no panic").expect("reached"), 3);
    });
}

#[test]
fn an_owned_one_is_moved_on_by_its_owner_alone() {
    let ours = SharedTimeline::create_owned(7).expect("created");
    let theirs = SharedTimeline::attach(ours.handle().expect("a handle")).expect("attached");

    let refused = theirs.signal(8);

    assert!(matches!(refused, Err(SyncError::SharedMemory(_))), "{refused:?}");
    assert!(!theirs.is_writable() && ours.is_writable());
    assert_eq!((ours.value(), theirs.value()), (7, 7));
}

#[test]
fn several_waiters_wake_at_their_own_values() {
    let ours = SharedTimeline::create(0).expect("created");
    thread::scope(|scope| {
        let waiters: Vec<_> = (1..=8)
            .map(|value| {
                let theirs = SharedTimeline::attach(ours.handle().expect("a handle")).expect("attached");
                scope.spawn(move || theirs.wait(value, soon(), NOBODY).map(|()| theirs.value()))
            })
            .collect();
        for value in 1..=8 {
            thread::sleep(Duration::from_millis(1));
            ours.signal(value).expect("signalled");
        }
        for (waiter, value) in waiters.into_iter().zip(1..) {
            assert!(waiter.join().expect("no panic").expect("reached") >= value);
        }
    });
}

#[test]
fn any_ends_with_the_first_and_all_with_the_last() {
    let device = HostDevice::new();
    let mut first = device.create_timeline(0, &[]).expect("created");
    let second = device.create_timeline(0, &[]).expect("created");
    device.signal_timeline(&mut first, 1, Side::Host).expect("signalled");
    let waits = [(&first, 1), (&second, 1)];

    let all = wait_all(&device, &waits, Deadline::after(Duration::from_millis(10)), NOBODY);

    assert!(matches!(all, Err(SyncError::Timeout { .. })), "{all:?}");
    wait_any(&device, &waits, soon(), NOBODY).expect("one of them is there");
    wait_any(&device, &[], now(), NOBODY).expect("nothing to wait for");
}

#[test]
fn any_wakes_for_a_later_one_of_many() {
    let device = HostDevice::new();
    let mut timelines: Vec<_> = (0..200).map(|_| device.create_timeline(0, &[MEMORY]).expect("created")).collect();
    let (descriptor, handle) = device.export_timeline(&mut timelines[199], MEMORY).expect("exported");
    let mut other = device.import_timeline(&descriptor, handle).expect("imported");

    thread::scope(|scope| {
        let signaller = scope.spawn(|| {
            let device = HostDevice::new();
            thread::sleep(Duration::from_millis(20));
            device.signal_timeline(&mut other, 1, Side::Device).expect("signalled");
        });
        let waits: Vec<_> = timelines.iter().map(|timeline| (timeline, 1)).collect();
        wait_any(&device, &waits, soon(), NOBODY).expect("the last of them came");
        signaller.join().expect("no panic");
    });
}

#[test]
fn a_value_is_never_given_twice_and_pending_ones_come_in_order() {
    let device = HostDevice::new();
    let mut timeline = device.create_timeline(5, &[]).expect("created");

    let same = device.signal_timeline(&mut timeline, 5, Side::Host);
    device.close_gate().expect("closed");
    device.signal_timeline(&mut timeline, 8, Side::Device).expect("submitted");
    let above_pending = device.signal_timeline(&mut timeline, 9, Side::Host);
    let below_pending = device.signal_timeline(&mut timeline, 7, Side::Device);
    device.signal_timeline(&mut timeline, 6, Side::Host).expect("below what is pending");
    device.open_gate().expect("opened");

    assert!(matches!(same, Err(SyncError::NotIncreasing { found: 5, current: 5 })), "{same:?}");
    assert!(above_pending.is_err_and(|error| error.to_string().contains("value-03259")));
    assert!(matches!(below_pending, Err(SyncError::NotIncreasing { found: 7, current: 8 })), "{below_pending:?}");
    assert_eq!(device.value(&timeline).expect("a value"), 8);
}
