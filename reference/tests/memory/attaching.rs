//! Attaching: the same bytes on both sides, or the handle back and the reason.

use std::fs::OpenOptions;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use gpushare::{OwnedHandle, SharedMemory};
use rstest::rstest;
use rustix::fs::SealFlags;

use crate::census::Census;
use crate::objects;

#[test]
fn both_sides_see_the_same_bytes() {
    let _census = Census::take();
    let here = SharedMemory::create(5000).expect("created");
    let there = SharedMemory::attach(here.handle().expect("a handle"), 5000).expect("attached");

    here.write(4990, b"0123456789").expect("in bounds");
    there.write(0, b"back").expect("in bounds");

    let (mut end, mut start) = ([0; 10], [0; 4]);
    there.read(4990, &mut end).expect("in bounds");
    here.read(0, &mut start).expect("in bounds");
    assert_eq!((&end, &start), (b"0123456789", b"back"));
    assert_eq!((here.len(), there.len(), there.is_empty()), (5000, 5000, false));
}

#[test]
fn new_memory_is_zero() {
    let _census = Census::take();
    let memory = SharedMemory::create(4097).expect("created");

    let mut bytes = vec![1; 4097];
    memory.read(0, &mut bytes).expect("in bounds");

    assert!(bytes.iter().all(|&byte| byte == 0));
}

#[test]
fn an_attached_object_outlives_its_creator() {
    let _census = Census::take();
    let here = SharedMemory::create(16).expect("created");
    here.write(0, b"stays").expect("in bounds");
    let there = SharedMemory::attach(here.handle().expect("a handle"), 16).expect("attached");
    drop(here);

    let mut bytes = [0; 5];
    there.read(0, &mut bytes).expect("in bounds");

    assert_eq!(&bytes, b"stays");
}

fn only_shrink() -> OwnedFd {
    objects::memory(64, SealFlags::SHRINK)
}

fn only_grow() -> OwnedFd {
    objects::memory(64, SealFlags::GROW)
}

fn unsealed() -> OwnedFd {
    objects::memory(64, SealFlags::empty())
}

fn without_writing() -> OwnedFd {
    objects::memory(64, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)
}

/// Opened again for reading only.
fn read_only() -> OwnedFd {
    let whole = objects::sealed(64);
    let path = format!("/proc/self/fd/{}", whole.as_raw_fd());
    OpenOptions::new().read(true).open(path).expect("it can be opened again").into()
}

#[rstest]
#[case::pipe(objects::pipe, 64, "the handle is not a shared memory object: it is a pipe")]
#[case::socket(objects::socket, 64, "the handle is not a shared memory object: it is a socket")]
#[case::file(objects::file, 64, "the handle is not a shared memory object: it is a file")]
#[case::directory(objects::directory, 64, "the handle is not a shared memory object: it is a directory")]
#[case::null(objects::null, 64, "the handle is not a shared memory object: it is a character device")]
#[case::event(objects::event, 64, "the handle is not a shared memory object: it is a special file")]
#[case::unsealed(
    unsealed,
    64,
    "the shared memory object is not sealed against shrinking and growing; its owner could make every access fault"
)]
#[case::can_grow(
    only_shrink,
    64,
    "the shared memory object is not sealed against shrinking and growing; its owner could make every access fault"
)]
#[case::can_shrink(
    only_grow,
    64,
    "the shared memory object is not sealed against shrinking and growing; its owner could make every access fault"
)]
#[case::one_byte_short(|| objects::sealed(63), 64, "the shared memory object has 63 bytes, expected 64")]
#[case::one_byte_long(|| objects::sealed(65), 64, "the shared memory object has 65 bytes, expected 64")]
#[case::empty(|| objects::sealed(0), 64, "the shared memory object has 0 bytes, expected 64")]
#[case::no_bytes_wanted(|| objects::sealed(0), 0, "the shared memory object has 0 bytes, expected 1")]
#[case::more_than_a_mapping(|| objects::sealed(64), u64::MAX, "the shared memory object has 18446744073709551615 bytes, expected 9223372036854775807")]
#[case::sealed_against_writing(
    without_writing,
    64,
    "the shared memory object can be read only: Operation not permitted (os error 1); ask its owner for one to write to"
)]
#[case::read_only(
    read_only,
    64,
    "the shared memory object can be read only: Permission denied (os error 13); ask its owner for one to write to"
)]
fn a_refusal_says_why_and_gives_the_handle_back(#[case] make: fn() -> OwnedFd, #[case] len: u64, #[case] expected: &str) {
    let _census = Census::take();
    let descriptor = make();
    let number = descriptor.as_raw_fd();

    let refused = SharedMemory::attach(OwnedHandle::from(descriptor), len).expect_err("refused");

    assert_eq!(refused.error.to_string(), expected);
    assert_eq!(refused.to_string(), format!("attach refused: {expected}"));
    assert_eq!(refused.handle.as_fd().as_raw_fd(), number);
    assert!(rustix::fs::fstat(&refused.handle).is_ok(), "it is still open");
}

#[rstest]
#[case::nothing(0, "the shared memory object has 0 bytes, expected 1")]
#[case::more_than_a_mapping(1 << 63, "the shared memory object has 9223372036854775808 bytes, expected 9223372036854775807")]
#[case::more_than_there_is(1 << 62, "mapping a shared memory object: Cannot allocate memory (os error 12)")]
fn what_cannot_be_created(#[case] len: u64, #[case] expected: &str) {
    let _census = Census::take();

    let error = SharedMemory::create(len).expect_err("refused");

    assert_eq!(error.to_string(), expected);
}

#[test]
fn dropping_unmaps() {
    let _census = Census::take();
    let mappings = || std::fs::read_to_string("/proc/self/maps").expect("/proc is mounted").matches("memfd:gpushare").count();
    let before = mappings();
    let memory = SharedMemory::create(1 << 16).expect("created");
    assert_eq!(mappings(), before + 1);

    drop(memory);

    assert_eq!(mappings(), before);
}
