//! The consumer's side.

use std::sync::atomic::Ordering;

use super::layout::{self, UNIT, record};
use super::memory::{self, Memory, Shared};
use super::{Corruption, Counts, RingError};
use crate::deadline::Deadline;
use crate::waiter::{Atomic, EventCount, Patience, Peer, Wait, Words, acquire, status};

/// Receives messages. There is one for a ring, and dropping it closes the ring.
#[derive(Debug)]
pub struct Consumer<M: Memory = Shared> {
    memory: M,
    event: EventCount,
    /// Fixed when the ring was attached.
    mask: u64,
    /// Where the next message begins.
    position: u64,
    /// What the producer may overwrite. Never ahead of `position`.
    released: u64,
    /// The producer's position when it was last looked at; `written - released <= capacity`.
    written: u64,
    /// Messages taken so far: counted when their room is given back, which that of a batch is at once.
    messages: u64,
    /// Looks that found nothing.
    stalls: u64,
    /// What the producer did that cannot be.
    corrupt: Option<Corruption>,
}

/// Where the next message lies.
#[derive(Clone, Copy, Debug)]
struct Found {
    len: usize,
}

impl<M: Memory> Consumer<M> {
    /// The consumer of a ring from which nothing was taken yet.
    pub(super) fn over(memory: M, capacity: u64, barriers: bool) -> Self {
        let event = EventCount::new(barriers);
        event.announce(&memory);
        let mask = capacity - 1;
        Self { memory, event, mask, position: 0, released: 0, written: 0, messages: 0, stalls: 0, corrupt: None }
    }

    /// As if so many bytes had been sent and taken. On both sides, before anything is sent.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, position: u64) {
        (self.position, self.released, self.written) = (position, position, position);
        self.memory.own().position().store(position, Ordering::Release);
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

    /// The next message, in place, unless there is none now. It stays in the ring until [`Message::release`].
    ///
    /// # Errors
    /// Once everything that was sent is taken: [`RingError::Closed`], [`RingError::GivenUp`], [`RingError::PeerGone`]; and
    /// [`RingError::Corrupt`].
    #[inline]
    pub fn try_peek(&mut self) -> Result<Option<Message<'_, M>>, RingError> {
        Ok(self.find()?.map(|found| Message { consumer: self, len: found.len, together: false }))
    }

    /// The next message, in place, waiting for it.
    ///
    /// # Errors
    /// As [`Consumer::try_peek`], and [`RingError::TimedOut`].
    pub fn peek(&mut self, deadline: Deadline) -> Result<Message<'_, M>, RingError> {
        let found = self.await_message(deadline)?;
        Ok(Message { consumer: self, len: found.len, together: false })
    }

    /// Take the next message into `into`, whose content it replaces; `false`: there is none now.
    ///
    /// # Errors
    /// As [`Consumer::try_peek`].
    #[inline]
    pub fn try_receive(&mut self, into: &mut Vec<u8>) -> Result<bool, RingError> {
        let Some(message) = self.try_peek()? else { return Ok(false) };
        message.take(into);
        Ok(true)
    }

    /// Take the next message into `into`, waiting for it.
    ///
    /// # Errors
    /// As [`Consumer::peek`].
    #[inline]
    pub fn receive(&mut self, into: &mut Vec<u8>, deadline: Deadline) -> Result<(), RingError> {
        while !self.try_receive(into)? {
            self.await_message(deadline)?;
        }
        Ok(())
    }

    /// Take the next message into the beginning of `into`, and say how long it is.
    ///
    /// # Errors
    /// As [`Consumer::try_peek`], and [`RingError::BufferTooSmall`].
    #[inline]
    pub fn try_receive_into(&mut self, into: &mut [u8]) -> Result<Option<usize>, RingError> {
        let Some(message) = self.try_peek()? else { return Ok(None) };
        let len = message.len();
        let Some(room) = into.get_mut(..len) else {
            return Err(RingError::BufferTooSmall { needed: len, room: into.len() });
        };
        message.read(0, room);
        message.release();
        Ok(Some(len))
    }

    /// Show up to `most` messages that are there now, one after the other, and give all their room back at once. The answer:
    /// how many.
    ///
    /// # Errors
    /// As [`Consumer::try_peek`], if it comes before any message; else the next call reports it.
    #[inline]
    pub fn try_drain(&mut self, most: usize, mut show: impl FnMut(&Message<'_, M>)) -> Result<usize, RingError> {
        let mut batch = Draining { consumer: self, taken: 0 };
        for count in 0..most {
            let found = match batch.consumer.find() {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(count),
                Err(error) if count == 0 => return Err(error),
                Err(_) => return Ok(count),
            };
            let message = Message { consumer: batch.consumer, len: found.len, together: true };
            show(&message);
            message.release();
            batch.taken += 1;
        }
        Ok(most)
    }

    /// The same, waiting for the first message.
    ///
    /// # Errors
    /// As [`Consumer::peek`].
    pub fn drain(
        &mut self,
        most: usize,
        deadline: Deadline,
        mut show: impl FnMut(&Message<'_, M>),
    ) -> Result<usize, RingError> {
        loop {
            match self.try_drain(most, &mut show)? {
                0 if most != 0 => self.await_message(deadline)?,
                count => return Ok(count),
            };
        }
    }

    /// Wait until there is a message, or there will be none any more (`Woken`: try).
    ///
    /// # Errors
    /// [`RingError::Os`].
    pub fn wait(&mut self, deadline: Deadline) -> Result<Wait, RingError> {
        if self.corrupt.is_some() {
            return Ok(Wait::Woken);
        }
        let Self { memory, event, written, position, mask, .. } = self;
        let ready = || {
            memory.expect_read((*position & *mask) as usize);
            *written != *position
                || acquire(memory, memory.peer().position()) != *written
                || acquire(memory, memory.peer().status()) & status::LEFT != 0
        };
        event.wait(memory, deadline, ready).map_err(|source| RingError::Os { what: "waiting for a message", source })
    }

    fn await_message(&mut self, deadline: Deadline) -> Result<Found, RingError> {
        loop {
            if let Some(found) = self.find()? {
                return Ok(found);
            }
            match self.wait(deadline)? {
                Wait::Woken | Wait::Interrupted => {}
                Wait::TimedOut => return Err(RingError::TimedOut),
                Wait::PeerGone => return Err(RingError::PeerGone),
            }
        }
    }

    /// The message at `position`, if there is one: its header is read once, checked, and then used.
    #[inline]
    fn find(&mut self) -> Result<Option<Found>, RingError> {
        if self.position == self.written && !self.look_for_message()? {
            return Ok(None);
        }
        let header = self.memory.read_header((self.position & self.mask) as usize);
        let len = header & u64::from(u32::MAX);
        let mark = (header >> 32) as u32;
        if mark != layout::mark(self.position) || record(len as usize) > self.written - self.position {
            return Err(self.refuse_header(header));
        }
        Ok(Some(Found { len: len as usize }))
    }

    #[cold]
    fn refuse_header(&mut self, header: u64) -> RingError {
        let (position, expected) = (self.position, layout::mark(self.position));
        let (mark, len) = ((header >> 32) as u32, header & u64::from(u32::MAX));
        self.fail(if mark == expected {
            Corruption::Length { position, found: len, most: self.written - position - UNIT }
        } else {
            Corruption::Mark { position, found: mark, expected }
        })
    }

    /// The way when everything that was known to be written is taken.
    #[inline(never)]
    fn look_for_message(&mut self) -> Result<bool, RingError> {
        self.event.awake(&self.memory);
        // Death and farewell first: what the producer wrote before either is seen by the look that follows.
        let dead = self.memory.peer_is_dead();
        let left = acquire(&self.memory, self.memory.peer().status()) & status::LEFT;
        self.look_at_producer()?;
        if self.position != self.written {
            Ok(true)
        } else if left & status::CORRUPT != 0 {
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

    /// Read the producer's position once, check it, and keep it.
    fn look_at_producer(&mut self) -> Result<(), RingError> {
        if let Some(corruption) = self.corrupt {
            return Err(RingError::Corrupt(corruption));
        }
        // The message comes with the news of it, or is on its way.
        self.memory.expect_read((self.position & self.mask) as usize);
        let seen = acquire(&self.memory, self.memory.peer().position());
        // Everything up to `written` is taken here, so its room and the rest of the ring is what can have been filled.
        let capacity = self.mask + 1;
        let most = self.written.wrapping_add(capacity - (self.written - self.released));
        if seen.wrapping_sub(self.written) > most.wrapping_sub(self.written) || !seen.is_multiple_of(UNIT) {
            return Err(self.fail(Corruption::Position { found: seen, least: self.written, most }));
        }
        self.written = seen;
        Ok(())
    }

    /// Nothing is taken any more: what lies behind a place that makes no sense makes none either.
    #[cold]
    fn fail(&mut self, corruption: Corruption) -> RingError {
        self.corrupt = Some(corruption);
        self.written = self.position;
        self.event.leave(&self.memory, status::CORRUPT);
        RingError::Corrupt(corruption)
    }

    /// Copy out a part of the message at `position`; the caller keeps it within the message.
    #[inline]
    fn copy_out(&self, offset: usize, bytes: &mut [u8]) {
        let at = ((self.position + UNIT + offset as u64) & self.mask) as usize;
        let behind = (self.mask as usize + 1) - at;
        if bytes.len() <= behind {
            self.memory.read(at, bytes);
        } else {
            let (first, second) = bytes.split_at_mut(behind);
            self.memory.read(at, first);
            self.memory.read(0, second);
        }
    }

    /// The room of so many messages is the producer's again.
    #[inline]
    fn give_back(&mut self, messages: u64) {
        self.released = self.position;
        self.messages += messages;
        self.memory.own().position().store(self.released, Ordering::Release);
        self.event.notify(&self.memory);
    }
}

impl Consumer {
    /// Waits end when this process dies. Without it, deadlines alone end them.
    pub fn watch(&mut self, peer: &Peer) {
        self.memory.watch(peer.clone());
    }
}

impl<M: Memory> Drop for Consumer<M> {
    fn drop(&mut self) {
        self.event.leave(&self.memory, status::CLOSED);
    }
}

/// Gives back what was taken together, also when showing a message panics.
struct Draining<'c, M: Memory> {
    consumer: &'c mut Consumer<M>,
    taken: u64,
}

impl<M: Memory> Drop for Draining<'_, M> {
    fn drop(&mut self) {
        if self.consumer.released != self.consumer.position {
            self.consumer.give_back(self.taken);
        }
    }
}

/// A message in the ring. Its length was checked and does not change; its bytes are shared, and a producer that breaks the rules
/// may change them at any moment: copy out, then judge.
#[derive(Debug)]
pub struct Message<'c, M: Memory = Shared> {
    consumer: &'c mut Consumer<M>,
    len: usize,
    /// Part of a batch, whose room is given back together.
    together: bool,
}

impl<M: Memory> Message<'_, M> {
    /// Bytes of the message.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copy out from byte `offset` on.
    ///
    /// # Panics
    /// When the message ends before, as with a slice.
    #[inline]
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        assert!(
            offset <= self.len && bytes.len() <= self.len - offset,
            "a message of {} bytes has no {} from {offset} on",
            self.len,
            bytes.len()
        );
        self.consumer.copy_out(offset, bytes);
    }

    /// All its bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.read(0, &mut bytes);
        bytes
    }

    fn take(self, into: &mut Vec<u8>) {
        into.resize(self.len, 0);
        self.read(0, into);
        self.release();
    }

    /// Give its room back to the producer.
    #[inline]
    pub fn release(self) {
        self.consumer.position += record(self.len);
        if !self.together {
            self.consumer.give_back(1);
        }
    }
}

impl Message<'_, Shared> {
    /// Where its bytes lie: two pieces, the second empty unless the message wraps. For whoever reads memory through a pointer,
    /// as `write(2)` or a device does; no reference may be made of them, because the producer can change them.
    #[must_use]
    pub fn pieces(&self) -> [*const [u8]; 2] {
        let Consumer { memory, position, mask, .. } = &*self.consumer;
        memory::pieces(memory.incoming().cast_mut(), *position + UNIT, self.len, *mask).map(<*mut [u8]>::cast_const)
    }
}
