//! Answering requests, one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use gpushare::channel::Limits;
use gpushare::descriptor::DescriptorFields;
use gpushare::{Channel, ChannelError, Deadline, OwnedHandle};

use crate::backend::{Backend, MessageChannel};
use crate::peer::copies::{self, Copied};
use crate::peer::frames;
use crate::peer::handles::Handles;
use crate::peer::rings::Rings;
use crate::peer::streams::Streams;
use crate::peer::sync;
use crate::protocol::{Code, HandleSource, Id, ImportManner, Numbered, Problem, Reply, Request, VERSION, digest};
use crate::sys;

/// All that a peer holds.
pub(super) struct Server {
    backend: Box<dyn Backend>,
    handles: Handles,
    channels: BTreeMap<Id, Box<dyn MessageChannel>>,
    rings: Rings,
    streams: Streams,
    /// Something was done that a copy would do a second time, or share.
    used: bool,
}

/// Why serving came to its end.
pub(super) enum Served {
    /// The orchestrator closed the channel.
    Ended,
    /// This process is a copy, and serves over this channel.
    Copied(OwnedHandle),
}

/// A reply, and the handles beside it.
type Answer = Result<(Reply, Vec<OwnedHandle>), Problem>;

impl Server {
    pub(super) fn new(backend: Box<dyn Backend>) -> Self {
        let (rings, streams) = (Rings::default(), Streams::default());
        Self { backend, handles: Handles::default(), channels: BTreeMap::new(), rings, streams, used: false }
    }

    /// Serve until the orchestrator closes the channel, or this process is another one.
    pub(super) fn serve(&mut self, channel: &mut Channel, deadline: Deadline) -> Result<Served, String> {
        loop {
            let (bytes, handles) = match channel.receive(deadline) {
                Ok(message) => (message.bytes, Ok(message.handles)),
                Err(ChannelError::Closed) => return Ok(Served::Ended),
                Err(ChannelError::HandlesLost { arrived, bytes }) => {
                    (bytes, Err(ChannelError::HandlesLost { arrived, bytes: Vec::new() }.into()))
                }
                Err(error) => return Err(error.to_string()),
            };
            let request: Numbered<Request> =
                serde_json::from_slice(&bytes).map_err(|error| format!("a request that is none: {error}"))?;
            let answer = match (request.body, handles) {
                (Request::Copy { .. }, Ok(_)) if self.used => {
                    Err(Problem::new(Code::Request, "a peer that was asked for something else cannot be copied"))
                }
                (Request::Copy { ended }, Ok(handles)) => match copies::copy(&ended, handles) {
                    Ok(Copied::Copy(own)) => return Ok(Served::Copied(own)),
                    Ok(Copied::Original(pid)) => Ok((Reply::Copied { pid }, Vec::new())),
                    Err(problem) => Err(problem),
                },
                (other, handles) => handles.and_then(|handles| self.answer(other, handles)),
            };
            let (body, handles) = answer.unwrap_or_else(|problem| (Reply::Refused(problem), Vec::new()));
            let reply = Numbered { id: request.id, body };
            let bytes = serde_json::to_vec(&reply).map_err(|error| error.to_string())?;
            channel.send(&bytes, &handles.iter().collect::<Vec<_>>(), deadline).map_err(|error| error.to_string())?;
        }
    }

    fn answer(&mut self, request: Request, beside: Vec<OwnedHandle>) -> Answer {
        self.used |= !matches!(request, Request::Hello { .. } | Request::Load { .. });
        if let Request::Keep { handles } = request {
            return done(self.handles.keep(&handles, beside));
        }
        if !beside.is_empty() {
            return Err(Problem::new(Code::Request, format!("{} handles beside a request that takes none", beside.len())));
        }
        match request {
            Request::Give { handles } => self.handles.take(&handles).map(|given| (Reply::Done, given)),
            Request::OpenChannel { .. }
            | Request::Send { .. }
            | Request::Receive { .. }
            | Request::SendTextures { .. }
            | Request::ReceiveTextures { .. } => self.on_channel(request),
            other => self.without_handles(other).map(|reply| (reply, Vec::new())),
        }
    }

    fn without_handles(&mut self, request: Request) -> Result<Reply, Problem> {
        match request {
            Request::Hello { protocol } => Ok(self.hello(protocol)),
            Request::Probe => self.backend.probe().map(Reply::Devices),
            Request::Open { device } => self.backend.open(device).map(Reply::Opened),
            Request::Reopen { device } => self.backend.reopen(device).map(Reply::Opened),
            Request::Create { textures, spec } => self.backend.create(&textures, &spec).map(|()| Reply::Done),
            Request::Fill { texture, pattern, only } => self.backend.fill(texture, pattern, only).map(|()| Reply::Done),
            Request::Verify { texture, pattern, only } => {
                Ok(self.backend.verify(texture, pattern, only)?.map_or(Reply::Done, Reply::Mismatch))
            }
            Request::Export { texture, handle, guarded } => {
                let (descriptor, exported) = self.backend.export(texture, guarded)?;
                self.handles.keep(&[handle], vec![exported])?;
                Ok(Reply::Exported(Box::new(descriptor)))
            }
            Request::Import { texture, descriptor, handle, manner } => {
                self.import(texture, &descriptor, handle, manner).map(|()| Reply::Done)
            }
            Request::Free { textures } => textures.into_iter().try_for_each(|id| self.backend.free(id)).map(|()| Reply::Done),
            Request::Duplicate { handle, into, call } => self.handles.duplicate(handle, into, call).map(|()| Reply::Done),
            Request::Make { handle, object } => self.handles.make(handle, object).map(|()| Reply::Done),
            Request::Close { handles } => self.handles.take(&handles).map(|closed| {
                drop(closed);
                Reply::Done
            }),
            Request::Inspect { handle } => self.handles.inspect(handle).map(Reply::Handle),
            Request::Exec => sys::exec_and_list().map(Reply::Inherited).map_err(|error| system("starting a program", error)),
            Request::LimitDescriptors { spare } => {
                sys::limit_descriptors(spare).map(|()| Reply::Done).map_err(|error| system("setting RLIMIT_NOFILE", error))
            }
            Request::LimitMemory { bytes } => {
                sys::limit_memory(bytes).map(|()| Reply::Done).map_err(|error| system("setting RLIMIT_FSIZE", error))
            }
            Request::HeapUsage => Ok(Reply::HeapUsage(self.backend.heap_usage())),
            Request::CloseChannels { channels } => self.close_channels(&channels).map(|()| Reply::Done),
            Request::Semaphore(request) => sync::semaphore(request, self.backend.sync()?, &mut self.handles),
            Request::Timeline(request) => sync::timeline(request, self.backend.sync()?, &mut self.handles),
            Request::Fence(request) => sync::fence(request, self.backend.sync()?, &mut self.handles),
            Request::Gate { open } => self.backend.sync()?.gate(open).map(|()| Reply::Done),
            Request::Sequence(requests) => {
                requests.into_iter().try_fold(Reply::Done, |_, request| self.without_handles(request))
            }
            Request::Ring(request) => self.rings.answer(request, self.backend.as_mut(), &mut self.handles),
            Request::Stream(request) => self.streams.answer(request, self.backend.as_mut(), &mut self.handles),
            Request::Frames(request) => frames::answer(request, self.backend.frames()?, &mut self.handles),
            Request::Reset => {
                self.backend.reset();
                self.handles.clear();
                self.channels.clear();
                self.rings.clear();
                self.streams.clear();
                let restored = sys::limit_descriptors(None).and_then(|()| sys::limit_memory(None));
                restored.map(|()| Reply::Done).map_err(|error| system("restoring limits", error))
            }
            Request::Exit { status } => std::process::exit(status),
            Request::Load { library } => copies::load(&library).map(|()| Reply::Done),
            Request::Copy { .. }
            | Request::Keep { .. }
            | Request::Give { .. }
            | Request::OpenChannel { .. }
            | Request::Send { .. }
            | Request::Receive { .. }
            | Request::SendTextures { .. }
            | Request::ReceiveTextures { .. } => Err(Problem::new(Code::Request, "a request with handles where none can be")),
        }
    }

    fn hello(&self, protocol: u32) -> Reply {
        // The orchestrator compares; a peer answers with what it speaks.
        let _ = protocol;
        Reply::Hello { protocol: VERSION, backend: self.backend.name().into() }
    }

    fn import(
        &mut self,
        texture: Id,
        descriptor: &DescriptorFields,
        source: HandleSource,
        manner: ImportManner,
    ) -> Result<(), Problem> {
        let Self { backend, handles, .. } = self;
        sync::import(handles, source, |handle| backend.import(texture, descriptor, handle, manner))
    }

    fn close_channels(&mut self, channels: &[Id]) -> Result<(), Problem> {
        channels.iter().try_for_each(|id| find(&mut self.channels, *id).map(drop))?;
        self.channels.retain(|id, _| !channels.contains(id));
        Ok(())
    }

    fn on_channel(&mut self, request: Request) -> Answer {
        match request {
            Request::OpenChannel { handle, channel, message_bytes, handles } => {
                let mut taken = self.handles.take(&[handle])?;
                let socket = taken.pop().ok_or_else(|| Problem::new(Code::Request, "no handle"))?;
                let opened = self.backend.open_channel(socket, Limits { message_bytes, handles })?;
                self.channels.insert(channel, opened);
                Ok((Reply::Done, Vec::new()))
            }
            Request::Send { channel, payload, handles, within } => {
                let beside = self.handles.borrow(&handles)?;
                let channel = find(&mut self.channels, channel)?;
                done(channel.send(&payload.bytes(), &beside, deadline(within)).map_err(Problem::from))
            }
            Request::Receive { channel, handles, within } => {
                let message = find(&mut self.channels, channel)?.receive(deadline(within))?;
                let count = u32::try_from(message.handles.len()).unwrap_or(u32::MAX);
                let close_on_exec = message.handles.iter().all(sys::is_close_on_exec);
                let ids: Vec<Id> = (handles..handles.saturating_add(count)).collect();
                self.handles.keep(&ids, message.handles)?;
                let (len, digest) = (message.bytes.len(), digest(&message.bytes));
                Ok((Reply::Received { len, digest, handles: count, close_on_exec }, Vec::new()))
            }
            Request::SendTextures { channel, textures, within } => {
                let batch = self.backend.export_batch(&textures)?;
                let (bytes, handles) = batch.message();
                let channel = find(&mut self.channels, channel)?;
                done(channel.send(&bytes, &handles, deadline(within)).map_err(Problem::from))
            }
            Request::ReceiveTextures { channel, textures, within } => {
                let message = find(&mut self.channels, channel)?.receive(deadline(within))?;
                done(self.backend.import_batch(&textures, message))
            }
            _ => Err(Problem::new(Code::Request, "not a request for a channel")),
        }
    }
}

fn find(channels: &mut BTreeMap<Id, Box<dyn MessageChannel>>, channel: Id) -> Result<&mut Box<dyn MessageChannel>, Problem> {
    channels.get_mut(&channel).ok_or_else(|| Problem::new(Code::Request, format!("no channel {channel}")))
}

fn deadline(within: u64) -> Deadline {
    Deadline::after(Duration::from_millis(within))
}

fn done(outcome: Result<(), Problem>) -> Answer {
    outcome.map(|()| (Reply::Done, Vec::new()))
}

fn system(what: &str, error: std::io::Error) -> Problem {
    Problem::new(Code::System, format!("{what}: {error}"))
}
