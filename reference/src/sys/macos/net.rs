//! What macOS asks for one by one: sockets and descriptors become close-on-exec, and silent, after they were made.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::{Errno, FdFlags};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Without waiting.
pub(crate) const RECEIVE: RecvFlags = RecvFlags::DONTWAIT;
/// Without waiting. That no `SIGPIPE` comes is set on the socket.
pub(crate) const SEND: SendFlags = SendFlags::DONTWAIT;

fn prepare(socket: OwnedFd) -> Result<OwnedFd, Errno> {
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    rustix::net::sockopt::set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (a, b) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
    Ok((prepare(a)?, prepare(b)?))
}

pub(crate) fn socket() -> io::Result<OwnedFd> {
    Ok(prepare(rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?)?)
}

pub(crate) fn accept(listener: &OwnedFd) -> Result<OwnedFd, Errno> {
    prepare(rustix::net::accept(listener)?)
}

pub(crate) fn family(socket: &OwnedFd) -> Result<AddressFamily, Errno> {
    Ok(rustix::net::getsockname(socket)?.address_family())
}

/// A descriptor as it arrived: there is no flag with which it would come close-on-exec.
pub(crate) fn received(fd: OwnedFd) -> OwnedFd {
    let _ = rustix::io::fcntl_setfd(fd.as_fd(), FdFlags::CLOEXEC);
    fd
}

/// Nothing else comes beside a message.
pub(crate) fn close_strays(_ancillary: &[u8]) {}
