//! Requests about binary semaphores.

use gpushare::sync::SyncFields;
use gpushare::{HandleType, Permanence};
use serde::{Deserialize, Serialize};

use super::{HandleSource, Id, ImportManner};

/// What an orchestrator asks about a semaphore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SemaphoreRequest {
    /// Create one, not signalled. Answer: [`super::Reply::Done`].
    Create {
        /// Its number.
        semaphore: Id,
        /// The types of handles that it can be exported as.
        export: Vec<HandleType>,
    },
    /// Let the device signal it, after all that was submitted before. Answer: [`super::Reply::Done`], at once.
    Signal {
        /// Which.
        semaphore: Id,
    },
    /// Let the device wait for it, and wait until that is done. Answer: [`super::Reply::Done`].
    Wait {
        /// For which.
        semaphore: Id,
        /// How long, in milliseconds.
        within: u64,
        /// A handle to the process whose death ends the wait ([`super::Object::ThisProcess`]); it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watching: Option<Id>,
    },
    /// Export it; the handle, if there is one, stays with the peer under a number. Answer: [`super::sync::SyncReply::Exported`].
    Export {
        /// Which.
        semaphore: Id,
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
        semaphore: Id,
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
        semaphores: Vec<Id>,
    },
}
