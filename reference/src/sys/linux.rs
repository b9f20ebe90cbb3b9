//! Linux: descriptors, memfd, futex, pidfd, Unix sockets.

mod asleep;
pub(crate) mod external_memory;
pub(crate) mod net;
pub(crate) mod process;
pub(crate) mod shm;
pub(crate) mod wait;

pub(crate) use super::unix::{handle, socket};
pub(crate) use handle::RawOwned;
