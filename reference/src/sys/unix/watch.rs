//! A thread that sleeps until a process has ended.

use std::io::{self, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

/// A process that is watched: a word of private memory becomes 1 with its death.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(in crate::sys) dead: Arc<AtomicU32>,
    /// Closing it tells the thread to stop.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Start watching. The descriptor becomes readable, or hangs up, with the process's end.
    pub(crate) fn start(process: OwnedFd) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let dead = Arc::new(AtomicU32::new(0));
        let word = Arc::clone(&dead);
        let thread = std::thread::Builder::new().name("gpushare-peer".into()).spawn(move || {
            if ended(&process, &stopped) {
                crate::sys::wait::declare_dead(&word);
            }
        })?;
        Ok(Self { dead, stop: Some(stop), thread: Some(thread) })
    }

    /// Whether it is known to be dead. Costs one look at private memory.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire) != 0
    }
}

/// True: the process has ended. False: told to stop.
fn ended(process: &impl AsFd, stop: &impl AsFd) -> bool {
    loop {
        let mut fds = [PollFd::new(process, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            // A watch that cannot watch must not leave anybody waiting for ever.
            Err(_) => return true,
            Ok(_) if !fds[0].revents().is_empty() => return true,
            Ok(_) => return false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
