//! The process of a peer: one that was started, or a copy of one.

use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

use crate::spawn::Exit;
use crate::sys;

/// A child of this process, or a copy that another one has made of itself.
#[derive(Debug)]
pub(crate) enum Process {
    Child(Child),
    Copy(Copied),
}

/// A copy. Its parent keeps its number from being used again until it is told that this is over.
#[derive(Debug)]
pub(crate) struct Copied {
    pid: u32,
    exit: Option<Exit>,
    ended: Ended,
}

/// Copies of which it is known how they ended, and which their parent may forget.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended(Arc<Mutex<Vec<u32>>>);

impl Ended {
    fn add(&self, pid: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
    }

    /// Those that its parent was not told of yet.
    pub(crate) fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Process {
    pub(crate) const fn copy(pid: u32, ended: Ended) -> Self {
        Self::Copy(Copied { pid, exit: None, ended })
    }

    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Child(child) => child.id(),
            Self::Copy(copied) => copied.pid,
        }
    }

    /// Kill and reap it. One that has ended already stays as it ended.
    pub(crate) fn kill(&mut self) -> Exit {
        match self {
            Self::Child(child) => {
                // Both can only fail when the child was reaped already, which nobody else does.
                let _ = child.kill();
                child.wait().map_or(Exit::ClosedChannel, sys::describe_exit)
            }
            Self::Copy(Copied { pid, exit, ended }) => {
                let end = || {
                    let known = sys::end_copy(*pid).map_or(Exit::ClosedChannel, sys::describe_exit);
                    ended.add(*pid);
                    known
                };
                exit.get_or_insert_with(end).clone()
            }
        }
    }
}
