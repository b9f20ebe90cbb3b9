//! Steps with handles and channels.

use gpushare::OwnedHandle;
use gpushare_harness::protocol::{
    Code, DuplicateCall, HandleReport, InheritedDescriptor, Object, Payload, Problem, Reply, Request, digest,
};

use crate::case::{Outcome, Stop};
use crate::context::{Handle, Party};

/// A channel of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerChannel(u32);

impl PeerChannel {
    pub(super) const fn number(self) -> u32 {
        self.0
    }
}

/// What a peer received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The handles, in order.
    pub handles: Vec<Handle>,
    /// Whether each is close-on-exec.
    pub close_on_exec: bool,
}

impl Party<'_, '_> {
    /// Move a handle to another peer, through the orchestrator.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn hand_over(&self, handle: Handle, to: &Self) -> Outcome<Handle> {
        let mut moved = self.hand_over_all(&[handle], to)?;
        moved.pop().ok_or_else(|| Stop::Fail("a handle was lost on the way".into()))
    }

    /// Move handles to another peer, all beside one message.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn hand_over_all(&self, handles: &[Handle], to: &Self) -> Outcome<Vec<Handle>> {
        let given = self.give(handles)?;
        to.keep(&given)
    }

    /// Take handles out of the peer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn give(&self, handles: &[Handle]) -> Outcome<Vec<OwnedHandle>> {
        let request = Request::Give { handles: handles.iter().map(|handle| handle.0).collect() };
        let (_, given) = self.try_ask(&request, &[])?.map_err(|problem| self.refused(&problem))?;
        if given.len() != handles.len() {
            return Err(Stop::Fail(format!("{} gave {} handles of {}", self.role(), given.len(), handles.len())));
        }
        Ok(given)
    }

    /// Put duplicates of handles into the peer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn keep(&self, given: &[OwnedHandle]) -> Outcome<Vec<Handle>> {
        let handles: Vec<_> = given.iter().map(|_| Handle(self.context.number(self.seat))).collect();
        let request = Request::Keep { handles: handles.iter().map(|handle| handle.0).collect() };
        self.try_ask(&request, &given.iter().collect::<Vec<_>>())?.map_err(|problem| self.refused(&problem))?;
        Ok(handles)
    }

    /// A second handle to the same object.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn duplicate(&self, handle: Handle, call: DuplicateCall) -> Outcome<Handle> {
        let into = Handle(self.context.number(self.seat));
        self.must_do(&Request::Duplicate { handle: handle.0, into: into.0, call })?;
        Ok(into)
    }

    /// A handle of some kind.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn make(&self, object: Object) -> Outcome<Handle> {
        let handle = Handle(self.context.number(self.seat));
        self.must_do(&Request::Make { handle: handle.0, object })?;
        Ok(handle)
    }

    /// Close handles.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn close(&self, handles: impl IntoIterator<Item = Handle>) -> Outcome {
        self.must_do(&Request::Close { handles: handles.into_iter().map(|handle| handle.0).collect() })
    }

    /// Look at a handle.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn inspect(&self, handle: Handle) -> Outcome<HandleReport> {
        self.try_inspect(handle)?.map_err(|problem| self.refused(&problem))
    }

    /// Look at a handle that may have been closed behind the peer's back.
    ///
    /// # Errors
    /// [`Stop`] for anything but the system's refusal.
    pub fn try_inspect(&self, handle: Handle) -> Outcome<Result<HandleReport, Problem>> {
        match self.try_ask(&Request::Inspect { handle: handle.0 }, &[])? {
            Ok((Reply::Handle(report), _)) => Ok(Ok(report)),
            Ok((other, _)) => Err(self.unexpected(&other)),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// What a program inherits that the peer starts by `execve`.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn exec(&self) -> Outcome<Vec<InheritedDescriptor>> {
        match self.must(&Request::Exec)? {
            Reply::Inherited(list) => Ok(list),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Allow the peer so many more descriptors; `None`: as many as at its start.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn limit_descriptors(&self, spare: Option<u64>) -> Outcome {
        self.must_do(&Request::LimitDescriptors { spare })
    }

    /// Give the peer one end of a connection, as a channel with limits.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn open_channel(&self, end: OwnedHandle, message_bytes: usize, handles: usize) -> Outcome<PeerChannel> {
        let kept = self.keep(&[end])?;
        let channel = PeerChannel(self.context.number(self.seat));
        let handle = kept.first().map_or(0, |handle| handle.0);
        self.must_do(&Request::OpenChannel { handle, channel: channel.0, message_bytes, handles })?;
        Ok(channel)
    }

    /// Leave channels.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn close_channels(&self, channels: &[PeerChannel]) -> Outcome {
        self.must_do(&Request::CloseChannels { channels: channels.iter().map(|channel| channel.0).collect() })
    }

    /// Send over a channel.
    ///
    /// # Errors
    /// [`Stop`] for anything but a refusal.
    pub fn try_send(
        &self,
        over: PeerChannel,
        payload: Payload,
        handles: &[Handle],
        within: u64,
    ) -> Outcome<Result<(), Problem>> {
        let handles = handles.iter().map(|handle| handle.0).collect();
        Ok(self.try_ask(&Request::Send { channel: over.0, payload, handles, within }, &[])?.map(drop))
    }

    /// Send over a channel, which has to work.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn send(&self, over: PeerChannel, payload: Payload, handles: &[Handle]) -> Outcome {
        self.try_send(over, payload, handles, self.context.within())?.map_err(|problem| self.refused(&problem))
    }

    /// Receive from a channel: the payload has to arrive whole, with so many handles.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn receive(&self, from: PeerChannel, payload: Payload, handles: usize) -> Outcome<Arrived> {
        let expected = (payload.len, digest(&payload.bytes()), handles);
        let first = self.context.number(self.seat);
        match self.must(&Request::Receive { channel: from.0, handles: first, within: self.context.within() })? {
            Reply::Received { len, digest, handles, close_on_exec } if (len, digest, handles as usize) == expected => {
                let numbers = std::iter::once(first).chain((1..handles).map(|_| self.context.number(self.seat)));
                let handles = numbers.take(handles as usize).map(Handle).collect();
                Ok(Arrived { handles, close_on_exec })
            }
            Reply::Received { len, digest, handles, .. } => {
                let found = (len, digest, handles);
                Err(Stop::Fail(format!("{} received (bytes, digest, handles) {found:?}, expected {expected:?}", self.role())))
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Receiving has to fail with one of these codes.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it succeeds or fails for another reason.
    pub fn receive_is_refused(&self, from: PeerChannel, within: u64, codes: &[Code]) -> Outcome<Problem> {
        let first = self.context.number(self.seat);
        match self.try_ask(&Request::Receive { channel: from.0, handles: first, within }, &[])? {
            Err(problem) if codes.contains(&problem.code) => Ok(problem),
            Err(Problem { code, message, .. }) => {
                Err(Stop::Fail(format!("{} failed to receive as {code:?} ({message}), expected {codes:?}", self.role())))
            }
            Ok((reply, _)) => Err(Stop::Fail(format!("{} received {reply:?}, expected {codes:?}", self.role()))),
        }
    }
}
