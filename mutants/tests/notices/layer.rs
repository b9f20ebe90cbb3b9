//! The layer between a real driver and the cases: without a mutant nothing changes, with one the cases that name it notice.

use std::time::Duration;

use gpushare_conformance::lane::{Asking, Driver, Lane, Lanes, PeerProgram};
use gpushare_conformance::rule::Catalogue;
use gpushare_mutant_layer::table::MUTANTS;
use gpushare_mutants::drivers::{How, Subject};
use gpushare_mutants::layer::Layer;
use gpushare_mutants::score::Standing;
use libtest_mimic::{Failed, Trial};

/// One of exports, one of imports, one that kills the peer.
const TRIED: [&str; 3] = ["D3", "D10", "D17-crash"];

/// Enough for the layer to be seen at work, and few enough for every test run.
const CASES: [&str; 5] = [
    "handle::*::export_is_*",
    "handle::*::closed_number_is_refused",
    "handle::*::short_memory_is_refused*",
    "memory::*::writes_after_import_are_seen*",
    "capability::*",
];

/// Without a mutant nothing changes, on two drivers that have little in common; the quicker one gets the mutants.
pub(crate) fn trials() -> Vec<Trial> {
    let mut lanes = drivers();
    let quickest = lanes.iter().find(|lane| lane.name.starts_with("swiftshader")).or(lanes.first()).cloned();
    let newest_of_mesa = lanes.iter().filter(|lane| lane.name.starts_with("lavapipe")).map(|lane| lane.name.clone()).max();
    lanes.retain(|lane| !lane.name.starts_with("lavapipe") || newest_of_mesa.as_ref() == Some(&lane.name));
    let noticed = TRIED.map(|name| {
        let lane = quickest.clone();
        // Without a driver they are listed as ignored.
        let ignored = lane.is_none();
        Trial::test(format!("layer::notices_{name}"), move || is_noticed(lane, name)).with_ignored_flag(ignored)
    });
    let passing = lanes
        .into_iter()
        .map(|lane| Trial::test(format!("layer::changes_nothing_on_{}", lane.name), move || passes_everything_on(lane)));
    passing.chain(noticed).collect()
}

fn drivers() -> Vec<Lane> {
    let Ok(this) = PeerProgram::this() else { return Vec::new() };
    let mut lanes = Lanes::discover(&this, Asking::UnlessKept).ready;
    lanes.retain(|lane| matches!(lane.driver, Driver::Manifest(_)) && lane.report.unusable.is_none());
    lanes
}

const HOW: How = How { limit: Duration::from_secs(10), jobs: 1, all: false };

fn passes_everything_on(lane: Lane) -> Result<(), Failed> {
    let layer = Layer::new()?;
    let layered = Subject::new(&layer, lane, &CASES, &HOW, &Catalogue::load()?)?.layered();
    match (layered.ran, layered.differs.as_slice()) {
        (0, _) => Err("no case ran".into()),
        (_, []) => Ok(()),
        (_, differs) => Err(format!("these end otherwise through the layer: {}", differs.join(", ")).into()),
    }
}

fn is_noticed(lane: Option<Lane>, name: &str) -> Result<(), Failed> {
    let (layer, catalogue) = (Layer::new()?, Catalogue::load()?);
    let mutant = MUTANTS.iter().find(|mutant| mutant.name == name).ok_or("no such mutant")?;
    let subject = Subject::new(&layer, lane.ok_or("no driver")?, mutant.first, &HOW, &catalogue)?;
    let trial = subject.try_mutant(mutant, &HOW, &catalogue)?;
    if trial.standing() == Standing::Noticed && trial.acted { Ok(()) } else { Err(format!("{trial:?}").into()) }
}
