//! The command `gpushare`. Started as a peer, it is one.

use std::process::ExitCode;

fn main() -> ExitCode {
    gpushare_harness::peer::run_if_asked(gpushare_harness::backend::by_name).unwrap_or_else(gpushare_conformance::command::main)
}
