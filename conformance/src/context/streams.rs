//! Steps with streams.

use gpushare::OwnedHandle;
use gpushare::ring::Terms;
use gpushare_harness::protocol::ring::Digested;
use gpushare_harness::protocol::stream::{Direction, ReadManner, StreamReply, StreamRequest, WriteManner};
use gpushare_harness::protocol::{Code, Object, Payload, Problem, Reply, Request};

use super::rings::{Partly, text};
use crate::case::{Outcome, Stop, require};
use crate::context::{Begun, Party};

/// A stream, as one peer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfStream(pub(crate) u32);

/// What another peer attaches with; the orchestrator holds the handles.
#[derive(Debug)]
pub struct StreamHandles {
    /// What travels beside the handles: of the ring to the attaching side, and of the ring from it.
    pub terms: [Terms; 2],
    /// The handles.
    pub handles: [OwnedHandle; 4],
}

impl<'context, 'run> Party<'context, 'run> {
    /// Create a stream.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn create_stream(&self, capacity: u64) -> Outcome<(EndOfStream, StreamHandles)> {
        self.try_create_stream(capacity)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to create a stream.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_create_stream(&self, capacity: u64) -> Outcome<Result<(EndOfStream, StreamHandles), Problem>> {
        let stream = self.context.number(self.seat);
        let numbers: [u32; 4] = std::array::from_fn(|_| self.context.number(self.seat));
        let request = StreamRequest::Create { stream, capacity, handles: numbers };
        match self.try_ask(&Request::Stream(request), &[])? {
            Ok((Reply::Stream(StreamReply::Offered(terms)), _)) => {
                let given = self.give(&numbers.map(super::Handle))?;
                let handles = given.try_into().map_err(|_| Stop::Fail("a stream has four handles".into()))?;
                Ok(Ok((EndOfStream(stream), StreamHandles { terms, handles })))
            }
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Take the other end of a stream.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn attach_stream(&self, offer: &StreamHandles) -> Outcome<EndOfStream> {
        self.try_attach_stream(offer)?.map_err(|problem| self.refused(&problem))
    }

    /// Try to take the other end.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_attach_stream(&self, offer: &StreamHandles) -> Outcome<Result<EndOfStream, Problem>> {
        let kept = self.keep(&offer.handles)?;
        let handles = <[super::Handle; 4]>::try_from(kept).map_err(|_| Stop::Fail("a stream has four handles".into()))?;
        let stream = self.context.number(self.seat);
        let request = StreamRequest::Attach { stream, terms: offer.terms, handles: handles.map(|handle| handle.0) };
        match self.try_ask(&Request::Stream(request), &[])? {
            Ok((Reply::Done, _)) => Ok(Ok(EndOfStream(stream))),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// Attaching has to be refused with one of these codes.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it succeeds or is refused for another reason.
    pub fn stream_is_refused(&self, offer: &StreamHandles, codes: &[Code]) -> Outcome {
        match self.try_attach_stream(offer)? {
            Ok(_) => Err(Stop::Fail(format!("{} attached at {}, expected a refusal", self.role(), self.context.last_step()))),
            Err(problem) => self.expect_code(&problem, codes),
        }
    }

    /// A stream to another peer, which attaches to it.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn stream_to(&self, other: &Self, capacity: u64) -> Outcome<(EndOfStream, EndOfStream)> {
        let (here, offer) = self.create_stream(capacity)?;
        Ok((here, other.attach_stream(&offer)?))
    }

    /// Let waits of this stream end with another peer's death.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn watch_stream(&self, stream: EndOfStream, other: &Self) -> Outcome {
        let process = other.make(Object::ThisProcess)?;
        let process = other.hand_over(process, self)?;
        self.must_do(&Request::Stream(StreamRequest::Watch { stream: stream.0, process: process.0 }))
    }

    /// As [`Party::sleep_soundly`].
    ///
    /// # Errors
    /// [`Stop`].
    pub fn sleep_soundly_in(&self, stream: EndOfStream) -> Outcome {
        self.must_do(&Request::Stream(StreamRequest::Patience { stream: stream.0, spin: 0, park: None }))
    }

    /// Write, and say how far that went.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn try_write(&self, stream: EndOfStream, payload: Payload, manner: WriteManner, within: u64) -> Outcome<Partly<usize>> {
        let request = StreamRequest::Write { stream: stream.0, payload, manner, within };
        self.written(self.try_ask(&Request::Stream(request), &[])?.map(|(reply, _)| reply))
    }

    /// Begin to write all.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_write(&self, stream: EndOfStream, payload: Payload, within: u64) -> Outcome<Begun<'context, 'run>> {
        let manner = WriteManner::All;
        self.begin(Request::Stream(StreamRequest::Write { stream: stream.0, payload, manner, within }))
    }

    /// What became of a write that was begun.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_write(&self, begun: Begun<'_, '_>) -> Outcome<Partly<usize>> {
        self.written(begun.finish()?)
    }

    fn written(&self, answer: Result<Reply, Problem>) -> Outcome<Partly<usize>> {
        match answer.map_err(|problem| self.refused(&problem))? {
            Reply::Stream(StreamReply::Written { bytes, stopped }) => Ok((bytes, stopped)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// All of it has to be written.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn write_all(&self, stream: EndOfStream, payload: Payload) -> Outcome {
        let written = self.try_write(stream, payload, WriteManner::All, self.context.within())?;
        self.expect_written(written, payload.len)
    }

    pub(crate) fn expect_written(&self, written: Partly<usize>, len: usize) -> Outcome {
        let (bytes, stopped) = written;
        require(bytes == len && stopped.is_none(), || {
            format!("{} wrote {bytes} of {len} bytes at {}: {}", self.role(), self.context.last_step(), text(stopped))
        })
    }

    /// Read, and say how far that went.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn try_read(&self, stream: EndOfStream, len: usize, manner: ReadManner, within: u64) -> Outcome<Partly<Digested>> {
        let request = StreamRequest::Read { stream: stream.0, len, manner, within };
        self.read(self.try_ask(&Request::Stream(request), &[])?.map(|(reply, _)| reply))
    }

    /// Begin to read.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn begin_read(
        &self,
        stream: EndOfStream,
        len: usize,
        manner: ReadManner,
        within: u64,
    ) -> Outcome<Begun<'context, 'run>> {
        self.begin(Request::Stream(StreamRequest::Read { stream: stream.0, len, manner, within }))
    }

    /// What became of a read that was begun.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish_read(&self, begun: Begun<'_, '_>) -> Outcome<Partly<Digested>> {
        self.read(begun.finish()?)
    }

    fn read(&self, answer: Result<Reply, Problem>) -> Outcome<Partly<Digested>> {
        match answer.map_err(|problem| self.refused(&problem))? {
            Reply::Stream(StreamReply::Read { bytes, stopped }) => Ok((bytes, stopped)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Exactly these bytes have to come.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn read_exactly(&self, stream: EndOfStream, expected: &[u8]) -> Outcome {
        let read = self.try_read(stream, expected.len(), ReadManner::Exact, self.context.within())?;
        self.expect_read(read, expected)
    }

    pub(crate) fn expect_read(&self, read: Partly<Digested>, expected: &[u8]) -> Outcome {
        let (came, stopped) = read;
        require(came == Digested::of(expected) && stopped.is_none(), || {
            let (role, step) = (self.role(), self.context.last_step());
            let what = if came.len == expected.len() { "other bytes" } else { "another number of bytes" };
            format!("{role} read {} of {} bytes at {step}, {what}: {}", came.len, expected.len(), text(stopped))
        })
    }

    /// The end of the stream has to come, and nothing else.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn reads_end(&self, stream: EndOfStream) -> Outcome {
        let read = self.try_read(stream, 16, ReadManner::Some, self.context.within())?;
        self.expect_read(read, &[])
    }

    /// Reading has to end with one of these codes, before any byte.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn read_ends_with(&self, stream: EndOfStream, within: u64, codes: &[Code]) -> Outcome {
        let (came, stopped) = self.try_read(stream, 16, ReadManner::Some, within)?;
        self.expect_end(came.len, stopped, codes)
    }

    /// Writing has to end with one of these codes, before any byte.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn write_ends_with(&self, stream: EndOfStream, payload: Payload, within: u64, codes: &[Code]) -> Outcome {
        let (bytes, stopped) = self.try_write(stream, payload, WriteManner::Some, within)?;
        self.expect_end(bytes, stopped, codes)
    }

    /// End one direction.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn half_close(&self, stream: EndOfStream, direction: Direction) -> Outcome {
        self.must_do(&Request::Stream(StreamRequest::HalfClose { stream: stream.0, direction }))
    }

    /// Leave streams.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn close_streams(&self, streams: &[EndOfStream]) -> Outcome {
        let streams = streams.iter().map(|stream| stream.0).collect();
        self.must_do(&Request::Stream(StreamRequest::Close { streams }))
    }
}
