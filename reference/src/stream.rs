//! A duplex stream of bytes between two processes: two rings and their waiters.
//!
//! What it guarantees:
//!
//! - Bytes arrive in order, none lost or doubled, whatever pieces they are written and read in.
//! - The end of the stream, the peer's death and a peer that breaks the rules are three different answers. Whatever was written
//!   before the first two arrives first.
//! - Each direction ends on its own: [`Stream::close_write`] tells the peer that nothing more comes, and reading goes on.
//! - Every operation has a deadline; those of [`std::io::Read`] and [`std::io::Write`] take theirs from
//!   [`Stream::set_timeout`].
//!
//! ```
//! use std::io::{Read, Write};
//! use gpushare::Stream;
//!
//! let (mut here, offer) = Stream::create(1 << 16)?;
//! // … the offer crosses to another process …
//! let mut there = Stream::attach(offer)?;
//! here.write_all(b"bytes, not messages")?;
//! here.close_write();
//! let mut text = String::new();
//! there.read_to_string(&mut text)?;
//! assert_eq!(text, "bytes, not messages");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::{self, IoSlice, IoSliceMut};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::ring::{Consumer, Counts, Offer, Producer, RingError, Terms};
use crate::waiter::{Patience, Peer, Wait};

#[cfg(test)]
mod tests;

/// Bytes sent as one message at most: the reader can give room back that often.
const PIECE: usize = 64 << 10;

/// One end of a duplex stream.
#[derive(Debug)]
pub struct Stream {
    outgoing: Option<Producer>,
    incoming: Option<Consumer>,
    /// Bytes of the first message in `incoming` that were read already.
    taken: usize,
    timeout: Option<Duration>,
}

/// The other end: sent to another process, and attached there once.
#[derive(Debug)]
#[must_use]
pub struct StreamOffer([Offer; 2]);

impl StreamOffer {
    /// Handles of an offer.
    pub const HANDLES: usize = 2 * Offer::HANDLES;

    /// What to send: the terms, and [`StreamOffer::HANDLES`] handles in this order.
    #[must_use]
    pub fn into_parts(self) -> ([Terms; 2], Vec<OwnedHandle>) {
        let [(first, mut handles), (second, more)] = self.0.map(Offer::into_parts);
        handles.extend(more);
        ([first, second], handles)
    }

    /// What arrived. Checked when it is attached.
    pub fn from_parts(terms: [Terms; 2], mut handles: Vec<OwnedHandle>) -> Self {
        let second = handles.split_off(handles.len() / 2);
        Self([Offer::from_parts(terms[0], handles), Offer::from_parts(terms[1], second)])
    }
}

/// Why bytes were not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The peer ended its direction before the buffer was full.
    #[error("the stream ended after {filled} of {wanted} bytes")]
    Ended {
        /// Bytes at the beginning of the buffer that were read.
        filled: usize,
        /// The buffer's length.
        wanted: usize,
    },
    /// This side has closed that direction.
    #[error("this end of the stream was closed for {0}")]
    ClosedHere(&'static str),
    /// What the ring answered: [`RingError::Closed`] to a write when the peer reads no more, [`RingError::PeerGone`] for its death.
    #[error(transparent)]
    Ring(#[from] RingError),
}

impl From<StreamError> for io::Error {
    /// `TimedOut`, `UnexpectedEof`, `BrokenPipe` (nobody reads any more), `ConnectionReset` (the peer died),
    /// `InvalidData` (it broke the rules); what the operating system refused keeps its kind.
    fn from(error: StreamError) -> Self {
        let kind = match &error {
            StreamError::Ended { .. } => io::ErrorKind::UnexpectedEof,
            StreamError::ClosedHere(_) | StreamError::Ring(RingError::Closed) => io::ErrorKind::BrokenPipe,
            StreamError::Ring(RingError::TimedOut) => io::ErrorKind::TimedOut,
            StreamError::Ring(RingError::PeerGone) => io::ErrorKind::ConnectionReset,
            StreamError::Ring(RingError::Corrupt(_) | RingError::GivenUp) => io::ErrorKind::InvalidData,
            StreamError::Ring(RingError::Os { source, .. }) => source.kind(),
            StreamError::Ring(_) => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl Stream {
    /// Create a stream; the offer is its other end. `capacity`: bytes in flight in each direction, a power of two.
    ///
    /// # Errors
    /// As [`Producer::create`].
    pub fn create(capacity: u64) -> Result<(Self, StreamOffer), RingError> {
        let (outgoing, theirs_in) = Producer::create(capacity)?;
        let (incoming, theirs_out) = Consumer::create(capacity)?;
        Ok((Self::over(outgoing, incoming), StreamOffer([theirs_in, theirs_out])))
    }

    /// Take the other end of a stream.
    ///
    /// # Errors
    /// As [`Producer::attach`]. The offer is used up: of two rings one may have been attached already.
    pub fn attach(offer: StreamOffer) -> Result<Self, RingError> {
        let [incoming, outgoing] = offer.0;
        let incoming = Consumer::attach(incoming).map_err(|refused| refused.error)?;
        let outgoing = Producer::attach(outgoing).map_err(|refused| refused.error)?;
        Ok(Self::over(outgoing, incoming))
    }

    fn over(outgoing: Producer, incoming: Consumer) -> Self {
        Self { outgoing: Some(outgoing), incoming: Some(incoming), taken: 0, timeout: None }
    }

    /// Waits end when this process dies. Without it, deadlines alone end them.
    pub fn watch(&mut self, peer: &Peer) {
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.watch(peer);
        }
        if let Some(incoming) = &mut self.incoming {
            incoming.watch(peer);
        }
    }

    /// How long waits spin, and how long they sleep at once.
    pub fn set_patience(&mut self, patience: Patience) {
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.set_patience(patience);
        }
        if let Some(incoming) = &mut self.incoming {
            incoming.set_patience(patience);
        }
    }

    /// What was done so far with what is read and with what is written, in pieces of the writer's; a closed direction has none.
    #[must_use]
    pub fn counts(&self) -> [Option<Counts>; 2] {
        [self.incoming.as_ref().map(Consumer::counts), self.outgoing.as_ref().map(Producer::counts)]
    }

    /// How long one call of [`io::Read`] or [`io::Write`] may take; `None`, which it is at first: for ever.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Two ends of the one, for two threads or tasks: the first reads, the second writes. Each is closed for what the other does.
    #[must_use]
    pub fn split(self) -> (Self, Self) {
        let Self { outgoing, incoming, taken, timeout } = self;
        (Self { outgoing: None, incoming, taken, timeout }, Self { outgoing, incoming: None, taken: 0, timeout })
    }

    /// Write no more. The peer reads what was written, then the end of the stream.
    pub fn close_write(&mut self) {
        self.outgoing = None;
    }

    /// Read no more. The peer's writes fail.
    pub fn close_read(&mut self) {
        self.incoming = None;
    }

    /// Read what there is, waiting for at least one byte; 0 is the end of the stream, or an empty buffer.
    ///
    /// # Errors
    /// [`StreamError::Ring`].
    pub fn read_by(&mut self, bytes: &mut [u8], deadline: Deadline) -> Result<usize, StreamError> {
        // With a deadline, nothing is another answer.
        Ok(self.read_pieces(std::iter::once(bytes), Some(deadline))?.unwrap_or(0))
    }

    /// Read what there is now; `None`: there is nothing. 0 is the end of the stream, or an empty buffer.
    ///
    /// # Errors
    /// [`StreamError::Ring`].
    pub fn try_read(&mut self, bytes: &mut [u8]) -> Result<Option<usize>, StreamError> {
        self.read_pieces(std::iter::once(bytes), None)
    }

    /// Wait until there is something to read, or there will be nothing any more (`Woken`: try).
    ///
    /// # Errors
    /// [`RingError::Os`].
    pub fn wait(&mut self, deadline: Deadline) -> Result<Wait, RingError> {
        // A message of which a part was read counts as one that is there.
        self.incoming.as_mut().map_or(Ok(Wait::Woken), |incoming| incoming.wait(deadline))
    }

    /// As [`Stream::read_by`], into one buffer after the other, whatever pieces the bytes were written in.
    ///
    /// # Errors
    /// [`StreamError::Ring`].
    ///
    /// ```
    /// use std::io::IoSliceMut;
    /// use gpushare::{Deadline, Stream};
    ///
    /// let (mut here, offer) = Stream::create(1 << 16)?;
    /// let mut there = Stream::attach(offer)?;
    /// here.write_all_by(b"headbody", Deadline::NEVER)?;
    /// let (mut head, mut body) = ([0; 4], [0; 100]);
    /// let mut buffers = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut body)];
    /// assert_eq!(there.read_vectored_by(&mut buffers, Deadline::NEVER)?, 8);
    /// assert_eq!((&head, &body[..4]), (b"head", &b"body"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_vectored_by(&mut self, buffers: &mut [IoSliceMut<'_>], deadline: Deadline) -> Result<usize, StreamError> {
        Ok(self.read_pieces(buffers.iter_mut().map(|buffer| &mut **buffer), Some(deadline))?.unwrap_or(0))
    }

    /// `None`: without a deadline, there is nothing now.
    fn read_pieces<'b>(
        &mut self,
        pieces: impl Iterator<Item = &'b mut [u8]>,
        deadline: Option<Deadline>,
    ) -> Result<Option<usize>, StreamError> {
        let Self { incoming, taken, .. } = self;
        let incoming = incoming.as_mut().ok_or(StreamError::ClosedHere("reading"))?;
        let mut read = 0;
        for bytes in pieces {
            let mut filled = 0;
            while filled < bytes.len() {
                // Only the first byte is waited for.
                let next = match deadline {
                    Some(deadline) if read == 0 => incoming.peek(deadline).map(Some),
                    _ => incoming.try_peek(),
                };
                let message = match next {
                    Ok(Some(message)) => message,
                    Ok(None) => return Ok((read != 0).then_some(read)),
                    // What ends the stream is told when nothing else is left to tell.
                    Err(_) if read != 0 => return Ok(Some(read)),
                    Err(RingError::Closed) => return Ok(Some(0)),
                    Err(error) => return Err(error.into()),
                };
                let count = (message.len() - *taken).min(bytes.len() - filled);
                message.read(*taken, &mut bytes[filled..filled + count]);
                filled += count;
                read += count;
                *taken += count;
                if *taken == message.len() {
                    *taken = 0;
                    message.release();
                }
            }
        }
        Ok(Some(read))
    }

    /// Fill the buffer.
    ///
    /// # Errors
    /// [`StreamError::Ended`] or [`StreamError::Ring`]; the buffer holds what came before.
    pub fn read_exact_by(&mut self, bytes: &mut [u8], deadline: Deadline) -> Result<(), StreamError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.read_by(&mut bytes[filled..], deadline)? {
                0 => return Err(StreamError::Ended { filled, wanted: bytes.len() }),
                count => filled += count,
            }
        }
        Ok(())
    }

    /// Write as much as there is room for, waiting for room for at least one byte.
    ///
    /// # Errors
    /// [`StreamError::Ring`]; nothing was written then.
    pub fn write_by(&mut self, bytes: &[u8], deadline: Deadline) -> Result<usize, StreamError> {
        self.write_pieces(std::iter::once(bytes), deadline)
    }

    /// Write all of it.
    ///
    /// # Errors
    /// [`StreamError::Ring`]; some of it may have been written then.
    pub fn write_all_by(&mut self, mut bytes: &[u8], deadline: Deadline) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            let count = self.write_by(bytes, deadline)?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// As [`Stream::write_by`], from one buffer after the other: the peer sees them at once, and is woken for them once.
    ///
    /// # Errors
    /// [`StreamError::Ring`]; nothing was written then.
    pub fn write_vectored_by(&mut self, buffers: &[IoSlice<'_>], deadline: Deadline) -> Result<usize, StreamError> {
        self.write_pieces(buffers.iter().map(|buffer| &**buffer), deadline)
    }

    /// Write all of all buffers, in as few publications as the room allows.
    ///
    /// # Errors
    /// [`StreamError::Ring`]; some of it may have been written then.
    ///
    /// ```
    /// use std::io::IoSlice;
    /// use gpushare::{Deadline, Stream};
    ///
    /// let (mut here, offer) = Stream::create(1 << 16)?;
    /// let mut there = Stream::attach(offer)?;
    /// let mut buffers = [IoSlice::new(b"head"), IoSlice::new(b"body")];
    /// here.write_all_vectored_by(&mut buffers, Deadline::NEVER)?;
    /// let mut bytes = [0; 8];
    /// there.read_exact_by(&mut bytes, Deadline::NEVER)?;
    /// assert_eq!(&bytes, b"headbody");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_all_vectored_by(&mut self, buffers: &mut [IoSlice<'_>], deadline: Deadline) -> Result<(), StreamError> {
        let mut left = buffers;
        // Empty buffers at the beginning go first: one that holds nothing but those has nothing to wait for.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            let count = self.write_vectored_by(left, deadline)?;
            IoSlice::advance_slices(&mut left, count);
        }
        Ok(())
    }

    /// Write one buffer after the other, and publish them together.
    fn write_pieces<'b>(&mut self, pieces: impl Iterator<Item = &'b [u8]>, deadline: Deadline) -> Result<usize, StreamError> {
        let outgoing = self.outgoing.as_mut().ok_or(StreamError::ClosedHere("writing"))?;
        let mut batch = outgoing.batch();
        let mut written = 0;
        for mut bytes in pieces {
            while !bytes.is_empty() {
                let room = match batch.room(bytes.len().min(PIECE)) {
                    // What was added before goes out; an error is told by the next call.
                    Ok(0) | Err(_) if written != 0 => return Ok(written),
                    room => room?,
                };
                if room == 0 {
                    batch.wait_for_room(1, deadline)?;
                    continue;
                }
                let (now, later) = bytes.split_at(room);
                batch.try_send(now)?;
                written += now.len();
                bytes = later;
            }
        }
        Ok(written)
    }

    fn deadline(&self) -> Deadline {
        self.timeout.map_or(Deadline::NEVER, Deadline::after)
    }
}

impl io::Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_by(bytes, self.deadline())?)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(self.read_vectored_by(buffers, self.deadline())?)
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.write_by(bytes, self.deadline())?)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.write_vectored_by(buffers, self.deadline())?)
    }

    /// Nothing is held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
