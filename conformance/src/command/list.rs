//! `gpushare list`: the cases of each lane, what is skipped and why. Loads no driver.

use std::io::Write;

use serde_json::json;

use super::arguments::{Format, ListArguments};
use super::{AS_EXPECTED, CommandError, lanes, peer_program};
use crate::registry::{Filter, cases_of};

pub(super) fn list(arguments: &ListArguments) -> Result<u8, CommandError> {
    let filter = Filter::new(&arguments.filters)?;
    let found = lanes(&peer_program(&arguments.lanes)?, &arguments.lanes.driver)?;
    let mut out = anstream::stdout().lock();
    let mut entries = Vec::new();
    for lane in &found.ready {
        for case in cases_of(lane, &found.ready).into_iter().filter(|case| filter.passes(&lane.name, &case.id)) {
            match arguments.format {
                Format::Json => {
                    entries.push(json!({ "lane": lane.name, "case": case.id, "rules": case.rules, "skip": case.skip }));
                }
                Format::Text => {
                    let skip = case.skip.map(|reason| format!("  skip: {reason}")).unwrap_or_default();
                    writeln!(out, "{}::{}{skip}", lane.name, case.id)?;
                }
            }
        }
    }
    if arguments.format == Format::Json {
        writeln!(out, "{:#}", json!({ "cases": entries }))?;
    }
    Ok(AS_EXPECTED)
}
