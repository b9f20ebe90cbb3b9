//! Requests about timelines.

use gpushare::sync::SyncFields;
use gpushare::{HandleType, Side, Which};
use serde::{Deserialize, Serialize};

use super::{HandleSource, Id, ImportManner};

/// What an orchestrator asks about a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TimelineRequest {
    /// Create one. Answer: [`super::Reply::Done`].
    Create {
        /// Its number.
        timeline: Id,
        /// The value that it has reached.
        initial: u64,
        /// The types of handles that it can be exported as.
        export: Vec<HandleType>,
    },
    /// The value that it has reached. Answer: [`super::sync::SyncReply::Value`].
    Value {
        /// Of which.
        timeline: Id,
    },
    /// Move it on. Answer: [`super::Reply::Done`], at once.
    Signal {
        /// Which.
        timeline: Id,
        /// To where.
        value: u64,
        /// The host at once, or the device after all that was submitted before.
        by: Side,
    },
    /// Wait for values. Answer: [`super::Reply::Done`].
    Wait {
        /// For what; one where the device waits.
        points: Vec<Point>,
        /// For all of them or for any.
        which: Which,
        /// Who waits.
        by: Side,
        /// How long, in milliseconds.
        within: u64,
        /// A handle to the process whose death ends the wait ([`super::Object::ThisProcess`]); it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watching: Option<Id>,
    },
    /// Export it; the handle stays with the peer under a number. Answer: [`super::sync::SyncReply::Exported`].
    Export {
        /// Which.
        timeline: Id,
        /// As what.
        handle_type: HandleType,
        /// The handle's number.
        handle: Id,
        /// Whether the sharing library corrects what the driver made (close-on-exec).
        guarded: bool,
    },
    /// A timeline over the payload that a handle carries. The handle is used up by success and only then. Answer:
    /// [`super::Reply::Done`].
    Import {
        /// The new timeline's number.
        timeline: Id,
        /// What travels beside the handle; not validated yet.
        descriptor: SyncFields,
        /// The handle.
        handle: HandleSource,
        /// How; [`ImportManner::Exportable`] is as [`ImportManner::Library`].
        manner: ImportManner,
    },
    /// Free them. Answer: [`super::Reply::Done`].
    Free {
        /// Which.
        timelines: Vec<Id>,
    },
}

/// A value of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Which timeline.
    pub timeline: Id,
    /// Its value.
    pub value: u64,
}
