//! Windows: handles, sections, events, named pipes, run under Wine 10; memory of drivers, run on none.

pub(crate) mod external_memory;
pub(crate) mod handle;
pub(crate) mod object;
pub(crate) mod pipe;
pub(crate) mod process;
pub(crate) mod security;
pub(crate) mod shm;
pub(crate) mod socket;
pub(crate) mod wait;

pub(crate) use handle::RawOwned;
