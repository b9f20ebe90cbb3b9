//! Each request and reply about frames.

use gpushare::frames::Policy;
use gpushare::timeline::Side;
use gpushare::{Format, Pattern, TextureSpec};
use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::frames::{Came, FramesReply, FramesRequest, Slot, Why};
use gpushare_harness::{Problem, Reply, Request};

use crate::values::{mismatch, read_as_written};

const SPEC: TextureSpec = TextureSpec::new(Format::R8G8B8A8Unorm, 64, 48);
const PATTERN: Pattern = Pattern { seed: 7, frame: 3 };
const SLOT: Slot = Slot { generation: 2, slot: 1 };

fn requests() -> Vec<FramesRequest> {
    vec![
        FramesRequest::Create { producer: 1, spec: SPEC, slots: 3, policy: Policy::Paced },
        FramesRequest::Create { producer: 2, spec: SPEC, slots: 3, policy: Policy::EveryFrame },
        FramesRequest::Create { producer: 3, spec: SPEC, slots: 3, policy: Policy::LatestOnly },
        FramesRequest::Invite { producer: 1, handle: 10, within: 1000 },
        FramesRequest::Join { consumer: 4, handle: 11, within: 1000 },
        FramesRequest::Side { of: 1, by: Side::Device },
        FramesRequest::Acquire { producer: 1, frame: 5, within: 1000 },
        FramesRequest::Draw { frame: 5, pattern: PATTERN },
        FramesRequest::Submit { frame: 5 },
        FramesRequest::Produce { producer: 1, count: 100, pattern: PATTERN, within: 1000 },
        FramesRequest::Reconfigure { producer: 1, spec: SPEC.with_layers(2), within: 1000 },
        FramesRequest::Departures { producer: 1 },
        FramesRequest::Dismiss { producer: 1, consumer: 1 },
        FramesRequest::Next { consumer: 4, frame: 6, within: 1000 },
        FramesRequest::Look { frame: 6, pattern: PATTERN },
        FramesRequest::Release { frame: 6 },
        FramesRequest::Consume { consumer: 4, count: 100, pattern: PATTERN, within: 1000 },
        FramesRequest::Close { of: vec![1, 4] },
    ]
}

fn replies() -> Vec<FramesReply> {
    let timed_out = || Some(Problem::new(Code::FramesTimedOut, "the deadline passed"));
    let gone = [Why::Left, Why::Died, Why::Hostile, Why::Dismissed];
    vec![
        FramesReply::Invited(1),
        FramesReply::Slot(SLOT),
        FramesReply::Submitted(7),
        FramesReply::Produced { count: 100, last: 100, stopped: None },
        FramesReply::Produced { count: 3, last: 103, stopped: timed_out() },
        FramesReply::Departed { consumers: (1..).zip(gone).collect(), generations: 1 },
        FramesReply::Came(Came { number: 7, at: SLOT, skipped: 2, spec: SPEC }),
        FramesReply::Consumed { runs: vec![(1, 4), (7, 7)], skipped: 2, mismatch: None, stopped: timed_out() },
        FramesReply::Consumed { runs: vec![(1, 1)], skipped: 0, mismatch: Some(Box::new(mismatch())), stopped: None },
    ]
}

/// What is new needs an example above.
fn have_examples(request: &FramesRequest, reply: &FramesReply) -> bool {
    match request {
        FramesRequest::Create { .. }
        | FramesRequest::Invite { .. }
        | FramesRequest::Join { .. }
        | FramesRequest::Side { .. }
        | FramesRequest::Acquire { .. }
        | FramesRequest::Draw { .. }
        | FramesRequest::Submit { .. }
        | FramesRequest::Produce { .. }
        | FramesRequest::Reconfigure { .. }
        | FramesRequest::Departures { .. }
        | FramesRequest::Dismiss { .. }
        | FramesRequest::Next { .. }
        | FramesRequest::Look { .. }
        | FramesRequest::Release { .. }
        | FramesRequest::Consume { .. }
        | FramesRequest::Close { .. } => {}
    }
    match reply {
        FramesReply::Invited(_)
        | FramesReply::Slot(_)
        | FramesReply::Submitted(_)
        | FramesReply::Produced { .. }
        | FramesReply::Departed { .. }
        | FramesReply::Came(_)
        | FramesReply::Consumed { .. } => true,
    }
}

#[test]
fn each_request_as_it_travels() {
    let all: Vec<_> = requests().into_iter().map(Request::Frames).collect();

    all.iter().for_each(read_as_written);
    insta::assert_json_snapshot!(all);
}

#[test]
fn each_reply_as_it_travels() {
    let all: Vec<_> = replies().into_iter().map(Reply::Frames).collect();

    assert!(have_examples(&requests()[0], &replies()[0]));
    all.iter().for_each(read_as_written);
    insta::assert_json_snapshot!(all);
}
