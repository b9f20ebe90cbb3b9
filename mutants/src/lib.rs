//! Peers with one defect each, and what of the suite notices it.
//!
//! No other crate depends on this one: a defect is compiled here and nowhere else, and cannot get into what is shipped.
#![cfg(unix)]

mod bad_peer;
pub mod command;
pub mod defects;
pub mod drivers;
pub mod fault;
pub mod faults;
mod faulty_backend;
mod faulty_channel;
mod faulty_device;
mod faulty_frames;
mod faulty_ring;
mod faulty_stream;
mod faulty_sync;
mod healthy_sync;
pub mod layer;
mod left_name;
pub mod patches;
pub mod peers;
mod relay;
pub mod run;
pub mod score;
pub mod table;

use std::process::ExitCode;

/// Become a peer if this process was started as one: a faulty one where the environment names a fault, else a healthy one.
/// `None` for any other process.
#[must_use]
pub fn run_peer_if_asked() -> Option<ExitCode> {
    if !fault::is_told() {
        return gpushare_harness::peer::run_if_asked(gpushare_harness::backend::by_name);
    }
    bad_peer::run_if_asked()
        .or_else(relay::run_if_asked)
        .or_else(|| gpushare_harness::peer::run_if_asked(faulty_backend::by_name))
}
