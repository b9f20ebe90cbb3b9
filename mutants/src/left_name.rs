//! A name in the file system that a faulty peer does not take away.

use std::fs::{File, remove_file};
use std::sync::Once;

/// The name that all peers of one orchestrator leave behind.
fn path(orchestrator: u32) -> String {
    format!("/dev/shm/gpushare-fault-{orchestrator}")
}

/// A name for what this peer holds.
pub(crate) fn leave() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::mem::forget(File::create(path(std::os::unix::process::parent_id()))));
}

/// Take away the name that the peers of this process left, if they did.
pub(crate) fn remove() {
    let _ = remove_file(path(std::process::id()));
}
