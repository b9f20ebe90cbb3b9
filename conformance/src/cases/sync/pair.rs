//! Between two lanes: opaque handles are refused, and what the specification lets cross works.

use std::sync::Arc;

use gpushare::sync::Transference;
use gpushare::{HandleType, SyncKind};
use gpushare_harness::protocol::{Code, ImportManner};

use super::refusal::is_refused;
use super::{Subject, answers, rules};
use crate::case::{Cases, Outcome};
use crate::context::{Context, SharedSync};
use crate::lane::Lane;

pub(in crate::cases) fn define_between(cases: &mut Cases<'_>, other: &Arc<Lane>) {
    for kind in [SyncKind::Semaphore, SyncKind::Timeline, SyncKind::Fence] {
        for can in answers(&other.report, kind) {
            // The producer's: it is the one that creates and exports.
            let subject = Subject { kind, handle_type: can.handle_type, api: other.report.identity.api };
            let is_asked_about = subject.capability(cases.report()).is_some();
            if !is_asked_about || subject.unshareable(&other.report).is_some() {
                continue;
            }
            cases.area("pair", can.handle_type.name());
            if matches!(can.handle_type, HandleType::OpaqueFd | HandleType::OpaqueWin32 | HandleType::OpaqueWin32Kmt) {
                let uuids: &[&str] = rules!(subject, "import_from_same_device");
                cases.case(format!("{kind}_is_refused"), uuids).between(other, subject, is_refused_from);
            } else {
                let works: &[&str] = match Transference::of(can.handle_type) {
                    Transference::Copy => rules!(subject, "copy_import_is_independent"),
                    Transference::Reference => rules!(subject, "reference_import_shares_payload"),
                };
                let skip = subject.unshareable(cases.report());
                cases.case(format!("{kind}_crosses"), works).skip_if(skip).between(other, subject, crosses);
            }
        }
    }
}

fn is_refused_from(cx: &Context<'_>, other: &Lane, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers_from(other)?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let foreign: &[Code] = &[Code::ForeignDevice, Code::ForeignDriver];
    // A device that cannot import the type at all may say so first.
    let unable: &[Code] = &[Code::ForeignDevice, Code::ForeignDriver, Code::WrongHandleType, Code::Unsupported];
    let codes = if subject.unshareable(cx.report()).is_none() { foreign } else { unable };
    is_refused(&consumer, subject, &shared, ImportManner::Library, codes)?;
    // The handle is still there and good.
    let back = consumer.hand_sync(&shared, &producer)?;
    let again = producer.import_sync(subject.kind, &SharedSync { handle: back.handle, ..shared })?;
    subject.works(&producer, exported, &producer, again, 1)
}

fn crosses(cx: &Context<'_>, other: &Lane, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers_from(other)?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}
