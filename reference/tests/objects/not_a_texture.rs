//! Descriptors that are not the sealed memory object an import or attach expects.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::fs::{MemfdFlags, SealFlags};

pub(crate) fn pipe() -> OwnedFd {
    std::io::pipe().expect("a pipe").0.into()
}

pub(crate) fn socket() -> OwnedFd {
    UnixStream::pair().expect("a socket pair").0.into()
}

/// A regular file on a file system without seals.
pub(crate) fn file() -> OwnedFd {
    File::open("/proc/self/status").expect("/proc is mounted").into()
}

pub(crate) fn directory() -> OwnedFd {
    File::open("/").expect("it is always there").into()
}

pub(crate) fn null() -> OwnedFd {
    File::open("/dev/null").expect("it is always there").into()
}

pub(crate) fn event() -> OwnedFd {
    rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).expect("an event counter")
}

pub(crate) fn memory(len: u64, seals: SealFlags) -> OwnedFd {
    let fd = rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a memfd");
    rustix::fs::ftruncate(&fd, len).expect("it can be given a size");
    rustix::fs::fcntl_add_seals(&fd, seals).expect("it can be sealed");
    fd
}

pub(crate) fn sealed(len: u64) -> OwnedFd {
    memory(len, SealFlags::SHRINK | SealFlags::GROW)
}
