//! What lies where, to the byte: other processes rely on it, and they may run another build of this library.

use crate::deadline::Deadline;
use crate::handle::OwnedHandle;
use crate::ring::layout::{Field, Role};
use crate::ring::{Consumer, Offer, Producer, Terms, fixed};
use crate::shm::SharedMemory;
use crate::sys;

/// Where eight bytes lie, and which they are.
type Word = (u64, [u8; 8]);

fn one(value: u64) -> [u8; 8] {
    value.to_ne_bytes()
}

fn two(first: u32, second: u32) -> [u8; 8] {
    std::array::from_fn(|at| [first.to_ne_bytes(), second.to_ne_bytes()][at / 4][at % 4])
}

/// The status of a side that has never slept: whether it issues barriers.
fn status() -> Word {
    (256, one(if sys::wait::register_barrier() { 2 } else { 0 }))
}

/// The words of an object of `len` bytes that are not 0.
fn found(object: &OwnedHandle, len: u64) -> Vec<Word> {
    let memory = SharedMemory::attach_reader(object.try_clone().unwrap(), len)
        .or_else(|refused| SharedMemory::attach(refused.handle, len))
        .unwrap();
    let mut bytes = vec![0; len as usize];
    memory.read(0, &mut bytes).unwrap();
    let (words, _) = bytes.as_chunks();
    (0..).step_by(8).zip(words.iter().copied()).filter(|(_, word)| *word != [0; 8]).collect()
}

/// The header of an object whose role is taken, and these.
fn expected(role: u32, terms: Terms, message: u64, words: &[Word]) -> Vec<Word> {
    let terms = [(16, one(terms.capacity)), (24, one(terms.generation)), (32, one(message))];
    let header = [(0, *b"gpuring\n"), (8, two(6, role))].into_iter().chain(terms).chain([(40, two(1, 0))]);
    header.chain(words.iter().copied()).filter(|(_, word)| *word != [0; 8]).collect()
}

/// The consumer's object and the producer's, to look into while others have them.
fn objects(offer: &Offer) -> [OwnedHandle; 2] {
    [0, 1].map(|object| offer.handles[object].try_clone().unwrap())
}

#[test]
fn a_ring_that_nobody_has_attached_to() {
    let (_producer, offer) = Producer::create(64).unwrap();
    let terms = offer.terms();
    let [consumers, producers] = objects(&offer);

    assert_eq!(found(&producers, 8192 + 64), expected(1, terms, 0, &[status()]));
    let header = [(0, *b"gpuring\n"), (8, two(6, 2)), (16, one(64)), (24, one(terms.generation))];
    assert_eq!(found(&consumers, 8192), header, "not claimed, and says nothing of barriers yet");
}

#[test]
fn messages_of_any_length() {
    let (mut producer, offer) = Producer::create(64).unwrap();
    let terms = offer.terms();
    let [consumers, producers] = objects(&offer);
    let mut consumer = Consumer::attach(offer).unwrap();

    producer.send(b"hello", Deadline::NEVER).unwrap();
    producer.send(b"", Deadline::NEVER).unwrap();
    consumer.receive(&mut Vec::new(), Deadline::NEVER).unwrap();

    // A length of 32 bits, and above it the mark: a quarter of the position, and one.
    let messages = [(8192, one(1 << 32 | 5)), (8200, *b"hello\0\0\0"), (8208, one(5 << 32))];
    assert_eq!(found(&producers, 8192 + 64), expected(1, terms, 0, &[&[(128, one(24)), status()], &messages[..]].concat()));
    assert_eq!(found(&consumers, 8192), expected(2, terms, 0, &[(128, one(16)), status()]));
}

#[test]
fn messages_of_one_size_lie_without_gaps() {
    let (mut producer, offer) = fixed::Producer::<32>::create(2).unwrap();
    let terms = offer.terms();
    let [consumers, producers] = objects(&offer);
    let mut consumer = fixed::Consumer::<32>::attach(offer).unwrap();

    producer.send_batch(&[[1; 32], [2; 32]], Deadline::NEVER).unwrap();
    consumer.receive(Deadline::NEVER).unwrap();

    let messages = (8192..).step_by(8).zip([[1; 8], [1; 8], [1; 8], [1; 8], [2; 8], [2; 8], [2; 8], [2; 8]]);
    let words: Vec<_> = [(128, one(64)), status()].into_iter().chain(messages).collect();
    assert_eq!(found(&producers, 8192 + 64), expected(1, terms, 32, &words));
    assert_eq!(found(&consumers, 8192), expected(2, terms, 32, &[(128, one(32)), status()]));
}

#[test]
fn a_message_sent_alone_lies_beside_the_position_too() {
    let (mut producer, offer) = fixed::Producer::<12>::create(2).unwrap();
    let terms = offer.terms();
    let [_consumers, producers] = objects(&offer);
    let _consumer = fixed::Consumer::<12>::attach(offer).unwrap();

    producer.send(&[1; 12], Deadline::NEVER).unwrap();
    producer.send_alone(&[2; 12], Deadline::NEVER).unwrap();

    let end = [2, 2, 2, 2, 0, 0, 0, 0];
    let places = [(8192, [1; 8]), (8200, [1, 1, 1, 1, 2, 2, 2, 2]), (8208, [2; 8])];
    let words = [&[(128, one(24)), (136, one(24)), (144, [2; 8]), (152, end), status()], &places[..]].concat();
    assert_eq!(found(&producers, 8192 + 24), expected(1, terms, 12, &words));
}

#[test]
fn fields_lie_where_others_are_told_to_look() {
    use Field::{Capacity, Claimed, Generation, Lone, Magic, Messages, OtherSignal, Position, Role, Signal, Status, Version};
    let fields = [Magic, Version, Role, Capacity, Generation, Claimed, Position, Lone, Status, Signal, OtherSignal, Messages];
    assert_eq!(fields.map(Field::offset), [0, 8, 12, 16, 24, 40, 128, 136, 256, 4096, 4224, 8192]);
}

#[test]
fn roles_have_names() {
    assert_eq!([Role::Producer, Role::Consumer].map(|role| role.to_string()), ["producer", "consumer"]);
}
