//! Requests about fences.

use gpushare::sync::SyncFields;
use gpushare::{HandleType, Permanence};
use serde::{Deserialize, Serialize};

use super::{HandleSource, Id, ImportManner};

/// What an orchestrator asks about a fence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FenceRequest {
    /// Create one. Answer: [`super::Reply::Done`].
    Create {
        /// Its number.
        fence: Id,
        /// Whether it is signalled from the start.
        signalled: bool,
        /// The types of handles that it can be exported as.
        export: Vec<HandleType>,
    },
    /// Let the device signal it, after all that was submitted before. Answer: [`super::Reply::Done`], at once.
    Submit {
        /// Which.
        fence: Id,
    },
    /// Wait until it is signalled. Answer: [`super::Reply::Done`].
    Wait {
        /// For which.
        fence: Id,
        /// How long, in milliseconds.
        within: u64,
        /// A handle to the process whose death ends the wait ([`super::Object::ThisProcess`]); it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watching: Option<Id>,
    },
    /// Whether it is signalled. Answer: [`super::sync::SyncReply::Signalled`].
    Status {
        /// Which.
        fence: Id,
    },
    /// Unsignal it. Answer: [`super::Reply::Done`].
    Reset {
        /// Which.
        fence: Id,
    },
    /// Export it; the handle, if there is one, stays with the peer under a number. Answer: [`super::sync::SyncReply::Exported`].
    Export {
        /// Which.
        fence: Id,
        /// As what.
        handle_type: HandleType,
        /// The handle's number.
        handle: Id,
        /// Whether the sharing library corrects what the driver made (close-on-exec).
        guarded: bool,
    },
    /// Replace its payload by the one that a handle carries. The handle is used up by success and only then. Answer:
    /// [`super::Reply::Done`].
    Import {
        /// Whose payload.
        fence: Id,
        /// What travels beside the handle; not validated yet.
        descriptor: SyncFields,
        /// The handle; [`HandleSource::MinusOne`] is the signalled payload where the type is a copy.
        handle: HandleSource,
        /// For how long.
        permanence: Permanence,
        /// How; [`ImportManner::Exportable`] is as [`ImportManner::Library`].
        manner: ImportManner,
    },
    /// Free them. Answer: [`super::Reply::Done`].
    Free {
        /// Which.
        fences: Vec<Id>,
    },
}
