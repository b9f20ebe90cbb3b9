//! One end of a stream, as a peer drives it; this library's own.

use std::io::{IoSlice, IoSliceMut};

use gpushare::{Deadline, OwnedHandle, Patience, Stream, StreamError};

use super::ring::watched;
use crate::protocol::Problem;
use crate::protocol::stream::{Direction, ReadManner, WriteManner};

/// One end of a stream of a sharing library.
pub trait StreamEnd {
    /// Write. The answer: how many bytes, and what stopped it, if something did.
    fn write(&mut self, bytes: &[u8], manner: &WriteManner, deadline: Deadline) -> (usize, Option<Problem>);

    /// Read `len` bytes at most, likewise. Nothing and no problem is the end of the stream.
    fn read(&mut self, len: usize, manner: &ReadManner, deadline: Deadline) -> (Vec<u8>, Option<Problem>);

    /// End one direction.
    fn half_close(&mut self, direction: Direction);

    /// Waits end with the process that the handle stands for.
    ///
    /// # Errors
    /// A [`Problem`] where it stands for something else.
    fn watch(&mut self, process: OwnedHandle) -> Result<(), Problem>;

    /// How waits wait.
    fn set_patience(&mut self, patience: Patience);
}

impl StreamEnd for Stream {
    fn write(&mut self, bytes: &[u8], manner: &WriteManner, deadline: Deadline) -> (usize, Option<Problem>) {
        let mut written = 0;
        loop {
            let left = &bytes[written..];
            let outcome = match manner {
                WriteManner::Some | WriteManner::All => self.write_by(left, deadline),
                WriteManner::Vectored { buffers } => {
                    let mut rest = left;
                    let mut slices = Vec::new();
                    for len in buffers {
                        let (buffer, behind) = rest.split_at((*len).min(rest.len()));
                        slices.push(IoSlice::new(buffer));
                        rest = behind;
                    }
                    slices.push(IoSlice::new(rest));
                    self.write_vectored_by(&slices, deadline)
                }
            };
            match outcome {
                Ok(count) => written += count,
                Err(error) => return (written, Some(error.into())),
            }
            if *manner != WriteManner::All || written == bytes.len() {
                return (written, None);
            }
        }
    }

    fn read(&mut self, len: usize, manner: &ReadManner, deadline: Deadline) -> (Vec<u8>, Option<Problem>) {
        let mut bytes = vec![0; len];
        let (count, stopped) = match manner {
            ReadManner::Some => split(self.read_by(&mut bytes, deadline)),
            ReadManner::Exact => read_exact(self, &mut bytes, deadline),
            ReadManner::Vectored { buffers } => {
                let mut rest = bytes.as_mut_slice();
                let mut slices = Vec::new();
                for len in buffers {
                    let most = (*len).min(rest.len());
                    let (buffer, behind) = rest.split_at_mut(most);
                    slices.push(IoSliceMut::new(buffer));
                    rest = behind;
                }
                slices.push(IoSliceMut::new(rest));
                split(self.read_vectored_by(&mut slices, deadline))
            }
        };
        bytes.truncate(count);
        (bytes, stopped)
    }

    fn half_close(&mut self, direction: Direction) {
        match direction {
            Direction::Reading => self.close_read(),
            Direction::Writing => self.close_write(),
        }
    }

    fn watch(&mut self, process: OwnedHandle) -> Result<(), Problem> {
        Self::watch(self, &watched(process)?);
        Ok(())
    }

    fn set_patience(&mut self, patience: Patience) {
        Self::set_patience(self, patience);
    }
}

fn split(outcome: Result<usize, StreamError>) -> (usize, Option<Problem>) {
    outcome.map_or_else(|error| (0, Some(error.into())), |count| (count, None))
}

/// What came before the end is told; of another error only that it was one.
fn read_exact(stream: &mut Stream, bytes: &mut [u8], deadline: Deadline) -> (usize, Option<Problem>) {
    match stream.read_exact_by(bytes, deadline) {
        Ok(()) => (bytes.len(), None),
        Err(error) => {
            let filled = if let StreamError::Ended { filled, .. } = error { filled } else { 0 };
            (filled, Some(error.into()))
        }
    }
}
