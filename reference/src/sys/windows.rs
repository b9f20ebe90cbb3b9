//! Windows: handles, sections, events, named pipes. Run under Wine 10.

pub(crate) mod handle;
pub(crate) mod object;
pub(crate) mod pipe;
pub(crate) mod process;
pub(crate) mod security;
pub(crate) mod shm;
pub(crate) mod socket;
pub(crate) mod wait;

pub(crate) use super::no_external_memory as external_memory;
pub(crate) use handle::RawOwned;
