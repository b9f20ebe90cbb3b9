//! What a name stands for on this system, and the pages behind an object.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use gpushare::{SharedMemory, SharedMemoryError};
use rustix::io::Errno;

use crate::census::Census;

const LEN: u64 = 4 << 20;

fn name(what: &str) -> (String, PathBuf) {
    let name = format!("gpushare-test-{}-{what}", std::process::id());
    let path = PathBuf::from("/dev/shm").join(&name);
    (name, path)
}

#[test]
fn only_this_user_can_open_it_and_nobody_can_resize_it() {
    let _census = Census::take();
    let (name, path) = name("mode");
    let memory = SharedMemory::create_named(&name, LEN).expect("the name is free");

    let mode = std::fs::metadata(&path).expect("it leads to the object").permissions().mode();
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("it can be opened");
    let resized = [0, LEN - 1, LEN + 1].map(|len| rustix::fs::ftruncate(&file, len));

    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(resized, [Err(Errno::PERM); 3]);
    memory.read(LEN - 1, &mut [0]).expect("in bounds: no SIGBUS");
}

#[test]
fn what_somebody_else_put_there_is_neither_opened_nor_removed() {
    let _census = Census::take();
    let (name, path) = name("file");
    std::fs::write(&path, b"not sealed").expect("it can be written");

    let opened = SharedMemory::open_named(&name, 10);
    let created = SharedMemory::create_named(&name, 10);

    let left = std::fs::read(&path).expect("it is still there");
    std::fs::remove_file(&path).expect("it can be removed");
    assert!(matches!(opened, Err(SharedMemoryError::Unsealed)), "{opened:?}");
    assert!(matches!(created, Err(SharedMemoryError::NameTaken(_))), "{created:?}");
    assert_eq!(left, b"not sealed");
}

#[test]
fn a_name_that_was_given_to_another_is_left_to_it() {
    let _census = Census::take();
    let (name, path) = name("again");
    let first = SharedMemory::create_named(&name, 10).expect("the name is free");
    std::fs::remove_file(&path).expect("somebody tidies up");
    let second = SharedMemory::create_named(&name, 10).expect("the name is free again");

    drop(first);

    assert!(SharedMemory::open_named(&name, 10).is_ok());
    drop(second);
    assert!(!path.exists() && std::fs::read_link(&path).is_err());
}

/// What `/proc/self/smaps` says of the one mapping of shared memory.
fn mapping() -> String {
    let maps = std::fs::read_to_string("/proc/self/smaps").expect("/proc is mounted");
    let (_, behind) = maps.split_once("memfd:gpushare").expect("it is mapped");
    let end = behind.find("VmFlags:").map(|at| at + behind[at..].find('\n').expect("lines end"));
    behind[..end.expect("flags come last")].to_owned()
}

fn resident(mapping: &str) -> u64 {
    let line = mapping.lines().find(|line| line.starts_with("Rss:")).expect("every mapping has one");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn pages_come_when_they_are_touched_and_huge_ones_are_asked_for() {
    let _census = Census::take();
    let memory = SharedMemory::create(LEN).expect("created");
    let untouched = mapping();

    let asked = memory.ask_for_huge_pages();
    memory.touch_pages().expect("there is memory");

    let touched = mapping();
    assert_eq!((resident(&untouched), resident(&touched)), (0, LEN / 1024));
    assert!(!untouched.contains(" hg"));
    match asked {
        Ok(()) => assert!(touched.contains(" hg"), "{touched}"),
        Err(error) => assert!(!std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists(), "{error}"),
    }
}
