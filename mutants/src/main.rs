//! The command behind `gpushare mutants`. Started as a peer, it is one, with the fault that the environment names.

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    gpushare_mutants::run_peer_if_asked().unwrap_or_else(gpushare_mutants::command::main)
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("gpushare mutants: the mutants work on descriptors, which this system does not have");
    ExitCode::from(2)
}
