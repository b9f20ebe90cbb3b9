//! The producer's side.

use std::sync::atomic::Ordering;

use super::layout::{self, UNIT, record};
use super::memory::{self, Memory, Shared, ahead, expect_writes};
use super::{Corruption, Counts, RingError};
use crate::deadline::Deadline;
use crate::waiter::{Atomic, EventCount, Patience, Peer, Wait, Words, acquire, status};

/// Sends messages. There is one for a ring, and dropping it closes the ring.
#[derive(Debug)]
pub struct Producer<M: Memory = Shared> {
    memory: M,
    event: EventCount,
    /// Fixed when the ring was attached. 0 once nothing can be sent any more, so that the one comparison that every send
    /// makes covers that too.
    capacity: u64,
    mask: u64,
    /// Where the next message goes.
    position: u64,
    /// What the consumer may see. Never behind its position, never ahead of `position`.
    published: u64,
    /// The consumer's position when it was last looked at; `published - read <= capacity`.
    read: u64,
    /// Messages published so far: counted when they are, which a batch is at once.
    messages: u64,
    /// Looks that found no room.
    stalls: u64,
    /// Why nothing can be sent any more.
    fault: Option<Fault>,
}

/// Why nothing can be sent any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Closed,
    GivenUp,
    Corrupt(Corruption),
}

impl From<Fault> for RingError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Closed => Self::Closed,
            Fault::GivenUp => Self::GivenUp,
            Fault::Corrupt(corruption) => Self::Corrupt(corruption),
        }
    }
}

impl<M: Memory> Producer<M> {
    /// The producer of an empty ring.
    pub(super) fn over(memory: M, capacity: u64, barriers: bool) -> Self {
        let event = EventCount::new(barriers);
        event.announce(&memory);
        let mask = capacity - 1;
        Self { memory, event, capacity, mask, position: 0, published: 0, read: 0, messages: 0, stalls: 0, fault: None }
    }

    /// As if so many bytes had been sent and taken. On both sides, before anything is sent.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, position: u64) {
        (self.position, self.published, self.read) = (position, position, position);
        self.memory.own().position().store(position, Ordering::Release);
    }

    /// Bytes of the longest message that an empty ring takes.
    #[must_use]
    pub fn max_message(&self) -> usize {
        usize::try_from(self.mask + 1 - UNIT).unwrap_or(usize::MAX)
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
        let Self { position, messages, stalls, event, .. } = self;
        Counts { messages: *messages, bytes: *position, stalls: *stalls, sleeps: event.sleeps(), wakes: event.wakes() }
    }

    /// Send, unless there is no room now (`false`).
    ///
    /// # Errors
    /// [`RingError::TooLarge`], and whatever makes the ring useless for good: [`RingError::Closed`],
    /// [`RingError::PeerGone`], [`RingError::Corrupt`], [`RingError::GivenUp`].
    #[inline]
    pub fn try_send(&mut self, message: &[u8]) -> Result<bool, RingError> {
        let sent = self.put(message)?;
        if sent {
            self.publish(1);
        }
        Ok(sent)
    }

    /// Send, waiting for room.
    ///
    /// # Errors
    /// As [`Producer::try_send`], and [`RingError::TimedOut`].
    #[inline]
    pub fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), RingError> {
        while !self.try_send(message)? {
            self.wait_for_room(message.len(), deadline)?;
        }
        Ok(())
    }

    /// Room for a message of `len` bytes, to be written in place, unless there is none now.
    ///
    /// # Errors
    /// As [`Producer::try_send`].
    #[inline]
    pub fn try_reserve(&mut self, len: usize) -> Result<Option<Reservation<'_, M>>, RingError> {
        if !self.has_room(len)? {
            return Ok(None);
        }
        self.expect(len);
        Ok(Some(Reservation { producer: self, len }))
    }

    /// Room for a message of `len` bytes, waiting for it.
    ///
    /// # Errors
    /// As [`Producer::send`].
    pub fn reserve(&mut self, len: usize, deadline: Deadline) -> Result<Reservation<'_, M>, RingError> {
        while !self.has_room(len)? {
            self.wait_for_room(len, deadline)?;
        }
        self.expect(len);
        Ok(Reservation { producer: self, len })
    }

    /// How long a message may be to have room now, `most` or less. 0 where only one without bytes has room, or none.
    ///
    /// # Errors
    /// What makes the ring useless for good, as [`Producer::try_send`] reports it.
    pub fn room(&mut self, most: usize) -> Result<usize, RingError> {
        let most = most.min(self.max_message());
        if self.has_room(most)? {
            return Ok(most);
        }
        // The consumer's position was looked at just now.
        let free = self.capacity - (self.position - self.read);
        Ok(usize::try_from(free.saturating_sub(UNIT)).unwrap_or(most).min(most))
    }

    /// Several messages that the consumer sees at once, and is woken for once.
    pub fn batch(&mut self) -> Batch<'_, M> {
        Batch { producer: self, added: 0 }
    }

    /// Send all, in as few publications as the room allows, waiting for it. The count: messages sent before an error.
    ///
    /// # Errors
    /// As [`Producer::send`], with the number of messages that were sent before.
    pub fn send_batch<'m>(
        &mut self,
        messages: impl IntoIterator<Item = &'m [u8]>,
        deadline: Deadline,
    ) -> Result<(), (usize, RingError)> {
        let mut batch = self.batch();
        for (count, message) in messages.into_iter().enumerate() {
            let fail = |error| (count, error);
            while !batch.try_send(message).map_err(fail)? {
                batch.publish();
                batch.producer.wait_for_room(message.len(), deadline).map_err(fail)?;
            }
        }
        Ok(())
    }

    /// Wait until a message of `len` bytes has room, or nothing can be sent any more (`Woken`: try).
    ///
    /// # Errors
    /// [`RingError::Os`], or [`RingError::TooLarge`] for a message that will never have room.
    pub fn wait(&mut self, len: usize, deadline: Deadline) -> Result<Wait, RingError> {
        let need = record(len);
        if need > self.mask + 1 {
            return Err(RingError::TooLarge { found: len, most: self.max_message() });
        }
        if self.fault.is_some() {
            return Ok(Wait::Woken);
        }
        let Self { memory, event, capacity, position, published, read, .. } = self;
        let ready = || {
            let seen = acquire(memory, memory.peer().position());
            let taken = seen.wrapping_sub(*read);
            // A position that cannot be ends the wait as well: the next attempt reports it.
            taken > *published - *read
                || *position + need - (*read + taken) <= *capacity
                || acquire(memory, memory.peer().status()) & status::LEFT != 0
        };
        event.wait(memory, deadline, ready).map_err(|source| RingError::Os { what: "waiting for room in a ring", source })
    }

    #[cold]
    fn wait_for_room(&mut self, len: usize, deadline: Deadline) -> Result<(), RingError> {
        match self.wait(len, deadline)? {
            Wait::Woken | Wait::Interrupted => Ok(()),
            Wait::TimedOut => Err(RingError::TimedOut),
            Wait::PeerGone => Err(RingError::PeerGone),
        }
    }

    /// Write a message behind the others, without publishing it.
    #[inline]
    fn put(&mut self, message: &[u8]) -> Result<bool, RingError> {
        if !self.has_room(message.len())? {
            return Ok(false);
        }
        self.expect(message.len());
        self.copy_in(0, message);
        self.advance(message.len());
        Ok(true)
    }

    /// A message of `len` bytes is about to be written.
    #[inline]
    fn expect(&self, len: usize) {
        let size = self.mask as usize + 1;
        let from = (self.position & self.mask) as usize + ahead(size);
        expect_writes(&self.memory, from, (record(len) as usize).min(size / 2), size);
    }

    #[inline]
    fn has_room(&mut self, len: usize) -> Result<bool, RingError> {
        if self.position - self.read + record(len) <= self.capacity { Ok(true) } else { self.look_for_room(len) }
    }

    /// The way when the private copy of the consumer's position shows no room.
    #[inline(never)]
    fn look_for_room(&mut self, len: usize) -> Result<bool, RingError> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        self.event.awake(&self.memory);
        let need = record(len);
        if need > self.capacity {
            return Err(RingError::TooLarge { found: len, most: self.max_message() });
        }
        let dead = self.memory.peer_is_dead();
        let left = acquire(&self.memory, self.memory.peer().status()) & status::LEFT;
        self.look_at_consumer()?;
        if left != 0 {
            return Err(self.fail(if left & status::CORRUPT != 0 { Fault::GivenUp } else { Fault::Closed }));
        }
        let room = need <= self.capacity - (self.position - self.read);
        self.stalls += u64::from(!room);
        if !room && dead { Err(RingError::PeerGone) } else { Ok(room) }
    }

    /// Read the consumer's position once, check it, and keep it.
    fn look_at_consumer(&mut self) -> Result<(), RingError> {
        let seen = acquire(&self.memory, self.memory.peer().position());
        if seen.wrapping_sub(self.read) > self.published - self.read || !seen.is_multiple_of(UNIT) {
            let corruption = Corruption::Position { found: seen, least: self.read, most: self.published };
            return Err(self.fail(Fault::Corrupt(corruption)));
        }
        self.read = seen;
        Ok(())
    }

    /// Nothing is sent any more.
    #[cold]
    fn fail(&mut self, fault: Fault) -> RingError {
        self.fault = Some(fault);
        self.capacity = 0;
        if let Fault::Corrupt(_) = fault {
            self.event.leave(&self.memory, status::CORRUPT);
        }
        fault.into()
    }

    /// Copy a part of the message that is being written; the caller has checked that there is room.
    #[inline]
    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        let at = ((self.position + UNIT + offset as u64) & self.mask) as usize;
        let behind = (self.mask as usize + 1) - at;
        if bytes.len() <= behind {
            self.memory.write(at, bytes);
        } else {
            let (first, second) = bytes.split_at(behind);
            self.memory.write(at, first);
            self.memory.write(0, second);
        }
    }

    /// The message of `len` bytes at `position` is complete.
    #[inline]
    fn advance(&mut self, len: usize) {
        let header = layout::message_header(self.position, len as u64);
        self.memory.write_header((self.position & self.mask) as usize, header);
        self.position += record(len);
    }

    /// So many messages are there for the consumer.
    #[inline]
    fn publish(&mut self, messages: u64) {
        self.published = self.position;
        self.messages += messages;
        self.memory.own().position().store(self.published, Ordering::Release);
        self.event.notify(&self.memory);
    }
}

impl Producer {
    /// Waits end when this process dies. Without it, deadlines alone end them.
    pub fn watch(&mut self, peer: &Peer) {
        self.memory.watch(peer.clone());
    }
}

impl<M: Memory> Drop for Producer<M> {
    fn drop(&mut self) {
        self.event.leave(&self.memory, status::CLOSED);
    }
}

/// Room for one message, written in place. Dropping it gives the room back.
#[derive(Debug)]
pub struct Reservation<'p, M: Memory = Shared> {
    producer: &'p mut Producer<M>,
    len: usize,
}

impl<M: Memory> Reservation<'_, M> {
    /// Bytes reserved.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is for a message without bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Write `bytes` from byte `offset` of the message on.
    ///
    /// # Panics
    /// When they do not fit, as with a slice.
    #[inline]
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        assert!(
            offset <= self.len && bytes.len() <= self.len - offset,
            "{} bytes from {offset} on do not fit into {}",
            bytes.len(),
            self.len
        );
        self.producer.copy_in(offset, bytes);
    }

    /// Send the first `used` bytes as a message.
    ///
    /// # Panics
    /// When `used` is more than was reserved.
    #[inline]
    pub fn commit(self, used: usize) {
        assert!(used <= self.len, "{used} of {} reserved bytes cannot be committed", self.len);
        self.producer.advance(used);
        self.producer.publish(1);
    }
}

impl Reservation<'_, Shared> {
    /// Where to write: two pieces, the second empty unless the message wraps. For whoever fills memory through a pointer, as
    /// `read(2)` or a device does; the bytes are shared, so that a peer that breaks the rules may change them meanwhile, and
    /// no reference may be made of them.
    #[must_use]
    pub fn pieces(&mut self) -> [*mut [u8]; 2] {
        let Producer { memory, position, mask, .. } = &*self.producer;
        memory::pieces(memory.outgoing(), *position + UNIT, self.len, *mask)
    }
}

/// Messages that are published together, at the latest when this is dropped.
#[derive(Debug)]
pub struct Batch<'p, M: Memory = Shared> {
    producer: &'p mut Producer<M>,
    /// Messages since the last publication.
    added: u64,
}

impl<M: Memory> Batch<'_, M> {
    /// Add a message, unless there is no room now (`false`).
    ///
    /// # Errors
    /// As [`Producer::try_send`].
    #[inline]
    pub fn try_send(&mut self, message: &[u8]) -> Result<bool, RingError> {
        let sent = self.producer.put(message)?;
        self.added += u64::from(sent);
        Ok(sent)
    }

    /// As [`Producer::room`].
    pub(crate) fn room(&mut self, most: usize) -> Result<usize, RingError> {
        self.producer.room(most)
    }

    /// Publish, and wait until a message of `len` bytes has room.
    pub(crate) fn wait_for_room(&mut self, len: usize, deadline: Deadline) -> Result<(), RingError> {
        self.publish();
        while !self.producer.has_room(len)? {
            self.producer.wait_for_room(len, deadline)?;
        }
        Ok(())
    }

    /// Let the consumer see what was added so far.
    #[inline]
    pub fn publish(&mut self) {
        if self.producer.published != self.producer.position {
            self.producer.publish(std::mem::take(&mut self.added));
        }
    }
}

impl<M: Memory> Drop for Batch<'_, M> {
    fn drop(&mut self) {
        self.publish();
    }
}
