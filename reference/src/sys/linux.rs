//! Linux: descriptors, memfd, futex, pidfd, Unix sockets.

mod asleep;
pub(crate) mod external_memory;
pub(crate) mod handle;
pub(crate) mod process;
pub(crate) mod shm;
pub(crate) mod socket;
pub(crate) mod wait;

pub(crate) use handle::RawOwned;
