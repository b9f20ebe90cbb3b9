//! Unix stream sockets that carry descriptors (`SCM_RIGHTS`,
//! [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;

/// `SCM_MAX_FD`: the kernel refuses more in one message.
pub(crate) const MAX_HANDLES: usize = 253;

/// One end of a connected Unix stream socket.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

/// What one `recvmsg` brought.
pub(crate) struct Received {
    /// Bytes; 0 is the end of the stream.
    pub(crate) bytes: usize,
    /// Whether the kernel had to drop descriptors: no room for them here, or no free slot in the process.
    pub(crate) truncated: bool,
}

impl Socket {
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        Ok((Self(a), Self(b)))
    }

    /// Take over a descriptor, which has to be a Unix stream socket.
    pub(crate) fn from_handle(handle: OwnedHandle) -> Result<Self, (OwnedHandle, io::Error)> {
        let kind = rustix::net::sockopt::socket_type(&handle);
        let family = rustix::net::sockopt::socket_domain(&handle);
        match (kind, family) {
            (Ok(SocketType::STREAM), Ok(AddressFamily::UNIX)) => Ok(Self(handle.into())),
            (Err(error), _) | (_, Err(error)) => Err((handle, error.into())),
            _ => Err((handle, io::Error::other("it is not a Unix stream socket"))),
        }
    }

    pub(crate) fn into_handle(self) -> OwnedHandle {
        OwnedHandle::from(self.0)
    }

    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        rustix::net::connect(&fd, &SocketAddrUnix::new(path)?)?;
        Ok(Self(fd))
    }

    /// Receive at most `bytes.len()` bytes and at most `room` descriptors, all close-on-exec, without waiting.
    pub(crate) fn receive(&self, bytes: &mut [u8], room: usize, handles: &mut Vec<OwnedHandle>) -> io::Result<Received> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_HANDLES))];
        let used = rustix::cmsg_space!(ScmRights(room)).min(space.len());
        let mut control = RecvAncillaryBuffer::new(&mut space[..used]);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let answer = rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(bytes)], &mut control, flags)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                handles.extend(fds.map(OwnedHandle::from));
            }
        }
        Ok(Received { bytes: answer.bytes, truncated: answer.flags.contains(ReturnFlags::CTRUNC) })
    }

    /// Send some of `bytes`, with `handles` beside the first of them, without waiting and without `SIGPIPE`.
    pub(crate) fn send(&self, bytes: &[u8], handles: &[BorrowedFd<'_>]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_HANDLES))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !handles.is_empty() && !control.push(SendAncillaryMessage::ScmRights(handles)) {
            return Err(io::Error::other("too many handles for one message"));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        Ok(rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags)?)
    }

    /// Wait until bytes (or the end) can be received. False: the deadline passed first.
    pub(crate) fn wait_readable(&self, deadline: Deadline) -> io::Result<bool> {
        wait(&self.0, PollFlags::IN, deadline)
    }

    /// Wait until bytes can be sent. False: the deadline passed first.
    pub(crate) fn wait_writable(&self, deadline: Deadline) -> io::Result<bool> {
        wait(&self.0, PollFlags::OUT, deadline)
    }
}

/// A signal restarts the wait with what is left.
fn wait(fd: &OwnedFd, what: PollFlags, deadline: Deadline) -> io::Result<bool> {
    loop {
        let left = deadline.left().and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(&mut [PollFd::new(fd, what)], left.as_ref()) {
            Ok(0) if deadline.passed() => return Ok(false),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A socket in the file system that waits for connections; only its owner may connect (0600).
#[derive(Debug)]
pub(crate) struct Listening {
    fd: OwnedFd,
}

impl Listening {
    /// Bind exclusively: a path that exists is an error.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // Before bind: the mode of the socket file is taken from the descriptor's.
        rustix::fs::fchmod(&fd, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
        rustix::net::bind(&fd, &SocketAddrUnix::new(path)?)?;
        rustix::net::listen(&fd, 16)?;
        Ok(Self { fd })
    }

    pub(crate) fn accept(&self, deadline: Deadline) -> io::Result<Option<Socket>> {
        if !wait(&self.fd, PollFlags::IN, deadline)? {
            return Ok(None);
        }
        Ok(Some(Socket(rustix::net::accept_with(&self.fd, SocketFlags::CLOEXEC)?)))
    }
}

/// Borrow handles the way `sendmsg` wants them.
pub(crate) fn borrow<'handle>(handles: &[&'handle OwnedHandle]) -> Vec<BorrowedFd<'handle>> {
    handles.iter().map(|handle| handle.0.as_fd()).collect()
}
