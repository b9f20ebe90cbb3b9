//! The consumer's side.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::meeting::{self, Met};
use super::wire::{Filled, Returned};
use super::{FrameError, Policy};
use crate::channel::{Channel, ChannelError};
use crate::deadline::Deadline;
use crate::ring::{RingError, fixed};
use crate::sync::SyncError;
use crate::texture::Device;
use crate::timeline::{Side, Timelines, Which};
use crate::waiter::{Peer, Wait};

/// How often a wait for a frame that was announced looks whether its producer has left.
const LOOK: Duration = Duration::from_millis(100);
/// The queue of a device may be busy for so long with what a producer submitted before it left.
const RENDERING: Duration = Duration::from_secs(3);

/// Uses frames that a producer renders.
///
/// Every call that takes a device wants the one that it joined with. Dropping it leaves the producer, whatever frames are still held:
/// these stay what they are, and are freed with their [`Frame`].
pub struct FrameConsumer<D: Device + Timelines> {
    channel: Channel,
    policy: Policy,
    by: Side,
    frames: fixed::Consumer<{ Filled::BYTES }>,
    returns: fixed::Producer<{ Returned::BYTES }>,
    rendered: D::Timeline,
    read: D::Timeline,
    peer: Peer,
    /// The generations whose textures may still be needed, one after the other.
    generations: VecDeque<Generation<D::Texture>>,
    /// A frame whose textures have yet to come.
    arriving: Option<Filled>,
    /// Frames that came and were not given out, each with the value at which it is rendered.
    waiting: VecDeque<(u64, Filled)>,
    /// Frames that were given out.
    held: Vec<Filled>,
    /// Frames that came.
    came: u64,
    /// The last one's number.
    last: u64,
    /// Frames returned.
    returned: u64,
    /// Frames returned unseen.
    skipped: u64,
    end: Option<Ended>,
}

struct Generation<T> {
    number: u32,
    textures: Vec<Option<T>>,
}

/// Why no more frames come.
#[derive(Clone, Debug)]
enum End {
    Left,
    Died,
    Hostile(String),
}

/// An end, and until when what came before it may still be rendered.
#[derive(Clone, Debug)]
struct Ended {
    how: End,
    rendering: Deadline,
}

impl From<Ended> for FrameError {
    fn from(ended: Ended) -> Self {
        match ended.how {
            End::Left => Self::ProducerLeft,
            End::Died => Self::ProducerDied,
            End::Hostile(detail) => Self::Hostile { detail },
        }
    }
}

/// A frame to use, until it is released. One that is dropped instead is not returned until the consumer leaves.
#[derive(Debug)]
#[must_use]
pub struct Frame<T> {
    texture: T,
    filled: Filled,
    skipped: u64,
}

impl<T> Frame<T> {
    /// What was rendered.
    pub const fn texture_mut(&mut self) -> &mut T {
        &mut self.texture
    }

    /// Its number: 1 is the first that the producer ever submitted.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.filled.number
    }

    /// What the producer said of it.
    #[must_use]
    pub const fn stamp(&self) -> u64 {
        self.filled.stamp
    }

    /// The generation that its texture belongs to: another one, another size or format.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.filled.generation
    }

    /// Its slot there.
    #[must_use]
    pub const fn slot(&self) -> u32 {
        self.filled.slot
    }

    /// How many were returned unseen for it, by [`Policy::LatestOnly`].
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl<D: Device + Timelines> FrameConsumer<D> {
    /// Join a producer that is calling [`FrameProducer::invite`](super::FrameProducer::invite) at the channel's other end.
    ///
    /// # Errors
    /// Why the two did not come together; the producer is told. [`FrameError::Import`] for textures of another device or driver.
    pub fn join(device: &D, mut channel: Channel, deadline: Deadline) -> Result<Self, FrameError> {
        let Met { policy, generation, textures, frames, returns, rendered, read, peer } =
            meeting::join(device, &mut channel, deadline)?;
        Ok(Self {
            channel,
            policy,
            by: Side::Host,
            frames,
            returns,
            rendered,
            read,
            peer,
            generations: VecDeque::from([Generation::new(generation, textures)]),
            arriving: None,
            waiting: VecDeque::new(),
            held: Vec::new(),
            came: 0,
            last: 0,
            returned: 0,
            skipped: 0,
            end: None,
        })
    }

    /// What becomes of frames that come too fast, which the producer chose.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Who says that a frame was used: as [`FrameProducer::set_side`](super::FrameProducer::set_side).
    pub fn set_side(&mut self, by: Side) {
        self.by = by;
    }

    /// The next frame, or the newest, as the policy says; waits until there is one and it is rendered.
    ///
    /// # Errors
    /// [`FrameError::TimedOut`]; once all frames were given out, [`FrameError::ProducerLeft`], [`FrameError::ProducerDied`], or
    /// [`FrameError::Hostile`], which every further call answers, too. A frame that is not rendered three seconds after its producer
    /// left is not given out.
    pub fn next(&mut self, device: &D, deadline: Deadline) -> Result<Frame<D::Texture>, FrameError> {
        loop {
            self.look(device, deadline)?;
            let reached = device.value(&self.rendered)?;
            let ready = self.waiting.iter().take_while(|(value, _)| *value <= reached).count();
            if ready > 0 {
                if self.policy == Policy::LatestOnly {
                    self.skip(device, ready - 1)?;
                }
                return self.give_out();
            }
            match self.waiting.front() {
                Some((value, _)) => self.wait_until_rendered(device, *value, deadline)?,
                None => self.wait_for_frames(deadline)?,
            }
        }
    }

    /// Give a frame back to the producer. To one that is gone nothing is given; the texture is freed all the same.
    ///
    /// # Errors
    /// [`FrameError::NotHeld`] for a frame of another consumer, [`FrameError::Sync`] where the device is lost.
    pub fn release(&mut self, device: &D, frame: Frame<D::Texture>) -> Result<(), FrameError> {
        let Frame { texture, filled, .. } = frame;
        let index = self.held.iter().position(|held| *held == filled).ok_or(FrameError::NotHeld)?;
        self.held.swap_remove(index);
        // Before it is returned: it may come again at once.
        if let Some(place) = self.place(filled.generation, filled.slot) {
            *place = Some(texture);
        }
        self.give_back(device, filled)
    }

    /// Frames that are there and were not given out yet, as far as is known.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.waiting.len()
    }

    fn place(&mut self, generation: u32, slot: u32) -> Option<&mut Option<D::Texture>> {
        let generation = self.generations.iter_mut().find(|known| known.number == generation)?;
        generation.textures.get_mut(slot as usize)
    }

    /// Take in what came.
    fn look(&mut self, device: &D, deadline: Deadline) -> Result<(), FrameError> {
        while self.end.is_none() {
            let frame = match self.arriving {
                Some(frame) => frame,
                None => match self.frames.try_receive() {
                    Ok(Some(message)) => Filled::from_bytes(&message),
                    Ok(None) => break,
                    Err(RingError::Closed) => return self.ended(End::Left),
                    Err(RingError::PeerGone) => return self.ended(End::Died),
                    Err(error @ RingError::Os { .. }) => return Err(error.into()),
                    Err(error) => return self.ended(End::Hostile(error.to_string())),
                },
            };
            self.arriving = Some(frame);
            match self.admit(device, frame, deadline) {
                Err(FrameError::Hostile { detail }) => return self.ended(End::Hostile(detail)),
                outcome => outcome?,
            }
            self.arriving = None;
        }
        Ok(())
    }

    /// No more frames come. Those that came are given out first.
    fn ended(&mut self, how: End) -> Result<(), FrameError> {
        self.arriving = None;
        self.end = Some(Ended { how, rendering: Deadline::after(RENDERING) });
        Ok(())
    }

    /// What came and was not given out will never be rendered.
    fn cut_off(&mut self, how: End) -> FrameError {
        self.waiting.clear();
        self.end.get_or_insert(Ended { how, rendering: Deadline::NEVER }).clone().into()
    }

    /// Believe a frame, after looking at it.
    fn admit(&mut self, device: &D, frame: Filled, deadline: Deadline) -> Result<(), FrameError> {
        let Filled { number, generation, slot, .. } = frame;
        if number <= self.last {
            return Err(FrameError::hostile(format!("frame {number} came after frame {}", self.last)));
        }
        self.catch_up(device, generation, deadline)?;
        let slots = self.generations.back().map_or(0, |newest| newest.textures.len());
        if slot as usize >= slots {
            return Err(FrameError::hostile(format!("frame {number} is in slot {slot} of {slots}")));
        }
        let mut out = self.held.iter().chain(self.waiting.iter().map(|(_, waiting)| waiting));
        if out.any(|other| (other.generation, other.slot) == (generation, slot)) {
            return Err(FrameError::hostile(format!("frame {number} is in slot {slot}, which was not returned")));
        }
        self.last = number;
        self.came += 1;
        self.waiting.push_back((self.came, frame));
        Ok(())
    }

    /// Import the textures of a generation that is told of.
    fn catch_up(&mut self, device: &D, generation: u32, deadline: Deadline) -> Result<(), FrameError> {
        loop {
            let newest = self.generations.back().map_or(0, |newest| newest.number);
            if generation == newest {
                return Ok(());
            }
            if generation < newest {
                return Err(FrameError::hostile(format!("a frame of generation {generation} came after one of {newest}")));
            }
            let message = match self.channel.receive(deadline) {
                Ok(message) => message,
                Err(ChannelError::TimedOut) => return Err(FrameError::TimedOut),
                Err(error) if self.peer.is_dead() || matches!(error, ChannelError::Closed) => {
                    // What it sent before it went has come; this was not among it.
                    return Err(FrameError::hostile(format!("generation {generation} was not announced: {error}")));
                }
                Err(error) => return Err(FrameError::hostile(error.to_string())),
            };
            let number = newest.saturating_add(1);
            // Those between that no frame is in are not worth an import.
            let textures = if number == generation { meeting::import(device, message) } else { Ok(Vec::new()) };
            match textures {
                Ok(textures) => self.generations.push_back(Generation::new(number, textures)),
                Err(error) => {
                    // The announcement is used up: what follows could not be told apart.
                    self.ended(End::Hostile(format!("generation {number} cannot be imported: {error}")))?;
                    return Err(error);
                }
            }
        }
    }

    /// Return the first so many of the waiting frames unseen.
    fn skip(&mut self, device: &D, count: usize) -> Result<(), FrameError> {
        for _ in 0..count {
            if let Some((_, frame)) = self.waiting.pop_front() {
                self.skipped += 1;
                self.give_back(device, frame)?;
            }
        }
        Ok(())
    }

    fn give_out(&mut self) -> Result<Frame<D::Texture>, FrameError> {
        let none = || FrameError::hostile("a frame came whose texture is not here");
        let (_, filled) = self.waiting.pop_front().ok_or_else(none)?;
        // Frames come in order: nothing of an earlier generation will be needed.
        self.generations.retain(|generation| generation.number >= filled.generation);
        let texture = self.place(filled.generation, filled.slot).and_then(Option::take).ok_or_else(none)?;
        self.held.push(filled);
        Ok(Frame { texture, filled, skipped: std::mem::take(&mut self.skipped) })
    }

    fn give_back(&mut self, device: &D, frame: Filled) -> Result<(), FrameError> {
        match self.returns.try_send(&frame.returned().to_bytes()) {
            Ok(true) => {
                self.returned += 1;
                match device.signal_timeline(&mut self.read, self.returned, self.by) {
                    Err(SyncError::NotIncreasing { .. }) => {
                        self.ended(End::Hostile("the producer moved this side's timeline on".into()))
                    }
                    signalled => Ok(signalled?),
                }
            }
            Ok(false) => self.ended(End::Hostile("the producer takes nothing back".into())),
            Err(error @ RingError::Os { .. }) => Err(error.into()),
            // It is gone, or has given this side up: `next` says so once all frames were given out.
            Err(_) => Ok(()),
        }
    }

    /// Wait for a while: who announced a frame may leave before it is rendered.
    fn wait_until_rendered(&mut self, device: &D, value: u64, deadline: Deadline) -> Result<(), FrameError> {
        match device.wait_timelines(&[(&self.rendered, value)], Which::All, deadline.within(LOOK), &self.peer) {
            Ok(()) => Ok(()),
            Err(SyncError::Timeout { .. }) => match &self.end {
                Some(end) if end.rendering.passed() => Err(self.cut_off(end.how.clone())),
                _ if deadline.passed() => Err(FrameError::TimedOut),
                _ => Ok(()),
            },
            Err(SyncError::PeerGone { .. }) => Err(self.cut_off(End::Died)),
            Err(error) => Err(error.into()),
        }
    }

    fn wait_for_frames(&mut self, deadline: Deadline) -> Result<(), FrameError> {
        if let Some(end) = &self.end {
            return Err(end.clone().into());
        }
        match self.frames.wait(deadline)? {
            // Of a death `look` finds out once it has taken in what was sent before.
            Wait::Woken | Wait::Interrupted | Wait::PeerGone => Ok(()),
            Wait::TimedOut => Err(FrameError::TimedOut),
        }
    }
}

impl<T> Generation<T> {
    fn new(number: u32, textures: Vec<T>) -> Self {
        Self { number, textures: textures.into_iter().map(Some).collect() }
    }
}

impl<D: Device + Timelines> fmt::Debug for FrameConsumer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, came, returned, end, .. } = self;
        let mut told = f.debug_struct("FrameConsumer");
        told.field("policy", policy).field("came", came).field("returned", returned).field("end", end).finish_non_exhaustive()
    }
}
