//! `gpushare run`: run cases and compare with what is expected.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gpushare_harness::history::History;

use super::arguments::{DEFAULT_LIMIT, Format, RunArguments};
use super::progress::Shown;
use super::{AS_EXPECTED, CommandError, NOT_AS_EXPECTED, expectations, lanes, peer_program};
use crate::cases::LONG;
use crate::lane::Lanes;
use crate::registry::Filter;
use crate::report::{RunReport, html, json, junit, markdown, terminal};
use crate::rule::Catalogue;
use crate::run::{Settings, quote, run_lane};

pub(super) fn run(arguments: &RunArguments) -> Result<u8, CommandError> {
    let catalogue = Catalogue::load()?;
    let expected = expectations(&arguments.expectations)?;
    let settings = settings(arguments)?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Files first: a run whose report cannot be kept should not begin.
    let history = arguments.out.as_deref().map(|out| history(out, &settings, started)).transpose()?;
    if let Some(path) = &arguments.write {
        let kept = File::options().append(true).create(true).open(path);
        kept.map_err(|source| CommandError::Out { path: path.clone(), source })?;
    }
    let found = lanes(&peer_program(&arguments.lanes)?, &arguments.lanes.driver)?;
    let shown = Shown::new(history);
    let results =
        found.ready.iter().map(|lane| run_lane(lane, &found.ready, &settings, &catalogue, &expected, &shown)).collect();
    shown.finish().map_err(|source| CommandError::Out { path: arguments.out.clone().unwrap_or_default(), source })?;
    let report = RunReport {
        suite: env!("CARGO_PKG_VERSION").into(),
        started,
        seed: settings.seed,
        fresh: settings.fresh,
        lanes: results,
        unavailable: unavailable(&found),
    };
    if report.lanes.iter().all(|lane| lane.cases.is_empty()) {
        let lanes = report.lanes.iter().map(|lane| lane.lane.clone()).collect::<Vec<_>>().join(", ");
        return Err(CommandError::NoCase { filters: arguments.filters.clone(), lanes });
    }
    if let Some(out) = &arguments.out {
        write_reports(out, &report, &catalogue)?;
    }
    if let Some(path) = &arguments.write {
        let page = markdown::render(&report, &catalogue, &command());
        std::fs::write(path, page).map_err(|source| CommandError::Out { path: path.clone(), source })?;
    }
    let mut stdout = anstream::stdout().lock();
    match arguments.format {
        Format::Json => write!(stdout, "{}", json::render(&report).map_err(|error| CommandError::Report(error.to_string()))?)?,
        Format::Text => {
            write!(stdout, "{}", terminal::render(&report, &catalogue))?;
            if let Some(out) = &arguments.out {
                writeln!(stdout, "report: {}", out.join("report.html").display())?;
            }
        }
    }
    Ok(if report.is_as_expected() { AS_EXPECTED } else { NOT_AS_EXPECTED })
}

/// The command that this process is, as one would type it.
fn command() -> String {
    let long = std::env::var_os(LONG).map(|value| format!("{LONG}={} ", value.to_string_lossy())).unwrap_or_default();
    let arguments = std::env::args().skip(1).map(|argument| quote(&argument));
    format!("{long}gpushare {}", arguments.collect::<Vec<_>>().join(" "))
}

fn settings(arguments: &RunArguments) -> Result<Settings, CommandError> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Settings {
        seed: arguments.seed,
        fresh: arguments.fresh,
        limit: Duration::from_millis(arguments.limit),
        jobs: arguments.jobs.map_or(processors, usize::from),
        filter: Filter::new(&arguments.filters)?,
        start: Instant::now(),
        repeated_with: repeated_with(arguments),
    })
}

/// What was given and changes how a case ends, or what is expected of it.
fn repeated_with(arguments: &RunArguments) -> String {
    let files = arguments.expectations.iter().map(|file| {
        // To be repeated from any folder.
        let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        format!(" --expectations {}", quote(&file.display().to_string()))
    });
    let limit = (arguments.limit != DEFAULT_LIMIT).then(|| format!(" --limit {}", arguments.limit));
    files.chain(limit).collect()
}

fn history(out: &Path, settings: &Settings, started: u64) -> Result<History<BufWriter<File>>, CommandError> {
    let refuse = |source| CommandError::Out { path: out.to_owned(), source };
    std::fs::create_dir_all(out).map_err(refuse)?;
    let file = File::create(out.join("history.jsonl")).map_err(refuse)?;
    History::begin(BufWriter::new(file), settings.start, env!("CARGO_PKG_VERSION"), settings.seed, started).map_err(refuse)
}

fn write_reports(out: &Path, report: &RunReport, catalogue: &Catalogue) -> Result<(), CommandError> {
    let unable = |error: &dyn std::fmt::Display| CommandError::Report(error.to_string());
    let files = [
        ("report.html", html::render(report, catalogue)),
        ("report.json", json::render(report).map_err(|error| unable(&error))?),
        ("junit.xml", junit::render(report).map_err(|error| unable(&error))?),
    ];
    files.into_iter().try_for_each(|(name, text)| {
        let path: PathBuf = out.join(name);
        std::fs::write(&path, text).map_err(|source| CommandError::Out { path, source })
    })
}

/// Drivers that somebody asked for and that gave no lane. A system's manifest without a device is nothing to tell.
fn unavailable(found: &Lanes) -> Vec<String> {
    let told = found.unavailable.iter().filter(|one| one.asked_for);
    told.map(|one| format!("{}: {}", one.manifest.display(), one.reason)).collect()
}
