//! Unix stream sockets that carry descriptors (`SCM_RIGHTS`,
//! [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).
#![expect(unsafe_code, reason = "ancillary data, looked at as bytes")]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SocketAddrUnix, SocketType,
};

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::sys::net;

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

    fn bytes(&self) -> &[u8] {
        // SAFETY: every byte was initialised by `new`, and the kernel and rustix write only whole bytes.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), self.0.len()) }
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
        let (a, b) = net::pair()?;
        Ok((Self(a), Self(b)))
    }

    /// Take over a descriptor, which has to be a Unix stream socket.
    pub(crate) fn from_handle(handle: OwnedHandle) -> Result<Self, (OwnedHandle, io::Error)> {
        let kind = sockopt::socket_type(&handle);
        let family = net::family(&handle.0);
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
        let fd = net::socket()?;
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

    /// Receive at most `bytes.len()` bytes and at most `room` descriptors, all close-on-exec. `None`: the deadline passed first.
    pub(crate) fn receive(
        &mut self,
        bytes: &mut [u8],
        room: usize,
        handles: &mut Vec<OwnedHandle>,
        deadline: Deadline,
    ) -> io::Result<Option<Received>> {
        loop {
            match self.receive_now(bytes, room, handles) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !wait(&self.0, PollFlags::IN, deadline)? {
                        return Ok(None);
                    }
                }
                Err(Errno::CONNRESET) => return Ok(Some(Received { bytes: 0, truncated: false })),
                answer => return Ok(answer.map(Some)?),
            }
        }
    }

    fn receive_now(&self, bytes: &mut [u8], room: usize, handles: &mut Vec<OwnedHandle>) -> Result<Received, Errno> {
        let mut space = AncillarySpace::new();
        let used = rustix::cmsg_space!(ScmRights(room)).min(space.0.len());
        let mut control = RecvAncillaryBuffer::new(&mut space.0[..used]);
        let answer = rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(bytes)], &mut control, net::RECEIVE)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                handles.extend(fds.map(net::received).map(OwnedHandle::from));
            }
        }
        drop(control);
        net::close_strays(space.bytes());
        Ok(Received { bytes: answer.bytes, truncated: answer.flags.contains(ReturnFlags::CTRUNC) })
    }

    /// Send some of `bytes`, with `handles` beside the first of them, without `SIGPIPE`. `None`: the deadline passed first.
    pub(crate) fn send(&mut self, bytes: &[u8], handles: &[&OwnedHandle], deadline: Deadline) -> io::Result<Option<usize>> {
        let handles: Vec<BorrowedFd<'_>> = handles.iter().map(|handle| handle.as_fd()).collect();
        loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_HANDLES))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !handles.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&handles)) {
                return Err(io::Error::other("too many handles for one message"));
            }
            match rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, net::SEND) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !wait(&self.0, PollFlags::OUT, deadline)? {
                        return Ok(None);
                    }
                }
                Err(Errno::CONNRESET) => return Err(Errno::PIPE.into()),
                answer => return Ok(answer.map(Some)?),
            }
        }
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

/// A socket in the file system that waits for connections; only its owner may connect (0600). Its path goes with it.
#[derive(Debug)]
pub(crate) struct Listening {
    fd: OwnedFd,
    path: PathBuf,
}

impl Listening {
    /// Bind exclusively: a path that exists is an error.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let fd = net::socket()?;
        // Between poll and accept somebody else may have taken the connection.
        rustix::io::ioctl_fionbio(&fd, true)?;
        // Before bind: the mode of the socket file is taken from the descriptor's.
        rustix::fs::fchmod(&fd, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
        rustix::net::bind(&fd, &SocketAddrUnix::new(path)?)?;
        let listening = Self { fd, path: path.to_owned() };
        rustix::net::listen(&listening.fd, 16)?;
        Ok(listening)
    }

    pub(crate) fn accept(&self, deadline: Deadline) -> io::Result<Option<Socket>> {
        while wait(&self.fd, PollFlags::IN, deadline)? {
            match net::accept(&self.fd) {
                Ok(fd) => return Ok(Some(Socket(fd))),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // The file is ours (bind was exclusive); that somebody removed it already is no error.
        let _ = std::fs::remove_file(&self.path);
    }
}
