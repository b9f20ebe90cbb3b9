//! The layer between a real driver and the cases: without a mutant nothing changes, with one the cases that name it notice.

use std::time::Duration;

use gpushare_conformance::lane::{Driver, Lane, Lanes, PeerProgram};
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

/// Without a driver they are listed as ignored.
pub(crate) fn trials() -> Vec<Trial> {
    let lane = driver();
    let ignored = lane.is_none();
    let passing = {
        let lane = lane.clone();
        Trial::test("layer::passes_everything_on", move || passes_everything_on(lane)).with_ignored_flag(ignored)
    };
    let noticed = TRIED.map(|name| {
        let lane = lane.clone();
        Trial::test(format!("layer::notices_{name}"), move || is_noticed(lane, name)).with_ignored_flag(ignored)
    });
    [passing].into_iter().chain(noticed).collect()
}

/// SwiftShader where it is there, which is quickest.
fn driver() -> Option<Lane> {
    let mut lanes = Lanes::discover(&PeerProgram::this().ok()?, false).ready;
    lanes.retain(|lane| matches!(lane.driver, Driver::Manifest(_)) && lane.report.unusable.is_none());
    let quickest = lanes.iter().position(|lane| lane.name.starts_with("swiftshader")).unwrap_or(0);
    (!lanes.is_empty()).then(|| lanes.swap_remove(quickest))
}

const HOW: How = How { limit: Duration::from_secs(10), jobs: 1, all: false };

fn passes_everything_on(lane: Option<Lane>) -> Result<(), Failed> {
    let layer = Layer::new()?;
    let subject = Subject::new(&layer, lane.ok_or("no driver")?, &CASES, &HOW, &Catalogue::load()?)?;
    let (passed, ran) = subject.health();
    match (subject.impure.is_empty(), ran) {
        (_, 0) => Err("no case ran".into()),
        (true, _) if passed == ran => Ok(()),
        (true, _) => Err(format!("healed, {passed} of {ran} cases pass").into()),
        (false, _) => Err(format!("these end otherwise through the layer: {}", subject.impure.join(", ")).into()),
    }
}

fn is_noticed(lane: Option<Lane>, name: &str) -> Result<(), Failed> {
    let (layer, catalogue) = (Layer::new()?, Catalogue::load()?);
    let mutant = MUTANTS.iter().find(|mutant| mutant.name == name).ok_or("no such mutant")?;
    let subject = Subject::new(&layer, lane.ok_or("no driver")?, mutant.first, &HOW, &catalogue)?;
    let trial = subject.try_mutant(mutant, &HOW, &catalogue)?;
    if trial.standing() == Standing::Noticed && trial.acted { Ok(()) } else { Err(format!("{trial:?}").into()) }
}
