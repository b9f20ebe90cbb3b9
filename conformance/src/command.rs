//! The command `gpushare`: arguments, and what each subcommand prints.

mod arguments;
mod explore;
mod list;
mod mutants;
mod probe;
mod progress;
mod repro;
mod rules;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::capability;
use crate::command::arguments::{Arguments, Command, LaneArguments};
use crate::expectation::{ExpectationError, Expectations};
use crate::lane::{Asking, LaneError, Lanes, PeerProgram};
use crate::registry::FilterError;
use crate::rule::RuleError;
use crate::validation;

/// Everything is as expected.
pub const AS_EXPECTED: u8 = 0;
/// A case is not as expected: worse, or better.
pub const NOT_AS_EXPECTED: u8 = 1;
/// The command could not do what was asked: wrong arguments, missing files, no such lane.
pub const CANNOT_RUN: u8 = 2;

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Lane(#[from] LaneError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Expectation(#[from] ExpectationError),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("no case matches {filters:?} on {lanes}; `gpushare list` shows the cases")]
    NoCase { filters: Vec<String>, lanes: String },
    #[error("cannot read the scenario {}: {reason}", path.display())]
    Scenario { path: PathBuf, reason: String },
    #[error("a scenario is replayed on one lane, and there are {lanes}; name one with --driver")]
    ManyLanes { lanes: String },
    #[error("cannot write to {}: {source}; choose another folder with --out", path.display())]
    Out { path: PathBuf, source: std::io::Error },
    #[error("cannot write the report: {0}")]
    Report(String),
    #[error("cannot start {}: {source}; the mutants are no part of this program, and are built from its source: cargo build -p gpushare-mutants", path.display())]
    Mutants { path: PathBuf, source: std::io::Error },
    #[error("cannot find this program's own path: {0}")]
    Program(std::io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] std::io::Error),
}

/// Parse the arguments and do what they say.
#[must_use]
pub fn main() -> ExitCode {
    // clap prints usage errors itself and ends with 2; --help and --version end with 0.
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Probe(arguments) => probe::probe(&arguments),
        Command::Rules(arguments) => rules::rules(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Explore(arguments) => explore::explore(&arguments),
        Command::Repro(arguments) => repro::repro(&arguments),
        Command::Mutants(arguments) => mutants::mutants(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        // A reader that has seen enough (`gpushare list | head`) is no error.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("gpushare: {error}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// The program that peers are: a foreign one, or this one; with the validation layer where that is asked for.
fn peer_program(arguments: &LaneArguments) -> Result<PeerProgram, CommandError> {
    let mut program = match &arguments.peer {
        None => PeerProgram::this().map_err(CommandError::Program)?,
        Some(path) => PeerProgram::at(path)?,
    };
    if let Some(folder) = &arguments.validation {
        let settings = capability::cache_folder().unwrap_or_else(std::env::temp_dir);
        let folder = folder.as_ref().map(|folder| std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone()));
        let added = validation::environment(folder.as_deref(), &settings);
        program.environment.extend(added.map_err(|source| CommandError::Out { path: settings, source })?);
    }
    Ok(program)
}

/// The lanes that are asked for, or all.
fn lanes(program: &PeerProgram, wanted: &[String]) -> Result<Lanes, CommandError> {
    lanes_asked(program, wanted, Asking::UnlessKept)
}

fn lanes_asked(program: &PeerProgram, wanted: &[String], asking: Asking) -> Result<Lanes, CommandError> {
    if wanted.is_empty() { Ok(Lanes::discover(program, asking)) } else { Ok(Lanes::select(program, wanted, asking)?) }
}

fn expectations(files: &[PathBuf]) -> Result<Expectations, CommandError> {
    Ok(if files.is_empty() { Expectations::built_in()? } else { Expectations::from_files(files)? })
}
