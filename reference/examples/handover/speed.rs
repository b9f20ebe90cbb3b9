//! Frames per second, and how long a frame's message was on its way.

use std::time::{Duration, Instant};

/// Counts frames; prints a line each second.
pub(crate) struct Speed {
    start: Instant,
    printed: Instant,
    latencies: Vec<Duration>,
}

impl Speed {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { start: now, printed: now, latencies: Vec::new() }
    }

    pub(crate) fn frame(&mut self, latency: Duration) {
        self.latencies.push(latency);
        if self.printed.elapsed() >= Duration::from_secs(1) {
            self.printed = Instant::now();
            println!("{}", self.summary());
        }
    }

    pub(crate) fn frames(&self) -> u32 {
        u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn summary(&self) -> String {
        let rate = f64::from(self.frames()) / self.start.elapsed().as_secs_f64();
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let micros = |index: usize| sorted.get(index).map_or(0, Duration::as_micros);
        let (median, worst) = (micros(sorted.len() / 2), micros(sorted.len().saturating_sub(1)));
        format!("{} frames, {rate:.0} frames/s, hand-over {median} µs (median), {worst} µs (worst)", self.frames())
    }
}
