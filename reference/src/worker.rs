//! Threads that do one task again and again: named, pinned where the system allows it, and stopped within a deadline.
//!
//! What it guarantees:
//!
//! - A task is asked for one turn at a time, and each turn has a deadline: a worker that waits looks every [`Settings::turn`]
//!   whether it is to stop.
//! - [`Workers::stop`] returns by its deadline and says how each worker ended, and which did not.
//! - Spinning is bounded: a task that waits spins as long as the [`Patience`] of what it waits for, and one that only looks
//!   ([`Turn::Idle`]) goes to sleep after [`Settings::spin`] looks in vain.
//! - A panic ends the worker that it happened in and nothing else. Its task is dropped, which closes what it holds, and the
//!   panic's text is in the report.
//!
//! ```
//! use std::time::Duration;
//! use gpushare::{Deadline, ring::{Consumer, Producer}, worker::{Ending, Settings, Turn, Workers}};
//!
//! let (mut producer, offer) = Producer::create(1 << 16)?;
//! let mut consumer = Consumer::attach(offer).map_err(|refused| refused.error)?;
//! let (seen, messages) = std::sync::mpsc::channel();
//! let mut workers = Workers::new();
//! workers.start(&Settings::named("receive"), move |deadline| {
//!     match consumer.drain(64, deadline, |message| seen.send(message.to_vec()).unwrap_or(())) {
//!         Ok(_) => Turn::Again,
//!         Err(gpushare::ring::RingError::TimedOut) => Turn::Again,
//!         Err(error) => Turn::Done(Some(error.to_string())),
//!     }
//! })?;
//! producer.send(b"work", Deadline::NEVER)?;
//! assert_eq!(messages.recv()?, b"work");
//! let finished = workers.stop(Deadline::after(Duration::from_secs(5)))?;
//! assert_eq!(finished[0].ending, Ending::Stopped);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::waiter::Patience;

/// The first sleep between idle turns.
const SHORTEST_SLEEP: Duration = Duration::from_micros(50);

/// What a task says after a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It wants another one.
    Again,
    /// It looked and found nothing to do: another one, not necessarily at once.
    Idle,
    /// It wants no more; the text says why, where that is worth telling.
    Done(Option<String>),
}

/// How a worker is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The thread's name.
    pub name: String,
    /// The processor to stay on, counted from 0 among those that the starting thread may use.
    pub processor: Option<usize>,
    /// So many idle turns follow each other at once; between those that come after, the worker sleeps, for longer each time.
    pub spin: u32,
    /// How long a turn, or a sleep between idle ones, may take: as long as a stop may go unnoticed.
    pub turn: Duration,
}

impl Settings {
    /// On any processor, as many idle turns as [`Patience::default`] has looks, and 20 ms for a turn.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), processor: None, spin: Patience::default().spin, turn: Duration::from_millis(20) }
    }
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to stop.
    Stopped,
    /// Its task was done; with the task's own words.
    Done(Option<String>),
    /// Its task panicked; with the panic's text.
    Panicked(String),
}

/// A worker that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its name.
    pub name: String,
    /// The processor that it was pinned to; `None` where none was asked for or the system refused.
    pub processor: Option<usize>,
    /// How.
    pub ending: Ending,
}

/// Some workers did not stop in time. They were told to, and go on until their turn ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("still running after the deadline: {}; their turns take longer than they were given", running.join(", "))]
pub struct StillRunning {
    /// The names of those that did not.
    pub running: Vec<String>,
    /// Those that did.
    pub finished: Vec<Finished>,
}

/// Workers that are stopped together. Dropping them tells all to stop, and waits for none.
#[derive(Debug)]
pub struct Workers {
    stop: Arc<AtomicBool>,
    started: Vec<String>,
    sender: Sender<(usize, Finished)>,
    ended: Receiver<(usize, Finished)>,
}

impl Default for Workers {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Workers {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        let (sender, ended) = channel();
        Self { stop: Arc::new(AtomicBool::new(false)), started: Vec::new(), sender, ended }
    }

    /// Start one. The task is given the deadline of each turn, and should return by then.
    ///
    /// # Errors
    /// `InvalidInput` for a name with a NUL in it, or the operating system's when it has no thread left.
    pub fn start(&mut self, settings: &Settings, task: impl FnMut(Deadline) -> Turn + Send + 'static) -> io::Result<()> {
        let (stop, sender, number) = (Arc::clone(&self.stop), self.sender.clone(), self.started.len());
        let settings = settings.clone();
        let name = settings.name.clone();
        if name.contains('\0') {
            let text = format!("a thread's name ends at the first NUL, and {name:?} has one inside");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        std::thread::Builder::new().name(name.clone()).spawn(move || {
            let processor = settings.processor.filter(|processor| pin(*processor));
            let ending = run(&stop, &settings, task);
            // Whoever started it may not care any more.
            let _ = sender.send((number, Finished { name: settings.name, processor, ending }));
        })?;
        self.started.push(name);
        Ok(())
    }

    /// Tell all to stop, and wait for them. The answer is in the order in which they were started.
    ///
    /// # Errors
    /// [`StillRunning`] names those that did not stop by the deadline.
    pub fn stop(self, deadline: Deadline) -> Result<Vec<Finished>, StillRunning> {
        self.stop.store(true, Ordering::Relaxed);
        let mut finished: Vec<Option<Finished>> = vec![None; self.started.len()];
        while finished.iter().any(Option::is_none) {
            let next = match deadline.left() {
                None => self.ended.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(left) => self.ended.recv_timeout(left),
            };
            // This side holds a sender, so that an error is the end of the time.
            let Ok((number, one)) = next else { break };
            finished[number] = Some(one);
        }
        let running: Vec<_> =
            self.started.iter().zip(&finished).filter(|(_, ended)| ended.is_none()).map(|(name, _)| name.clone()).collect();
        let finished = finished.into_iter().flatten().collect();
        if running.is_empty() { Ok(finished) } else { Err(StillRunning { running, finished }) }
    }
}

/// The task lives in here: it is dropped before its end is told.
fn run(stop: &AtomicBool, settings: &Settings, task: impl FnMut(Deadline) -> Turn) -> Ending {
    // A task that panicked is dropped and never used again, so that nothing of it is seen half done.
    let turns = AssertUnwindSafe(move || {
        let mut task = task;
        let (mut idle, mut sleep) = (0, SHORTEST_SLEEP);
        while !stop.load(Ordering::Relaxed) {
            match task(Deadline::after(settings.turn)) {
                Turn::Done(why) => return Ending::Done(why),
                Turn::Again => (idle, sleep) = (0, SHORTEST_SLEEP),
                Turn::Idle if idle < settings.spin => {
                    idle += 1;
                    std::hint::spin_loop();
                }
                Turn::Idle => {
                    std::thread::sleep(sleep.min(settings.turn));
                    sleep = sleep.saturating_mul(2).min(settings.turn);
                }
            }
        }
        Ending::Stopped
    });
    catch_unwind(turns).unwrap_or_else(|panic| Ending::Panicked(text(panic.as_ref())))
}

fn text(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    words.unwrap_or_else(|| "a panic without a text".into())
}

/// Keep this thread on a processor; false where there is none such or the system refuses.
fn pin(processor: usize) -> bool {
    let allowed = core_affinity::get_core_ids().unwrap_or_default();
    allowed.get(processor).is_some_and(|core| core_affinity::set_for_current(*core))
}
