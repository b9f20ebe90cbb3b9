//! Ring, waiter and frames between real processes. The other side is this program once more (see [`other`]).
//!
//! `GPUSHARE_LONG=1` makes the stress and the killing as long as the contract asks for: 100 million messages, 100,000 frames, 1,000 kills.
#![cfg(any(target_os = "linux", target_os = "windows"))]
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

mod death;
mod fixed;
mod frames;
mod memory;
mod other;
#[cfg(target_os = "linux")]
mod refusal;
mod stress;
mod sys;
mod waking;

/// A small number, or the one of the contract.
fn amount(short: u64, long: u64) -> u64 {
    if std::env::var_os("GPUSHARE_LONG").is_some() { long } else { short }
}

/// The other side's `main`: nothing, unless this process was started as one.
#[test]
fn other_side() {
    if let Some(task) = std::env::var_os(other::TASK) {
        other::run(&task.into_string().expect("tasks are ASCII"));
    }
}
