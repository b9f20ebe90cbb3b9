//! Arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Conformance suite for sharing GPU resources between processes.
#[derive(Debug, Parser)]
#[command(
    name = "gpushare",
    version,
    after_help = "Exit status: 0 as expected; 1 a case is worse or better than expected; 2 cannot run."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the drivers of this machine and what they can share
    Probe(ProbeArguments),
    /// Show the rules, with the cases that decide each
    Rules(RulesArguments),
    /// Show the cases of each lane, and what is skipped and why
    List(ListArguments),
    /// Run cases and compare with what is expected
    Run(RunArguments),
    /// Try random scenarios, and shorten one that fails
    Explore(ExploreArguments),
    /// Repeat one case with new peers and show every step
    Repro(ReproArguments),
    /// Run the suite against drivers and peers that are broken on purpose; a program of its own, built from the source
    #[command(disable_help_flag = true)]
    Mutants(MutantsArguments),
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(super) struct LaneArguments {
    /// A lane: `host`, the path of a Vulkan ICD manifest, or the (beginning of a) name that `gpushare probe` shows; may be repeated. Without: all that are found
    #[arg(long, value_name = "NAME|MANIFEST")]
    pub(super) driver: Vec<String>,
    /// A program to use as peer instead of this one; it speaks docs/protocol.md
    #[arg(long, value_name = "PROGRAM")]
    pub(super) peer: Option<PathBuf>,
    /// Put Khronos' validation layer between peers and driver; a call that it reports is a failure. The folder of its manifest, where the loader does not find it by itself
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "not asked for, asked for, and asked for with a folder")]
    pub(super) validation: Option<Option<PathBuf>>,
}

/// Milliseconds for one step, unless told otherwise.
pub(super) const DEFAULT_LIMIT: u64 = 20_000;

#[derive(Debug, Args)]
pub(super) struct ProbeArguments {
    #[command(flatten)]
    pub(super) lanes: LaneArguments,
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct RulesArguments {
    #[command(flatten)]
    pub(super) lanes: LaneArguments,
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    pub(super) lanes: LaneArguments,
    /// Only cases whose id matches a glob, with or without the lane in front
    #[arg(value_name = "GLOB")]
    pub(super) filters: Vec<String>,
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) lanes: LaneArguments,
    /// Only cases whose id matches a glob, with or without the lane in front
    #[arg(value_name = "GLOB")]
    pub(super) filters: Vec<String>,
    /// What standard output gets at the end
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
    /// Write report.html, report.json, junit.xml and history.jsonl into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// Write a page about this run (Markdown), with the machine and the command, to be kept
    #[arg(long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,
    /// Expectations of your own, instead of the built-in ones; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(super) expectations: Vec<PathBuf>,
    /// The run's seed, decimal or 0x…; the same seed gives the same pictures
    #[arg(long, value_parser = parse_seed, default_value = "0x67707573")]
    pub(super) seed: u64,
    /// Give every case new peers instead of sharing clean ones
    #[arg(long)]
    pub(super) fresh: bool,
    /// Milliseconds that a peer may take for one step
    #[arg(long, value_name = "MS", default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub(super) limit: u64,
    /// Cases at once [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) jobs: Option<u16>,
}

#[derive(Debug, Args)]
pub(super) struct ExploreArguments {
    #[command(flatten)]
    pub(super) lanes: LaneArguments,
    /// How many scenarios to try on each lane
    #[arg(long, value_name = "N", default_value = "100")]
    pub(super) scenarios: u32,
    /// The same seed gives the same scenarios, decimal or 0x…
    #[arg(long, value_parser = parse_seed, default_value = "0x67707573")]
    pub(super) seed: u64,
    /// Where to write a scenario that fails
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(super) out: PathBuf,
    /// Milliseconds that a peer may take for one step
    #[arg(long, value_name = "MS", default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub(super) limit: u64,
}

#[derive(Debug, Args)]
pub(super) struct ReproArguments {
    #[command(flatten)]
    pub(super) lanes: LaneArguments,
    /// The case, as a finding names it: lane::area::handle::what[::parameters]
    #[arg(value_name = "LANE::CASE", required_unless_present = "scenario")]
    pub(super) case: Option<String>,
    /// A scenario that `gpushare explore` wrote, instead of a case
    #[arg(long, value_name = "FILE", conflicts_with = "case")]
    pub(super) scenario: Option<PathBuf>,
    /// Expectations of your own, instead of the built-in ones; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(super) expectations: Vec<PathBuf>,
    /// The run's seed
    #[arg(long, value_parser = parse_seed, default_value = "0x67707573")]
    pub(super) seed: u64,
    /// Milliseconds that a peer may take for one step
    #[arg(long, value_name = "MS", default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub(super) limit: u64,
}

#[derive(Debug, Args)]
pub(super) struct MutantsArguments {
    /// Passed on: see `gpushare mutants --help`
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) arguments: Vec<std::ffi::OsString>,
}

fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| format!("{error}; give a number below 2^64, decimal or 0x…"))
}
