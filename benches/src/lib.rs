//! How fast the ring is, beside others that do the same, on the same machine, in the same run.
//!
//! A host moves virtual processors: a line of cache takes five times as long to cross in one second as in the next. So nothing here
//! is told as a plain figure. Contenders take turns, round after round; before and after each the raw ping-pong of two lines
//! is measured, and whether the two processors are on one core (the [canary]); and what is told are ratios within a round, with
//! median, least and most, leaving out what the canary shows to have been moved in between.

pub mod canary;
pub mod exchange;
#[cfg(feature = "iceoryx2")]
pub mod iceoryx;
pub mod machine;
pub mod raw;
pub mod report;
pub mod round_trip;
pub mod throughput;
pub mod unchecked;

/// The very hints of the ring: they are private there.
#[path = "../../reference/src/sys/cache.rs"]
mod cache;
