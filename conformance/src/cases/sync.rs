//! Semaphores, timelines and fences from one process to another.
//!
//! What all three can do is decided by the same scripts, once for each kind and type of handle; what only one can do has a file of its
//! own.

mod capability;
mod copy;
mod count;
mod death;
mod descriptor;
mod export;
mod fence;
mod lifetime;
mod order;
mod ownership;
mod pair;
mod refusal;
mod temporary;
mod timeline;
mod transfer;
mod transport;
mod usage;

use gpushare::sync::{SyncCapability, Transference};
use gpushare::{Api, HandleType, SyncKind};
use gpushare_harness::protocol::DeviceReport;

use crate::case::{Cases, Definition, Outcome};
use crate::context::{Party, SharedSync, Sync};

pub(super) use pair::define_between;

/// The rules of semaphores with these names, which timelines are, too; or those of fences.
macro_rules! rules {
    ($subject:expr, $($name:literal),+) => {
        match $subject.kind {
            gpushare::SyncKind::Fence => &[$(concat!("fence.", $name)),+],
            _ => &[$(concat!("semaphore.", $name)),+],
        }
    };
}
use rules;

/// A kind of object, and a type of handle that shares it.
#[derive(Clone, Copy)]
struct Subject {
    kind: SyncKind,
    handle_type: HandleType,
    api: Api,
}

impl Subject {
    /// A case about it, skipped with the device's own answer where that shares no such object over such a handle.
    fn case<'cases, 'lane>(
        self,
        cases: &'cases mut Cases<'lane>,
        what: &'static str,
        rules: &'static [&'static str],
    ) -> Definition<'cases, 'lane> {
        let skip = self.unshareable(cases.report());
        cases.case(what, rules).skip_if(skip)
    }

    fn capability(self, report: &DeviceReport) -> Option<&SyncCapability> {
        capability_of(report, self.kind, self.handle_type)
    }

    fn unshareable(self, report: &DeviceReport) -> Option<String> {
        unshareable(report, self.kind, self.handle_type)
    }

    /// Why an import cannot be exported again, if so.
    fn not_exported_again(self, report: &DeviceReport) -> Option<String> {
        let reported = self.capability(report).is_some_and(|can| can.export_from_imported.contains(&self.handle_type));
        let Self { kind, handle_type, .. } = self;
        (!reported).then(|| format!("the driver reports no exportFromImportedHandleTypes for {kind}s over {handle_type}"))
    }

    fn is_copy(self) -> bool {
        Transference::of(self.handle_type) == Transference::Copy
    }

    /// One that can be exported.
    fn create(self, party: &Party<'_, '_>) -> Outcome<Sync> {
        party.create_sync(self.kind, &[self.handle_type])
    }

    /// One in each of two peers, which share a payload by reference.
    fn shared(self, exporter: &Party<'_, '_>, importer: &Party<'_, '_>) -> Outcome<(Sync, Sync)> {
        let exported = self.create(exporter)?;
        Ok((exported, importer.import_sync_from(exporter, exported, self.handle_type)?))
    }

    /// Export it; a copy is of a signal that was submitted for it. Where the backend lets us, that signal has not come yet, so that
    /// there is an object to be copied.
    fn export(self, party: &Party<'_, '_>, sync: Sync) -> Outcome<SharedSync> {
        if !self.is_copy() {
            return party.export_sync(sync, self.handle_type);
        }
        // A driver may wait for the queue before it exports a copy: one that is held back would keep it for ever.
        let held = self.api == Api::Host;
        if held {
            party.gate(false)?;
        }
        party.signal(sync, 1)?;
        let exported = party.export_sync(sync, self.handle_type);
        if held {
            party.gate(true)?;
        }
        exported
    }

    /// Whatever was exported by [`Subject::export`] works: its signal reaches the importer.
    fn works(self, exporter: &Party<'_, '_>, exported: Sync, importer: &Party<'_, '_>, imported: Sync, value: u64) -> Outcome {
        if !self.is_copy() {
            exporter.signal(exported, value)?;
        }
        importer.wait(imported, value)
    }
}

fn capability_of(report: &DeviceReport, kind: SyncKind, handle_type: HandleType) -> Option<&SyncCapability> {
    answers(report, kind).iter().find(|can| can.handle_type == handle_type)
}

/// Why the device cannot share such an object, in its own words; `None` if it can.
pub(crate) fn unshareable(report: &DeviceReport, kind: SyncKind, handle_type: HandleType) -> Option<String> {
    if let Some(reason) = &report.unusable {
        return Some(reason.clone());
    }
    let Some(can) = capability_of(report, kind, handle_type) else {
        return Some(format!("the driver was not asked about {kind}s over {handle_type}"));
    };
    if !can.exportable || !can.importable {
        let yes_no = |flag| if flag { "yes" } else { "no" };
        let (exportable, importable) = (yes_no(can.exportable), yes_no(can.importable));
        return Some(format!(
            "the driver reports {kind}s over {handle_type} as exportable: {exportable}, importable: {importable}"
        ));
    }
    can.unusable.clone()
}

/// What the device says of one kind.
pub(crate) fn answers(report: &DeviceReport, kind: SyncKind) -> &[SyncCapability] {
    match kind {
        SyncKind::Semaphore => &report.semaphores,
        SyncKind::Timeline => &report.timelines,
        SyncKind::Fence => &report.fences,
    }
}

/// Handles of other operating systems have no cases here: only the answers about them are looked at. The device's own type of
/// handle tells which system this is.
fn has_cases(report: &DeviceReport, can: &SyncCapability) -> bool {
    can.shareable()
        || match can.handle_type {
            HandleType::SharedMemory | HandleType::SharedSignal => true,
            HandleType::SyncFd => report.handle_type == HandleType::OpaqueFd,
            other => report.handle_type == other,
        }
}

pub(super) fn define(cases: &mut Cases<'_>) {
    let report = cases.report();
    capability::define(cases);
    for (kind, area) in [(SyncKind::Semaphore, "semaphore"), (SyncKind::Timeline, "timeline"), (SyncKind::Fence, "fence")] {
        for can in answers(report, kind).iter().filter(|can| has_cases(report, can)) {
            let subject = Subject { kind, handle_type: can.handle_type, api: report.identity.api };
            if kind == SyncKind::Timeline && subject.is_copy() {
                continue;
            }
            cases.area(area, can.handle_type.name());
            export::define(cases, subject);
            transport::define(cases, subject);
            ownership::define(cases, subject);
            refusal::define(cases, subject);
            descriptor::define(cases, subject);
            usage::define(cases, subject);
            count::define(cases, subject);
            lifetime::define(cases, subject);
            if subject.is_copy() {
                copy::define(cases, subject);
                continue;
            }
            transfer::define(cases, subject);
            order::define(cases, subject);
            death::define(cases, subject);
            match kind {
                SyncKind::Timeline => timeline::define(cases, subject),
                SyncKind::Fence => fence::define(cases, subject),
                SyncKind::Semaphore => {}
            }
            if kind != SyncKind::Timeline {
                temporary::define(cases, subject);
            }
        }
    }
}
