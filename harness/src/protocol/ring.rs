//! Requests and replies about rings.

use gpushare::ring::{Role, Terms};
use serde::{Deserialize, Serialize};

use super::{Id, Payload, Problem, digest};

/// What an orchestrator asks about a ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RingRequest {
    /// Create a ring and take one side of it; the handles for the other side are kept. Answer: [`RingReply::Offered`].
    Create {
        /// The ring's number.
        ring: Id,
        /// The side to take.
        role: Role,
        /// Bytes for messages and their headers; the number of messages where all have one size.
        capacity: u64,
        /// Bytes of each message, where all have the same; absent: they have any length.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<usize>,
        /// The handles' numbers, in the order of [`gpushare::ring::Offer::into_parts`].
        handles: [Id; 2],
    },
    /// Take one side of a ring that somebody else created. The handles are used up by success and only then. Answer:
    /// [`super::Reply::Done`].
    Attach {
        /// The ring's number.
        ring: Id,
        /// The side to take.
        role: Role,
        /// What came beside the handles; a case may lie about it.
        terms: Terms,
        /// Bytes of each message, where all have the same; absent: they have any length.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<usize>,
        /// The handles.
        handles: [Id; 2],
    },
    /// Waits end when a process dies. Answer: [`super::Reply::Done`].
    Watch {
        /// Whose waits.
        ring: Id,
        /// A handle to the process ([`super::Object::ThisProcess`]), used up.
        process: Id,
    },
    /// How long waits spin before they sleep, and how long they sleep at once. Answer: [`super::Reply::Done`].
    Patience {
        /// Whose.
        ring: Id,
        /// Looks before the first sleep.
        spin: u32,
        /// Milliseconds of one sleep at most; absent: nothing but a wake-up, the deadline or a death ends it.
        park: Option<u64>,
    },
    /// Send messages. Answer: [`RingReply::Sent`].
    Send {
        /// Through which.
        ring: Id,
        /// Which.
        messages: Vec<Payload>,
        /// How.
        manner: SendManner,
        /// How long all of it may take, in milliseconds; absent: only what has room now.
        within: Option<u64>,
    },
    /// Receive messages. Answer: [`RingReply::Received`].
    Receive {
        /// From which.
        ring: Id,
        /// So many, unless something stops it before.
        most: u32,
        /// How.
        manner: ReceiveManner,
        /// How long all of it may take, in milliseconds; absent: only what is there now.
        within: Option<u64>,
    },
    /// Wait until something can be received, or something of this length sent. Answer: [`RingReply::Waited`].
    Wait {
        /// For which.
        ring: Id,
        /// Bytes of the message that is to have room; for a producer only.
        len: usize,
        /// How long, in milliseconds.
        within: u64,
    },
    /// Tell about this side. Answer: [`RingReply::Side`].
    Look {
        /// Of which.
        ring: Id,
    },
    /// Leave rings. Answer: [`super::Reply::Done`].
    Close {
        /// Which.
        rings: Vec<Id>,
    },
}

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SendManner {
    /// One after the other.
    Single,
    /// One after the other, each as one that is waited for. For messages of one size only.
    Alone,
    /// Together, so that the consumer sees them at once.
    Batch {
        /// Milliseconds between the last one written and all seen.
        hold: u64,
    },
    /// Each written in place.
    InPlace {
        /// Bytes reserved beyond the message's length, and not sent.
        spare: usize,
        /// Milliseconds between written and seen.
        hold: u64,
    },
    /// Each written in place, and given up instead of sent.
    Abandoned,
}

/// How messages are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReceiveManner {
    /// One after the other.
    Single,
    /// One after the other, as they come. For messages of one size only.
    Alone,
    /// One after the other, into a buffer with so many bytes of room.
    Into {
        /// The room.
        room: usize,
    },
    /// Together, so that their room is given back at once.
    Batch,
    /// Each looked at in place.
    InPlace {
        /// Milliseconds between the first look and the second, after which the room is given back; the second look is what is
        /// reported.
        hold: u64,
    },
    /// The first one looked at in place, so many times, and none taken.
    Peek,
}

/// What a peer answers about a ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingReply {
    /// To [`RingRequest::Create`]: what to send beside the handles.
    Offered(Terms),
    /// To [`RingRequest::Send`].
    Sent {
        /// Messages sent, or written and given up.
        count: u32,
        /// What stopped it before the last one; absent where there was no room now, too.
        stopped: Option<Problem>,
    },
    /// To [`RingRequest::Receive`].
    Received {
        /// What came.
        messages: Vec<Digested>,
        /// What stopped it before so many; absent where there was nothing now, too.
        stopped: Option<Problem>,
    },
    /// To [`RingRequest::Wait`].
    Waited(Waited),
    /// To [`RingRequest::Look`].
    Side {
        /// Bytes of the longest message; for a producer only.
        max_message: Option<usize>,
        /// Wake-ups of the other side so far that cost a system call.
        wakes: u64,
    },
}

/// A message as both sides can compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digested {
    /// Bytes.
    pub len: usize,
    /// Their [`digest`].
    pub digest: u64,
}

impl Digested {
    /// Of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len(), digest: digest(bytes) }
    }
}

impl From<Payload> for Digested {
    fn from(payload: Payload) -> Self {
        Self::of(&payload.bytes())
    }
}

/// How a wait ended; see [`gpushare::Wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waited {
    /// What was waited for may have come.
    Woken,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran.
    Interrupted,
    /// The peer died.
    PeerGone,
}

impl From<gpushare::Wait> for Waited {
    fn from(wait: gpushare::Wait) -> Self {
        match wait {
            gpushare::Wait::Woken => Self::Woken,
            gpushare::Wait::TimedOut => Self::TimedOut,
            gpushare::Wait::Interrupted => Self::Interrupted,
            gpushare::Wait::PeerGone => Self::PeerGone,
        }
    }
}
