//! Counts what this process holds before and after a test.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: under `cargo test` the tests of a binary share a process, and with it its descriptors.
static ALONE: Mutex<()> = Mutex::new(());

/// Made first in a test and therefore dropped last: fails the test when it left a descriptor open or closed one that is
/// not its own.
pub(crate) struct Census {
    before: BTreeMap<u32, String>,
    _alone: MutexGuard<'static, ()>,
}

impl Census {
    pub(crate) fn take() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { before: open_descriptors(), _alone: alone }
    }

    /// The same check in the middle of a test.
    pub(crate) fn check(&self) {
        assert_eq!(self.before, open_descriptors(), "the test left a descriptor open, or closed somebody else's");
    }
}

impl Drop for Census {
    fn drop(&mut self) {
        // A failed test has not released what it holds, and says more than this check would.
        if !std::thread::panicking() {
            self.check();
        }
    }
}

/// Number and target of each, without the one that reads the list.
fn open_descriptors() -> BTreeMap<u32, String> {
    let listing = std::fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let mut open = BTreeMap::new();
    for entry in listing {
        let entry = entry.expect("the list can be read");
        let number = entry.file_name().to_string_lossy().parse().expect("a number");
        // The target of the list's own descriptor is the list.
        match std::fs::read_link(entry.path()) {
            Ok(target) if target.starts_with("/proc") && target.ends_with("fd") => {}
            Ok(target) => drop(open.insert(number, target.to_string_lossy().into_owned())),
            Err(_) => {}
        }
    }
    open
}
