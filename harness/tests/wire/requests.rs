//! Each request.

use std::collections::BTreeSet;

use gpushare::{HandleType, Subresource};
use gpushare_harness::Request;
use gpushare_harness::protocol::fence::FenceRequest;
use gpushare_harness::protocol::frames::FramesRequest;
use gpushare_harness::protocol::ring::RingRequest;
use gpushare_harness::protocol::semaphore::SemaphoreRequest;
use gpushare_harness::protocol::stream::StreamRequest;
use gpushare_harness::protocol::timeline::TimelineRequest;
use gpushare_harness::protocol::{DuplicateCall, HandleSource, ImportManner, Numbered, Object, Payload, VERSION};
use rstest::rstest;
use serde_json::Value;

use crate::values::{PATTERN, fields, spec};

fn all() -> Vec<Request> {
    vec![
        Request::Hello { protocol: VERSION },
        Request::Probe,
        Request::Open { device: 0 },
        Request::Reopen { device: 0 },
        Request::Create { textures: vec![1, 2], spec: spec() },
        Request::Fill { texture: 1, pattern: PATTERN, only: None },
        Request::Verify { texture: 1, pattern: PATTERN, only: Some(Subresource { plane: 0, level: 1, slice: 2 }) },
        Request::Export { texture: 1, handle: 10, guarded: true },
        Request::Import { texture: 3, descriptor: fields(), handle: HandleSource::Held(10), manner: ImportManner::Library },
        Request::Free { textures: vec![1, 3] },
        Request::Give { handles: vec![10] },
        Request::Keep { handles: vec![11] },
        Request::Duplicate { handle: 10, into: 12, call: DuplicateCall::Dup3 },
        Request::Make { handle: 13, object: Object::Pipe },
        Request::Close { handles: vec![12, 13] },
        Request::Inspect { handle: 10 },
        Request::Exec,
        Request::LimitDescriptors { spare: Some(2) },
        Request::LimitMemory { bytes: Some(4096) },
        Request::HeapUsage,
        Request::OpenChannel { handle: 14, channel: 1, message_bytes: 4096, handles: 8 },
        Request::Send { channel: 1, payload: Payload { len: 100, seed: 7 }, handles: vec![10], within: 1000 },
        Request::Receive { channel: 1, handles: 20, within: 1000 },
        Request::Semaphore(SemaphoreRequest::Create { semaphore: 1, export: vec![HandleType::OpaqueFd] }),
        Request::Timeline(TimelineRequest::Value { timeline: 1 }),
        Request::Fence(FenceRequest::Submit { fence: 1 }),
        Request::Gate { open: false },
        Request::Sequence(vec![Request::Fill { texture: 1, pattern: PATTERN, only: None }, Request::Gate { open: true }]),
        Request::SendTextures { channel: 1, textures: vec![1, 2], within: 1000 },
        Request::ReceiveTextures { channel: 1, textures: vec![4, 5], within: 1000 },
        Request::CloseChannels { channels: vec![1] },
        Request::Ring(RingRequest::Look { ring: 1 }),
        Request::Stream(StreamRequest::Close { streams: vec![1] }),
        Request::Frames(FramesRequest::Submit { frame: 5 }),
        Request::Load { library: "/usr/lib/libvulkan_lvp.so".into() },
        Request::Copy { ended: vec![4711] },
        Request::Reset,
        Request::Exit { status: 0 },
    ]
}

/// A request that is new here needs an example above.
fn has_an_example(request: &Request) -> bool {
    match request {
        Request::Hello { .. }
        | Request::Probe
        | Request::Open { .. }
        | Request::Reopen { .. }
        | Request::Create { .. }
        | Request::Fill { .. }
        | Request::Verify { .. }
        | Request::Export { .. }
        | Request::Import { .. }
        | Request::Free { .. }
        | Request::Give { .. }
        | Request::Keep { .. }
        | Request::Duplicate { .. }
        | Request::Make { .. }
        | Request::Close { .. }
        | Request::Inspect { .. }
        | Request::Exec
        | Request::LimitDescriptors { .. }
        | Request::LimitMemory { .. }
        | Request::HeapUsage
        | Request::OpenChannel { .. }
        | Request::Send { .. }
        | Request::Receive { .. }
        | Request::CloseChannels { .. }
        | Request::Semaphore(_)
        | Request::Timeline(_)
        | Request::Fence(_)
        | Request::Gate { .. }
        | Request::Sequence(_)
        | Request::SendTextures { .. }
        | Request::ReceiveTextures { .. }
        | Request::Ring(_)
        | Request::Stream(_)
        | Request::Frames(_)
        | Request::Reset
        | Request::Load { .. }
        | Request::Copy { .. }
        | Request::Exit { .. } => true,
    }
}

fn name(request: &Request) -> String {
    match serde_json::to_value(request).expect("it serialises") {
        Value::String(name) => name,
        Value::Object(object) => object.keys().next().cloned().expect("one key"),
        other => panic!("a request is a name or an object with one: {other}"),
    }
}

#[test]
fn each_request_as_it_travels() {
    let numbered: Vec<Numbered<Request>> = (1..).zip(all()).map(|(id, body)| Numbered { id, body }).collect();

    insta::assert_json_snapshot!(numbered);
}

#[test]
fn each_has_one_example_and_is_read_as_it_is_written() {
    let all = all();

    assert!(all.iter().all(has_an_example));
    assert_eq!(all.iter().map(name).collect::<BTreeSet<_>>().len(), all.len());
    for request in all {
        let text = serde_json::to_string(&request).expect("it serialises");
        assert_eq!(serde_json::from_str::<Request>(&text).expect("it is read"), request);
    }
}

#[test]
fn every_kind_of_object_and_every_source_of_a_handle() {
    let objects = [
        Object::Pipe,
        Object::Socket,
        Object::File,
        Object::Directory,
        Object::DevNull,
        Object::EventFd,
        Object::Epoll,
        Object::ThisProcess,
        Object::Memory { len: 4096 },
        Object::UnsealedMemory { len: 4096 },
    ];
    let sources = [HandleSource::Held(10), HandleSource::ClosedNumber, HandleSource::MinusOne];
    let calls = [DuplicateCall::Dup, DuplicateCall::Dup2, DuplicateCall::Dup3];

    insta::assert_json_snapshot!((objects, sources, calls));
}

#[rstest]
#[case::unknown_name(r#""dance""#)]
#[case::unknown_field(r#"{"open":{"device":0,"quickly":true}}"#)]
#[case::missing_field(r#"{"open":{}}"#)]
#[case::two_at_once(r#"{"open":{"device":0},"free":{"textures":[]}}"#)]
#[case::not_json("open")]
fn what_is_no_request(#[case] text: &str) {
    let outcome = serde_json::from_str::<Request>(text);

    assert!(outcome.is_err(), "{outcome:?}");
}
