//! Which lines of cache are asked for before they are written or read: it changes no message, and without it the rings are slower.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rstest::rstest;

use super::fickle::Fickle;
use crate::deadline::Deadline;
use crate::ring::layout::message_header;
use crate::ring::memory::{ahead, expect_writes};
use crate::ring::{Consumer, Producer, fixed};
use crate::waiter::Wait;

fn memory(capacity: usize) -> Fickle {
    let mut memory = Fickle::new([0], []);
    memory.capacity = capacity;
    memory
}

#[rstest]
#[case::a_part_of_a_line(32768, 64, 8, &[2112])]
#[case::some_lines(32768, 64, 100, &[2112, 2176])]
#[case::from_within_a_line(32768, 8, 128, &[2112, 2176])]
#[case::an_eighth_of_a_small_ring_ahead(2048, 64, 100, &[320, 384])]
#[case::over_the_end(32768, 30656, 128, &[32704, 0])]
#[case::behind_the_end(32768, 31040, 128, &[320, 384])]
fn lines_ahead_of_what_is_written(#[case] size: usize, #[case] at: usize, #[case] len: usize, #[case] lines: &[usize]) {
    let memory = memory(size);
    expect_writes(&memory, at + ahead(size), len, size);
    assert_eq!(*memory.asked.borrow(), lines);
}

#[test]
fn of_a_long_message_64_lines() {
    let memory = memory(1 << 16);
    expect_writes(&memory, 512, 30_000, 1 << 16);
    assert_eq!(*memory.asked.borrow(), (512..512 + 64 * 64).step_by(64).collect::<Vec<_>>());
}

#[rstest]
#[case::as_long_as_the_processor_likes(1024, 16)]
#[case::longer(1025, 0)]
fn of_a_write_that_is_too_long_for_the_processor_none(#[case] len: usize, #[case] lines: usize) {
    let mut memory = memory(1 << 16);
    memory.longest = 1024;
    expect_writes(&memory, 512, len, 1 << 16);
    assert_eq!(memory.asked.borrow().len(), lines);
}

#[test]
fn a_producer_asks_for_what_lies_ahead_of_its_position() {
    let memory = memory(2048);
    let asked = Rc::clone(&memory.asked);
    let mut producer = Producer::over(memory, 2048, false);
    let mut sends = |len| {
        assert!(producer.try_send(&vec![0; len]).unwrap());
        asked.take()
    };

    // With its header 8 bytes longer.
    assert_eq!(sends(120), [256, 320]);
    assert_eq!(sends(120), [384, 448]);
    sends(1400);
    assert_eq!(sends(120), [1920, 1984]);
    assert_eq!(sends(120), [0, 64]);
}

#[test]
fn of_a_message_as_long_as_the_ring_half() {
    let memory = memory(256);
    let asked = Rc::clone(&memory.asked);
    let mut producer = Producer::over(memory, 256, false);

    assert!(producer.try_send(&[0; 248]).unwrap());

    assert_eq!(*asked.borrow(), [64, 128]);
}

#[test]
fn a_reserved_message_is_asked_for() {
    let memory = memory(2048);
    let asked = Rc::clone(&memory.asked);
    let mut producer = Producer::over(memory, 2048, false);

    assert!(producer.try_reserve(120).unwrap().is_some());

    assert_eq!(*asked.borrow(), [256, 320]);
}

#[test]
fn a_producer_of_messages_of_one_size_asks_too() {
    let memory = memory(2048);
    let asked = Rc::clone(&memory.asked);
    let mut producer = fixed::Producer::<64, Fickle>::over(memory, 32, false);

    assert!(producer.try_send(&[0; 64]).unwrap() && producer.try_send(&[0; 64]).unwrap());

    assert_eq!(*asked.borrow(), [256, 320]);
}

#[test]
fn short_messages_ask_for_the_lines_of_several_at_once() {
    let memory = memory(2048);
    let asked = Rc::clone(&memory.asked);
    let mut producer = fixed::Producer::<8, Fickle>::over(memory, 256, false);
    let mut sends = |messages| {
        (0..messages).for_each(|_| assert!(producer.try_send(&[0; 8]).unwrap()));
        asked.take()
    };

    assert_eq!(sends(1), [256, 320]);
    assert_eq!(sends(15), [0; 0]);
    assert_eq!(sends(1), [384, 448]);
    assert_eq!(sends(222), (512..2048).chain(0..128).step_by(64).collect::<Vec<_>>());
}

#[test]
fn the_places_behind_the_last_are_the_first() {
    let memory = memory(2048);
    let asked = Rc::clone(&memory.asked);
    let mut producer = fixed::Producer::<64, Fickle>::over(memory, 32, false);

    (0..32).for_each(|_| assert!(producer.try_send(&[0; 64]).unwrap()));

    assert_eq!(asked.borrow()[26..], [1920, 1984, 0, 64, 128, 192]);
}

/// Two messages of 40 bytes, the second of which wraps; the producer's position as it is found by each look.
fn consumer(positions: [u64; 3]) -> (Consumer<Fickle>, Rc<RefCell<Vec<usize>>>) {
    let memory = Fickle::new(positions, [message_header(0, 40), message_header(48, 40)]);
    let asked = Rc::clone(&memory.asked);
    (Consumer::over(memory, 64, false), asked)
}

#[test]
fn a_consumer_asks_for_the_message_that_is_next() {
    let (mut consumer, asked) = consumer([48, 96, 96]);
    let mut receives = || consumer.try_receive(&mut Vec::new()).unwrap();

    assert!(receives() && receives() && !receives());

    assert_eq!(*asked.borrow(), [0, 48, 32]);
}

#[test]
fn a_consumer_that_waits_asks_for_what_it_waits_for() {
    let (mut consumer, asked) = consumer([48, 96, 96]);
    assert!(consumer.try_receive(&mut Vec::new()).unwrap());
    asked.take();

    assert_eq!(consumer.wait(Deadline::after(Duration::from_secs(5))).unwrap(), Wait::Woken);

    assert_eq!(*asked.borrow(), [48]);
}
