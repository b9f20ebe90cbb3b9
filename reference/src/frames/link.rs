//! A producer's connection to one consumer: what was sent to it, and what of that it has returned.

use std::collections::VecDeque;
use std::time::Duration;

use super::pool::Place;
use super::wire::{Filled, Returned};
use super::{FrameError, Reason};
use crate::batch::Batch;
use crate::channel::Channel;
use crate::deadline::Deadline;
use crate::ring::{RingError, fixed};
use crate::sync::SyncError;
use crate::timeline::{Side, Timelines};
use crate::waiter::Peer;

/// How long the ring may take to say how a consumer went whose channel is closed.
const LAST_WORD: Duration = Duration::from_millis(100);

pub(super) struct Link<D: Timelines> {
    channel: Channel,
    frames: fixed::Producer<{ Filled::BYTES }>,
    returns: fixed::Consumer<{ Returned::BYTES }>,
    rendered: D::Timeline,
    /// Frames sent: the value that `rendered` was, or will be, moved on to.
    sent: u64,
    read: D::Timeline,
    /// Frames of which the consumer has said that it is through with them.
    said: u64,
    /// Those among them that `read` has not confirmed yet, each with the value that does.
    unconfirmed: VecDeque<(u64, Place)>,
    /// Sent and not returned.
    outstanding: Vec<Filled>,
    pub(super) peer: Peer,
}

/// Why a consumer is let go, or why the producer cannot go on.
pub(super) enum Trouble {
    Consumer(Reason),
    Producer(FrameError),
}

impl Trouble {
    fn hostile(detail: impl Into<String>) -> Self {
        Self::Consumer(Reason::Hostile(detail.into()))
    }
}

impl From<RingError> for Trouble {
    fn from(error: RingError) -> Self {
        match error {
            RingError::Closed => Self::Consumer(Reason::Left),
            RingError::PeerGone => Self::Consumer(Reason::Died),
            error @ RingError::Os { .. } => Self::Producer(error.into()),
            error => Self::hostile(error.to_string()),
        }
    }
}

impl From<SyncError> for Trouble {
    fn from(error: SyncError) -> Self {
        match error {
            // Both sides can write to a driver's timeline.
            SyncError::NotIncreasing { .. } | SyncError::TooFarAhead { .. } | SyncError::Corrupt { .. } => {
                Self::hostile(error.to_string())
            }
            SyncError::PeerGone { .. } => Self::Consumer(Reason::Died),
            error => Self::Producer(error.into()),
        }
    }
}

impl<D: Timelines> Link<D> {
    pub(super) fn new(
        channel: Channel,
        frames: fixed::Producer<{ Filled::BYTES }>,
        returns: fixed::Consumer<{ Returned::BYTES }>,
        rendered: D::Timeline,
        read: D::Timeline,
        peer: Peer,
    ) -> Self {
        let (unconfirmed, outstanding) = (VecDeque::new(), Vec::new());
        Self { channel, frames, returns, rendered, sent: 0, read, said: 0, unconfirmed, outstanding, peer }
    }

    /// Tell of a new generation.
    pub(super) fn announce(&mut self, batch: &Batch, deadline: Deadline) -> Result<(), Trouble> {
        super::meeting::announce(&mut self.channel, batch, deadline).map_err(|error| match error {
            FrameError::Channel(crate::ChannelError::Closed) => self.why_closed(),
            error => Trouble::hostile(format!("it does not take the new textures: {error}")),
        })
    }

    /// The channel's end does not say whether the consumer left or died; the ring does. A process that dies has its channel closed
    /// before anybody can see that it is dead.
    fn why_closed(&mut self) -> Trouble {
        let deadline = Deadline::after(LAST_WORD);
        while !deadline.passed() {
            match self.returns.receive(deadline) {
                Ok(_) => {}
                Err(RingError::TimedOut) => break,
                Err(error) => return error.into(),
            }
        }
        Trouble::Consumer(Reason::Left)
    }

    /// Send a frame. It is announced first: the consumer is at the timeline then, and sees the signal while the driver is still busy
    /// with it, which on a GPU takes longer than the announcement.
    pub(super) fn send(&mut self, device: &D, frame: Filled, by: Side) -> Result<(), Trouble> {
        let value = self.sent + 1;
        if !self.frames.try_send(&frame.to_bytes())? {
            return Err(Trouble::hostile("it takes no frames, and has returned more than it took"));
        }
        self.sent = value;
        device.signal_timeline(&mut self.rendered, value, by)?;
        self.outstanding.push(frame);
        Ok(())
    }

    /// The slots that have come home since.
    pub(super) fn collect(&mut self, device: &D) -> Result<Vec<Place>, Trouble> {
        // Before the ring: what the consumer signalled it has sent before.
        let reached = device.value(&self.read)?;
        let ended = self.listen();
        let mut home = Vec::new();
        while self.unconfirmed.front().is_some_and(|(value, _)| *value <= reached) {
            home.extend(self.unconfirmed.pop_front().map(|(_, place)| place));
        }
        match ended {
            Err(trouble) => {
                // They are let go with the rest of what the consumer holds.
                self.unconfirmed.extend(home.into_iter().map(|place| (0, place)));
                Err(trouble)
            }
            Ok(()) if reached > self.said => {
                let detail = format!("its timeline says that {reached} frames are returned, it returned {}", self.said);
                self.unconfirmed.extend(home.into_iter().map(|place| (0, place)));
                Err(Trouble::hostile(detail))
            }
            Ok(()) => Ok(home),
        }
    }

    /// What the consumer says that it is through with.
    fn listen(&mut self) -> Result<(), Trouble> {
        while let Some(message) = self.returns.try_receive()? {
            let returned = Returned::from_bytes(&message);
            let Some(index) = self.outstanding.iter().position(|sent| sent.returned() == returned) else {
                let Returned { number, generation, slot } = returned;
                let what = format!("frame {number} in slot {slot} of generation {generation}, which it does not have");
                return Err(Trouble::hostile(format!("it returned {what}")));
            };
            let Filled { generation, slot, .. } = self.outstanding.swap_remove(index);
            self.said += 1;
            self.unconfirmed.push_back((self.said, Place { generation, slot }));
        }
        Ok(())
    }

    /// What to wait for until the next slot comes home; nothing while none is out.
    pub(super) fn next_return(&self) -> Option<(&D::Timeline, u64)> {
        let next = self.unconfirmed.front().map(|(value, _)| *value);
        let next = next.or_else(|| (!self.outstanding.is_empty()).then_some(self.said + 1))?;
        Some((&self.read, next))
    }

    /// The connection is over: every slot that the consumer had is free.
    pub(super) fn end(self) -> Vec<Place> {
        let outstanding = self.outstanding.into_iter().map(|Filled { generation, slot, .. }| Place { generation, slot });
        self.unconfirmed.into_iter().map(|(_, place)| place).chain(outstanding).collect()
    }
}
