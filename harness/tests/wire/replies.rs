//! Each reply.

use std::collections::BTreeSet;

use gpushare::pattern::Likeness;
use gpushare::sync::SyncCapability;
use gpushare::vulkan::capability::{TextureCapability, TextureQuestion};
use gpushare::{Format, HandleType, SyncDescriptor, TextureDescriptor, TextureSpec};
use gpushare_harness::protocol::frames::FramesReply;
use gpushare_harness::protocol::ring::{RingReply, Waited};
use gpushare_harness::protocol::stream::StreamReply;
use gpushare_harness::protocol::sync::SyncReply;
use gpushare_harness::protocol::{Code, DeviceReport, HandleReport, InheritedDescriptor, Numbered, Payload, VERSION, digest};
use gpushare_harness::{Problem, Reply};
use serde_json::Value;

use crate::values::{fields, identity, mismatch, sync_fields};

fn device_report() -> DeviceReport {
    DeviceReport {
        identity: identity(),
        cpu: true,
        handle_type: HandleType::OpaqueFd,
        unusable: None,
        memory_budget: false,
        textures: vec![TextureCapability {
            asked: TextureQuestion::about(&TextureSpec::new(Format::R8G8B8A8Unorm, 1, 1), HandleType::OpaqueFd),
            result: "SUCCESS".into(),
            exportable: true,
            importable: true,
            dedicated_only: false,
            compatible: vec![HandleType::OpaqueFd],
            export_from_imported: vec![],
            max_extent: (16_384, 16_384, 1),
            max_levels: 15,
            max_layers: 2048,
            samples: 5,
        }],
        semaphores: vec![SyncCapability {
            handle_type: HandleType::SyncFd,
            exportable: true,
            importable: true,
            compatible: vec![HandleType::OpaqueFd, HandleType::SyncFd],
            export_from_imported: vec![HandleType::SyncFd],
            unusable: None,
        }],
        timelines: vec![SyncCapability {
            unusable: Some("the driver does not offer VK_KHR_external_semaphore_fd".into()),
            ..SyncCapability::none(HandleType::OpaqueFd)
        }],
        fences: vec![],
        max_timeline_difference: Some(2_147_483_647),
        frames: true,
    }
}

fn all() -> Vec<Reply> {
    let payload = Payload { len: 100, seed: 7 };
    vec![
        Reply::Hello { protocol: VERSION, backend: "vulkan".into() },
        Reply::Devices(vec![device_report()]),
        Reply::Opened(identity()),
        Reply::Done,
        Reply::Mismatch(Box::new(mismatch())),
        Reply::Exported(Box::new(TextureDescriptor::new(fields()).expect("valid"))),
        Reply::Handle(HandleReport { number: 7, close_on_exec: true, object: (1, 1026), bytes: 65_536 }),
        Reply::Inherited(vec![InheritedDescriptor { number: 3, target: "pipe:[4711]".into() }]),
        Reply::HeapUsage(Some(65_536)),
        Reply::Copied { pid: 4711 },
        Reply::Received { len: payload.len, digest: digest(&payload.bytes()), handles: 1, close_on_exec: true },
        Reply::Sync(SyncReply::Exported { descriptor: SyncDescriptor::new(sync_fields()).expect("valid"), signalled: false }),
        Reply::Ring(RingReply::Waited(Waited::TimedOut)),
        Reply::Stream(StreamReply::Written { bytes: 100, stopped: None }),
        Reply::Frames(FramesReply::Submitted(7)),
        Reply::Refused(Problem::new(Code::NotExportable, "the texture was not declared exportable")),
    ]
}

/// A reply that is new here needs an example above.
fn has_an_example(reply: &Reply) -> bool {
    match reply {
        Reply::Hello { .. }
        | Reply::Devices(_)
        | Reply::Opened(_)
        | Reply::Done
        | Reply::Mismatch(_)
        | Reply::Exported(_)
        | Reply::Handle(_)
        | Reply::Inherited(_)
        | Reply::HeapUsage(_)
        | Reply::Copied { .. }
        | Reply::Received { .. }
        | Reply::Sync(_)
        | Reply::Ring(_)
        | Reply::Stream(_)
        | Reply::Frames(_)
        | Reply::Refused(_) => true,
    }
}

fn name(reply: &Reply) -> String {
    match serde_json::to_value(reply).expect("it serialises") {
        Value::String(name) => name,
        Value::Object(object) => object.keys().next().cloned().expect("one key"),
        other => panic!("a reply is a name or an object with one: {other}"),
    }
}

#[test]
fn each_reply_as_it_travels() {
    let numbered: Vec<Numbered<Reply>> = (1..).zip(all()).map(|(id, body)| Numbered { id, body }).collect();

    insta::assert_json_snapshot!(numbered);
}

#[test]
fn each_has_one_example_and_is_read_as_it_is_written() {
    let all = all();

    assert!(all.iter().all(has_an_example));
    assert_eq!(all.iter().map(name).collect::<BTreeSet<_>>().len(), all.len());
    for reply in all {
        let text = serde_json::to_string(&reply).expect("it serialises");
        assert_eq!(serde_json::from_str::<Reply>(&text).expect("it is read"), reply);
    }
}

#[test]
fn each_likeness_of_a_wrong_picture() {
    let all = [
        Likeness::Zero,
        Likeness::Frame(9),
        Likeness::RedAndBlueSwapped,
        Likeness::Shifted(-16),
        Likeness::Partly,
        Likeness::Unrelated,
    ];

    insta::assert_json_snapshot!(all);
}

#[test]
fn a_descriptor_that_makes_no_sense_is_no_reply() {
    let mut text = serde_json::to_value(all().swap_remove(5)).expect("it serialises");
    text["exported"]["texture"]["width"] = 0.into();

    let outcome = serde_json::from_value::<Reply>(text);

    insta::assert_snapshot!(outcome.expect_err("refused"), @"descriptor: width is 0, allowed is 1 to 65536");
}

/// The digest is FNV-1a, whose test vectors everybody knows.
#[test]
fn a_digest_can_be_reckoned_by_a_foreign_peer() {
    assert_eq!(digest(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(digest(b"a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(digest(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn a_payload_stays_as_it_is() {
    let hex = |payload: Payload| payload.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();

    assert_eq!(hex(Payload { len: 0, seed: 7 }), "");
    insta::assert_snapshot!(hex(Payload { len: 16, seed: 7 }));
    assert_ne!(hex(Payload { len: 16, seed: 7 }), hex(Payload { len: 16, seed: 8 }));
    assert_eq!(Payload { len: 100_000, seed: 1 }.bytes().len(), 100_000);
}
