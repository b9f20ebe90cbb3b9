//! macOS: descriptors, `shm_open`, waits on addresses, kqueue, Unix sockets. Type-checked for both processors, and never run.

pub(crate) mod net;
pub(crate) mod process;
pub(crate) mod shm;
pub(crate) mod wait;

pub(crate) use super::no_external_memory as external_memory;
pub(crate) use super::unix::{handle, socket};
pub(crate) use handle::RawOwned;
