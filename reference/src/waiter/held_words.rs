//! Words of one side that a test holds in its own memory, and makes of whatever answers as it wishes.

use super::{Atomic, Words};

#[derive(Default)]
pub(crate) struct Side<Long, Short> {
    pub(crate) position: Long,
    pub(crate) status: Long,
    pub(crate) signal: Short,
}

impl<Long: Atomic<u64>, Short> Words for Side<Long, Short> {
    type U64 = Long;

    fn position(&self) -> &Long {
        &self.position
    }

    fn status(&self) -> &Long {
        &self.status
    }
}
