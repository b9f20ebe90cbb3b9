//! The other end of a channel as a bare socket, which keeps to no protocol.

use std::io::{IoSlice, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use gpushare::{Channel, OwnedHandle};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

/// A bare stream socket.
pub(crate) struct Raw(UnixStream);

/// A channel and the bare socket at its other end.
pub(crate) fn pair() -> (Channel, Raw) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    (channel(ours), Raw(theirs))
}

pub(crate) fn channel(socket: UnixStream) -> Channel {
    Channel::from_handle(OwnedHandle::from(OwnedFd::from(socket))).map_err(|(_, error)| error).expect("a stream socket")
}

/// The eight bytes that a message begins with.
pub(crate) fn header(handles: u16, bytes: u32) -> Vec<u8> {
    [b"GS".as_slice(), &handles.to_le_bytes(), &bytes.to_le_bytes()].concat()
}

/// A whole message.
pub(crate) fn message(handles: u16, bytes: &[u8]) -> Vec<u8> {
    [header(handles, u32::try_from(bytes.len()).expect("short")), bytes.to_vec()].concat()
}

impl Raw {
    pub(crate) fn over(socket: UnixStream) -> Self {
        Self(socket)
    }

    /// Send bytes with `count` handles (of `/dev/null`) beside the first of them.
    pub(crate) fn send(&self, bytes: &[u8], count: usize) {
        let null = std::fs::File::open("/dev/null").expect("it is always there");
        let handles: Vec<BorrowedFd<'_>> = std::iter::repeat_n(null.as_fd(), count).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(count == 0 || control.push(SendAncillaryMessage::ScmRights(&handles)), "253 handles fit");
        let sent = rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, SendFlags::empty());
        assert_eq!(sent, Ok(bytes.len()));
    }

    /// All that has arrived, without waiting.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        self.0.set_nonblocking(true).expect("a socket can be told not to wait");
        let mut all = Vec::new();
        // The error at the end is `WouldBlock`.
        let _ = self.0.read_to_end(&mut all);
        all
    }

    /// Say that nothing more will come, and go on receiving.
    pub(crate) fn stop_sending(&self) {
        self.0.shutdown(std::net::Shutdown::Write).expect("the socket is connected");
    }
}
