//! Requests and replies about streams.

use gpushare::ring::Terms;
use serde::{Deserialize, Serialize};

use super::ring::Digested;
use super::{Id, Payload, Problem};

/// What an orchestrator asks about a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StreamRequest {
    /// Create a stream; the handles for its other end are kept. Answer: [`StreamReply::Offered`].
    Create {
        /// The stream's number.
        stream: Id,
        /// Bytes in flight in each direction.
        capacity: u64,
        /// The handles' numbers, in the order of [`gpushare::StreamOffer::into_parts`].
        handles: [Id; 4],
    },
    /// Take the other end of a stream. The handles are used up, also by a refusal. Answer: [`super::Reply::Done`].
    Attach {
        /// The stream's number.
        stream: Id,
        /// What came beside the handles; a case may lie about it.
        terms: [Terms; 2],
        /// The handles.
        handles: [Id; 4],
    },
    /// Waits end when a process dies. Answer: [`super::Reply::Done`].
    Watch {
        /// Whose waits.
        stream: Id,
        /// A handle to the process ([`super::Object::ThisProcess`]), used up.
        process: Id,
    },
    /// How long waits spin before they sleep, and how long they sleep at once. Answer: [`super::Reply::Done`].
    Patience {
        /// Whose.
        stream: Id,
        /// Looks before the first sleep.
        spin: u32,
        /// Milliseconds of one sleep at most; absent: nothing but a wake-up, the deadline or a death ends it.
        park: Option<u64>,
    },
    /// Write. Answer: [`StreamReply::Written`].
    Write {
        /// To which.
        stream: Id,
        /// What.
        payload: Payload,
        /// How.
        manner: WriteManner,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Read. Answer: [`StreamReply::Read`].
    Read {
        /// From which.
        stream: Id,
        /// Bytes of the buffer.
        len: usize,
        /// How.
        manner: ReadManner,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// End one direction. Answer: [`super::Reply::Done`].
    HalfClose {
        /// Of which.
        stream: Id,
        /// Which.
        direction: Direction,
    },
    /// Leave streams. Answer: [`super::Reply::Done`].
    Close {
        /// Which.
        streams: Vec<Id>,
    },
}

/// How bytes are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WriteManner {
    /// What has room, at least one byte.
    Some,
    /// All.
    All,
    /// As [`WriteManner::Some`], from buffers that end after so many bytes each; the last one holds the rest.
    Vectored {
        /// Their lengths.
        buffers: Vec<usize>,
    },
}

/// How bytes are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReadManner {
    /// What is there, at least one byte.
    Some,
    /// As many as the buffer has room for.
    Exact,
    /// As [`ReadManner::Some`], into buffers of so many bytes each; the last one has room for the rest.
    Vectored {
        /// Their lengths.
        buffers: Vec<usize>,
    },
}

/// A direction, as this end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the other end.
    Reading,
    /// To the other end.
    Writing,
}

/// What a peer answers about a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamReply {
    /// To [`StreamRequest::Create`]: what to send beside the handles.
    Offered([Terms; 2]),
    /// To [`StreamRequest::Write`].
    Written {
        /// How many.
        bytes: usize,
        /// What stopped it before all was written.
        stopped: Option<Problem>,
    },
    /// To [`StreamRequest::Read`]. No bytes and nothing that stopped it: the end of the stream, or an empty buffer.
    Read {
        /// What came.
        bytes: Digested,
        /// What stopped it.
        stopped: Option<Problem>,
    },
}
