//! Each request about semaphores, timelines and fences, and each answer.

use gpushare::{HandleType, Permanence, Side, SyncDescriptor, Which};
use gpushare_harness::protocol::fence::FenceRequest;
use gpushare_harness::protocol::semaphore::SemaphoreRequest;
use gpushare_harness::protocol::sync::SyncReply;
use gpushare_harness::protocol::timeline::{Point, TimelineRequest};
use gpushare_harness::protocol::{HandleSource, ImportManner};
use gpushare_harness::{Reply, Request};

use crate::values::sync_fields;

const TYPE: HandleType = HandleType::SyncFd;

fn semaphore() -> [SemaphoreRequest; 6] {
    let (handle, permanence, manner) = (HandleSource::MinusOne, Permanence::Temporary, ImportManner::Library);
    [
        SemaphoreRequest::Create { semaphore: 1, export: vec![HandleType::OpaqueFd, TYPE] },
        SemaphoreRequest::Signal { semaphore: 1 },
        SemaphoreRequest::Wait { semaphore: 1, within: 1000, watching: Some(3) },
        SemaphoreRequest::Export { semaphore: 1, handle_type: TYPE, handle: 10, guarded: true },
        SemaphoreRequest::Import { semaphore: 2, descriptor: sync_fields(), handle, permanence, manner },
        SemaphoreRequest::Free { semaphores: vec![1, 2] },
    ]
}

fn timeline() -> [TimelineRequest; 7] {
    let (handle, points) = (HandleSource::Held(10), vec![Point { timeline: 1, value: 9 }]);
    [
        TimelineRequest::Create { timeline: 1, initial: 7, export: vec![HandleType::OpaqueFd] },
        TimelineRequest::Value { timeline: 1 },
        TimelineRequest::Signal { timeline: 1, value: 9, by: Side::Device },
        TimelineRequest::Wait { points, which: Which::Any, by: Side::Host, within: 1000, watching: None },
        TimelineRequest::Export { timeline: 1, handle_type: HandleType::OpaqueFd, handle: 10, guarded: false },
        TimelineRequest::Import { timeline: 2, descriptor: sync_fields(), handle, manner: ImportManner::Driver },
        TimelineRequest::Free { timelines: vec![1, 2] },
    ]
}

fn fence() -> [FenceRequest; 8] {
    let (handle, permanence, manner) = (HandleSource::ClosedNumber, Permanence::Permanent, ImportManner::Driver);
    [
        FenceRequest::Create { fence: 1, signalled: true, export: vec![TYPE] },
        FenceRequest::Submit { fence: 1 },
        FenceRequest::Wait { fence: 1, within: 1000, watching: None },
        FenceRequest::Status { fence: 1 },
        FenceRequest::Reset { fence: 1 },
        FenceRequest::Export { fence: 1, handle_type: TYPE, handle: 10, guarded: true },
        FenceRequest::Import { fence: 2, descriptor: sync_fields(), handle, permanence, manner },
        FenceRequest::Free { fences: vec![1, 2] },
    ]
}

#[test]
fn each_request_as_it_travels() {
    let semaphores = semaphore().into_iter().map(Request::Semaphore);
    let timelines = timeline().into_iter().map(Request::Timeline);
    let all: Vec<Request> = semaphores.chain(timelines).chain(fence().into_iter().map(Request::Fence)).collect();

    insta::assert_json_snapshot!(all);
    for request in all {
        let text = serde_json::to_string(&request).expect("it serialises");
        assert_eq!(serde_json::from_str::<Request>(&text).expect("it is read"), request);
    }
}

#[test]
fn each_answer_as_it_travels() {
    let descriptor = SyncDescriptor::new(sync_fields()).expect("valid");
    let all = [SyncReply::Exported { descriptor, signalled: true }, SyncReply::Value(9), SyncReply::Signalled(false)];

    insta::assert_json_snapshot!(all.map(Reply::Sync));
}
