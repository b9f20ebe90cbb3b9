//! The producer's side.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::link::{Link, Trouble};
use super::pool::{Place, Pool};
use super::wire::Filled;
use super::{ConsumerId, Departure, FrameError, MOST_GENERATIONS, Policy, Reason, meeting};
use crate::channel::Channel;
use crate::deadline::Deadline;
use crate::sync::SyncError;
use crate::texture::{Device, TextureSpec};
use crate::timeline::{Side, Timelines, Which};
use crate::waiter::Peer;

/// How often a wait for returned slots looks whether a consumer has left, or one of several has died.
const LOOK: Duration = Duration::from_millis(10);

/// Renders frames into textures that consumers have imported.
///
/// Every call that takes a device wants the one that it was created with.
pub struct FrameProducer<D: Device + Timelines> {
    pool: Pool<D::Texture>,
    slots: u32,
    policy: Policy,
    by: Side,
    links: BTreeMap<ConsumerId, Link<D>>,
    /// Consumers so far.
    invited: u32,
    /// Frames so far.
    submitted: u64,
    departures: Vec<Departure>,
}

/// A slot to render to, until it is submitted or cancelled. One that is dropped instead is lost to the pool until the next
/// [`FrameProducer::reconfigure`].
#[derive(Debug)]
#[must_use]
pub struct Acquired<T> {
    texture: T,
    place: Place,
}

impl<T> Acquired<T> {
    /// What to render to.
    pub const fn texture_mut(&mut self) -> &mut T {
        &mut self.texture
    }

    /// The generation that the texture belongs to.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.place.generation
    }

    /// Its place there.
    #[must_use]
    pub const fn slot(&self) -> u32 {
        self.place.slot
    }
}

impl<D: Device + Timelines> FrameProducer<D> {
    /// A producer of frames in so many slots (1 to [`MOST_SLOTS`](super::MOST_SLOTS)), without consumers yet.
    ///
    /// # Errors
    /// [`FrameError::Slots`], or [`FrameError::Texture`] for textures that the device cannot share.
    pub fn new(device: &D, spec: &TextureSpec, slots: u32, policy: Policy) -> Result<Self, FrameError> {
        Ok(Self {
            pool: Pool::new(device, spec, slots)?,
            slots,
            policy,
            by: Side::Host,
            links: BTreeMap::new(),
            invited: 0,
            submitted: 0,
            departures: Vec::new(),
        })
    }

    /// Who says that a frame is rendered: the host, which is the default and right where rendering is waited for (as
    /// [`Device::write`] does), or the device, once its queue is done with all that was submitted before. Not to be changed while a
    /// signal of the device is pending.
    pub fn set_side(&mut self, by: Side) {
        self.by = by;
    }

    /// Let a consumer in, which is calling [`FrameConsumer::join`](super::FrameConsumer::join) at the channel's other end. It gets the
    /// frames from the next one on.
    ///
    /// # Errors
    /// [`FrameError::Refused`] in the consumer's words, or why the two did not come together. Other consumers are not touched.
    pub fn invite(&mut self, device: &D, channel: Channel, deadline: Deadline) -> Result<ConsumerId, FrameError> {
        let offered = (self.pool.generation(), &self.pool.batch);
        let link = meeting::invite(device, channel, self.policy, offered, deadline)?;
        self.invited += 1;
        let consumer = ConsumerId(self.invited);
        self.links.insert(consumer, link);
        Ok(consumer)
    }

    /// Consumers that are there, as far as is known.
    pub fn consumers(&self) -> impl Iterator<Item = ConsumerId> {
        self.links.keys().copied()
    }

    /// Consumers that departed since this was last asked, and why. Does not wait.
    ///
    /// # Errors
    /// [`FrameError::Sync`] where the device is lost.
    pub fn departures(&mut self, device: &D) -> Result<Vec<Departure>, FrameError> {
        self.collect(device)?;
        Ok(std::mem::take(&mut self.departures))
    }

    /// Let a consumer go. The slots that it has are free from now on, whatever it still does with them.
    ///
    /// # Errors
    /// [`FrameError::NoSuchConsumer`].
    pub fn dismiss(&mut self, consumer: ConsumerId) -> Result<(), FrameError> {
        if !self.links.contains_key(&consumer) {
            return Err(FrameError::NoSuchConsumer(consumer));
        }
        self.depart(consumer, Reason::Dismissed);
        Ok(())
    }

    /// What the frames are in now.
    #[must_use]
    pub const fn spec(&self) -> &TextureSpec {
        &self.pool.spec
    }

    /// Frames submitted so far, which is the number of the last one.
    #[must_use]
    pub const fn submitted(&self) -> u64 {
        self.submitted
    }

    /// Generations that have textures somewhere: 1, unless some of an earlier one are still to be returned.
    #[must_use]
    pub fn generations(&self) -> usize {
        self.pool.living()
    }

    /// A slot to render to, of those that are free the one that was free for the longest.
    ///
    /// # Errors
    /// By [`Policy::Paced`], [`FrameError::TimedOut`] when none came home by the deadline; by the others, [`FrameError::Full`] at once.
    /// [`FrameError::AllAcquired`] where none can come.
    pub fn acquire(&mut self, device: &D, deadline: Deadline) -> Result<Acquired<D::Texture>, FrameError> {
        loop {
            self.collect(device)?;
            if let Some((place, texture)) = self.pool.acquire() {
                return Ok(Acquired { texture, place });
            }
            if !self.pool.can_be_returned() {
                return Err(FrameError::AllAcquired);
            }
            if self.policy != Policy::Paced {
                return Err(FrameError::Full);
            }
            self.wait(device, deadline)?;
        }
    }

    /// Give back a slot that was not rendered to.
    ///
    /// # Errors
    /// [`FrameError::Retired`] where its generation was replaced; it is freed then.
    pub fn cancel(&mut self, acquired: Acquired<D::Texture>) -> Result<(), FrameError> {
        self.pool.put_back(acquired.place, acquired.texture)
    }

    /// Send a frame to all consumers, with a number of the caller's choice beside it, such as a time. The answer: the frame's number,
    /// which counts up from 1.
    ///
    /// # Errors
    /// [`FrameError::Retired`] where its generation was replaced; nothing was sent. [`FrameError::Sync`] where the device is lost.
    pub fn submit(&mut self, device: &D, acquired: Acquired<D::Texture>, stamp: u64) -> Result<u64, FrameError> {
        let Acquired { texture, place } = acquired;
        self.pool.put_back(place, texture)?;
        self.submitted += 1;
        let frame = Filled { number: self.submitted, stamp, generation: place.generation, slot: place.slot };
        // Counted before it is sent: whoever departs meanwhile gives it back.
        let holders = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
        self.pool.sent(place, holders, self.submitted);
        let by = self.by;
        let mut failed = None;
        for (consumer, outcome) in self.each(|link| link.send(device, frame, by)) {
            if let Err(trouble) = outcome {
                // It was counted, and is not among what it has.
                self.pool.returned(place);
                failed = self.settle(consumer, trouble).err().or(failed);
            }
        }
        failed.map_or(Ok(self.submitted), Err)
    }

    /// From the next frame on, use as many textures of another kind. Those that are out are freed when they are returned; where
    /// [`MOST_GENERATIONS`] have some, this waits for that.
    ///
    /// # Errors
    /// [`FrameError::TimedOut`], or [`FrameError::Texture`] for textures that the device cannot share. Nothing has changed then.
    pub fn reconfigure(&mut self, device: &D, spec: &TextureSpec, deadline: Deadline) -> Result<(), FrameError> {
        self.collect(device)?;
        while self.pool.living() >= MOST_GENERATIONS {
            self.wait(device, deadline)?;
            self.collect(device)?;
        }
        self.pool.replace(device, spec, self.slots)?;
        let batch = std::mem::take(&mut self.pool.batch);
        let mut failed = None;
        for (consumer, outcome) in self.each(|link| link.announce(&batch, deadline)) {
            if let Err(trouble) = outcome {
                failed = self.settle(consumer, trouble).err().or(failed);
            }
        }
        self.pool.batch = batch;
        failed.map_or(Ok(()), Err)
    }

    fn each<T>(&mut self, mut then: impl FnMut(&mut Link<D>) -> T) -> Vec<(ConsumerId, T)> {
        self.links.iter_mut().map(|(consumer, link)| (*consumer, then(link))).collect()
    }

    /// Take in what came home, and let go who is gone.
    fn collect(&mut self, device: &D) -> Result<(), FrameError> {
        for (consumer, outcome) in self.each(|link| link.collect(device)) {
            match outcome {
                Ok(home) => home.into_iter().for_each(|place| self.pool.returned(place)),
                Err(trouble) => self.settle(consumer, trouble)?,
            }
        }
        Ok(())
    }

    fn settle(&mut self, consumer: ConsumerId, trouble: Trouble) -> Result<(), FrameError> {
        match trouble {
            Trouble::Consumer(reason) => {
                self.depart(consumer, reason);
                Ok(())
            }
            Trouble::Producer(error) => Err(error),
        }
    }

    fn depart(&mut self, consumer: ConsumerId, reason: Reason) {
        if let Some(link) = self.links.remove(&consumer) {
            link.end().into_iter().for_each(|place| self.pool.returned(place));
            self.departures.push(Departure { consumer, reason });
        }
    }

    /// Wait until a slot may have come home or a consumer may be gone.
    fn wait(&self, device: &D, deadline: Deadline) -> Result<(), FrameError> {
        let waits: Vec<_> = self.links.values().filter_map(Link::next_return).collect();
        let soon = deadline.within(LOOK);
        // One wait watches one process; of several consumers the deaths are found by looking.
        let peer = match self.links.values().next() {
            Some(link) if self.links.len() == 1 => &link.peer,
            _ => &Peer::UNWATCHED,
        };
        match device.wait_timelines(&waits, Which::Any, soon, peer) {
            Ok(()) | Err(SyncError::PeerGone { .. }) => Ok(()),
            Err(SyncError::Timeout { .. }) if deadline.passed() => Err(FrameError::TimedOut),
            Err(SyncError::Timeout { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl<D: Device + Timelines> fmt::Debug for FrameProducer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, slots, submitted, links, .. } = self;
        let mut told = f.debug_struct("FrameProducer");
        told.field("policy", policy).field("slots", slots).field("submitted", submitted).field("consumers", &links.len());
        told.finish_non_exhaustive()
    }
}
