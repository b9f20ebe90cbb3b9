//! Each request and reply about a stream.

use gpushare_harness::protocol::ring::Digested;
use gpushare_harness::protocol::stream::{Direction, ReadManner, StreamReply, StreamRequest, WriteManner};
use gpushare_harness::protocol::{Code, Payload};
use gpushare_harness::{Problem, Reply, Request};

use crate::rings::TERMS;
use crate::values::read_as_written;

const PAYLOAD: Payload = Payload { len: 100, seed: 7 };

fn requests() -> Vec<StreamRequest> {
    let write = |manner| StreamRequest::Write { stream: 1, payload: PAYLOAD, manner, within: 1000 };
    let read = |manner| StreamRequest::Read { stream: 2, len: 100, manner, within: 1000 };
    vec![
        StreamRequest::Create { stream: 1, capacity: 4096, handles: [10, 11, 12, 13] },
        StreamRequest::Attach { stream: 2, terms: [TERMS; 2], handles: [10, 11, 12, 13] },
        StreamRequest::Watch { stream: 1, process: 14 },
        StreamRequest::Patience { stream: 1, spin: 0, park: None },
        write(WriteManner::Some),
        write(WriteManner::All),
        write(WriteManner::Vectored { buffers: vec![10, 0, 20] }),
        read(ReadManner::Some),
        read(ReadManner::Exact),
        read(ReadManner::Vectored { buffers: vec![50] }),
        StreamRequest::HalfClose { stream: 1, direction: Direction::Writing },
        StreamRequest::HalfClose { stream: 2, direction: Direction::Reading },
        StreamRequest::Close { streams: vec![1, 2] },
    ]
}

fn replies() -> Vec<StreamReply> {
    vec![
        StreamReply::Offered([TERMS; 2]),
        StreamReply::Written { bytes: 100, stopped: None },
        StreamReply::Written { bytes: 56, stopped: Some(Problem::new(Code::RingTimedOut, "the deadline passed")) },
        StreamReply::Read { bytes: Digested::from(PAYLOAD), stopped: None },
        StreamReply::Read { bytes: Digested::of(b""), stopped: Some(Problem::new(Code::StreamClosedHere, "closed")) },
    ]
}

/// What is new needs an example above.
fn have_examples(request: &StreamRequest, reply: &StreamReply) -> bool {
    match request {
        StreamRequest::Create { .. }
        | StreamRequest::Attach { .. }
        | StreamRequest::Watch { .. }
        | StreamRequest::Patience { .. }
        | StreamRequest::Write { .. }
        | StreamRequest::Read { .. }
        | StreamRequest::HalfClose { .. }
        | StreamRequest::Close { .. } => {}
    }
    match reply {
        StreamReply::Offered(_) | StreamReply::Written { .. } | StreamReply::Read { .. } => true,
    }
}

#[test]
fn each_request_as_it_travels() {
    let all: Vec<_> = requests().into_iter().map(Request::Stream).collect();

    all.iter().for_each(read_as_written);
    insta::assert_json_snapshot!(all);
}

#[test]
fn each_reply_as_it_travels() {
    let all: Vec<_> = replies().into_iter().map(Reply::Stream).collect();

    assert!(have_examples(&requests()[0], &replies()[0]));
    all.iter().for_each(read_as_written);
    insta::assert_json_snapshot!(all);
}
