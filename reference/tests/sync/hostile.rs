//! What a peer can do that writes whatever it likes, and handles that are something else.

use std::fs::File;
use std::time::{Duration, Instant};

use gpushare::host::HostDevice;
use gpushare::{
    Deadline, HandleType, OwnedHandle, Permanence, Semaphores, SharedMemory, SharedTimeline, SyncError, SyncHandle, Timelines,
};
use rstest::rstest;

use crate::sys::OfSystem;
use crate::{NOBODY, now};

/// Where the number lies in the object, and the count of sleepers.
const VALUE: u64 = 128;
const SLEEPERS: u64 = 260;

/// A timeline, and its memory as a peer has it that was told nothing about it.
fn exposed() -> (SharedTimeline, SharedMemory) {
    let timeline = SharedTimeline::create(10).expect("created");
    let handle = timeline.handle().expect("a handle");
    (timeline, SharedMemory::attach(handle, 4096).expect("mapped"))
}

#[test]
fn a_value_that_is_written_back_is_not_seen() {
    let (timeline, memory) = exposed();

    memory.write(VALUE, &3_u64.to_ne_bytes()).expect("written");

    assert_eq!(timeline.value(), 10);
    assert!(matches!(timeline.signal(10), Err(SyncError::NotIncreasing { found: 10, current: 10 })));
    timeline.signal(11).expect("it goes on from where it was");
    assert_eq!(timeline.value(), 11);
}

#[test]
fn a_value_at_the_end_ends_the_timeline_and_nothing_else() {
    let (timeline, memory) = exposed();

    memory.write(VALUE, &u64::MAX.to_ne_bytes()).expect("written");

    assert_eq!(timeline.value(), u64::MAX);
    assert!(matches!(timeline.signal(u64::MAX), Err(SyncError::NotIncreasing { .. })));
    timeline.wait(u64::MAX, now(), NOBODY).expect("reached, as the peer says");
}

#[test]
fn a_change_without_a_wake_up_is_seen_all_the_same() {
    let (timeline, memory) = exposed();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| timeline.wait(11, Deadline::after(Duration::from_secs(20)), NOBODY));
        std::thread::sleep(Duration::from_millis(20));
        memory.write(VALUE, &11_u64.to_ne_bytes()).expect("written");
        waiting.join().expect("no panic").expect("seen");
    });
}

#[test]
fn a_peer_that_plays_with_the_sleepers_stops_nobody() {
    let (timeline, memory) = exposed();
    let theirs = SharedTimeline::attach(timeline.handle().expect("a handle")).expect("attached");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| theirs.wait(11, Deadline::after(Duration::from_secs(20)), NOBODY));
        std::thread::sleep(Duration::from_millis(20));
        memory.write(SLEEPERS, &0_u32.to_ne_bytes()).expect("written");
        timeline.signal(11).expect("signalled");
        waiting.join().expect("no panic").expect("woken by its own clock");
    });
}

#[test]
fn a_wait_ends_at_its_deadline_whatever_is_written() {
    let (timeline, memory) = exposed();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| timeline.wait(11, Deadline::after(Duration::from_millis(50)), NOBODY));
        while !waiting.is_finished() {
            memory.write(VALUE + 128, &[0xff; 8]).expect("written");
        }
        assert!(matches!(waiting.join().expect("no panic"), Err(SyncError::Timeout { .. })));
    });
    assert!(begun.elapsed() >= Duration::from_millis(50));
}

fn file() -> OwnedHandle {
    let program = std::env::current_exe().and_then(File::open);
    OfSystem::from(program.expect("whoever runs it can read it")).into()
}

fn memory(len: u64) -> OwnedHandle {
    SharedMemory::create(len).and_then(|memory| memory.handle()).expect("shared memory")
}

fn semaphore() -> OwnedHandle {
    let device = HostDevice::new();
    let mut semaphore = device.create_semaphore(&[HandleType::SharedMemory]).expect("created");
    match device.export_semaphore(&mut semaphore, HandleType::SharedMemory).expect("exported") {
        (_, SyncHandle::Handle(handle)) => handle,
        (_, SyncHandle::Signalled) => panic!("a reference is an object"),
    }
}

#[rstest]
#[case::file(file())]
#[case::short_memory(memory(16))]
#[case::long_memory(memory(8192))]
#[case::memory_of_zeros(memory(4096))]
#[case::semaphore(semaphore())]
fn what_is_no_timeline_is_refused_and_comes_back(#[case] handle: OwnedHandle) {
    let refused = SharedTimeline::attach(handle).expect_err("no timeline");

    assert!(matches!(refused.error, SyncError::InvalidHandle { .. }), "{refused}");
    let Some(SyncHandle::Handle(handle)) = refused.handle else { panic!("{refused:?}") };
    assert!(handle.try_clone().is_ok(), "it is still open");
}

#[test]
fn a_timeline_is_no_semaphore_whatever_is_said_of_it() {
    let device = HostDevice::new();
    let mut timeline = device.create_timeline(0, &[HandleType::SharedMemory]).expect("created");
    let (descriptor, handle) = device.export_timeline(&mut timeline, HandleType::SharedMemory).expect("exported");
    let mut into = device.create_semaphore(&[]).expect("created");
    let mut other = device.create_semaphore(&[HandleType::SharedMemory]).expect("created");
    let (of_semaphore, _) = device.export_semaphore(&mut other, HandleType::SharedMemory).expect("exported");

    let honest = device.import_semaphore(&mut into, &descriptor, handle, Permanence::Permanent).expect_err("a timeline");
    let handle = honest.handle.expect("it came back");
    let lied = device.import_semaphore(&mut into, &of_semaphore, handle, Permanence::Permanent).expect_err("a timeline");

    assert!(honest.error.to_string().contains("handleType-03264"), "{}", honest.error);
    assert!(matches!(lied.error, SyncError::InvalidHandle { .. }), "{lied}");
    assert!(lied.handle.is_some());
}
