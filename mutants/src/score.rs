//! What noticed which mutant.

use std::collections::{BTreeMap, BTreeSet};

use gpushare_conformance::rule::Catalogue;
use gpushare_conformance::run::CaseResult;
use gpushare_conformance::verdict::Verdict;

use crate::defects::{DEFECTS, Defect};

/// A case that passed without the mutant and does not pass with it.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The case, or the test.
    pub case: String,
    /// The rules that it decides.
    pub rules: Vec<String>,
    /// What it became.
    pub verdict: Verdict,
}

/// One mutant on one lane.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The lane; `reference`, and on which system, where its own tests ran.
    pub lane: String,
    /// How many cases ran.
    pub ran: usize,
    /// Those that noticed.
    pub by: Vec<Notice>,
    /// Cases in which a peer died and whose rules do not speak of that: no proof.
    pub deaths: usize,
    /// Whether the mutant did anything that the healthy thing would not.
    pub acted: bool,
    /// Where all of its cases or tests are skipped, why the first of them is.
    pub skipped: Option<String>,
}

/// How a mutant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A case names it.
    Noticed,
    /// It did what it does, and no case minds: a hole.
    Lived,
    /// No case made it do anything.
    NotReached,
}

impl Trial {
    /// How the mutant stands on this lane.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.acted, self.by.is_empty()) {
            // What fails without the mutant having done anything fails of itself.
            (false, _) => Standing::NotReached,
            (true, false) => Standing::Noticed,
            (true, true) => Standing::Lived,
        }
    }
}

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// The driver, by the layer.
    Driver,
    /// The peer: the sharing library or its channel.
    Peer,
    /// The source of ring, waiter or stream.
    Source,
}

/// One mutant, wherever it ran.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is broken.
    pub broken: Broken,
    /// Its name.
    pub name: String,
    /// The defects that it is a form of.
    pub defects: Vec<String>,
    /// What is wrong, in a sentence.
    pub does: String,
    /// Where it ran.
    pub trials: Vec<Trial>,
}

impl Row {
    /// Lived where it lived anywhere; not reached where it was reached nowhere.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let all: Vec<_> = self.trials.iter().map(Trial::standing).collect();
        let has = |standing| all.contains(&standing);
        match () {
            () if has(Standing::Lived) => Standing::Lived,
            () if has(Standing::Noticed) => Standing::Noticed,
            () => Standing::NotReached,
        }
    }
}

/// What a result under a mutant says against the same case's without it: `Some(Err)` is a death that proves nothing.
#[must_use]
pub fn compare(healthy: &CaseResult, mutated: &CaseResult, catalogue: &Catalogue) -> Option<Result<Notice, ()>> {
    if healthy.verdict != Verdict::Pass {
        return None;
    }
    let forbids_death = || mutated.rules.iter().any(|id| catalogue.get(id).is_some_and(|rule| rule.forbids_death));
    let notice = || Notice { case: mutated.case.clone(), rules: mutated.rules.clone(), verdict: mutated.verdict };
    match mutated.verdict {
        Verdict::Fail | Verdict::Leak | Verdict::Hang | Verdict::Warn => Some(Ok(notice())),
        Verdict::Crash if forbids_death() => Some(Ok(notice())),
        Verdict::Crash => Some(Err(())),
        Verdict::Pass | Verdict::Skip | Verdict::Inconclusive => None,
    }
}

/// All that was found out.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Every mutant that ran.
    pub rows: Vec<Row>,
    /// Rules that a case which ran decides.
    pub decided: BTreeSet<String>,
    /// Each lane's driver without the layer, through it, and healed by it.
    pub layered: Vec<Layered>,
}

/// What the layer alone makes of a driver.
#[derive(Clone, Debug)]
pub struct Layered {
    /// The lane.
    pub lane: String,
    /// How many cases run there, without skips.
    pub ran: usize,
    /// How many of them pass once the layer has healed the driver.
    pub healthy: usize,
    /// Cases that end otherwise through the layer than without it, though it does nothing, or worse when it heals.
    pub differs: Vec<String>,
}

impl Score {
    /// Mutants that lived.
    pub fn lived(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.standing() == Standing::Lived)
    }

    /// Whether every mutant that did anything was noticed, and the layer alone changed nothing.
    #[must_use]
    pub fn is_perfect(&self) -> bool {
        self.lived().next().is_none() && self.layered.iter().all(|layered| layered.differs.is_empty())
    }

    /// How each numbered defect stands, over all of its mutants that ran.
    #[must_use]
    pub fn defects(&self) -> Vec<(&'static Defect, Option<Standing>)> {
        let of = |number: &str| {
            let standings: Vec<_> =
                self.rows.iter().filter(|row| row.defects.iter().any(|defect| defect == number)).map(Row::standing).collect();
            let has = |standing| standings.contains(&standing);
            match () {
                () if has(Standing::Lived) => Some(Standing::Lived),
                () if has(Standing::Noticed) => Some(Standing::Noticed),
                () => has(Standing::NotReached).then_some(Standing::NotReached),
            }
        };
        DEFECTS.iter().map(|defect| (defect, of(defect.number))).collect()
    }

    /// Each rule that killed a mutant, with the names of all that it killed.
    #[must_use]
    pub fn kills(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut kills: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &self.rows {
            let noticed = row.trials.iter().filter(|trial| trial.standing() == Standing::Noticed);
            for rule in noticed.flat_map(|trial| &trial.by).flat_map(|notice| &notice.rules) {
                kills.entry(rule).or_default().insert(&row.name);
            }
        }
        kills
    }

    /// Rules that some lane decides and that killed no mutant.
    #[must_use]
    pub fn unproven(&self) -> Vec<&str> {
        let kills = self.kills();
        self.decided.iter().map(String::as_str).filter(|rule| !kills.contains_key(rule)).collect()
    }
}
