//! The producer's side.

use std::sync::atomic::Ordering;

use super::super::layout::Role;
use super::super::memory::{Memory, Shared, ahead, expect_writes};
use super::super::producer::Fault;
use super::super::{Corruption, Counts, Offer, Refused, RingError, attach};
use super::{Slots, lone};
use crate::deadline::Deadline;
use crate::sys;
use crate::waiter::{Atomic, EventCount, Patience, Peer, Wait, Words, acquire, status};

/// Sends messages of `N` bytes. There is one for a ring, and dropping it closes the ring.
#[derive(Debug)]
pub struct Producer<const N: usize, M: Memory = Shared> {
    memory: M,
    event: EventCount,
    /// Fixed when the ring was attached.
    slots: Slots<N>,
    /// Where the next message goes; behind the last place before the first one is used again.
    at: usize,
    /// Up to where messages sent singly need no more than this comparison: as far as lines were asked for, and not past `limit`.
    end: usize,
    /// Up to where messages have room without another look. 0 once nothing can be sent any more, as `end` is then.
    limit: usize,
    /// The position of the first place, this time round.
    first: u64,
    /// The consumer's position, when it was last looked at; at most a capacity behind the own.
    read: u64,
    /// How far ahead lines are asked for.
    ahead: usize,
    /// Bytes of the messages sent singly whose lines are asked for at once.
    stretch: usize,
    /// Looks that found no room.
    stalls: u64,
    /// Why nothing can be sent any more.
    fault: Option<Fault>,
}

impl<const N: usize> Producer<N> {
    /// Create a ring with room for so many messages and take the producer's side; the offer is for the consumer.
    ///
    /// # Errors
    /// [`RingError::Capacity`] for none or too many, or [`RingError::Memory`] where the system has none left.
    pub fn create(messages: u64) -> Result<(Self, Offer), RingError> {
        let slots = Slots::<N>::with_room_for(messages)?;
        let (shared, offer) = attach::create(Role::Producer, slots.own_shape())?;
        Ok((Self::over(shared, slots.capacity, sys::wait::register_barrier()), offer))
    }

    /// Take the producer's side of a ring that the consumer created, for messages of the same size.
    ///
    /// # Errors
    /// [`Refused`] holds the offer and the reason.
    pub fn attach(offer: Offer) -> Result<Self, Box<Refused>> {
        let (shared, shape) = attach::attach(Role::Producer, offer, Slots::<N>::shape)?;
        Ok(Self::over(shared, shape.capacity, sys::wait::register_barrier()))
    }

    /// Waits end when this process dies. Without it, deadlines alone end them.
    pub fn watch(&mut self, peer: &Peer) {
        self.memory.watch(peer.clone());
    }
}

impl<const N: usize, M: Memory> Producer<N, M> {
    /// The producer of an empty ring, whose capacity was checked.
    pub(in crate::ring) fn over(memory: M, capacity: u64, barriers: bool) -> Self {
        let event = EventCount::new(barriers);
        event.announce(&memory);
        let slots = Slots { capacity };
        let (limit, ahead) = (slots.bytes(), ahead(slots.bytes()));
        let stretch = (ahead / 2 / N).max(1) * N;
        Self { memory, event, slots, at: 0, end: 0, limit, first: 0, read: 0, ahead, stretch, stalls: 0, fault: None }
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

    /// What this side has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let Self { stalls, event, .. } = self;
        let bytes = self.position();
        Counts { messages: bytes / N as u64, bytes, stalls: *stalls, sleeps: event.sleeps(), wakes: event.wakes() }
    }

    /// Send, unless there is no room now (`false`).
    ///
    /// # Errors
    /// What makes the ring useless for good: [`RingError::Closed`], [`RingError::PeerGone`], [`RingError::Corrupt`],
    /// [`RingError::GivenUp`].
    // Where it is called from several places a call would be made of it, which costs half of a message of 8 bytes.
    #[inline(always)]
    pub fn try_send(&mut self, message: &[u8; N]) -> Result<bool, RingError> {
        if self.at >= self.end && !self.go_on()? {
            return Ok(false);
        }
        self.write(message);
        self.publish();
        Ok(true)
    }

    /// Send, waiting for room.
    ///
    /// # Errors
    /// As [`Producer::try_send`], and [`RingError::TimedOut`].
    #[inline]
    pub fn send(&mut self, message: &[u8; N], deadline: Deadline) -> Result<(), RingError> {
        while !self.try_send(message)? {
            self.wait_for_room(deadline)?;
        }
        Ok(())
    }

    /// Send a message that is waited for, unless there is no room now (`false`): the same as [`Producer::try_send`], but a message of up to
    /// 48 bytes crosses between the processors with the news of it, if nothing else is under way and the consumer takes it by
    /// [`Consumer::receive_alone`](super::Consumer::receive_alone).
    ///
    /// # Errors
    /// As [`Producer::try_send`].
    #[inline]
    pub fn try_send_alone(&mut self, message: &[u8; N]) -> Result<bool, RingError> {
        if self.at >= self.limit && !self.find_room()? {
            return Ok(false);
        }
        self.put(std::slice::from_ref(message));
        if lone::fits::<N>() {
            lone::write(&self.memory, self.position(), message);
        }
        self.publish();
        Ok(true)
    }

    /// The same, waiting for room.
    ///
    /// # Errors
    /// As [`Producer::send`].
    #[inline]
    pub fn send_alone(&mut self, message: &[u8; N], deadline: Deadline) -> Result<(), RingError> {
        while !self.try_send_alone(message)? {
            self.wait_for_room(deadline)?;
        }
        Ok(())
    }

    /// Send as many of these as have room now; the consumer sees them at once, and is woken once. The answer: how many.
    ///
    /// # Errors
    /// As [`Producer::try_send`].
    #[inline]
    pub fn try_send_batch(&mut self, messages: &[[u8; N]]) -> Result<usize, RingError> {
        let bytes = messages.as_flattened().len();
        if self.at + bytes > self.limit {
            return self.send_what_fits(messages);
        }
        self.put(messages);
        self.publish();
        Ok(messages.len())
    }

    /// A batch that has no room as far as is known, or not in one piece.
    #[cold]
    #[inline(never)]
    fn send_what_fits(&mut self, messages: &[[u8; N]]) -> Result<usize, RingError> {
        self.make_room_for(messages.as_flattened().len())?;
        let now = &messages[..messages.len().min(self.room() / N)];
        if now.is_empty() {
            return Ok(0);
        }
        let (run, rest) = now.split_at(self.slots.in_one_piece(self.at, now.len()));
        self.put(run);
        if !rest.is_empty() {
            self.begin_again();
            self.put(rest);
        }
        self.publish();
        Ok(now.len())
    }

    /// Send all, waiting for room.
    ///
    /// # Errors
    /// As [`Producer::send`], with the number of messages that were sent before.
    pub fn send_batch(&mut self, messages: &[[u8; N]], deadline: Deadline) -> Result<(), (usize, RingError)> {
        let mut sent = 0;
        while sent < messages.len() {
            let fail = |error| (sent, error);
            match self.try_send_batch(&messages[sent..]).map_err(fail)? {
                0 => self.wait_for_room(deadline).map_err(fail)?,
                count => sent += count,
            }
        }
        Ok(())
    }

    /// Wait until a message has room, or nothing can be sent any more (`Woken`: try).
    ///
    /// # Errors
    /// [`RingError::Os`].
    pub fn wait(&mut self, deadline: Deadline) -> Result<Wait, RingError> {
        if self.fault.is_some() || self.room() > 0 {
            return Ok(Wait::Woken);
        }
        let Self { memory, event, read, .. } = self;
        let ready = || {
            // Any other position will do: one that cannot be is reported by the next attempt.
            acquire(memory, memory.peer().position()) != *read || acquire(memory, memory.peer().status()) & status::LEFT != 0
        };
        event.wait(memory, deadline, ready).map_err(|source| RingError::Os { what: "waiting for room in a ring", source })
    }

    #[cold]
    fn wait_for_room(&mut self, deadline: Deadline) -> Result<(), RingError> {
        match self.wait(deadline)? {
            Wait::Woken | Wait::Interrupted => Ok(()),
            Wait::TimedOut => Err(RingError::TimedOut),
            Wait::PeerGone => Err(RingError::PeerGone),
        }
    }

    /// Bytes of all messages sent.
    #[inline]
    fn position(&self) -> u64 {
        self.first + self.at as u64
    }

    /// Bytes that have room, as far as is known.
    #[inline]
    fn room(&self) -> usize {
        self.slots.bytes() - (self.position() - self.read) as usize
    }

    /// Write messages that have room and lie in one piece.
    #[inline]
    fn put(&mut self, messages: &[[u8; N]]) {
        self.expect(messages.as_flattened().len());
        self.write(messages.as_flattened());
    }

    /// So many bytes are about to be written.
    #[inline]
    fn expect(&self, bytes: usize) {
        expect_writes(&self.memory, self.at + self.ahead, bytes, self.slots.bytes());
    }

    /// Write bytes whose lines were asked for.
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.memory.write(self.at, bytes);
        self.at += bytes.len();
    }

    /// What was put is there for the consumer.
    #[inline]
    fn publish(&mut self) {
        self.memory.own().position().store(self.position(), Ordering::Release);
        self.event.notify(&self.memory);
    }

    /// The places begin again, if the last one was used.
    fn begin_again(&mut self) {
        if self.at == self.slots.bytes() {
            self.at = 0;
            self.end = 0;
            self.first += self.slots.bytes() as u64;
        }
        self.limit = self.slots.bytes().min(self.at + self.room());
    }

    /// Whether a message has room where the last one ended. Lines are asked for of several at once, so that most messages do without
    /// the question, which is out of their way.
    #[cold]
    #[inline(never)]
    fn go_on(&mut self) -> Result<bool, RingError> {
        if self.at >= self.limit && !self.find_room()? {
            return Ok(false);
        }
        self.expect(self.stretch);
        self.end = self.limit.min(self.at + self.stretch);
        Ok(true)
    }

    /// Whether there is room behind the last that was known, or behind the last place.
    #[inline(never)]
    fn find_room(&mut self) -> Result<bool, RingError> {
        self.make_room_for(N)?;
        Ok(self.at < self.limit)
    }

    /// Look for room if less than this is known, and begin again behind the last place.
    #[inline(never)]
    fn make_room_for(&mut self, bytes: usize) -> Result<(), RingError> {
        if self.fault.is_some() || self.room() < bytes {
            self.look_for_room()?;
        }
        self.begin_again();
        Ok(())
    }

    /// Read the consumer's position once, check it, and keep it.
    fn look_for_room(&mut self) -> Result<(), RingError> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        self.event.awake(&self.memory);
        let dead = self.memory.peer_is_dead();
        let left = acquire(&self.memory, self.memory.peer().status()) & status::LEFT;
        let seen = acquire(&self.memory, self.memory.peer().position());
        let position = self.position();
        if seen.wrapping_sub(self.read) > position - self.read || !Slots::<N>::holds_whole(seen) {
            let corruption = Corruption::Position { found: seen, least: self.read, most: position };
            return Err(self.fail(Fault::Corrupt(corruption)));
        }
        if left != 0 {
            return Err(self.fail(if left & status::CORRUPT != 0 { Fault::GivenUp } else { Fault::Closed }));
        }
        self.read = seen;
        let room = self.room() > 0;
        self.stalls += u64::from(!room);
        if !room && dead { Err(RingError::PeerGone) } else { Ok(()) }
    }

    /// Nothing is sent any more.
    #[cold]
    fn fail(&mut self, fault: Fault) -> RingError {
        self.fault = Some(fault);
        (self.end, self.limit) = (0, 0);
        if let Fault::Corrupt(_) = fault {
            self.event.leave(&self.memory, status::CORRUPT);
        }
        fault.into()
    }
}

impl<const N: usize, M: Memory> Drop for Producer<N, M> {
    fn drop(&mut self) {
        self.event.leave(&self.memory, status::CLOSED);
    }
}
