//! The consumer's side.

use std::sync::atomic::Ordering;

use super::super::layout::Role;
use super::super::memory::{Memory, Shared};
use super::super::{Corruption, Counts, Offer, Refused, RingError, attach};
use super::{Cells, Place};
use crate::deadline::Deadline;
use crate::sys;
use crate::waiter::{Atomic, EventCount, Patience, Peer, Wait, Words, acquire, status};

/// Receives messages of `N` bytes. There is one for a ring, and dropping it closes the ring.
#[derive(Debug)]
pub struct Consumer<const N: usize, M: Memory = Shared> {
    memory: M,
    event: EventCount,
    /// Fixed when the ring was attached.
    cells: Cells<N>,
    /// Where the next message lies.
    place: Place<N>,
    /// Its number, which is that of all messages taken.
    position: u64,
    /// The count of the block, when it was last looked at: messages before this one are there.
    counted: u64,
    /// What the producer may overwrite. Never ahead of `position`.
    released: u64,
    /// Looks that found nothing.
    stalls: u64,
    /// What the producer did that cannot be.
    corrupt: Option<Corruption>,
}

impl<const N: usize> Consumer<N> {
    /// Create a ring with room for at least so many messages and take the consumer's side; the offer is for the producer.
    ///
    /// # Errors
    /// As [`Producer::create`](super::Producer::create).
    pub fn create(messages: u64) -> Result<(Self, Offer), RingError> {
        let cells = Cells::<N>::with_room_for(messages)?;
        let (shared, offer) = attach::create(Role::Consumer, cells.own_shape())?;
        Ok((Self::over(shared, cells.capacity, sys::wait::register_barrier()), offer))
    }

    /// Take the consumer's side of a ring that the producer created, for messages of the same size.
    ///
    /// # Errors
    /// [`Refused`] holds the offer and the reason.
    pub fn attach(offer: Offer) -> Result<Self, Box<Refused>> {
        let (shared, shape) = attach::attach(Role::Consumer, offer, Cells::<N>::shape)?;
        Ok(Self::over(shared, shape.capacity, sys::wait::register_barrier()))
    }

    /// Waits end when this process dies. Without it, deadlines alone end them.
    pub fn watch(&mut self, peer: &Peer) {
        self.memory.watch(peer.clone());
    }
}

impl<const N: usize, M: Memory> Consumer<N, M> {
    /// The consumer of a ring from which nothing was taken yet; the capacity was checked.
    pub(in crate::ring) fn over(memory: M, capacity: u64, barriers: bool) -> Self {
        let event = EventCount::new(barriers);
        event.announce(&memory);
        let cells = Cells::of(capacity);
        Self { memory, event, cells, place: Place::START, position: 0, counted: 0, released: 0, stalls: 0, corrupt: None }
    }

    /// Messages that the ring has room for.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.cells.capacity
    }

    /// How long waits spin, and how long they sleep at once.
    pub fn set_patience(&mut self, patience: Patience) {
        self.event.set_patience(patience);
    }

    /// Looks without a sleep after which this side issues barriers again.
    #[cfg(test)]
    pub(in crate::ring) fn set_awake(&mut self, looks: u32) {
        self.event.set_awake(looks);
    }

    /// What this side has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let Self { position, stalls, event, .. } = self;
        let bytes = position * N as u64;
        Counts { messages: *position, bytes, stalls: *stalls, sleeps: event.sleeps(), wakes: event.wakes() }
    }

    /// Take the next message, unless there is none now.
    ///
    /// # Errors
    /// Once everything that was sent is taken: [`RingError::Closed`], [`RingError::GivenUp`], [`RingError::PeerGone`]; and
    /// [`RingError::Corrupt`].
    #[inline]
    pub fn try_receive(&mut self) -> Result<Option<[u8; N]>, RingError> {
        if !self.find()? {
            return Ok(None);
        }
        let mut message = [0; N];
        self.take(&mut message, 1);
        self.release_an_eighth();
        Ok(Some(message))
    }

    /// Take the next message, waiting for it.
    ///
    /// # Errors
    /// As [`Consumer::try_receive`], and [`RingError::TimedOut`].
    #[inline]
    pub fn receive(&mut self, deadline: Deadline) -> Result<[u8; N], RingError> {
        loop {
            if let Some(message) = self.try_receive()? {
                return Ok(message);
            }
            self.wait_for_message(deadline)?;
        }
    }

    /// Take messages that are there now, as many as `into` has room for. The answer: how many.
    ///
    /// # Errors
    /// As [`Consumer::try_receive`], if it comes before any message; else the next call reports it.
    #[inline]
    pub fn try_receive_batch(&mut self, into: &mut [[u8; N]]) -> Result<usize, RingError> {
        if into.is_empty() || !self.find()? {
            return Ok(0);
        }
        let mut taken = 0;
        while taken < into.len() && self.sees_one().is_ok() {
            let there = (self.counted - self.position).min(self.place.left(self.cells)) as usize;
            let rest = &mut into[taken..];
            let count = rest.len().min(there);
            if Cells::<N>::LINES && count == Cells::<N>::PER_LINE {
                // A whole line, whose length the compiler knows.
                self.take(rest[..Cells::<N>::PER_LINE].as_flattened_mut(), Cells::<N>::PER_LINE as u64);
            } else {
                self.take(rest[..count].as_flattened_mut(), count as u64);
            }
            taken += count;
        }
        self.release_an_eighth();
        Ok(taken)
    }

    /// The same, waiting for the first message.
    ///
    /// # Errors
    /// As [`Consumer::receive`].
    pub fn receive_batch(&mut self, into: &mut [[u8; N]], deadline: Deadline) -> Result<usize, RingError> {
        loop {
            match self.try_receive_batch(into)? {
                0 if !into.is_empty() => self.wait_for_message(deadline)?,
                count => return Ok(count),
            }
        }
    }

    /// Wait until there is a message, or there will be none any more (`Woken`: try).
    ///
    /// # Errors
    /// [`RingError::Os`].
    pub fn wait(&mut self, deadline: Deadline) -> Result<Wait, RingError> {
        if self.corrupt.is_some() || self.counted != self.position {
            return Ok(Wait::Woken);
        }
        self.release();
        let idle = self.idle();
        let Self { memory, event, place, .. } = self;
        // Any other count will do: one that cannot be is reported by the next attempt.
        let ready = || count(memory, *place) != idle || acquire(memory, memory.peer().status()) & status::LEFT != 0;
        event.wait(memory, deadline, ready).map_err(|source| RingError::Os { what: "waiting for a message", source })
    }

    #[cold]
    fn wait_for_message(&mut self, deadline: Deadline) -> Result<(), RingError> {
        match self.wait(deadline)? {
            Wait::Woken | Wait::Interrupted => Ok(()),
            Wait::TimedOut => Err(RingError::TimedOut),
            Wait::PeerGone => Err(RingError::PeerGone),
        }
    }

    /// Whether there is a message at `position`, or will never be one.
    #[inline]
    fn find(&mut self) -> Result<bool, RingError> {
        match self.sees_one() {
            Ok(()) => Ok(true),
            Err(seen) => self.look_for_message(seen),
        }
    }

    /// Whether a message at `position` is to be seen; if not, the count that says so.
    #[inline]
    fn sees_one(&mut self) -> Result<(), u64> {
        if self.position == self.counted {
            let seen = count(&self.memory, self.place);
            if self.corrupt.is_some() || !self.is_new(seen) {
                return Err(seen);
            }
            self.counted = seen;
        }
        Ok(())
    }

    /// Whether a count tells of messages that were not counted yet, and of no more than there can be.
    #[inline]
    fn is_new(&self, count: u64) -> bool {
        count.wrapping_sub(self.position).wrapping_sub(1) < self.most()
    }

    /// How many messages the producer can have sent into this block behind those that were counted.
    #[inline]
    fn most(&self) -> u64 {
        if Cells::<N>::LINES { self.place.left(self.cells) } else { self.cells.capacity - (self.position - self.released) }
    }

    /// What the block's count is as long as nothing is sent into it.
    #[inline]
    fn idle(&self) -> u64 {
        if Cells::<N>::LINES && self.place.before == 0 {
            // What the last message of the round before left there; at first, nothing.
            (self.position + Cells::<N>::PER_LINE as u64).saturating_sub(self.cells.capacity)
        } else {
            self.position
        }
    }

    /// The way when there is no message at first sight: nothing was sent, or nobody is there, or what is there cannot be. Each look
    /// takes the line from a producer that writes to it, so there is a second one only if it matters.
    #[inline(never)]
    fn look_for_message(&mut self, mut seen: u64) -> Result<bool, RingError> {
        if let Some(corruption) = self.corrupt {
            return Err(RingError::Corrupt(corruption));
        }
        self.event.awake(&self.memory);
        let dead = self.memory.peer_is_dead();
        let left = acquire(&self.memory, self.memory.peer().status()) & status::LEFT;
        if dead || left != 0 {
            // What the producer sent before its death or its farewell is seen by a look that comes after the news.
            seen = count(&self.memory, self.place);
            if self.is_new(seen) {
                self.counted = seen;
                return Ok(true);
            }
        }
        if seen != self.idle() {
            let corruption = Corruption::Position { found: seen, least: self.position, most: self.position + self.most() };
            self.corrupt = Some(corruption);
            self.event.leave(&self.memory, status::CORRUPT);
            return Err(RingError::Corrupt(corruption));
        }
        self.release();
        if left & status::CORRUPT != 0 {
            Err(RingError::GivenUp)
        } else if left != 0 {
            Err(RingError::Closed)
        } else if dead {
            Err(RingError::PeerGone)
        } else {
            self.stalls += 1;
            Ok(false)
        }
    }

    /// Copy out messages that are there and end in this block.
    #[inline]
    fn take(&mut self, messages: &mut [u8], count: u64) {
        self.memory.read(self.place.byte(), messages);
        self.position += count;
        self.place.advance(count, self.cells);
    }

    /// What the producer may overwrite: everything that was taken, except from the line that is looked at for the next message. Its
    /// count must not tell of the round after this one.
    #[inline]
    fn done(&self) -> u64 {
        if Cells::<N>::LINES { self.position - self.place.before } else { self.position }
    }

    #[inline]
    fn release_an_eighth(&mut self) {
        if self.done() - self.released >= self.cells.eighth() {
            self.release();
        }
    }

    /// Give all room back that can be.
    #[inline]
    fn release(&mut self) {
        if self.released != self.done() {
            self.released = self.done();
            self.memory.own().position().store(self.released, Ordering::Release);
            self.event.notify(&self.memory);
        }
    }
}

/// The count of the block that a place lies in, read once.
#[inline]
fn count<const N: usize, M: Memory>(memory: &M, place: Place<N>) -> u64 {
    if Cells::<N>::LINES {
        let count = memory.published(place.block);
        memory.fence(Ordering::Acquire);
        count
    } else {
        acquire(memory, memory.peer().position())
    }
}

impl<const N: usize, M: Memory> Drop for Consumer<N, M> {
    fn drop(&mut self) {
        self.event.leave(&self.memory, status::CLOSED);
    }
}
