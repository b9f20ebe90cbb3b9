//! What POSIX systems have in common: descriptors, mappings, a thread that watches a process, sockets that carry descriptors.

pub(crate) mod handle;
pub(crate) mod mapping;
pub(crate) mod socket;
pub(crate) mod watch;
