//! Shared memory between two processes, as closures that run in another one.
//!
//! On Linux alone: the other process opens an object through `/proc`. `processes` has shared memory of each system.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "procspawn asks for a promise about shared libraries")]

use std::fs::OpenOptions;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::Duration;

use gpushare::{OwnedHandle, SharedMemory};

procspawn::enable_test_support!();

const LEN: u64 = 10_000;
const LIMIT: Duration = Duration::from_secs(20);

fn allow_closures() {
    // SAFETY: this binary loads no shared library that passes closures to procspawn.
    unsafe { procspawn::assert_spawn_is_safe() }
}

/// procspawn passes values and no handles: the other process opens the object by the number it has in this one.
type Address = (u32, i32);

fn address(handle: &OwnedHandle) -> Address {
    (std::process::id(), handle.as_fd().as_raw_fd())
}

fn open((process, number): Address) -> OwnedHandle {
    let path = format!("/proc/{process}/fd/{number}");
    let file = OpenOptions::new().read(true).write(true).open(path).expect("a process of the same user can be looked at");
    std::os::fd::OwnedFd::from(file).into()
}

#[test]
fn bytes_that_another_process_changes_are_seen_here() {
    allow_closures();
    let memory = SharedMemory::create(LEN).expect("created");
    memory.write(LEN - 4, b"ping").expect("in bounds");
    let handle = memory.handle().expect("a handle");

    let mut other = procspawn::spawn(address(&handle), |address| {
        let memory = SharedMemory::attach(open(address), LEN).expect("attached");
        let mut seen = [0; 4];
        memory.read(LEN - 4, &mut seen).expect("in bounds");
        memory.write(LEN - 4, b"pong").expect("in bounds");
        (std::process::id(), seen)
    });
    let (process, seen_there) = other.join_timeout(LIMIT).expect("it returns");

    let mut seen_here = [0; 4];
    memory.read(LEN - 4, &mut seen_here).expect("in bounds");
    assert_ne!(process, std::process::id(), "the closure ran in another process");
    assert_eq!((&seen_there, &seen_here), (b"ping", b"pong"));
}

#[test]
fn another_process_cannot_change_the_size() {
    allow_closures();
    let memory = SharedMemory::create(LEN).expect("created");
    let handle = memory.handle().expect("a handle");

    let mut other = procspawn::spawn(address(&handle), |address| {
        let handle = open(address);
        [0, LEN - 1, LEN + 1].map(|len| rustix::fs::ftruncate(&handle, len).is_ok())
    });
    let changed = other.join_timeout(LIMIT).expect("it returns");

    assert_eq!(changed, [false; 3]);
    memory.read(0, &mut vec![0; 10_000]).expect("every byte is still there");
}

#[test]
fn what_another_process_wrote_outlives_it() {
    allow_closures();
    let memory = SharedMemory::create(LEN).expect("created");
    let handle = memory.handle().expect("a handle");

    let mut other = procspawn::spawn(address(&handle), |address| {
        let memory = SharedMemory::attach(open(address), LEN).expect("attached");
        memory.write(0, b"the last words").expect("in bounds");
        std::process::abort();
    });
    let outcome: Result<(), _> = other.join_timeout(LIMIT);

    assert!(outcome.is_err(), "it died");
    let mut words = [0; 14];
    memory.read(0, &mut words).expect("in bounds");
    assert_eq!(&words, b"the last words");
}
