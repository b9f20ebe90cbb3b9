//! What sockets can do on Linux alone: be born close-on-exec, and send without a signal.
#![expect(unsafe_code, reason = "a descriptor that comes in ancillary data that rustix does not know, as a number")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Without waiting; descriptors come close-on-exec.
pub(crate) const RECEIVE: RecvFlags = RecvFlags::DONTWAIT.union(RecvFlags::CMSG_CLOEXEC);
/// Without waiting, and without `SIGPIPE`.
pub(crate) const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

pub(crate) fn socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

pub(crate) fn accept(listener: &OwnedFd) -> Result<OwnedFd, Errno> {
    rustix::net::accept_with(listener, SocketFlags::CLOEXEC)
}

pub(crate) fn family(socket: &OwnedFd) -> Result<AddressFamily, Errno> {
    rustix::net::sockopt::socket_domain(socket)
}

/// A descriptor as it arrived.
pub(crate) fn received(fd: OwnedFd) -> OwnedFd {
    fd
}

/// Close descriptors that came as `SCM_PIDFD`, which rustix passes over. Whoever shares the socket can switch them on
/// (`SO_PASSPIDFD`), and each message would then leave one behind. `ancillary`: what `recvmsg` filled in, from its first
/// header on; unused space is zero.
pub(crate) fn close_strays(ancillary: &[u8]) {
    const WORD: usize = size_of::<usize>();
    const SOL_SOCKET: i32 = 1;
    const SCM_PIDFD: i32 = 4;
    let mut rest = ancillary;
    let int = |bytes: &[u8]| bytes.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
    // struct cmsghdr: length with the header, level, type; then the data.
    while let Some(length) = rest.first_chunk().map(|bytes| usize::from_ne_bytes(*bytes))
        && length >= WORD + 8
        && let Some(message) = rest.get(..length)
    {
        if int(&message[WORD..]) == Some(SOL_SOCKET)
            && int(&message[WORD + 4..]) == Some(SCM_PIDFD)
            && let Some(number) = int(&message[WORD + 8..])
            && number >= 0
        {
            // SAFETY: the kernel has just opened this descriptor for this process and told nobody else.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
        rest = rest.get(length.next_multiple_of(WORD)..).unwrap_or(&[]);
    }
}
