//! The consumer's side.

use std::sync::atomic::Ordering;

use super::super::layout::Role;
use super::super::memory::{Memory, Shared};
use super::super::{Corruption, Counts, Offer, Refused, RingError, attach};
use super::lead::Lead;
use super::{Slots, lone};
use crate::deadline::Deadline;
use crate::sys;
use crate::waiter::{Atomic, EventCount, Patience, Peer, Wait, Words, acquire, status};

/// Receives messages of `N` bytes. There is one for a ring, and dropping it closes the ring.
#[derive(Debug)]
pub struct Consumer<const N: usize, M: Memory = Shared> {
    memory: M,
    event: EventCount,
    /// Fixed when the ring was attached.
    slots: Slots<N>,
    /// Where the next message lies; behind the last place before the first one is used again.
    at: usize,
    /// Before here messages are taken by this one comparison: they are known, lie in one piece, and complete no eighth. There may be more.
    end: usize,
    /// From here on so much is taken that room is given back. It may lie behind the last place.
    due: usize,
    /// The position of the first place, this time round.
    first: u64,
    /// The producer's position, when it was last looked at; at most a capacity ahead of `released`.
    written: u64,
    /// Up to where the producer may overwrite. Never more than was taken.
    released: u64,
    /// How long the producer is let get ahead before a look.
    lead: Lead,
    /// Looks that found nothing.
    stalls: u64,
    /// What the producer did that cannot be.
    corrupt: Option<Corruption>,
}

impl<const N: usize> Consumer<N> {
    /// Create a ring with room for so many messages and take the consumer's side; the offer is for the producer.
    ///
    /// # Errors
    /// As [`Producer::create`](super::Producer::create).
    pub fn create(messages: u64) -> Result<(Self, Offer), RingError> {
        let slots = Slots::<N>::with_room_for(messages)?;
        let (shared, offer) = attach::create(Role::Consumer, slots.own_shape())?;
        Ok((Self::over(shared, slots.capacity, sys::wait::register_barrier()), offer))
    }

    /// Take the consumer's side of a ring that the producer created, for messages of the same size.
    ///
    /// # Errors
    /// [`Refused`] holds the offer and the reason.
    pub fn attach(offer: Offer) -> Result<Self, Box<Refused>> {
        let (shared, shape) = attach::attach(Role::Consumer, offer, Slots::<N>::shape)?;
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
        let slots = Slots { capacity };
        let due = slots.eighth();
        let (at, end, first, written, released, lead) = (0, 0, 0, 0, 0, Lead::NEW);
        Self { memory, event, slots, at, end, due, first, written, released, lead, stalls: 0, corrupt: None }
    }

    /// Messages that the ring has room for.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.slots.capacity
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

    /// Pauses that are due before the next look.
    #[cfg(test)]
    pub(in crate::ring) fn pauses(&mut self) -> u32 {
        self.lead.due()
    }

    /// What this side has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let Self { stalls, event, .. } = self;
        let bytes = self.position();
        Counts { messages: bytes / N as u64, bytes, stalls: *stalls, sleeps: event.sleeps(), wakes: event.wakes() }
    }

    /// Take the next message, unless there is none now.
    ///
    /// # Errors
    /// Once everything that was sent is taken: [`RingError::Closed`], [`RingError::GivenUp`], [`RingError::PeerGone`]; and
    /// [`RingError::Corrupt`].
    #[inline]
    pub fn try_receive(&mut self) -> Result<Option<[u8; N]>, RingError> {
        let mut message = [0; N];
        Ok(self.try_receive_into(&mut message)?.then_some(message))
    }

    /// Take the next message into `into`, unless there is none now (`false`): large ones are copied once less.
    ///
    /// # Errors
    /// As [`Consumer::try_receive`].
    // Where it is called from several places a call would be made of it, which costs a quarter of a message of 8 bytes.
    #[inline(always)]
    pub fn try_receive_into(&mut self, into: &mut [u8; N]) -> Result<bool, RingError> {
        if self.at >= self.end {
            return self.receive_with_care(into);
        }
        self.take(std::slice::from_mut(into));
        Ok(true)
    }

    /// Take the next message, waiting for it.
    ///
    /// # Errors
    /// As [`Consumer::try_receive`], and [`RingError::TimedOut`].
    #[inline]
    pub fn receive(&mut self, deadline: Deadline) -> Result<[u8; N], RingError> {
        let mut message = [0; N];
        self.receive_into(&mut message, deadline)?;
        Ok(message)
    }

    /// Take the next message into `into`, waiting for it.
    ///
    /// # Errors
    /// As [`Consumer::receive`]; `into` may have been written to.
    #[inline]
    pub fn receive_into(&mut self, into: &mut [u8; N], deadline: Deadline) -> Result<(), RingError> {
        while !self.try_receive_into(into)? {
            self.wait_for_message(deadline)?;
        }
        Ok(())
    }

    /// Take the next message into `into`, unless there is none now (`false`): the same as [`Consumer::try_receive_into`], for messages that come
    /// one at a time, as questions and answers do. See [`Producer::try_send_alone`](super::Producer::try_send_alone).
    ///
    /// # Errors
    /// As [`Consumer::try_receive`].
    #[inline]
    pub fn try_receive_alone(&mut self, into: &mut [u8; N]) -> Result<bool, RingError> {
        if !lone::fits::<N>() || self.known() > 0 {
            return self.receive_if_there(into, false);
        }
        self.begin_again();
        let seen = acquire(&self.memory, self.memory.peer().position());
        if self.corrupt.is_none() && self.is_new(seen) {
            self.written = seen;
        } else if !self.look_for_message(seen)? {
            return Ok(false);
        }
        if self.known() == N && lone::read(&self.memory, self.written, into) {
            self.pass(1);
        } else {
            self.take(std::slice::from_mut(into));
        }
        self.release_an_eighth();
        Ok(true)
    }

    /// The same, waiting for the message.
    ///
    /// # Errors
    /// As [`Consumer::receive`]; `into` may have been written to.
    #[inline]
    pub fn receive_alone(&mut self, into: &mut [u8; N], deadline: Deadline) -> Result<(), RingError> {
        while !self.try_receive_alone(into)? {
            answer(self.wait_to_find(deadline, !lone::fits::<N>())?)?;
        }
        Ok(())
    }

    /// Take messages that are there now, as many as `into` has room for. The answer: how many.
    ///
    /// # Errors
    /// As [`Consumer::try_receive`], if it comes before any message; else the next call reports it.
    #[inline]
    pub fn try_receive_batch(&mut self, into: &mut [[u8; N]]) -> Result<usize, RingError> {
        if into.is_empty() {
            return Ok(0);
        }
        if self.known() == 0 {
            if !self.go_on(false)? {
                return Ok(0);
            }
        } else {
            self.begin_again();
            if self.known() < into.as_flattened().len() {
                // What cannot be is for the next call to report: first come the messages that are known.
                let _ = self.look_for_more();
            }
        }
        let count = into.len().min(self.known() / N);
        let (run, rest) = into[..count].split_at_mut(self.slots.in_one_piece(self.at, count));
        self.take(run);
        if !rest.is_empty() {
            self.take_rest(rest);
        }
        self.release_an_eighth();
        Ok(count)
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
        self.wait_to_find(deadline, true)
    }

    /// Meanwhile the place of the next message may be asked for.
    fn wait_to_find(&mut self, deadline: Deadline, asks: bool) -> Result<Wait, RingError> {
        if self.corrupt.is_some() || self.known() > 0 {
            return Ok(Wait::Woken);
        }
        self.begin_again();
        self.release();
        let next = asks.then_some(self.at);
        let Self { memory, event, written, .. } = self;
        // Any other position will do: one that cannot be is reported by the next attempt.
        let ready = || look(memory, next) != *written || acquire(memory, memory.peer().status()) & status::LEFT != 0;
        event.wait(memory, deadline, ready).map_err(|source| RingError::Os { what: "waiting for a message", source })
    }

    #[cold]
    fn wait_for_message(&mut self, deadline: Deadline) -> Result<(), RingError> {
        answer(self.wait(deadline)?)
    }

    /// Bytes of all messages taken.
    #[inline]
    fn position(&self) -> u64 {
        self.first + self.at as u64
    }

    /// Take the next message into `into`, if there is one, after a pause and a look, if they are due: once in a hundred messages, and so
    /// out of the way.
    #[cold]
    #[inline(never)]
    fn receive_with_care(&mut self, into: &mut [u8; N]) -> Result<bool, RingError> {
        self.receive_if_there(into, true)
    }

    /// The same, where each message may need it; whether to pause is as in [`Consumer::go_on`].
    #[inline]
    fn receive_if_there(&mut self, into: &mut [u8; N], pauses: bool) -> Result<bool, RingError> {
        if !self.go_on(pauses)? {
            return Ok(false);
        }
        self.take(std::slice::from_mut(into));
        self.release_an_eighth();
        Ok(true)
    }

    /// Whether there is a message behind the last that was known, or behind the last place. With `pauses`, let a producer get ahead that
    /// is sending: a look takes the line of the position from it. Where nothing comes, a look is as good as a pause.
    #[inline]
    fn go_on(&mut self, pauses: bool) -> Result<bool, RingError> {
        self.begin_again();
        let limit = self.slots.bytes().min(self.at + self.known());
        if self.at < limit {
            self.end = limit.min(self.due.saturating_sub(N));
            return Ok(true);
        }
        let due = self.lead.due();
        if pauses {
            (0..due).for_each(|_| std::hint::spin_loop());
        }
        match self.look_for_more() {
            Ok(()) => Ok(true),
            Err(seen) => self.look_for_message(seen),
        }
    }

    /// The places begin again, if the last one was used.
    #[inline]
    fn begin_again(&mut self) {
        if self.at == self.slots.bytes() {
            self.at = 0;
            self.end = 0;
            self.first += self.slots.bytes() as u64;
            self.due = self.due.saturating_sub(self.slots.bytes());
        }
    }

    /// Bytes of messages that are known to be there.
    #[inline]
    fn known(&self) -> usize {
        (self.written - self.position()) as usize
    }

    /// Whether there are more messages than are known; if not, the position that says so.
    #[inline]
    fn look_for_more(&mut self) -> Result<(), u64> {
        let seen = look(&self.memory, Some(self.at));
        if self.corrupt.is_some() || !self.is_new(seen) {
            return Err(seen);
        }
        self.lead.found((seen - self.written) / N as u64, self.slots.capacity);
        self.written = seen;
        Ok(())
    }

    /// Whether a position tells of messages that were not known yet, and of no more than there can be: what was not
    /// released cannot have been overwritten.
    #[inline]
    fn is_new(&self, seen: u64) -> bool {
        seen.wrapping_sub(self.written).wrapping_sub(1) < self.most() && Slots::<N>::holds_whole(seen)
    }

    /// Bytes that the producer can have sent behind those that are known.
    #[inline]
    fn most(&self) -> u64 {
        self.slots.bytes() as u64 - (self.written - self.released)
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
            seen = look(&self.memory, Some(self.at));
            if self.is_new(seen) {
                self.written = seen;
                return Ok(true);
            }
        }
        if seen != self.written {
            let corruption = Corruption::Position { found: seen, least: self.written, most: self.written + self.most() };
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

    /// Copy out messages that are there and lie in one piece.
    #[inline]
    fn take(&mut self, messages: &mut [[u8; N]]) {
        self.memory.read(self.at, messages.as_flattened_mut());
        self.pass(messages.len());
    }

    /// So many messages, which lie in one piece, are taken.
    #[inline]
    fn pass(&mut self, messages: usize) {
        self.at += messages * N;
    }

    /// Those that the ring's end parted from the rest of a batch.
    #[cold]
    #[inline(never)]
    fn take_rest(&mut self, messages: &mut [[u8; N]]) {
        self.begin_again();
        self.take(messages);
    }

    #[inline]
    fn release_an_eighth(&mut self) {
        if self.at >= self.due {
            self.release();
        }
    }

    /// Give all room back: the producer may overwrite everything that was taken. Now and then, and so out of line.
    #[inline(never)]
    fn release(&mut self) {
        if self.released != self.position() {
            self.released = self.position();
            self.due = self.at + self.slots.eighth();
            self.memory.own().position().store(self.released, Ordering::Release);
            self.event.notify(&self.memory);
        }
    }
}

/// What a wait means for who goes on until there is a message.
fn answer(wait: Wait) -> Result<(), RingError> {
    match wait {
        Wait::Woken | Wait::Interrupted => Ok(()),
        Wait::TimedOut => Err(RingError::TimedOut),
        Wait::PeerGone => Err(RingError::PeerGone),
    }
}

/// The producer's position, read once. The message at `next` comes with the news of it, or is on its way.
#[inline]
fn look<M: Memory>(memory: &M, next: Option<usize>) -> u64 {
    if let Some(at) = next {
        memory.expect_read(at);
    }
    acquire(memory, memory.peer().position())
}

impl<const N: usize, M: Memory> Drop for Consumer<N, M> {
    fn drop(&mut self) {
        self.event.leave(&self.memory, status::CLOSED);
    }
}
