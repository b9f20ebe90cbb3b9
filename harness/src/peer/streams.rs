//! The streams that a peer has an end of, by number.

use std::collections::BTreeMap;

use gpushare::StreamOffer;

use crate::backend::{Backend, StreamEnd};
use crate::peer::handles::Handles;
use crate::peer::rings::{deadline, patience};
use crate::protocol::ring::Digested;
use crate::protocol::stream::{StreamReply, StreamRequest};
use crate::protocol::{Code, Id, Problem, Reply};

/// Ends of streams by number.
#[derive(Default)]
pub(super) struct Streams(BTreeMap<Id, Box<dyn StreamEnd>>);

impl Streams {
    pub(super) fn answer(
        &mut self,
        request: StreamRequest,
        backend: &mut dyn Backend,
        handles: &mut Handles,
    ) -> Result<Reply, Problem> {
        match request {
            StreamRequest::Create { stream, capacity, handles: ids } => {
                self.check_free(stream)?;
                let (end, offer) = backend.create_stream(capacity)?;
                let (terms, offered) = offer.into_parts();
                handles.keep(&ids, offered)?;
                self.0.insert(stream, end);
                Ok(Reply::Stream(StreamReply::Offered(terms)))
            }
            StreamRequest::Attach { stream, terms, handles: ids } => {
                self.check_free(stream)?;
                let offer = StreamOffer::from_parts(terms, handles.take_exactly(ids)?.into());
                self.0.insert(stream, backend.attach_stream(offer)?);
                Ok(Reply::Done)
            }
            StreamRequest::Watch { stream, process } => {
                let [process] = handles.take_exactly([process])?;
                self.get(stream)?.watch(process).map(|()| Reply::Done)
            }
            StreamRequest::Patience { stream, spin, park } => {
                self.get(stream)?.set_patience(patience(spin, park));
                Ok(Reply::Done)
            }
            StreamRequest::Write { stream, payload, manner, within } => {
                let (bytes, stopped) = self.get(stream)?.write(&payload.bytes(), &manner, deadline(within));
                Ok(Reply::Stream(StreamReply::Written { bytes, stopped }))
            }
            StreamRequest::Read { stream, len, manner, within } => {
                let (bytes, stopped) = self.get(stream)?.read(len, &manner, deadline(within));
                Ok(Reply::Stream(StreamReply::Read { bytes: Digested::of(&bytes), stopped }))
            }
            StreamRequest::HalfClose { stream, direction } => {
                self.get(stream)?.half_close(direction);
                Ok(Reply::Done)
            }
            StreamRequest::Close { streams } => {
                if let Some(missing) = streams.iter().find(|id| !self.0.contains_key(id)) {
                    return Err(unknown(*missing));
                }
                self.0.retain(|id, _| !streams.contains(id));
                Ok(Reply::Done)
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn check_free(&self, stream: Id) -> Result<(), Problem> {
        if self.0.contains_key(&stream) {
            return Err(Problem::new(Code::Request, format!("stream {stream} exists already")));
        }
        Ok(())
    }

    fn get(&mut self, stream: Id) -> Result<&mut Box<dyn StreamEnd>, Problem> {
        self.0.get_mut(&stream).ok_or_else(|| unknown(stream))
    }
}

fn unknown(stream: Id) -> Problem {
    Problem::new(Code::Request, format!("no stream {stream}"))
}
