//! The ring for messages of one size once more, between threads and without a check: no position or state of the other side is doubted, and
//! nothing is ever found corrupt. All else is as the ring has it. Beside it the same with a check, or with one thing that the ring has or
//! does done otherwise: what the two differ by is what that takes.
#![expect(unsafe_code, reason = "words and bytes that two threads share, guarded by positions")]

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::cache::{expect_read, expect_write, may_ask_for_many};
use crate::machine::{Object, Word};

/// What is different; a sum of these.
pub mod but {
    /// Nothing.
    pub const NOTHING: u32 = 0;
    /// Who looks at a position doubts it, and remembers one that cannot be.
    pub const POSITIONS: u32 = 1;
    /// Who finds nothing looks whether the other side is dead or has left.
    pub const STATES: u32 = 2;
    /// Each side has the other's memory mapped for writing, too.
    pub const WRITABLE: u32 = 4;
    /// No line of cache is asked for before it is needed.
    pub const NO_HINTS: u32 = 8;
    /// Who has taken everything does not pause before it looks for more.
    pub const NO_PAUSE: u32 = 16;
    /// All lines of a long batch are asked for ahead, whatever the processor.
    pub const ALL_HINTS: u32 = 32;
    /// Lines are asked for only a little ahead.
    pub const NEAR_HINTS: u32 = 64;
    /// Who has taken everything pauses as little where lines cross slowly.
    pub const SHORT_LEAD: u32 = 128;
}

const LINE: usize = 64;
/// Where a side's words lie in its object.
const WORDS: usize = 128;
/// Where the messages lie in the producer's.
const MESSAGES: usize = 8192;

/// The fewest pauses before a look that follows news, and the most.
const FEWEST: u32 = 4;
const MOST: u32 = 32;

/// What one side writes and the other reads.
#[repr(C)]
struct Words {
    position: Word,
    /// What the other side looks at after each message to see whether this one sleeps.
    status: Word,
}

/// One side's view.
struct Side<const N: usize, const BUT: u32> {
    /// Keep what the pointers lead into.
    _objects: [Object; 2],
    own: *const Words,
    peer: *const Words,
    /// Whether the other side is dead.
    dead: Arc<Word>,
    corrupt: bool,
    /// The other side's status, of which nothing more is to be done.
    quiet: u64,
    /// Whether the last look found messages.
    news: bool,
    /// Pauses before a look that follows news.
    pauses: u32,
    /// Bytes of all places.
    size: usize,
    /// The position of the first place, this time round. Positions count bytes.
    first: u64,
    /// Up to where this side may go without a look at the other.
    limit: u64,
    /// The producer: the consumer's position when it was last looked at. The consumer: what of its own the producer knows.
    released: u64,
    /// Where the next message lies.
    at: usize,
    /// Up to here this side may go without a look at the other, if the places go as far.
    known: usize,
    /// Up to here this side may go by one comparison.
    end: usize,
    /// From here on room is given back.
    due: usize,
    /// How far ahead lines are asked for.
    ahead: usize,
    /// Bytes of the messages sent singly whose lines are asked for at once.
    stretch: usize,
}

// SAFETY: the pointers lead into mappings, which belong to the process, and the value keeps those.
unsafe impl<const N: usize, const BUT: u32> Send for Side<N, BUT> {}

impl<const N: usize, const BUT: u32> Side<N, BUT> {
    /// Side by side: this side's object, mapped for writing, and the other's.
    fn new(objects: [Object; 2], second: bool, size: usize) -> Self {
        let [own, peer] = [0, 1].map(|which| objects[which].start().wrapping_add(WORDS).cast_const().cast());
        let (limit, known) = if second { (0, 0) } else { (size as u64, size) };
        let lines = if Self::has(but::NEAR_HINTS) { 8 } else { 32 };
        let ahead = (lines * LINE).min(size / 8);
        Self {
            _objects: objects,
            own,
            peer,
            dead: Arc::new(Word::zero()),
            corrupt: false,
            quiet: u64::MAX,
            news: false,
            pauses: FEWEST,
            size,
            first: 0,
            limit,
            released: 0,
            at: 0,
            known,
            end: 0,
            due: size / 8,
            ahead,
            stretch: (ahead / 2 / N).max(1) * N,
        }
    }

    #[inline]
    fn own(&self) -> &Words {
        // SAFETY: the words lie in an object that this value keeps, on a line of their own, and hold atomics only.
        unsafe { &*self.own }
    }

    #[inline]
    fn peer(&self) -> &Words {
        // SAFETY: as in `own`.
        unsafe { &*self.peer }
    }

    const fn has(what: u32) -> bool {
        BUT & what != 0
    }

    /// Byte `at` of the messages, for the producer.
    #[inline]
    fn outgoing(&self, at: usize) -> *mut u8 {
        self.own.cast_mut().cast::<u8>().wrapping_add(MESSAGES - WORDS + at)
    }

    /// The same, for the consumer.
    #[inline]
    fn incoming(&self, at: usize) -> *const u8 {
        self.peer.cast::<u8>().wrapping_add(MESSAGES - WORDS + at)
    }

    /// How many of so many messages lie in one piece from here on.
    #[inline]
    fn in_one_piece(&self, messages: usize) -> usize {
        messages.min((self.size - self.at) / N)
    }

    #[inline]
    fn position(&self) -> u64 {
        self.first + self.at as u64
    }

    /// How many bytes this side may go on by.
    #[inline]
    fn left(&self) -> usize {
        (self.limit - self.position()) as usize
    }

    /// The places begin again, if the last one was used.
    #[inline]
    fn begin_again(&mut self) {
        if self.at == self.size {
            self.at = 0;
            self.first += self.size as u64;
            self.end = 0;
            self.due = self.due.saturating_sub(self.size);
        }
    }

    /// Find out where the limit lies.
    #[inline]
    fn reach(&mut self) {
        self.known = self.size.min(self.at + self.left());
    }

    /// Say how far this side has come, and look whether the other sleeps.
    #[inline]
    fn publish(&mut self) {
        self.own().position.wide.store(self.position(), Ordering::Release);
        compiler_fence(Ordering::SeqCst);
        let seen = self.peer().status.wide.load(Ordering::Relaxed);
        if seen != self.quiet {
            self.see(seen);
        }
    }

    #[cold]
    #[inline(never)]
    fn see(&mut self, status: u64) {
        self.quiet = black_box(status);
    }

    #[inline]
    fn look(&self) -> u64 {
        self.peer().position.wide.load(Ordering::Acquire)
    }

    #[inline]
    fn look_at_state(&self) {
        black_box((self.dead.narrow.load(Ordering::Acquire), self.peer().status.wide.load(Ordering::Acquire)));
    }
}

/// Sends.
pub struct Producer<const N: usize, const BUT: u32>(Side<N, BUT>);

/// Receives.
pub struct Consumer<const N: usize, const BUT: u32>(Side<N, BUT>);

/// A ring for so many messages, in two objects, each of which both sides have mapped.
pub fn ring<const N: usize, const BUT: u32>(messages: usize) -> (Producer<N, BUT>, Consumer<N, BUT>) {
    let bytes = messages * N;
    let [first, second] = [MESSAGES + bytes, MESSAGES].map(Object::shared);
    let [seen_first, seen_second] = [&first, &second].map(|object| object.again(Side::<N, BUT>::has(but::WRITABLE)));
    let producer = Side::new([first, seen_second], false, bytes);
    let consumer = Side::new([second, seen_first], true, bytes);
    (Producer(producer), Consumer(consumer))
}

impl<const N: usize, const BUT: u32> Producer<N, BUT> {
    /// Send, if there is room.
    #[inline(always)]
    pub fn send(&mut self, message: &[u8; N]) -> bool {
        if self.0.at >= self.0.end && !self.go_on() {
            return false;
        }
        self.write(message);
        self.0.publish();
        true
    }

    /// Send as many as have room, and say how many.
    #[inline]
    pub fn send_batch(&mut self, messages: &[[u8; N]]) -> usize {
        let bytes = messages.as_flattened().len();
        if self.0.at + bytes > self.0.known {
            return self.send_what_fits(messages);
        }
        self.put(messages);
        self.0.publish();
        messages.len()
    }

    #[cold]
    #[inline(never)]
    fn send_what_fits(&mut self, messages: &[[u8; N]]) -> usize {
        self.make_room_for(messages.as_flattened().len());
        let now = &messages[..messages.len().min(self.0.left() / N)];
        if now.is_empty() {
            return 0;
        }
        let (run, rest) = now.split_at(self.0.in_one_piece(now.len()));
        self.put(run);
        if !rest.is_empty() {
            self.0.begin_again();
            self.0.reach();
            self.put(rest);
        }
        self.0.publish();
        now.len()
    }

    #[inline]
    fn put(&mut self, messages: &[[u8; N]]) {
        self.expect(messages.as_flattened().len());
        self.write(messages.as_flattened());
    }

    #[inline]
    fn expect(&self, bytes: usize) {
        let side = &self.0;
        let gains = bytes <= 16 * LINE || Side::<N, BUT>::has(but::ALL_HINTS) || may_ask_for_many();
        if gains && !Side::<N, BUT>::has(but::NO_HINTS) {
            let from = side.at + side.ahead;
            let mut line = from.next_multiple_of(LINE);
            while line < from + bytes {
                expect_write(side.outgoing(if line < side.size { line } else { line - side.size }));
                line += LINE;
            }
        }
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let side = &mut self.0;
        // SAFETY: there is room for so many from here on, and the consumer does not look at it before it is told.
        unsafe { side.outgoing(side.at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
        side.at += bytes.len();
    }

    #[cold]
    #[inline(never)]
    fn go_on(&mut self) -> bool {
        if self.0.at >= self.0.known {
            self.make_room_for(N);
            if self.0.at >= self.0.known {
                return false;
            }
        }
        self.expect(self.0.stretch);
        self.0.end = self.0.known.min(self.0.at + self.0.stretch);
        true
    }

    #[inline(never)]
    fn make_room_for(&mut self, bytes: usize) {
        if self.0.left() < bytes {
            self.look_for_room();
        }
        self.0.begin_again();
        self.0.reach();
    }

    #[inline]
    fn look_for_room(&mut self) {
        let side = &mut self.0;
        if Side::<N, BUT>::has(but::STATES) {
            side.look_at_state();
        }
        let seen = side.look();
        if Side::<N, BUT>::has(but::POSITIONS)
            && (seen.wrapping_sub(side.released) > side.position() - side.released || !seen.is_multiple_of(N as u64))
        {
            side.corrupt = true;
            side.limit = side.position();
            return;
        }
        side.released = seen;
        side.limit = seen + side.size as u64;
    }
}

impl<const N: usize, const BUT: u32> Consumer<N, BUT> {
    /// Take the next message, if there is one.
    #[inline]
    pub fn receive(&mut self, into: &mut [u8; N]) -> bool {
        if self.0.at >= self.0.end {
            return self.receive_with_care(into);
        }
        self.take(std::slice::from_mut(into));
        true
    }

    #[cold]
    #[inline(never)]
    fn receive_with_care(&mut self, into: &mut [u8; N]) -> bool {
        if !self.go_on(true) {
            return false;
        }
        self.take(std::slice::from_mut(into));
        self.release_an_eighth();
        true
    }

    /// Take as many as there are, and say how many.
    #[inline]
    pub fn receive_batch(&mut self, into: &mut [[u8; N]]) -> usize {
        if self.0.left() == 0 {
            if !self.go_on(false) {
                return 0;
            }
        } else {
            self.0.begin_again();
            if self.0.left() < into.as_flattened().len() {
                self.look_for_more();
            }
        }
        let count = into.len().min(self.0.left() / N);
        let (run, rest) = into[..count].split_at_mut(self.0.in_one_piece(count));
        self.take(run);
        if !rest.is_empty() {
            self.0.begin_again();
            self.take(rest);
        }
        self.release_an_eighth();
        count
    }

    #[inline]
    fn go_on(&mut self, pauses: bool) -> bool {
        self.0.begin_again();
        self.0.reach();
        if self.0.at < self.0.known {
            self.0.end = self.0.known.min(self.0.due.saturating_sub(N));
            return true;
        }
        if !Side::<N, BUT>::has(but::NO_PAUSE) && pauses && std::mem::take(&mut self.0.news) {
            (0..self.0.pauses).for_each(|_| spin_loop());
        }
        if let Some(seen) = self.look_for_more() {
            self.found_nothing(seen);
            return false;
        }
        true
    }

    /// The position, if it tells of no more than was known.
    #[inline]
    fn look_for_more(&mut self) -> Option<u64> {
        let side = &mut self.0;
        if !Side::<N, BUT>::has(but::NO_HINTS) {
            expect_read(side.incoming(side.at));
        }
        let seen = side.look();
        let news = if Side::<N, BUT>::has(but::POSITIONS) {
            let most = side.size as u64 - (side.limit - side.released);
            !side.corrupt && seen.wrapping_sub(side.limit).wrapping_sub(1) < most && seen.is_multiple_of(N as u64)
        } else {
            seen != side.limit
        };
        if !news {
            return Some(seen);
        }
        if !Side::<N, BUT>::has(but::SHORT_LEAD) {
            let (found, places) = ((seen - side.limit) / N as u64, (side.size / N) as u64);
            side.pauses = match found {
                ..=1 => FEWEST,
                few if few < places / 8 => MOST.min(side.pauses * 2),
                many if many > places / 4 => FEWEST.max(side.pauses / 2),
                _ => side.pauses,
            };
        }
        side.limit = seen;
        side.news = true;
        None
    }

    #[inline(never)]
    fn found_nothing(&mut self, seen: u64) {
        let side = &mut self.0;
        if Side::<N, BUT>::has(but::STATES) {
            side.look_at_state();
        }
        if Side::<N, BUT>::has(but::POSITIONS) && seen != side.limit {
            side.corrupt = true;
        }
        self.release();
    }

    #[inline]
    fn take(&mut self, messages: &mut [[u8; N]]) {
        let side = &mut self.0;
        let bytes = messages.as_flattened_mut();
        // SAFETY: a run of this length was sent, and the producer leaves it alone until it is released.
        unsafe { side.incoming(side.at).copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) }
        side.at += bytes.len();
    }

    #[inline]
    fn release_an_eighth(&mut self) {
        if self.0.at >= self.0.due {
            self.release();
        }
    }

    #[inline]
    fn release(&mut self) {
        if self.0.released != self.0.position() {
            self.0.released = self.0.position();
            self.0.due = self.0.at + self.0.size / 8;
            self.0.publish();
        }
    }
}
