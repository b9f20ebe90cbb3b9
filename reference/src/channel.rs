//! Messages with handles beside them, between two processes.
//!
//! A message is up to [`Limits::message_bytes`] bytes and up to [`Limits::handles`] handles, delivered whole and in order, or not
//! at all. On Unix it travels over a stream socket: a header of 8 bytes (the two bytes `GS`, the number of handles as
//! `u16`, the length as `u32`, little endian), then the bytes; the handles ride beside the header's first byte.
//!
//! The peer is not trusted: a header that makes no sense, handles that were announced and did not come, came and were not
//! announced, or were cut off by the kernel are errors; whatever did arrive is closed, and the channel refuses further
//! use ([`ChannelError::Broken`]), because the place where the next message begins is no longer known.

use std::io;
use std::path::Path;

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::sys::socket::{self, Listening, Socket};

/// What one message may hold. Both ends check: the sender before anything is sent, the receiver before memory is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes at most.
    pub message_bytes: usize,
    /// Handles at most; never above [`Limits::MOST_HANDLES`].
    pub handles: usize,
}

impl Limits {
    /// What the operating system carries in one message (Linux: `SCM_MAX_FD`).
    pub const MOST_HANDLES: usize = socket::MAX_HANDLES;
}

impl Default for Limits {
    /// 1 MiB and [`Limits::MOST_HANDLES`].
    fn default() -> Self {
        Self { message_bytes: 1 << 20, handles: Self::MOST_HANDLES }
    }
}

/// A message as it arrived.
#[derive(Debug, Default)]
pub struct Message {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its handles, in the sender's order, all close-on-exec.
    pub handles: Vec<OwnedHandle>,
}

/// Why a message was not sent or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The peer closed its end, between two messages.
    #[error("the peer closed the channel")]
    Closed,
    /// The peer closed its end, or died, within a message.
    #[error("the peer closed the channel within a message: {received} of {announced} bytes had arrived")]
    CutOff {
        /// Bytes that arrived, header included.
        received: usize,
        /// Bytes that should have, header included.
        announced: usize,
    },
    /// Nothing happened in time. A receive that times out loses nothing: the next one goes on.
    #[error("the deadline passed")]
    TimedOut,
    /// More bytes or handles than the limits allow.
    #[error("{count} {what} in one message, the limit is {limit}")]
    TooLarge {
        /// `bytes` or `handles`.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The header does not begin with the two bytes that every header begins with.
    #[error("the peer does not speak this protocol: a message begins with {found:02x?}")]
    NotAMessage {
        /// The first bytes.
        found: [u8; 8],
    },
    /// The kernel dropped handles: no room in the message buffer, or no free descriptor in this process. The channel goes on with
    /// the next message.
    #[error("handles were lost on the way (ancillary data truncated); {arrived} that arrived were closed")]
    HandlesLost {
        /// Handles that did arrive.
        arrived: usize,
        /// The message's bytes, which are whole.
        bytes: Vec<u8>,
    },
    /// Another number of handles than the header announced.
    #[error("{arrived} handles arrived, the message announced {announced}; they were closed")]
    HandleCount {
        /// Handles that arrived.
        arrived: usize,
        /// Handles in the header.
        announced: usize,
    },
    /// An earlier error left the channel at an unknown place.
    #[error("the channel is broken by an earlier error; open a new one")]
    Broken,
    /// The operating system said no.
    #[error("{what}: {source}")]
    Os {
        /// What was attempted.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

const HEADER: usize = 8;
const MAGIC: [u8; 2] = *b"GS";

/// A message on its way in.
#[derive(Debug, Default)]
struct Incoming {
    header: [u8; HEADER],
    body: Vec<u8>,
    filled: usize,
    handles: Vec<OwnedHandle>,
    /// Whether the kernel dropped some.
    lost: bool,
}

/// One end of a connection between two processes.
#[derive(Debug)]
pub struct Channel {
    socket: Socket,
    limits: Limits,
    incoming: Incoming,
    broken: bool,
}

/// Memory for a message is set aside as its bytes arrive, this much at a time, and not for the length it announces.
const CHUNK: usize = 64 << 10;

impl Channel {
    /// Two connected ends. Send one to another process with [`Channel::into_handle`], or let a child inherit it.
    ///
    /// # Errors
    /// [`ChannelError::Os`] when the process has no descriptor left.
    pub fn pair() -> Result<(Self, Self), ChannelError> {
        let (a, b) = Socket::pair().map_err(os("creating a socket pair"))?;
        Ok((Self::over(a), Self::over(b)))
    }

    /// Take over one end that came as a handle.
    ///
    /// # Errors
    /// The handle comes back when it is no Unix stream socket.
    pub fn from_handle(handle: OwnedHandle) -> Result<Self, (OwnedHandle, ChannelError)> {
        Socket::from_handle(handle).map(Self::over).map_err(|(handle, error)| (handle, os("opening a channel")(error)))
    }

    /// Connect to a [`Listener`].
    ///
    /// # Errors
    /// [`ChannelError::Os`] where nobody listens or the path may not be opened. [`ChannelError::TimedOut`] when the listener has
    /// more peers waiting than it queues and accepts none of them.
    pub fn connect(path: &Path, deadline: Deadline) -> Result<Self, ChannelError> {
        match Socket::connect(path, deadline).map_err(os("connecting"))? {
            Some(socket) => Ok(Self::over(socket)),
            None => Err(ChannelError::TimedOut),
        }
    }

    fn over(socket: Socket) -> Self {
        Self { socket, limits: Limits::default(), incoming: Incoming::default(), broken: false }
    }

    /// The same channel with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = Limits {
            handles: limits.handles.min(Limits::MOST_HANDLES),
            message_bytes: limits.message_bytes.min(u32::MAX as usize),
        };
        self
    }

    /// Give up the channel and keep its handle. What had been received of an unfinished message is dropped.
    #[must_use]
    pub fn into_handle(self) -> OwnedHandle {
        self.socket.into_handle()
    }

    /// Send a message. The handles stay the caller's; the receiver gets duplicates.
    ///
    /// # Errors
    /// [`ChannelError::TooLarge`] before anything is sent. [`ChannelError::Closed`] when the peer is gone (no `SIGPIPE` is raised).
    /// [`ChannelError::TimedOut`] when the peer does not read: if part of the message had gone, the channel is broken.
    pub fn send(&mut self, bytes: &[u8], handles: &[&OwnedHandle], deadline: Deadline) -> Result<(), ChannelError> {
        self.usable()?;
        check_limit("bytes", bytes.len(), self.limits.message_bytes)?;
        check_limit("handles", handles.len(), self.limits.handles)?;
        let mut frame = Vec::with_capacity(HEADER + bytes.len());
        frame.extend_from_slice(&MAGIC);
        frame.extend_from_slice(&u16::try_from(handles.len()).unwrap_or(u16::MAX).to_le_bytes());
        frame.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        frame.extend_from_slice(bytes);
        let mut sent = 0;
        while sent < frame.len() {
            let beside: &[_] = if sent == 0 { handles } else { &[] };
            let error = match self.socket.send(&frame[sent..], beside, deadline) {
                Ok(Some(count)) => {
                    sent += count;
                    continue;
                }
                Ok(None) => ChannelError::TimedOut,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ChannelError::Closed,
                Err(error) => os("sending")(error),
            };
            self.broken |= sent > 0;
            return Err(error);
        }
        Ok(())
    }

    /// Receive the next message.
    ///
    /// # Errors
    /// [`ChannelError::Closed`] at the end, [`ChannelError::TimedOut`] without loss, [`ChannelError::HandlesLost`] with the message's
    /// bytes; every other error closes what had arrived of the message and breaks the channel.
    pub fn receive(&mut self, deadline: Deadline) -> Result<Message, ChannelError> {
        self.usable()?;
        let outcome = self.receive_frame(deadline);
        if let Err(error) = &outcome
            && !matches!(error, ChannelError::TimedOut | ChannelError::HandlesLost { .. })
        {
            self.broken = true;
            self.incoming = Incoming::default();
        }
        outcome
    }

    fn usable(&self) -> Result<(), ChannelError> {
        if self.broken { Err(ChannelError::Broken) } else { Ok(()) }
    }

    fn receive_frame(&mut self, deadline: Deadline) -> Result<Message, ChannelError> {
        loop {
            let announced = self.announced()?;
            let body = self.incoming.filled.saturating_sub(HEADER);
            match announced {
                Some((_, length)) if body == length => return self.finish(),
                Some((_, length)) => self.receive_body(body, length, deadline)?,
                None => self.receive_header(deadline)?,
            }
        }
    }

    /// Handles and bytes that the header announces, once it is here and makes sense.
    fn announced(&self) -> Result<Option<(usize, usize)>, ChannelError> {
        let Incoming { header, filled, .. } = &self.incoming;
        let seen = (*filled).min(MAGIC.len());
        if header[..seen] != MAGIC[..seen] {
            return Err(ChannelError::NotAMessage { found: *header });
        }
        if *filled < HEADER {
            return Ok(None);
        }
        let handles = usize::from(u16::from_le_bytes([header[2], header[3]]));
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        check_limit("handles", handles, self.limits.handles)?;
        check_limit("bytes", length, self.limits.message_bytes)?;
        Ok(Some((handles, length)))
    }

    fn receive_header(&mut self, deadline: Deadline) -> Result<(), ChannelError> {
        let Incoming { header, filled, handles, lost, .. } = &mut self.incoming;
        let count = receive_some(&mut self.socket, &mut header[*filled..], self.limits.handles, handles, lost, deadline)?;
        if count == 0 {
            let received = *filled;
            return Err(if received == 0 {
                ChannelError::Closed
            } else {
                ChannelError::CutOff { received, announced: HEADER }
            });
        }
        *filled += count;
        Ok(())
    }

    fn receive_body(&mut self, body: usize, length: usize, deadline: Deadline) -> Result<(), ChannelError> {
        let Incoming { body: buffer, filled, handles, lost, .. } = &mut self.incoming;
        buffer.resize(length.min(body + CHUNK), 0);
        let count = receive_some(&mut self.socket, &mut buffer[body..], self.limits.handles, handles, lost, deadline)?;
        if count == 0 {
            return Err(ChannelError::CutOff { received: *filled, announced: HEADER + length });
        }
        *filled += count;
        Ok(())
    }

    fn finish(&mut self) -> Result<Message, ChannelError> {
        let Some((announced, length)) = self.announced()? else { return Err(ChannelError::Broken) };
        let Incoming { mut body, handles, lost, .. } = std::mem::take(&mut self.incoming);
        body.truncate(length);
        if lost {
            return Err(ChannelError::HandlesLost { arrived: handles.len(), bytes: body });
        }
        if handles.len() != announced {
            return Err(ChannelError::HandleCount { arrived: handles.len(), announced });
        }
        Ok(Message { bytes: body, handles })
    }
}

/// Wait for bytes and take some. Handles collect in `handles`, at most `room` of them; `lost` is set when the kernel dropped some.
fn receive_some(
    socket: &mut Socket,
    bytes: &mut [u8],
    room: usize,
    handles: &mut Vec<OwnedHandle>,
    lost: &mut bool,
    deadline: Deadline,
) -> Result<usize, ChannelError> {
    let Some(received) = socket.receive(bytes, room, handles, deadline).map_err(os("receiving"))? else {
        return Err(ChannelError::TimedOut);
    };
    *lost |= received.truncated;
    // The kernel's buffer is aligned and may hold one more than was asked for. Where some were lost, that is told at the end.
    if handles.len() > room && !*lost {
        return Err(ChannelError::TooLarge { what: "handles", count: handles.len(), limit: room });
    }
    Ok(received.bytes)
}

fn check_limit(what: &'static str, count: usize, limit: usize) -> Result<(), ChannelError> {
    if count <= limit { Ok(()) } else { Err(ChannelError::TooLarge { what, count, limit }) }
}

fn os(what: &'static str) -> impl FnOnce(io::Error) -> ChannelError {
    move |source| ChannelError::Os { what, source }
}

/// Waits for peers at a path in the file system that only the owner may open; removes the path when dropped.
#[derive(Debug)]
pub struct Listener {
    listening: Listening,
}

impl Listener {
    /// Listen at `path`, which must not exist yet.
    ///
    /// On Unix the path is there a moment before anybody is listened to: who connects in between is refused. Who starts both sides tells the
    /// other one once this has returned.
    ///
    /// # Errors
    /// [`ChannelError::Os`], with `AddrInUse` when the path exists.
    pub fn bind(path: &Path) -> Result<Self, ChannelError> {
        Ok(Self { listening: Listening::bind(path).map_err(os("listening"))? })
    }

    /// The next peer.
    ///
    /// # Errors
    /// [`ChannelError::TimedOut`] when none comes in time.
    pub fn accept(&self, deadline: Deadline) -> Result<Channel, ChannelError> {
        match self.listening.accept(deadline).map_err(os("accepting"))? {
            Some(socket) => Ok(Channel::over(socket)),
            None => Err(ChannelError::TimedOut),
        }
    }
}
