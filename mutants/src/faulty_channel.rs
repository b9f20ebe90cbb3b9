//! A channel, broken on purpose in one way.

use std::collections::VecDeque;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use gpushare::channel::Limits;
use gpushare::{Channel, ChannelError, Deadline, Message, OwnedHandle};
use gpushare_harness::backend::MessageChannel;
use gpushare_harness::protocol::Problem;

use crate::fault;

pub(crate) struct FaultyChannel {
    inner: Channel,
    limits: Limits,
    held: VecDeque<Message>,
    timed_out: bool,
}

impl FaultyChannel {
    pub(crate) fn open(handle: OwnedHandle, limits: Limits) -> Result<Self, Problem> {
        let inner = Channel::from_handle(handle).map_err(|(_, error)| Problem::from(error))?;
        Ok(Self { inner: inner.with_limits(limits), limits, held: VecDeque::new(), timed_out: false })
    }

    fn receive_one(&mut self, deadline: Deadline) -> Result<Message, ChannelError> {
        let received = self.inner.receive(deadline);
        match received {
            Err(ChannelError::TimedOut) if fault::is("silence_is_close") => Err(ChannelError::Closed),
            Err(ChannelError::TimedOut) => {
                self.timed_out = true;
                Err(ChannelError::TimedOut)
            }
            Err(ChannelError::Closed) if fault::is("close_is_silence") => Err(ChannelError::TimedOut),
            Err(
                error @ (ChannelError::HandleCount { .. } | ChannelError::HandlesLost { .. } | ChannelError::TooLarge { .. }),
            ) if fault::is("excess_handles_leak") => {
                // The inner channel has closed those that came: this one stands for them.
                std::mem::forget(File::open("/dev/null"));
                Err(error)
            }
            Err(error) if fault::is("errors_are_messages") && !matches!(error, ChannelError::Closed) => Ok(Message::default()),
            other => other,
        }
    }
}

/// Put `/dev/null` in the place of a descriptor that somebody else owns.
#[expect(unsafe_code, reason = "the fault is to touch what belongs to the caller")]
fn replace(handle: &OwnedHandle) {
    let null = File::open("/dev/null").expect("/dev/null");
    // SAFETY: the second owner of the number is never dropped; the true one closes it.
    let mut target = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(handle.as_fd().as_raw_fd()) });
    rustix::io::dup2(&null, &mut target).expect("dup2 onto an open descriptor");
}

/// A message whose handles came as numbers, which are taken for this process's own.
fn of_own_numbers(bytes: &[u8]) -> Option<Message> {
    let (count, rest) = bytes.split_first_chunk::<{ size_of::<usize>() }>()?;
    let (numbers, bytes) = rest.split_at_checked(usize::from_le_bytes(*count).checked_mul(4)?)?;
    let numbers = numbers.chunks_exact(4).filter_map(|number| Some(i32::from_le_bytes(number.try_into().ok()?)));
    let handles = numbers.filter_map(|number| File::open(format!("/proc/self/fd/{number}")).ok());
    Some(Message { handles: handles.map(|file| OwnedFd::from(file).into()).collect(), bytes: bytes.to_vec() })
}

impl MessageChannel for FaultyChannel {
    fn send(&mut self, bytes: &[u8], handles: &[&OwnedHandle], deadline: Deadline) -> Result<(), ChannelError> {
        let (mut bytes, mut handles) = (bytes.to_vec(), handles.to_vec());
        if fault::is("limits_ignored") {
            bytes.truncate(self.limits.message_bytes);
            handles.truncate(self.limits.handles);
        }
        if fault::is("last_byte_changed")
            && let Some(last) = bytes.last_mut()
        {
            *last ^= 1;
        }
        if fault::is("number_sent") {
            let numbers = handles.iter().flat_map(|handle| handle.as_fd().as_raw_fd().to_le_bytes());
            bytes = [handles.len().to_le_bytes().to_vec(), numbers.collect(), bytes].concat();
            handles.clear();
        }
        let sent = self.inner.send(&bytes, &handles, deadline);
        if fault::is("sending_moves_handles") {
            handles.iter().for_each(|handle| replace(handle));
        }
        match sent {
            Err(ChannelError::Closed | ChannelError::TimedOut) if fault::is("send_errors_swallowed") => Ok(()),
            other => other,
        }
    }

    fn receive(&mut self, deadline: Deadline) -> Result<Message, ChannelError> {
        if fault::is("timeout_loses_message") && self.timed_out {
            return Err(ChannelError::Broken);
        }
        if fault::is("messages_swapped") && self.held.is_empty() {
            let (first, second) = (self.receive_one(deadline)?, self.receive_one(deadline)?);
            self.held.extend([second, first]);
        }
        if let Some(message) = self.held.pop_front() {
            return Ok(message);
        }
        if fault::is("close_drops_messages") {
            return Err(ChannelError::Closed);
        }
        let mut message = self.receive_one(deadline)?;
        if fault::is("number_sent") {
            message = of_own_numbers(&message.bytes).unwrap_or_default();
        }
        if fault::is("received_byte_changed")
            && let Some(last) = message.bytes.last_mut()
        {
            *last ^= 1;
        }
        if fault::is("handles_reversed") {
            message.handles.reverse();
        }
        if fault::is("handles_lost_beside_nothing") && message.bytes.is_empty() {
            message.handles.clear();
        }
        if fault::is("received_inheritable") {
            for handle in &message.handles {
                rustix::io::fcntl_setfd(handle, rustix::io::FdFlags::empty()).expect("an open descriptor");
            }
        }
        Ok(message)
    }
}
