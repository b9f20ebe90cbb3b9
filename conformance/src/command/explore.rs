//! `gpushare explore`: random scenarios, and the shortest that fails, as a file that `gpushare repro` replays.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::arguments::ExploreArguments;
use super::{AS_EXPECTED, CommandError, NOT_AS_EXPECTED, lanes, peer_program};
use crate::explore::{Explored, Settings, explore as explore_lane};
use crate::rule::Catalogue;
use crate::scenario::Scenario;

pub(super) fn explore(arguments: &ExploreArguments) -> Result<u8, CommandError> {
    let catalogue = Catalogue::load()?;
    let found = lanes(&peer_program(&arguments.lanes)?, &arguments.lanes.driver)?;
    let limit = Duration::from_millis(arguments.limit);
    let settings = Settings { scenarios: arguments.scenarios, seed: arguments.seed, limit };
    let mut code = AS_EXPECTED;
    for lane in &found.ready {
        let mut out = anstream::stdout().lock();
        match explore_lane(lane, &settings, &catalogue) {
            Explored::Well { steps } => {
                writeln!(out, "{}: {} scenarios of {steps} steps went well", lane.name, settings.scenarios)?;
            }
            Explored::Not { reason } => writeln!(out, "{}: not explored: {reason}", lane.name)?,
            Explored::Badly { scenario, judgement } => {
                code = NOT_AS_EXPECTED;
                let path = arguments.out.join(format!("scenario-{}.json", lane.name));
                keep(&path, &scenario)?;
                writeln!(out, "{} {}: {}", judgement.verdict, lane.name, judgement.detail)?;
                for (number, step) in scenario.steps.iter().enumerate() {
                    writeln!(out, "    {:>2} {:<8} {}", number + 1, crate::context::ROLES[step.peer], step.action)?;
                }
                let driver = crate::run::driver_argument(&lane.driver);
                writeln!(
                    out,
                    "    repeat: gpushare repro --driver {driver} --seed {:#x} --scenario {}",
                    settings.seed,
                    path.display()
                )?;
            }
        }
    }
    Ok(code)
}

fn keep(path: &Path, scenario: &Scenario) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(scenario).map_err(|error| CommandError::Report(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text + "\n"));
    written.map_err(|source| CommandError::Out { path: path.to_owned(), source })
}
