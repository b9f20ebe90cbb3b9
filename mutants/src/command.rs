//! `gpushare mutants`: run the suite against every mutant, and say what noticed it.

mod markdown;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gpushare_conformance::lane::{Asking, Driver, Lane, Lanes, PeerProgram};
use gpushare_conformance::rule::Catalogue;
use gpushare_mutant_layer::table::MUTANTS;

use crate::drivers::{How, Subject};
use crate::faults;
use crate::layer::Layer;
use crate::patches;
use crate::peers;
use crate::run::RunError;
use crate::score::{Broken, Row, Score};

/// Run the suite against mutants (drivers, peers and rings with one defect each) and say what noticed which.
#[derive(Debug, Parser)]
#[command(
    name = "gpushare mutants",
    bin_name = "gpushare mutants",
    version,
    after_help = "Exit status: 0 every mutant that did anything was noticed; 1 one lived, or the layer alone changed a verdict; 2 cannot run."
)]
struct Arguments {
    /// A lane for the driver's mutants, as in `gpushare run`; may be repeated. Without: every driver that is found
    #[arg(long, value_name = "NAME|MANIFEST")]
    driver: Vec<String>,
    /// Only these: numbers of defects (D5), names of mutants (D17-hang, export_leaks), or a letter for all of its defects (L)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Of the driver's cases only those that match, without mutants, too: where all would take long
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    cases: Vec<String>,
    /// Write the table to this file, too
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Run every case on every mutant of a driver, instead of those that should notice it and, if they do not, the others
    #[arg(long)]
    all: bool,
    /// Milliseconds that a peer may take for one step
    #[arg(long, value_name = "MS", default_value = "5000", value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    limit: u64,
    /// Cases at once [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Run no mutant: only each driver without the layer, through it, and healed by it
    #[arg(long, conflicts_with = "only")]
    layer: bool,
    /// Show the mutants, and run nothing
    #[arg(long)]
    list: bool,
}

/// Every mutant was noticed.
const NOTICED: u8 = 0;
/// One lived.
const LIVED: u8 = 1;
/// The command could not do what was asked.
const CANNOT_RUN: u8 = 2;

/// Parse the arguments and do what they say.
#[must_use]
pub fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("gpushare mutants: {error}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// Whether a mutant is asked for, by its name, its defects or their letter.
fn is_wanted(only: &[String], name: &str, defects: &[&str]) -> bool {
    let matches = |wanted: &String| {
        let letter = |defect: &&str| wanted.len() == 1 && defect.starts_with(wanted.as_str());
        wanted == name || defects.iter().any(|defect| wanted == defect || letter(defect))
    };
    only.is_empty() || only.iter().any(matches)
}

fn check_names(only: &[String]) -> Result<(), RunError> {
    let all = MUTANTS.iter().map(|mutant| (mutant.name, vec![mutant.defect()]));
    let all: Vec<_> = all.chain(faults::all().iter().map(|fault| (fault.name, fault.defects.to_vec()))).collect();
    let patches = patches::all();
    let all: Vec<_> = all.into_iter().chain(patches.iter().map(|patch| (patch.name.as_str(), vec![patch.defect()]))).collect();
    let unknown = |name: &&String| !all.iter().any(|(known, defects)| is_wanted(std::slice::from_ref(name), known, defects));
    only.iter().find(unknown).map_or(Ok(()), |name| Err(RunError::NoMutant { name: name.clone() }))
}

fn run(arguments: &Arguments) -> Result<u8, RunError> {
    check_names(&arguments.only)?;
    if arguments.list {
        text::list();
        return Ok(NOTICED);
    }
    let jobs = arguments.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let how = How { limit: Duration::from_millis(arguments.limit), jobs, all: arguments.all };
    let mut score = Score::default();
    let sources = Sources::new(arguments)?;
    drivers(arguments, &how, &mut score)?;
    if !arguments.layer {
        peers(arguments, &how, &mut score)?;
        sources.run(&mut score)?;
    }
    // A part of the mutants or cases says nothing of the rules that the others are about.
    text::summary(&score, arguments.only.is_empty() && arguments.cases.is_empty() && !arguments.layer);
    if let Some(path) = &arguments.write {
        let what = || format!("writing {}", path.display());
        std::fs::write(path, markdown::render(&score)).map_err(|source| RunError::Io { what: what(), source })?;
    }
    Ok(if score.is_perfect() { NOTICED } else { LIVED })
}

/// The driver's mutants, on every lane that has a driver.
fn drivers(arguments: &Arguments, how: &How, score: &mut Score) -> Result<(), RunError> {
    let wanted: Vec<_> = MUTANTS.iter().filter(|mutant| is_wanted(&arguments.only, mutant.name, &[mutant.defect()])).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let (catalogue, layer) = (Catalogue::load()?, Layer::new()?);
    let mut subjects = Vec::new();
    for lane in lanes(&arguments.driver)? {
        let cases: Vec<&str> = arguments.cases.iter().map(String::as_str).collect();
        let subject = Subject::new(&layer, lane, &cases, how, &catalogue)?;
        let layered = subject.layered();
        text::layered(&layered);
        score.layered.push(layered);
        score.decided.extend(subject.decided());
        subjects.push(subject);
    }
    for mutant in wanted.into_iter().filter(|_| !arguments.layer) {
        let trials = subjects.iter().map(|subject| subject.try_mutant(mutant, how, &catalogue));
        let row = Row {
            broken: Broken::Driver,
            name: mutant.name.to_owned(),
            defects: vec![mutant.defect().to_owned()],
            does: mutant.does.to_owned(),
            trials: trials.collect::<Result<_, _>>()?,
        };
        text::row(&row);
        score.rows.push(row);
    }
    Ok(())
}

fn lanes(names: &[String]) -> Result<Vec<Lane>, RunError> {
    let this = PeerProgram::this().map_err(|source| RunError::Io { what: "finding this program".into(), source })?;
    let found = if names.is_empty() {
        Lanes::discover(&this, Asking::UnlessKept)
    } else {
        Lanes::select(&this, names, Asking::UnlessKept)?
    };
    let usable = |lane: &Lane| matches!(lane.driver, Driver::Manifest(_)) && lane.report.unusable.is_none();
    Ok(found.ready.into_iter().filter(usable).collect())
}

/// The peer's mutants, on the host lane.
fn peers(arguments: &Arguments, how: &How, score: &mut Score) -> Result<(), RunError> {
    let all = faults::all();
    let wanted: Vec<_> = all.iter().filter(|fault| is_wanted(&arguments.only, fault.name, fault.defects)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let unwell = peers::unwell(&wanted, how)?;
    score.decided.extend(peers::decided()?);
    for fault in wanted {
        let row = Row {
            broken: Broken::Peer,
            name: fault.name.to_owned(),
            defects: fault.defects.iter().map(|defect| (*defect).to_owned()).collect(),
            does: fault.does.clone().into_owned(),
            trials: vec![peers::try_fault(fault, &unwell, how)?],
        };
        text::row(&row);
        score.rows.push(row);
    }
    Ok(())
}

/// The mutants of the source, by the reference's own tests.
struct Sources {
    wanted: Vec<patches::Patch>,
}

impl Sources {
    /// Looked at before all that takes long: a patch that the source has left behind ends the command.
    fn new(arguments: &Arguments) -> Result<Self, RunError> {
        let mut wanted = patches::all();
        wanted.retain(|patch| !arguments.layer && is_wanted(&arguments.only, &patch.name, &[patch.defect()]));
        patches::check_source(&wanted)?;
        Ok(Self { wanted })
    }

    fn run(&self, score: &mut Score) -> Result<(), RunError> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let copy = patches::Copy::new()?;
        copy.check_tests(&self.wanted)?;
        for patch in &self.wanted {
            let row = Row {
                broken: Broken::Source,
                name: patch.name.clone(),
                defects: vec![patch.defect().to_owned()],
                does: patch.does.clone(),
                trials: vec![copy.try_patch(patch)?],
            };
            text::row(&row);
            score.rows.push(row);
        }
        Ok(())
    }
}
