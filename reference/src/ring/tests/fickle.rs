//! A peer whose words change between any two looks: whatever is checked has to be what is used.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use rstest::rstest;

use crate::deadline::Deadline;
use crate::ring::layout::message_header;
use crate::ring::memory::Lone;
use crate::ring::{Consumer, Corruption, Memory, Producer, RingError, fixed};
use crate::waiter::{Atomic, Bell, Parked, held_words, status};

/// Answers each look with the next of its values, then with the last for ever.
pub(super) struct Word<T>(RefCell<VecDeque<T>>);

impl<T> Word<T> {
    fn saying(values: impl IntoIterator<Item = T>) -> Self {
        Self(RefCell::new(values.into_iter().collect()))
    }
}

impl<T: Copy + Default> Atomic<T> for Word<T> {
    fn load(&self, _: Ordering) -> T {
        let mut values = self.0.borrow_mut();
        let next = values.front().copied().unwrap_or_default();
        if values.len() > 1 {
            values.pop_front();
        }
        next
    }

    fn store(&self, value: T, _: Ordering) {
        *self.0.borrow_mut() = [value].into();
    }
}

pub(super) type Side = held_words::Side<Word<u64>, Word<u32>>;

fn side_at(positions: impl IntoIterator<Item = u64>) -> Side {
    Side { position: Word::saying(positions), status: Word::saying([0]), signal: Word::saying([0]) }
}

/// What a message sent alone says, and the positions beside it.
fn lone(positions: impl IntoIterator<Item = u64>, byte: u8) -> Lone<Word<u64>> {
    let bytes = std::array::from_fn(|_| Word::saying([u64::from_ne_bytes([byte; 8])]));
    Lone { position: Word::saying(positions), bytes }
}

pub(super) struct Fickle {
    own: Side,
    peer: Side,
    headers: Word<u64>,
    lone: Lone<Word<u64>>,
    /// Bytes of messages.
    pub(super) capacity: usize,
    dead: bool,
    /// Longer writes are not asked for ahead.
    pub(super) longest: usize,
    /// Which lines were asked for ahead, a producer's to be written and a consumer's to be read.
    pub(super) asked: Rc<RefCell<Vec<usize>>>,
}

impl Fickle {
    pub(super) fn new(positions: impl IntoIterator<Item = u64>, headers: impl IntoIterator<Item = u64>) -> Self {
        let (own, peer, lone) = (side_at([0]), side_at(positions), lone([0], 0));
        Self {
            own,
            peer,
            headers: Word::saying(headers),
            lone,
            capacity: 64,
            dead: false,
            longest: usize::MAX,
            asked: Rc::default(),
        }
    }

    fn reach(&self, end: usize) {
        assert!(end <= self.capacity, "access to byte {end} of {}", self.capacity);
    }
}

impl Bell for Fickle {
    type Words = Side;
    type Signal = Word<u32>;

    fn own(&self) -> &Side {
        &self.own
    }

    fn peer(&self) -> &Side {
        &self.peer
    }

    fn own_signal(&self) -> &Word<u32> {
        &self.own.signal
    }

    fn peer_signal(&self) -> &Word<u32> {
        &self.peer.signal
    }

    fn fence(&self, _: Ordering) {}

    fn light_fence(&self) {}

    fn barrier(&self) -> bool {
        true
    }

    fn park(&self, _: u32, _: Deadline) -> io::Result<Parked> {
        Ok(Parked::Woken)
    }

    fn wake(&self) {}

    fn peer_is_dead(&self) -> bool {
        self.dead
    }
}

impl Memory for Fickle {
    fn write(&self, at: usize, bytes: &[u8]) {
        self.reach(at + bytes.len());
    }

    fn read(&self, at: usize, bytes: &mut [u8]) {
        self.reach(at + bytes.len());
        bytes.fill(0);
    }

    fn write_header(&self, at: usize, _: u64) {
        self.reach(at + 8);
    }

    fn read_header(&self, at: usize) -> u64 {
        self.reach(at + 8);
        self.headers.load(Ordering::Relaxed)
    }

    fn expects(&self, len: usize) -> bool {
        len <= self.longest
    }

    fn expect_write(&self, at: usize) {
        self.reach(at + 1);
        self.asked.borrow_mut().push(at);
    }

    fn expect_read(&self, at: usize) {
        self.reach(at + 1);
        self.asked.borrow_mut().push(at);
    }

    fn own_lone(&self) -> &Lone<Word<u64>> {
        &self.lone
    }

    fn peer_lone(&self) -> &Lone<Word<u64>> {
        &self.lone
    }
}

#[test]
fn a_consumer_uses_the_position_that_it_checked() {
    let mut consumer = Consumer::over(Fickle::new([16, 1 << 40], [message_header(0, 8)]), 64, false);

    assert_eq!(consumer.try_peek().unwrap().unwrap().len(), 8);
    assert!(consumer.try_receive(&mut Vec::new()).unwrap());

    // The second look is made only now, and is refused.
    let answer = consumer.try_receive(&mut Vec::new());
    assert!(matches!(answer, Err(RingError::Corrupt(Corruption::Position { least: 16, .. }))), "{answer:?}");
}

#[test]
fn a_consumer_uses_the_length_that_it_checked() {
    let mut consumer = Consumer::over(Fickle::new([16], [message_header(0, 8), message_header(0, 1 << 20)]), 64, false);

    let message = consumer.try_peek().unwrap().unwrap();

    assert_eq!(message.to_vec().len(), 8);
    message.release();
    assert!(!consumer.try_receive(&mut Vec::new()).unwrap(), "everything that was published is taken");
}

#[test]
fn a_producer_uses_the_position_that_it_checked() {
    // Full after two; the consumer says that it took one, and at the next look that it took what was never sent.
    let mut producer = Producer::over(Fickle::new([32, 1 << 40], [0]), 64, false);
    assert!(producer.try_send(&[0; 24]).unwrap() && producer.try_send(&[0; 24]).unwrap());

    assert!(producer.try_send(&[0; 24]).unwrap());

    assert!(matches!(producer.try_send(&[0; 24]), Err(RingError::Corrupt(_))));
}

#[test]
fn a_producer_that_knows_of_room_does_not_look() {
    let mut producer = Producer::over(Fickle::new([32, 1 << 40], [0]), 64, false);
    assert!(producer.try_send(&[0; 56]).unwrap() && producer.try_send(&[0; 8]).unwrap(), "the second look would be refused");

    assert!(producer.try_send(&[0; 8]).unwrap());

    assert!(matches!(producer.try_send(b""), Err(RingError::Corrupt(_))));
}

#[test]
fn nor_does_one_of_messages_of_one_size_where_the_places_begin_again() {
    let mut producer = fixed::Producer::<8, Fickle>::over(Fickle::new([16, 48, 1 << 40], []), 4, false);
    assert_eq!(producer.try_send_batch(&[[0; 8]; 4]).unwrap(), 4);
    assert_eq!(producer.try_send_batch(&[[0; 8]; 2]).unwrap(), 2);
    assert!(producer.try_send(&[0; 8]).unwrap());

    assert_eq!(producer.try_send_batch(&[[0; 8]; 3]).unwrap(), 3);

    assert!(matches!(producer.try_send(&[0; 8]), Err(RingError::Corrupt(_))), "the third look is made only now");
}

#[test]
fn a_dead_consumer_is_an_error_only_where_there_is_no_room() {
    let mut producer = fixed::Producer::<32, Fickle>::over(Fickle { dead: true, ..Fickle::new([32], []) }, 2, false);
    assert_eq!(producer.try_send_batch(&[[0; 32]; 2]).unwrap(), 2);

    assert!(producer.try_send(&[0; 32]).unwrap(), "it took one before");

    assert!(matches!(producer.try_send(&[0; 32]), Err(RingError::PeerGone)));
}

#[test]
fn a_consumer_that_knows_of_enough_messages_does_not_look() {
    let mut consumer = fixed::Consumer::<8, Fickle>::over(Fickle::new([16, 1 << 40, 16], []), 4, false);
    assert!(consumer.try_receive().unwrap().is_some());

    assert_eq!(consumer.try_receive_batch(&mut [[0; 8]; 1]).unwrap(), 1);

    assert!(matches!(consumer.try_receive(), Err(RingError::Corrupt(_))), "the second look is made only now");
}

#[rstest]
#[case::few([56, 112], 16)]
#[case::one([56, 64], 4)]
#[case::many([56, 192], 4)]
fn what_a_consumer_finds_tells_what_lead_it_gives(#[case] positions: [u64; 2], #[case] pauses: u32) {
    let memory = Fickle { capacity: 512, ..Fickle::new(positions, []) };
    let mut consumer = fixed::Consumer::<8, Fickle>::over(memory, 64, false);
    assert_eq!(consumer.try_receive_batch(&mut [[0; 8]; 7]).unwrap(), 7);
    assert_eq!(consumer.pauses(), 8, "seven of sixty-four are few");

    assert!(consumer.try_receive().unwrap().is_some());

    assert_eq!(consumer.pauses(), pauses);
}

#[rstest]
#[case::left(status::CLOSED, false)]
#[case::died(0, true)]
fn what_was_sent_before_the_news_of_an_end_is_received(#[case] status: u64, #[case] dead: bool) {
    // The first look finds nothing; then comes the message, and then the end, before the consumer looks for it.
    let mut memory = Fickle { dead, ..Fickle::new([0, 8], []) };
    memory.peer.status = Word::saying([status]);
    let mut consumer = fixed::Consumer::<8, Fickle>::over(memory, 4, false);

    assert!(consumer.try_receive().unwrap().is_some());

    assert!(matches!(consumer.try_receive(), Err(RingError::Closed | RingError::PeerGone)));
}

#[rstest]
#[case::its_own(8, 7)]
#[case::none(0, 0)]
#[case::an_earlier_one(u64::MAX, 0)]
#[case::the_next_one(16, 0)]
fn a_message_beside_the_position_is_taken_if_its_own_is_right_once_it_was_read(#[case] position: u64, #[case] byte: u8) {
    let memory = Fickle { lone: lone([position], 7), ..Fickle::new([8], []) };
    let mut consumer = fixed::Consumer::<8, Fickle>::over(memory, 4, false);

    let mut message = [9; 8];
    assert!(consumer.try_receive_alone(&mut message).unwrap());

    // In its place there is nothing but zeros.
    assert_eq!(message, [byte; 8]);
}

#[test]
fn of_several_messages_none_is_taken_from_beside_the_position() {
    let memory = Fickle { lone: lone([16], 7), ..Fickle::new([16], []) };
    let mut consumer = fixed::Consumer::<8, Fickle>::over(memory, 4, false);

    let mut messages = [[9; 8]; 2];
    for message in &mut messages {
        assert!(consumer.try_receive_alone(message).unwrap());
    }

    assert_eq!(messages, [[0; 8]; 2]);
}
