//! Linux: descriptors, memfd, Unix sockets.

pub(crate) mod external_memory;
pub(crate) mod handle;
pub(crate) mod shm;
pub(crate) mod socket;

pub(crate) use handle::RawOwned;
