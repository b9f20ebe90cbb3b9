//! Each request and reply about a ring.

use gpushare::ring::{Role, Terms};
use gpushare_harness::protocol::ring::{Digested, ReceiveManner, RingReply, RingRequest, SendManner, Waited};
use gpushare_harness::protocol::{Code, Payload};
use gpushare_harness::{Problem, Reply, Request};

use crate::values::read_as_written;

pub(crate) const TERMS: Terms = Terms { role: Role::Consumer, capacity: 4096, generation: 0xfeed };
const PAYLOAD: Payload = Payload { len: 100, seed: 7 };

fn requests() -> Vec<RingRequest> {
    let send = |manner, within| RingRequest::Send { ring: 1, messages: vec![PAYLOAD], manner, within };
    let receive = |manner, within| RingRequest::Receive { ring: 2, most: 3, manner, within };
    vec![
        RingRequest::Create { ring: 1, role: Role::Producer, capacity: 4096, size: None, handles: [10, 11] },
        RingRequest::Create { ring: 1, role: Role::Producer, capacity: 70, size: Some(8), handles: [10, 11] },
        RingRequest::Attach { ring: 2, role: Role::Consumer, terms: TERMS, size: None, handles: [10, 11] },
        RingRequest::Attach { ring: 2, role: Role::Consumer, terms: TERMS, size: Some(8), handles: [10, 11] },
        RingRequest::Watch { ring: 1, process: 12 },
        RingRequest::Patience { ring: 1, spin: 0, park: None },
        RingRequest::Patience { ring: 1, spin: 2000, park: Some(100) },
        send(SendManner::Single, None),
        send(SendManner::Batch { hold: 50 }, Some(1000)),
        send(SendManner::InPlace { spare: 8, hold: 0 }, Some(1000)),
        send(SendManner::Abandoned, None),
        send(SendManner::Alone, None),
        receive(ReceiveManner::Single, None),
        receive(ReceiveManner::Into { room: 64 }, Some(1000)),
        receive(ReceiveManner::Batch, None),
        receive(ReceiveManner::InPlace { hold: 50 }, None),
        receive(ReceiveManner::Peek, None),
        receive(ReceiveManner::Alone, None),
        RingRequest::Wait { ring: 1, len: 8, within: 1000 },
        RingRequest::Look { ring: 1 },
        RingRequest::Close { rings: vec![1, 2] },
    ]
}

fn replies() -> Vec<RingReply> {
    let timed_out = || Problem::new(Code::RingTimedOut, "the deadline passed");
    vec![
        RingReply::Offered(TERMS),
        RingReply::Sent { count: 1, stopped: None },
        RingReply::Sent { count: 0, stopped: Some(timed_out()) },
        RingReply::Received { messages: vec![Digested::from(PAYLOAD)], stopped: None },
        RingReply::Received { messages: vec![], stopped: Some(timed_out()) },
        RingReply::Waited(Waited::Woken),
        RingReply::Waited(Waited::TimedOut),
        RingReply::Waited(Waited::Interrupted),
        RingReply::Waited(Waited::PeerGone),
        RingReply::Side { max_message: Some(4088), wakes: 3 },
        RingReply::Side { max_message: None, wakes: 0 },
    ]
}

/// What is new needs an example above.
fn have_examples(request: &RingRequest, reply: &RingReply) -> bool {
    match request {
        RingRequest::Create { .. }
        | RingRequest::Attach { .. }
        | RingRequest::Watch { .. }
        | RingRequest::Patience { .. }
        | RingRequest::Send { .. }
        | RingRequest::Receive { .. }
        | RingRequest::Wait { .. }
        | RingRequest::Look { .. }
        | RingRequest::Close { .. } => {}
    }
    match reply {
        RingReply::Offered(_)
        | RingReply::Sent { .. }
        | RingReply::Received { .. }
        | RingReply::Waited(_)
        | RingReply::Side { .. } => true,
    }
}

#[test]
fn each_request_as_it_travels() {
    let all: Vec<_> = requests().into_iter().map(Request::Ring).collect();

    all.iter().for_each(read_as_written);
    insta::assert_json_snapshot!(all);
}

#[test]
fn each_reply_as_it_travels() {
    let all: Vec<_> = replies().into_iter().map(Reply::Ring).collect();

    assert!(have_examples(&requests()[0], &replies()[0]));
    all.iter().for_each(read_as_written);
    insta::assert_json_snapshot!(all);
}
