//! `gpushare probe`: the drivers of this machine and what they can share.

use std::io::Write;

use serde_json::json;

use super::arguments::{Format, ProbeArguments};
use super::{AS_EXPECTED, CommandError, lanes_asked, peer_program};
use crate::lane::{Asking, Driver, Lane};

pub(super) fn probe(arguments: &ProbeArguments) -> Result<u8, CommandError> {
    let program = peer_program(&arguments.lanes)?;
    // A probe is asked for to see what is there now.
    let found = lanes_asked(&program, &arguments.lanes.driver, Asking::Anew)?;
    let mut out = anstream::stdout().lock();
    match arguments.format {
        Format::Json => {
            let lanes: Vec<_> = found.ready.iter().map(|lane| json!({ "lane": lane.name, "report": lane.report })).collect();
            let unavailable: Vec<_> =
                found.unavailable.iter().map(|one| json!({ "manifest": one.manifest, "reason": one.reason })).collect();
            writeln!(out, "{:#}", json!({ "lanes": lanes, "unavailable": unavailable }))?;
        }
        Format::Text => {
            for lane in &found.ready {
                text(&mut out, lane)?;
            }
            for one in &found.unavailable {
                writeln!(out, "no lane from {}: {}", one.manifest.display(), one.reason)?;
            }
        }
    }
    Ok(AS_EXPECTED)
}

fn text(out: &mut impl Write, lane: &Lane) -> Result<(), CommandError> {
    let identity = &lane.report.identity;
    writeln!(out, "{}", lane.name)?;
    if let Driver::Manifest(manifest) = &lane.driver {
        writeln!(out, "    manifest     {}", manifest.display())?;
    }
    writeln!(out, "    device       {}, {} {}", identity.device_name, identity.api, identity.api_version)?;
    writeln!(out, "    driver       {} {}", identity.driver_name, identity.driver_info)?;
    writeln!(out, "    device UUID  {}", identity.device_uuid)?;
    writeln!(out, "    driver UUID  {}", identity.driver_uuid)?;
    if let Some(reason) = &lane.report.unusable {
        writeln!(out, "    shares       nothing: {reason}")?;
        return Ok(());
    }
    let mut types: Vec<_> = lane.report.textures.iter().map(|can| can.asked.handle_type).collect();
    types.sort();
    types.dedup();
    for handle_type in types {
        let of_type = || lane.report.textures.iter().filter(|can| can.asked.handle_type == handle_type);
        let shareable = of_type().filter(|can| can.shareable()).count();
        if shareable > 0 {
            writeln!(out, "    shares       {shareable} of {} kinds of textures over {handle_type}", of_type().count())?;
        }
    }
    Ok(())
}
