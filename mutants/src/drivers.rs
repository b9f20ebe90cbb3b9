//! The driver's mutants: each lane without the layer, through it, healed by it, and with each defect.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gpushare_conformance::expectation::Expectations;
use gpushare_conformance::lane::Lane;
use gpushare_conformance::registry::Filter;
use gpushare_conformance::rule::Catalogue;
use gpushare_conformance::run::{CaseResult, Settings, run_lane};
use gpushare_conformance::verdict::Verdict;
use gpushare_mutant_layer::table::{HEALED, Mutant};

use crate::layer::{Layer, Layered};
use crate::run::{RunError, Silent};
use crate::score::{self, Standing, Trial, compare};

/// How cases are run.
#[derive(Clone, Debug)]
pub struct How {
    /// How long a peer may take for one step.
    pub limit: Duration,
    /// Cases at once.
    pub jobs: usize,
    /// Every case on every mutant, instead of as many as it takes.
    pub all: bool,
}

/// A driver with the layer before it, and what it does when it is healthy.
pub struct Subject<'layer> {
    layer: &'layer Layer,
    plain: Lane,
    /// Which cases; none: all.
    globs: Vec<String>,
    healthy: BTreeMap<String, CaseResult>,
    /// Cases that end otherwise through the layer than without it, though it does nothing, or worse when it heals.
    differs: Vec<String>,
}

fn run(lane: &Lane, globs: &[&str], how: &How, catalogue: &Catalogue) -> Result<Vec<CaseResult>, RunError> {
    let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
    let filter = Filter::new(&globs)?;
    let settings = Settings {
        seed: 7,
        fresh: false,
        limit: how.limit,
        jobs: how.jobs,
        filter,
        start: Instant::now(),
        repeated_with: String::new(),
    };
    Ok(run_lane(lane, &[], &settings, catalogue, &Expectations::default(), &Silent).cases)
}

impl<'layer> Subject<'layer> {
    /// Run the cases that match (all, without a glob) on the lane: without the layer, through it, and healed.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn new(layer: &'layer Layer, plain: Lane, globs: &[&str], how: &How, catalogue: &Catalogue) -> Result<Self, RunError> {
        let without = run(&plain, globs, how, catalogue)?;
        let through = layer.lane(&plain, None)?;
        let passed_on = run(&through.lane, globs, how, catalogue)?;
        let mut differs = differences(&without, &passed_on, |without, through| without == through);
        // What differs once may be the machine's fault; what differs twice is the layer's.
        if !differs.is_empty() {
            let suspects: Vec<&str> = differs.iter().map(String::as_str).collect();
            let (without, passed_on) =
                (run(&plain, &suspects, how, catalogue)?, run(&through.lane, &suspects, how, catalogue)?);
            differs = differences(&without, &passed_on, |without, through| without == through);
        }
        let healed = layer.lane(&plain, Some(HEALED.name))?;
        let healed = run(&healed.lane, globs, how, catalogue)?;
        differs.extend(differences(&without, &healed, |without, healed| without != Verdict::Pass || healed == Verdict::Pass));
        let healthy = healed.into_iter().map(|result| (result.case.clone(), result)).collect();
        let globs = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Ok(Self { layer, plain, globs, healthy, differs })
    }

    /// The lane's name.
    #[must_use]
    pub fn lane(&self) -> &str {
        &self.plain.name
    }

    /// The rules that its cases decide.
    pub fn decided(&self) -> impl Iterator<Item = String> {
        let executed = self.healthy.values().filter(|result| result.verdict != Verdict::Skip);
        executed.flat_map(|result| result.rules.clone())
    }

    /// The lane without a mutant.
    #[must_use]
    pub fn layered(&self) -> score::Layered {
        let count = |wanted: fn(Verdict) -> bool| self.healthy.values().filter(|result| wanted(result.verdict)).count();
        score::Layered {
            lane: self.plain.name.clone(),
            ran: count(|verdict| verdict != Verdict::Skip),
            healthy: count(|verdict| verdict == Verdict::Pass),
            differs: self.differs.clone(),
        }
    }

    /// Run the cases that should notice a mutant, and all others if it acts and none of them does. Where these do not make it act,
    /// no other one gets to what it breaks.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn try_mutant(&self, mutant: &Mutant, how: &How, catalogue: &Catalogue) -> Result<Trial, RunError> {
        let layered = self.layer.lane(&self.plain, Some(mutant.name))?;
        let all: Vec<&str> = self.globs.iter().map(String::as_str).collect();
        let first = self.rate(&layered, mutant, if how.all { &all } else { mutant.first }, how, catalogue)?;
        if how.all || first.standing() != Standing::Lived {
            Ok(first)
        } else {
            self.rate(&layered, mutant, &all, how, catalogue)
        }
    }

    fn rate(
        &self,
        layered: &Layered,
        mutant: &Mutant,
        globs: &[&str],
        how: &How,
        catalogue: &Catalogue,
    ) -> Result<Trial, RunError> {
        let results = run(&layered.lane, globs, how, catalogue)?;
        let (mut by, mut deaths) = (Vec::new(), 0);
        for result in &results {
            match self.healthy.get(&result.case).and_then(|healthy| compare(healthy, result, catalogue)) {
                Some(Ok(notice)) => by.push(notice),
                Some(Err(())) => deaths += 1,
                None => {}
            }
        }
        let ran = results.iter().filter(|result| result.verdict != Verdict::Skip).count();
        let skipped = results.first().filter(|_| ran == 0).map(|result| result.detail.clone());
        Ok(Trial { lane: self.plain.name.clone(), ran, by, deaths, acted: layered.acted(mutant.name), skipped })
    }
}

/// The cases whose verdicts do not agree; one that only one side has does not.
fn differences(one: &[CaseResult], other: &[CaseResult], agree: impl Fn(Verdict, Verdict) -> bool) -> Vec<String> {
    let verdicts = |all: &[CaseResult]| -> BTreeMap<String, Verdict> {
        all.iter().map(|result| (result.case.clone(), result.verdict)).collect()
    };
    let (one, other) = (verdicts(one), verdicts(other));
    let mut all: Vec<String> = one.keys().chain(other.keys()).cloned().collect();
    all.sort();
    all.dedup();
    all.retain(|case| !one.get(case).zip(other.get(case)).is_some_and(|(one, other)| agree(*one, *other)));
    all
}
