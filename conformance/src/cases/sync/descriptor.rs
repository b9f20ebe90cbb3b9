//! Descriptors that do not fit: the sharing library refuses before the driver sees the handle, and keeps working.

use gpushare::sync::SyncFields;
use gpushare::{Api, HandleType, SyncKind, Uuid};
use gpushare_harness::protocol::{Code, ImportManner};

use super::refusal::is_refused;
use super::{Subject, rules};
use crate::case::{Cases, Outcome};
use crate::context::Context;

/// One way to spoil a descriptor, and the refusals that tell the truth about it.
#[derive(Clone, Copy)]
struct Lie {
    name: &'static str,
    tell: fn(&mut SyncFields),
    refused_as: &'static [Code],
}

const LIES: &[Lie] = &[
    Lie { name: "version", tell: |fields| fields.version = 99, refused_as: &[Code::Descriptor] },
    Lie { name: "memory_handle_type", tell: |fields| fields.handle_type = HandleType::DmaBuf, refused_as: &[Code::Descriptor] },
    Lie {
        name: "another_interface",
        tell: |fields| {
            let host = fields.api == Api::Host;
            fields.api = if host { Api::Vulkan } else { Api::Host };
            fields.handle_type = if host { HandleType::OpaqueFd } else { HandleType::SharedSignal };
        },
        refused_as: &[Code::Descriptor, Code::WrongHandleType, Code::ForeignDevice, Code::Unsupported],
    },
];

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let checked: &[&str] = &["library.descriptor_is_checked", "ledger.refusal_leaves_nothing"];
    let name = |lie: &Lie| lie.name.to_owned();
    subject.case(cases, "wrong_descriptor_is_refused", checked).about_each(subject, LIES.to_vec(), name, lie_is_refused);
    // A fence's handle has a rule of its own; the binary and the timeline semaphore share one.
    let matches: &[&str] = match subject.kind {
        SyncKind::Fence => &["library.descriptor_is_checked"],
        _ => &["semaphore.import_type_matches_export"],
    };
    let others = [SyncKind::Semaphore, SyncKind::Timeline, SyncKind::Fence].into_iter().filter(|kind| *kind != subject.kind);
    let case = subject.case(cases, "another_kind_is_refused", matches);
    case.about_each(subject, others, |kind: &SyncKind| format!("imported_as_{kind}"), another_kind_is_refused);
    if matches!(subject.handle_type, HandleType::OpaqueFd | HandleType::OpaqueWin32) {
        let uuids: &[&str] = rules!(subject, "import_from_same_device");
        subject.case(cases, "foreign_device_is_refused", uuids).about(subject, foreign_device_is_refused);
        subject.case(cases, "foreign_driver_is_refused", uuids).about(subject, foreign_driver_is_refused);
    }
}

fn lie_is_refused(cx: &Context<'_>, subject: Subject, lie: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    is_refused(&consumer, subject, &shared.with(lie.tell), ImportManner::Library, lie.refused_as)?;
    // The handle is still there and good, and the device as well as before.
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

/// What is said to be of one kind is not imported as another.
fn another_kind_is_refused(cx: &Context<'_>, subject: Subject, kind: SyncKind) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let exported = subject.create(&producer)?;
    let shared = producer.hand_sync(&subject.export(&producer, exported)?, &consumer)?;
    is_refused(&consumer, Subject { kind, ..subject }, &shared, ImportManner::Library, &[Code::Descriptor])?;
    let imported = consumer.import_sync(subject.kind, &shared)?;
    subject.works(&producer, exported, &consumer, imported, 1)
}

fn flip(uuid: &mut Uuid) {
    uuid.0[0] ^= 0x80;
}

fn foreign_device_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let refused_as: &[Code] = &[Code::ForeignDevice];
    lie_is_refused(cx, subject, Lie { name: "", tell: |fields| flip(&mut fields.device_uuid), refused_as })
}

fn foreign_driver_is_refused(cx: &Context<'_>, subject: Subject) -> Outcome {
    let refused_as: &[Code] = &[Code::ForeignDriver];
    lie_is_refused(cx, subject, Lie { name: "", tell: |fields| flip(&mut fields.driver_uuid), refused_as })
}
