//! Semaphores, timelines and fences of the host, and what travels beside their handles.

mod descriptor;
mod fence;
mod hostile;
mod semaphore;
mod sys;
mod timeline;

use std::time::Duration;

use gpushare::{Deadline, Peer};

/// Nobody to watch.
const NOBODY: &Peer = &Peer::UNWATCHED;

/// Long enough for anything that comes at all.
fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// What has not come by now is not there.
fn now() -> Deadline {
    Deadline::after(Duration::ZERO)
}
