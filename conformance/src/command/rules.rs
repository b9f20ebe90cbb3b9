//! `gpushare rules`: each rule with the cases that decide it and the lanes on which they can.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::json;

use super::arguments::{Format, RulesArguments};
use super::{AS_EXPECTED, CommandError, lanes, peer_program};
use crate::registry::cases_of;
use crate::rule::{Binds, Catalogue, Level, Rule};

/// Case families, each with the lanes on which at least one of its cases is not skipped.
type Deciding = BTreeMap<String, BTreeSet<String>>;

pub(super) fn rules(arguments: &RulesArguments) -> Result<u8, CommandError> {
    let catalogue = Catalogue::load()?;
    let found = lanes(&peer_program(&arguments.lanes)?, &arguments.lanes.driver)?;
    let mut deciding: BTreeMap<&str, Deciding> = BTreeMap::new();
    let listed: Vec<_> = found.ready.iter().map(|lane| (lane.name.clone(), cases_of(lane, &found.ready))).collect();
    for (lane, cases) in &listed {
        for case in cases {
            for rule in case.rules {
                let families = deciding.entry(rule).or_default();
                let decided_on = families.entry(case.family.clone()).or_default();
                if case.skip.is_none() {
                    decided_on.insert(lane.clone());
                }
            }
        }
    }
    let mut out = anstream::stdout().lock();
    let of = |rule: &Rule| deciding.get(rule.id.as_str()).cloned().unwrap_or_default();
    match arguments.format {
        Format::Json => {
            let all: Vec<_> = catalogue.iter().map(|rule| json!({ "rule": rule, "cases": of(rule) })).collect();
            writeln!(out, "{:#}", json!({ "rules": all }))?;
        }
        Format::Text => {
            for rule in catalogue.iter() {
                text(&mut out, rule, &of(rule))?;
            }
            summary(&mut out, &catalogue, &of)?;
        }
    }
    Ok(AS_EXPECTED)
}

fn text(out: &mut impl Write, rule: &Rule, deciding: &Deciding) -> Result<(), CommandError> {
    let level = if rule.level == Level::Must { "must" } else { "should" };
    let binds = if rule.binds == Binds::Implementation { "implementation" } else { "application" };
    writeln!(out, "{} ({level}, {binds})", rule.id)?;
    writeln!(out, "    {}", rule.sentence)?;
    writeln!(out, "    {}", rule.source)?;
    rule.vuid.iter().try_for_each(|vuid| writeln!(out, "    {vuid}"))?;
    if let Some(reason) = &rule.undecidable {
        writeln!(out, "    undecidable: {reason}")?;
    } else if let Some(reason) = &rule.undecided {
        writeln!(out, "    no case yet: {reason}")?;
    } else if deciding.is_empty() {
        writeln!(out, "    no lane here has a case about it")?;
    }
    for (family, lanes) in deciding {
        let on = if lanes.is_empty() { "skipped on every lane here".into() } else { Vec::from_iter(lanes.clone()).join(", ") };
        writeln!(out, "    decided by {family}: {on}")?;
    }
    writeln!(out)?;
    Ok(())
}

fn summary(out: &mut impl Write, catalogue: &Catalogue, of: &dyn Fn(&Rule) -> Deciding) -> Result<(), CommandError> {
    let total = catalogue.iter().count();
    let undecidable = catalogue.iter().filter(|rule| rule.undecidable.is_some()).count();
    let decided = catalogue.iter().filter(|rule| of(rule).values().any(|lanes| !lanes.is_empty())).count();
    let open = total - undecidable - decided;
    writeln!(out, "{total} rules: {decided} decided on a lane here, {open} not yet, {undecidable} undecidable from outside")?;
    Ok(())
}
