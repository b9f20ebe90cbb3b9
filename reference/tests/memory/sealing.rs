//! Whoever holds a handle can neither shrink nor grow the object, nor take anything else away from its owner.

use gpushare::SharedMemory;
use rstest::rstest;
use rustix::fs::{FallocateFlags, SealFlags};
use rustix::io::Errno;

use crate::census::Census;

#[rstest]
#[case::to_nothing(0)]
#[case::by_a_byte(4095)]
#[case::growing_by_a_byte(4097)]
#[case::growing_much(1 << 30)]
fn nobody_changes_its_size(#[case] len: u64) {
    let _census = Census::take();
    let memory = SharedMemory::create(4096).expect("created");
    let handle = memory.handle().expect("a handle");

    let outcome = rustix::fs::ftruncate(&handle, len);

    assert_eq!(outcome, Err(Errno::PERM));
    assert_eq!(rustix::fs::fstat(&handle).expect("open").st_size, 4096);
}

#[test]
fn nobody_writes_past_its_end() {
    let _census = Census::take();
    let memory = SharedMemory::create(4096).expect("created");
    let handle = memory.handle().expect("a handle");

    let write = rustix::io::pwrite(&handle, b"x", 4096);
    let reserve = rustix::fs::fallocate(&handle, FallocateFlags::empty(), 4096, 1);

    assert_eq!((write.map(|_| ()), reserve), (Err(Errno::PERM), Err(Errno::PERM)));
}

#[test]
fn nobody_adds_a_seal() {
    let _census = Census::take();
    let memory = SharedMemory::create(4096).expect("created");
    let handle = memory.handle().expect("a handle");

    // With this one the owner could never map it for writing again.
    let outcome = rustix::fs::fcntl_add_seals(&handle, SealFlags::FUTURE_WRITE);

    assert_eq!(outcome, Err(Errno::PERM));
    let expected = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    // The kernel adds EXEC to memory that is not executable.
    assert_eq!(rustix::fs::fcntl_get_seals(&handle).expect("a memfd") & expected, expected);
}

#[test]
fn pages_that_a_peer_takes_away_read_as_zero() {
    let _census = Census::take();
    let memory = SharedMemory::create(8192).expect("created");
    memory.write(0, &[7; 8192]).expect("in bounds");
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;

    rustix::fs::fallocate(memory.handle().expect("a handle"), flags, 0, 4096).expect("seals on the size allow it");

    let mut bytes = [1; 8192];
    memory.read(0, &mut bytes).expect("in bounds: no SIGBUS");
    assert!(bytes[..4096].iter().all(|&byte| byte == 0) && bytes[4096..].iter().all(|&byte| byte == 7));
}
