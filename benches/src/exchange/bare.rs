//! Busy round trips of bare lines of cache: nothing is waited for but a word, nothing is checked, and no side can fall behind. What
//! lines that cross take by themselves, beside what a ring takes.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Exchange, LINES, timed};
use crate::machine::{Page, Word, fork, pin, shared_page, write_protect};

/// What one side writes and the other reads.
struct Side {
    position: &'static Word,
    words: &'static [AtomicU64],
}

/// How a message goes.
struct Message<'side> {
    /// Tells of it: the number of the round.
    news: &'side AtomicU64,
    /// What it says.
    read: &'side [AtomicU64],
    /// Where the same is written once more, before.
    copy: &'side [AtomicU64],
    /// Where the number of the round is written once more, afterwards.
    position: Option<&'side AtomicU64>,
}

impl Message<'_> {
    #[inline]
    fn send(&self, round: u64) {
        for word in self.copy.iter().chain(self.read) {
            word.store(round, Ordering::Relaxed);
        }
        self.news.store(round, Ordering::Release);
        if let Some(position) = self.position {
            position.store(round, Ordering::Release);
        }
    }

    #[inline]
    fn receive(&self, round: u64) {
        while self.news.load(Ordering::Acquire) != round {
            std::hint::spin_loop();
        }
        for word in self.read {
            black_box(word.load(Ordering::Relaxed));
        }
    }
}

impl Side {
    /// So many bytes at the word `at` of the messages; a message begins anew where those end.
    fn slice(&self, at: u64, bytes: usize) -> &[AtomicU64] {
        let at = at as usize % self.words.len();
        &self.words[at..at + bytes / 8]
    }

    /// The position alone.
    fn alone(&self, _round: u64) -> Message<'_> {
        Message { news: &self.position.wide, read: &[], copy: &[], position: None }
    }

    /// The position, and on a line of their own so many bytes, always the same ones.
    fn beside<const BYTES: usize>(&self, _round: u64) -> Message<'_> {
        Message { read: self.slice(0, BYTES), ..self.alone(0) }
    }

    /// Both on one line.
    fn within<const BYTES: usize>(&self, _round: u64) -> Message<'_> {
        Message { news: &self.words[0], read: self.slice(1, BYTES), ..self.alone(0) }
    }

    /// The position, and messages that lie one behind the other.
    fn in_turn<const BYTES: usize>(&self, round: u64) -> Message<'_> {
        Message { read: self.slice(round * BYTES as u64 / 8, BYTES), ..self.alone(0) }
    }

    /// The same, in the second half of the messages.
    fn behind<const BYTES: usize>(&self, round: u64) -> &[AtomicU64] {
        self.slice(self.words.len() as u64 / 2 + round % 64 * (BYTES as u64 / 8), BYTES)
    }

    /// The same, and what is read is a copy that lies on the line of the position.
    fn copied<const BYTES: usize>(&self, round: u64) -> Message<'_> {
        Message { copy: self.behind::<BYTES>(round), ..self.within::<BYTES>(0) }
    }

    /// The same, and the copy goes on on the line behind that of the position; with a number in each, by which a reader knows that both
    /// belong to one message.
    fn copied_on_two<const BYTES: usize>(&self, round: u64) -> Message<'_> {
        Message { read: self.slice(1, BYTES + 16), ..self.copied::<BYTES>(round) }
    }

    /// The same, and the copy lies with a number in one of 16 places, where it is waited for.
    fn copied_in_turn<const BYTES: usize>(&self, round: u64) -> Message<'_> {
        let Message { news, read, .. } = self.numbered::<BYTES, 128>(round % 16);
        Message { news, read, copy: self.behind::<BYTES>(round), position: Some(&self.position.wide) }
    }

    /// Messages that lie one behind the other, `STRIDE` bytes apart, each with a number of its own behind it.
    fn numbered<const BYTES: usize, const STRIDE: usize>(&self, round: u64) -> Message<'_> {
        let at = round * STRIDE as u64 / 8;
        Message { news: &self.slice(at + BYTES as u64 / 8, 8)[0], read: self.slice(at, BYTES), ..self.alone(0) }
    }
}

/// The denominator, and experiments.
pub(super) fn exchanges() -> Vec<Exchange> {
    macro_rules! bare {
        ($name:expr, $way:expr) => {
            Exchange { name: $name, run: |rounds| round_trip(rounds, $way) }
        };
    }
    macro_rules! guarded {
        ($name:expr, $way:expr) => {
            Exchange { name: $name, run: |rounds| round_trip_guarded(rounds, $way) }
        };
    }
    vec![
        bare!(LINES, Side::alone),
        bare!("experiment: two raw lines, 8 bytes in each", Side::within::<8>),
        bare!("experiment: two raw lines, 48 bytes in each", Side::within::<48>),
        bare!("experiment: two raw lines, 8 bytes beside each", Side::beside::<8>),
        bare!("experiment: two raw lines, 64 bytes beside each", Side::beside::<64>),
        bare!("experiment: the same, 8 bytes one behind the other", Side::in_turn::<8>),
        bare!("experiment: the same, 64 bytes one behind the other", Side::in_turn::<64>),
        bare!("experiment: the same, 8 bytes, and a copy in the line", Side::copied::<8>),
        guarded!("experiment: two raw lines, each for its reader to read alone", Side::alone),
        guarded!("experiment: for its reader to read alone, 64 bytes one behind the other", Side::in_turn::<64>),
        guarded!("experiment: for its reader to read alone, 8 bytes, and a copy in the line", Side::copied::<8>),
        bare!("experiment: a number beside each 8 bytes, no position", Side::numbered::<8, 16>),
        bare!("experiment: a number beside each 8 bytes, on lines of their own", Side::numbered::<8, 64>),
        bare!("experiment: a number beside each 64 bytes, no position", Side::numbered::<64, 128>),
        bare!("experiment: 64 bytes, and a copy on two lines, one of which is the position's", Side::copied_on_two::<64>),
        bare!("experiment: 64 bytes and a position, and a copy with a number in one of 16 places", Side::copied_in_turn::<64>),
    ]
}

/// Both sides may write to everything.
fn round_trip(rounds: u64, way: impl Fn(&Side, u64) -> Message<'_> + Send) -> f64 {
    round_trip_on(rounds, [shared_page(); 2], |_| {}, way)
}

/// What a side writes lies on pages of its own, which the other may only read.
fn round_trip_guarded(rounds: u64, way: impl Fn(&Side, u64) -> Message<'_> + Send) -> f64 {
    round_trip_on(rounds, [shared_page(), shared_page()], write_protect, way)
}

/// `prepare` is called by each side with what it reads.
fn round_trip_on(
    rounds: u64,
    pages: [&'static Page; 2],
    prepare: fn(&'static Page),
    way: impl Fn(&Side, u64) -> Message<'_> + Send,
) -> f64 {
    let [there, back] =
        [0, 1].map(|which| Side { position: &pages[which].words[which], words: &pages[which].messages[which].0 });
    let way = &way;
    let _child = fork(|| {
        pin(1);
        prepare(pages[0]);
        for round in 1..=rounds {
            way(&there, round).receive(round);
            way(&back, round).send(round);
        }
    });
    pin(0);
    prepare(pages[1]);
    timed(rounds, |round| {
        way(&there, round + 1).send(round + 1);
        way(&back, round + 1).receive(round + 1);
    })
}
