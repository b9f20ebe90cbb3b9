//! How fast a ring or stream runs: its [`Counts`], looked at now and then by the side that does the work.
//!
//! A side counts in its private memory, once a batch. A [`Meter`] belongs to the same thread: where a batch ends, it is asked whether a
//! sample is due, which is one comparison when it is switched off and one more when it is not due. Only a sample looks at the
//! clock, makes rates, and goes to whoever collects; with the feature `metrics`, through the facade of that name
//! (`meter::Export`).
//!
//! ```
//! use std::time::Duration;
//! use gpushare::{Deadline, meter::{Meter, Sampling}, ring::{Consumer, Producer}};
//!
//! let (mut producer, offer) = Producer::create(1 << 16)?;
//! let mut consumer = Consumer::attach(offer).map_err(|refused| refused.error)?;
//! let mut meter = Meter::new(Sampling { batches: 2, interval: Duration::ZERO });
//! for _ in 0..2 {
//!     producer.send_batch([&b"one"[..], b"two"], Deadline::NEVER).map_err(|(_, error)| error)?;
//!     consumer.drain(64, Deadline::NEVER, |_| {})?;
//!     if let Some(sample) = meter.batch(|| consumer.counts()) {
//!         assert_eq!(sample.counts.messages, 4);
//!         assert!(sample.rates.messages > 0.0);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::{Duration, Instant};

use crate::ring::Counts;

#[cfg(feature = "metrics")]
mod export;

#[cfg(feature = "metrics")]
pub use export::Export;

/// How often a sample is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// The clock is looked at after so many batches; 0 is as 1.
    pub batches: u32,
    /// A sample is taken if so much time has passed since the one before.
    pub interval: Duration,
}

impl Default for Sampling {
    /// Every 256 batches a look at the clock, every second a sample.
    fn default() -> Self {
        Self { batches: 256, interval: Duration::from_secs(1) }
    }
}

/// What was counted so far, and how fast since the sample before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Since the side was created or attached.
    pub counts: Counts,
    /// Since the sample before, or since the meter was switched on.
    pub rates: Rates,
}

/// Each of [`Counts`], a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The time that they are taken over.
    pub over: Duration,
    /// Messages a second.
    pub messages: f64,
    /// Bytes a second.
    pub bytes: f64,
    /// Looks in vain a second.
    pub stalls: f64,
    /// Sleeps a second.
    pub sleeps: f64,
    /// Wake-ups of the other side a second.
    pub wakes: f64,
}

impl Rates {
    /// From two counts, the time between them not zero.
    fn between(before: &Counts, after: &Counts, over: Duration) -> Self {
        let rate = |before: u64, after: u64| after.saturating_sub(before) as f64 / over.as_secs_f64();
        Self {
            over,
            messages: rate(before.messages, after.messages),
            bytes: rate(before.bytes, after.bytes),
            stalls: rate(before.stalls, after.stalls),
            sleeps: rate(before.sleeps, after.sleeps),
            wakes: rate(before.wakes, after.wakes),
        }
    }
}

/// Takes samples of one side's counts.
#[derive(Debug)]
pub struct Meter {
    sampling: Sampling,
    /// The batch at which the clock is looked at, counted down from here to 1; 0 while it is switched off.
    left: u32,
    /// Where the next rates begin; `None` before the first batch since it was switched on.
    before: Option<(Instant, Counts)>,
}

impl Meter {
    /// One that is switched on.
    #[must_use]
    pub fn new(sampling: Sampling) -> Self {
        Self { sampling, left: 1, before: None }
    }

    /// Switch it on or off. Rates never reach back over a time in which it was off.
    pub fn switch(&mut self, on: bool) {
        if on != (self.left != 0) {
            (self.left, self.before) = (u32::from(on), None);
        }
    }

    /// A batch is done. A sample if one is due; `counts` is asked for at a look at the clock only.
    #[inline]
    pub fn batch(&mut self, counts: impl FnOnce() -> Counts) -> Option<Sample> {
        match self.left {
            0 => None,
            1 => self.look(counts()),
            _ => {
                self.left -= 1;
                None
            }
        }
    }

    #[cold]
    fn look(&mut self, counts: Counts) -> Option<Sample> {
        self.left = self.sampling.batches.max(1);
        let now = Instant::now();
        let Some((began, before)) = &self.before else {
            self.before = Some((now, counts));
            return None;
        };
        let over = now.saturating_duration_since(*began);
        if over.is_zero() || over < self.sampling.interval {
            return None;
        }
        let rates = Rates::between(before, &counts, over);
        self.before = Some((now, counts));
        Some(Sample { counts, rates })
    }
}
