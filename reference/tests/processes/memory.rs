//! Shared memory between processes: by handle, and by name.

use gpushare::{SharedMemory, SharedMemoryError};

use crate::other::{Other, Starter};
use crate::sys::{holdings, is_inherited};

const LEN: u64 = 10_000;

/// A name that no other test run uses.
fn name(what: &str) -> String {
    format!("gpushare-test-{}-{what}", std::process::id())
}

/// The other side: change what it was given, by a handle or by a name, and leave.
pub(crate) fn other(how: &str, starter: &mut Starter) {
    let memory = match how {
        "handle" => {
            let handle = starter.handle();
            assert!(!is_inherited(&handle), "programs that this one starts would get what it received");
            SharedMemory::attach(handle, LEN).unwrap()
        }
        name => SharedMemory::open_named(name, LEN).unwrap(),
    };
    let mut seen = [0; 4];
    memory.read(LEN - 4, &mut seen).unwrap();
    assert_eq!(&seen, b"ping");
    memory.write(LEN - 4, b"pong").unwrap();
}

fn seen(memory: &SharedMemory) -> [u8; 4] {
    let mut bytes = [0; 4];
    memory.read(LEN - 4, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_handle_crosses_and_both_see_the_same_bytes() {
    let memory = SharedMemory::create(LEN).unwrap();
    memory.write(LEN - 4, b"ping").unwrap();
    let mut other = Other::start("memory:handle");
    other.send(&memory.handle().unwrap());
    other.finish();
    assert_eq!(&seen(&memory), b"pong");
}

#[test]
fn a_name_leads_another_process_to_the_object_and_outlives_that_process() {
    let name = name("shared");
    let memory = SharedMemory::create_named(&name, LEN).unwrap();
    for _ in 0..2 {
        memory.write(LEN - 4, b"ping").unwrap();
        Other::start(&format!("memory:{name}")).finish();
        assert_eq!(&seen(&memory), b"pong");
    }
    // Nor does one that attached in this process take the name away.
    drop(SharedMemory::open_named(&name, LEN).unwrap());
    assert!(SharedMemory::open_named(&name, LEN).is_ok());
}

#[test]
fn a_name_is_taken_once_and_goes_with_its_creator() {
    let name = name("once");
    let first = SharedMemory::create_named(&name, LEN).unwrap();
    first.write(0, b"first").unwrap();

    let second = SharedMemory::create_named(&name, LEN);

    assert!(matches!(second, Err(SharedMemoryError::NameTaken(_))), "{second:?}");
    let mut bytes = [0; 5];
    first.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"first", "left alone");
    drop(first);
    let gone = SharedMemory::open_named(&name, LEN);
    assert!(matches!(gone, Err(SharedMemoryError::NoSuchName(_))), "{gone:?}");
    SharedMemory::create_named(&name, LEN).unwrap();
}

#[test]
fn an_object_of_another_size_is_not_opened() {
    let name = name("size");
    let _memory = SharedMemory::create_named(&name, LEN).unwrap();
    let opened = SharedMemory::open_named(&name, 10 * LEN);
    assert!(matches!(opened, Err(SharedMemoryError::Size { .. })), "{opened:?}");
}

#[test]
fn names_that_nothing_can_have() {
    for name in ["", ".", "..", ".hidden", "a/b", "/a", "a\\b", "a b", "Ä", "a\0", &"a".repeat(201)] {
        let created = SharedMemory::create_named(name, LEN);
        assert!(matches!(created, Err(SharedMemoryError::Name(_))), "{created:?}");
        let opened = SharedMemory::open_named(name, LEN);
        assert!(matches!(opened, Err(SharedMemoryError::Name(_))), "{opened:?}");
    }
    let longest = format!("{}{}", name("long"), "a".repeat(200));
    assert!(SharedMemory::create_named(&longest[..200], LEN).is_ok());
}

#[test]
fn creating_attaching_and_dropping_leaves_nothing_behind() {
    let round = |number| {
        let memory = SharedMemory::create(LEN).unwrap();
        drop(SharedMemory::attach(memory.handle().unwrap(), LEN).unwrap());
        let refused = SharedMemory::attach(memory.handle().unwrap(), 100 * LEN).unwrap_err();
        drop(refused);
        let name = name(&format!("round-{number}"));
        let named = SharedMemory::create_named(&name, LEN).unwrap();
        drop(SharedMemory::open_named(&name, LEN).unwrap());
        drop(SharedMemory::open_named(&name, 100 * LEN).unwrap_err());
        drop(SharedMemory::create_named(&name, LEN).unwrap_err());
        drop(named);
    };
    round(0);
    let before = holdings();
    (1..20).for_each(round);
    assert_eq!(before, holdings());
}
