//! The table as a page.

use std::fmt::Write;

use super::text;
use crate::score::{Broken, Row, Score, Standing, Trial};

/// The whole page.
pub(super) fn render(score: &Score) -> String {
    let mut page = String::from(
        "# What the suite notices\n\n\
         Written by `gpushare mutants --write`; `docs/mutants.md` says how. A mutant is noticed when \
         a case that passes without it does not pass with it; a peer's death counts only where a rule of the case speaks of it.\n\n",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(page, "**{}.**\n", text::line(score));
    layered(&mut page, score);
    defects(&mut page, score);
    for (broken, title) in [
        (Broken::Driver, "Drivers, through the layer"),
        (Broken::Peer, "Sharing libraries and channels, on the host lane"),
        (Broken::Source, "The reference, by patches to its source"),
    ] {
        let rows: Vec<_> = score.rows.iter().filter(|row| row.broken == broken).collect();
        if !rows.is_empty() {
            mutants(&mut page, title, &rows);
        }
    }
    rules(&mut page, score);
    page
}

fn layered(page: &mut String, score: &Score) {
    if score.layered.is_empty() {
        return;
    }
    let _ = writeln!(page, "## The layer without a mutant\n");
    for layered in &score.layered {
        let _ = writeln!(page, "- {}: {}", layered.lane, text::told(layered));
        for case in &layered.differs {
            let _ = writeln!(page, "  - differs: `{case}`");
        }
    }
    let _ = writeln!(page);
}

fn defects(page: &mut String, score: &Score) {
    let _ = writeln!(page, "## Defects\n\n| | defect | |\n| --- | --- | --- |");
    for (defect, standing) in score.defects() {
        let told = match (standing, defect.unexpressed) {
            (Some(Standing::Noticed), _) => "noticed".to_owned(),
            (Some(Standing::Lived), _) => "**lived**".to_owned(),
            (Some(Standing::NotReached), _) => "not reached: nothing that ran here does this".to_owned(),
            (None, Some(reason)) => format!("no mutant: {reason}"),
            (None, None) => "not run".to_owned(),
        };
        let _ = writeln!(page, "| {} | {} | {told} |", defect.number, defect.is);
    }
    let _ = writeln!(page);
}

fn mutants(page: &mut String, title: &str, rows: &[&Row]) {
    let _ = writeln!(page, "## {title}\n\n| mutant | what is wrong | noticed by | rules |\n| --- | --- | --- | --- |");
    for row in rows {
        let mut rules: Vec<&str> =
            row.trials.iter().flat_map(|trial| &trial.by).flat_map(|by| &by.rules).map(String::as_str).collect();
        rules.sort_unstable();
        rules.dedup();
        let told: Vec<_> = row.trials.iter().map(on_lane).collect();
        let name = if row.defects.contains(&row.name) || row.defects.is_empty() {
            row.name.clone()
        } else {
            format!("{} ({})", row.name, row.defects.join(", "))
        };
        let _ = writeln!(page, "| {name} | {} | {} | {} |", row.does, told.join("<br>"), quoted(rules));
    }
    let _ = writeln!(page);
}

fn on_lane(trial: &Trial) -> String {
    let Trial { lane, ran, by, skipped, .. } = trial;
    match (trial.standing(), by.first()) {
        (Standing::Noticed, Some(first)) => format!("{lane}: {} of {ran}, `{}` ({})", by.len(), first.case, first.verdict),
        (Standing::Lived, _) => format!("{lane}: **none of {ran}**"),
        (Standing::NotReached, _) | (_, None) => match skipped {
            Some(reason) => format!("{lane}: no case runs: {reason}"),
            None => format!("{lane}: not reached by {ran}"),
        },
    }
}

fn rules(page: &mut String, score: &Score) {
    let (kills, unproven) = (score.kills(), score.unproven());
    let _ = writeln!(page, "## Rules, and the mutants that each killed\n");
    if unproven.is_empty() {
        let _ = writeln!(page, "Each of the {} rules that a lane here decides killed at least one.\n", score.decided.len());
    } else {
        let _ = writeln!(page, "These killed none: {}.\n", quoted(unproven));
    }
    let _ = writeln!(page, "| rule | mutants |\n| --- | --- |");
    for (rule, mutants) in kills {
        let _ = writeln!(page, "| `{rule}` | {} |", mutants.into_iter().collect::<Vec<_>>().join(", "));
    }
}

fn quoted<'rules>(rules: impl IntoIterator<Item = &'rules str>) -> String {
    rules.into_iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ")
}
