//! Unix stream sockets that carry descriptors (`SCM_RIGHTS`,
//! [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).
#![expect(unsafe_code, reason = "ancillary data that rustix does not know, and a descriptor that comes in it as a number")]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::sockopt::{self, Timeout};
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

/// Room for ancillary data, aligned like `struct cmsghdr` so that its first header lies at the start. Every byte is initialised.
#[repr(C, align(8))]
struct AncillarySpace([MaybeUninit<u8>; rustix::cmsg_space!(ScmRights(MAX_HANDLES))]);

impl AncillarySpace {
    const fn new() -> Self {
        Self([MaybeUninit::new(0); rustix::cmsg_space!(ScmRights(MAX_HANDLES))])
    }

    /// Close descriptors that came as `SCM_PIDFD`, which rustix passes over. Whoever shares this socket can switch them on
    /// (`SO_PASSPIDFD`), and each message would then leave one behind.
    fn close_process_descriptors(&self) {
        const WORD: usize = size_of::<usize>();
        const SOL_SOCKET: i32 = 1;
        const SCM_PIDFD: i32 = 4;
        // SAFETY: every byte was initialised by `new`, and the kernel and rustix write only whole bytes.
        let mut rest = unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), self.0.len()) };
        let int = |bytes: &[u8]| bytes.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
        // struct cmsghdr: length with the header, level, type; then the data. Unused space has length 0.
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
}

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
        let kind = sockopt::socket_type(&handle);
        let family = sockopt::socket_domain(&handle);
        match (kind, family) {
            (Ok(SocketType::STREAM), Ok(AddressFamily::UNIX)) => Ok(Self(handle.into())),
            (Err(error), _) | (_, Err(error)) => Err((handle, error.into())),
            _ => Err((handle, io::Error::other("it is not a Unix stream socket"))),
        }
    }

    pub(crate) fn into_handle(self) -> OwnedHandle {
        OwnedHandle::from(self.0)
    }

    /// `None`: the listener's queue stayed full until the deadline.
    pub(crate) fn connect(path: &Path, deadline: Deadline) -> io::Result<Option<Self>> {
        let address = SocketAddrUnix::new(path)?;
        let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        loop {
            // A Unix socket cannot be polled for a place in the queue; connect(2) itself waits, for SO_SNDTIMEO at most, of
            // which zero means for ever.
            let span = deadline.left().map(|left| left.max(Duration::from_micros(1)));
            sockopt::set_socket_timeout(&fd, Timeout::Send, span)?;
            match rustix::net::connect(&fd, &address) {
                Ok(()) => break,
                Err(Errno::AGAIN) if deadline.passed() => return Ok(None),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        sockopt::set_socket_timeout(&fd, Timeout::Send, None)?;
        Ok(Some(Self(fd)))
    }

    /// Receive at most `bytes.len()` bytes and at most `room` descriptors, all close-on-exec, without waiting.
    pub(crate) fn receive(&self, bytes: &mut [u8], room: usize, handles: &mut Vec<OwnedHandle>) -> io::Result<Received> {
        let mut space = AncillarySpace::new();
        let used = rustix::cmsg_space!(ScmRights(room)).min(space.0.len());
        let mut control = RecvAncillaryBuffer::new(&mut space.0[..used]);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let answer = rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(bytes)], &mut control, flags)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                handles.extend(fds.map(OwnedHandle::from));
            }
        }
        drop(control);
        space.close_process_descriptors();
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
            Ok(0) | Err(Errno::INTR) => {}
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
        // Non-blocking: between poll and accept somebody else may have taken the connection.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // Before bind: the mode of the socket file is taken from the descriptor's.
        rustix::fs::fchmod(&fd, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
        rustix::net::bind(&fd, &SocketAddrUnix::new(path)?)?;
        rustix::net::listen(&fd, 16)?;
        Ok(Self { fd })
    }

    pub(crate) fn accept(&self, deadline: Deadline) -> io::Result<Option<Socket>> {
        while wait(&self.fd, PollFlags::IN, deadline)? {
            match rustix::net::accept_with(&self.fd, SocketFlags::CLOEXEC) {
                Ok(fd) => return Ok(Some(Socket(fd))),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// Borrow handles the way `sendmsg` wants them.
pub(crate) fn borrow<'handle>(handles: &[&'handle OwnedHandle]) -> Vec<BorrowedFd<'handle>> {
    handles.iter().map(|handle| handle.0.as_fd()).collect()
}
