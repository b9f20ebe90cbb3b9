//! One end of a stream, broken on purpose in one way.

use gpushare::{Deadline, OwnedHandle, Patience, StreamOffer};
use gpushare_harness::backend::StreamEnd;
use gpushare_harness::protocol::stream::{Direction, ReadManner, WriteManner};
use gpushare_harness::protocol::{Code, Problem};

use crate::{fault, faulty_ring};

pub(crate) struct FaultyStream {
    inner: Option<Box<dyn StreamEnd>>,
    corrupt: bool,
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        if fault::is("stream_never_closed") {
            std::mem::forget(self.inner.take());
        }
    }
}

pub(crate) fn created(inner: Box<dyn StreamEnd>, offer: StreamOffer) -> Result<(Box<dyn StreamEnd>, StreamOffer), Problem> {
    let (terms, handles) = offer.into_parts();
    if fault::is("stream_handles_leak") {
        let copy = handles[0].try_clone().map_err(|error| Problem::new(Code::System, error.to_string()))?;
        std::mem::forget(copy);
    }
    Ok((attached(inner), StreamOffer::from_parts(terms, handles)))
}

pub(crate) fn attached(mut inner: Box<dyn StreamEnd>) -> Box<dyn StreamEnd> {
    if fault::is("stream_attaching_empties") {
        inner.read(1 << 16, &ReadManner::Some, Deadline::after(std::time::Duration::ZERO));
    }
    Box::new(FaultyStream { inner: Some(inner), corrupt: false })
}

impl FaultyStream {
    fn inner(&mut self) -> &mut dyn StreamEnd {
        self.inner.as_mut().expect("it is taken out only when dropped").as_mut()
    }

    fn stopped(&mut self, stopped: Option<Problem>) -> Option<Problem> {
        let problem = stopped?;
        self.corrupt |= problem.code == Code::RingCorrupt;
        let is_end = match problem.code {
            Code::RingPeerGone => fault::is("stream_death_is_end"),
            Code::RingCorrupt => fault::is("stream_corruption_is_end"),
            Code::RingTimedOut => fault::is("stream_timeout_is_end"),
            Code::StreamEnded => fault::is("stream_early_end_is_fine"),
            Code::StreamClosedHere => fault::is("stream_closed_here_is_fine"),
            _ => false,
        };
        (!is_end && !fault::is("stream_errors_swallowed")).then(|| faulty_ring::told(problem))
    }
}

impl StreamEnd for FaultyStream {
    fn write(&mut self, bytes: &[u8], manner: &WriteManner, deadline: Deadline) -> (usize, Option<Problem>) {
        if self.corrupt && fault::is("stream_corruption_spreads") {
            return (0, Some(Problem::new(Code::RingCorrupt, "the other direction is")));
        }
        let mut written = bytes.to_vec();
        if fault::is("stream_last_byte_changed")
            && let Some(last) = written.last_mut()
        {
            *last ^= 1;
        }
        let manner = if fault::is("stream_first_buffer_only") { first_buffer(manner, &mut written) } else { manner.clone() };
        let (count, stopped) = self.inner().write(&written, &manner, deadline);
        let stopped = self.stopped(stopped);
        if fault::is("stream_writes_claim_all") { (bytes.len(), stopped) } else { (count, stopped) }
    }

    fn read(&mut self, len: usize, manner: &ReadManner, deadline: Deadline) -> (Vec<u8>, Option<Problem>) {
        if fault::is("stream_empty_buffer_waits") && len == 0 {
            return (Vec::new(), Some(Problem::new(Code::RingTimedOut, "nothing came")));
        }
        let (mut bytes, stopped) = self.inner().read(len, manner, deadline);
        if fault::is("stream_reads_drop_tail") {
            bytes.truncate(bytes.len() / 2);
        }
        if fault::is("stream_buffers_swapped")
            && let ReadManner::Vectored { buffers } = manner
        {
            let first = buffers.first().copied().unwrap_or(0).min(bytes.len());
            bytes.rotate_left(first);
        }
        if fault::is("stream_end_drops_bytes") && len != 0 && self.inner().read(1, &ReadManner::Some, now()) == (vec![], None) {
            bytes.clear();
        }
        let stopped = self.stopped(stopped);
        if fault::is("stream_end_is_told_once") && bytes.is_empty() && stopped.is_none() && len != 0 {
            return (bytes, Some(Problem::new(Code::RingPeerGone, "the end was told as a death")));
        }
        (bytes, stopped)
    }

    fn half_close(&mut self, direction: Direction) {
        if fault::is("stream_half_close_is_whole") {
            self.inner().half_close(Direction::Reading);
            self.inner().half_close(Direction::Writing);
        } else if !fault::is("stream_half_close_is_none") {
            self.inner().half_close(direction);
        }
    }

    fn watch(&mut self, process: OwnedHandle) -> Result<(), Problem> {
        self.inner().watch(process)
    }

    fn set_patience(&mut self, patience: Patience) {
        self.inner().set_patience(patience);
    }
}

/// As a library whose vectored write is a write of the first buffer.
fn first_buffer(manner: &WriteManner, bytes: &mut Vec<u8>) -> WriteManner {
    if let WriteManner::Vectored { buffers } = manner {
        bytes.truncate(buffers.first().copied().unwrap_or(0));
        return WriteManner::Some;
    }
    manner.clone()
}

fn now() -> Deadline {
    Deadline::after(std::time::Duration::ZERO)
}
