//! What the command prints.

use gpushare_mutant_layer::table::MUTANTS;

use crate::faults;
use crate::patches;
use crate::score::{Layered, Row, Score, Standing, Trial};

/// Every mutant with its defects and its sentence.
pub(super) fn list() {
    for mutant in MUTANTS {
        anstream::println!("{:<34} {:<8} {}", mutant.name, mutant.defect(), mutant.does);
    }
    for patch in patches::all() {
        anstream::println!("{:<34} {:<8} {}", patch.name, patch.defect(), patch.does);
    }
    for fault in faults::all() {
        anstream::println!("{:<34} {:<8} {}", fault.name, fault.defects.join(","), fault.does);
    }
}

pub(super) fn layered(layered: &Layered) {
    anstream::println!("{}: {}", layered.lane, told(layered));
    for case in &layered.differs {
        anstream::println!("    differs: {case}");
    }
}

/// What the layer alone makes of a driver, in a line.
pub(super) fn told(layered: &Layered) -> String {
    let Layered { ran, healthy, differs, .. } = layered;
    let same = match differs.len() {
        0 => format!("{ran} cases end as without the layer"),
        some => format!("{some} of {ran} cases do NOT end as without the layer"),
    };
    format!("{same}; healed, {healthy} of {ran} pass")
}

pub(super) fn row(row: &Row) {
    let word = match row.standing() {
        Standing::Noticed => "noticed",
        Standing::Lived => "LIVED",
        Standing::NotReached => "not reached",
    };
    anstream::println!("{:<11} {:<34} {}", word, row.name, row.does);
    for trial in &row.trials {
        anstream::println!("            {}", on_lane(trial));
    }
}

fn on_lane(trial: &Trial) -> String {
    let deaths = if trial.deaths == 0 { String::new() } else { format!("; a peer died in {} more", trial.deaths) };
    let Trial { lane, ran, by, skipped, .. } = trial;
    match (trial.standing(), by.first()) {
        (Standing::Noticed, Some(first)) => format!(
            "{lane}: {} of {ran} cases, {} ({}, {}){deaths}",
            by.len(),
            first.case,
            first.verdict,
            first.rules.join(", ")
        ),
        (Standing::Lived, _) => format!("{lane}: it did what it does, and none of {ran} cases minds{deaths}"),
        (Standing::NotReached, _) | (_, None) => match skipped {
            Some(reason) => format!("{lane}: no case runs: {reason}"),
            None => format!("{lane}: none of {ran} cases made it do anything{deaths}"),
        },
    }
}

pub(super) fn summary(score: &Score, all: bool) {
    anstream::println!();
    if all {
        for (rule, mutants) in score.kills() {
            anstream::println!("rule {rule} killed {}", mutants.into_iter().collect::<Vec<_>>().join(", "));
        }
        for rule in score.unproven() {
            anstream::println!("rule {rule} killed NO mutant");
        }
    }
    for layered in &score.layered {
        for case in &layered.differs {
            anstream::println!("differs through the layer: {}::{case}", layered.lane);
        }
    }
    for row in score.lived() {
        anstream::println!("LIVED {}: {}", row.name, row.does);
    }
    anstream::println!("{}", line(score));
}

/// The score in a line.
pub(super) fn line(score: &Score) -> String {
    let count = |wanted| score.rows.iter().filter(|row| row.standing() == wanted).count();
    let (noticed, lived, not_reached) = (count(Standing::Noticed), count(Standing::Lived), count(Standing::NotReached));
    let (kills, decided) = (score.kills().len(), score.decided.len());
    format!(
        "{noticed} of {} mutants noticed, {lived} lived, {not_reached} not reached; {kills} of {decided} decided rules killed one",
        score.rows.len()
    )
}
