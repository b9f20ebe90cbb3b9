//! Every interleaving that loom finds, with places for two messages (24 bytes) and for one (32 bytes).

use rstest::rstest;

use crate::deadline::Deadline;
use crate::ring::RingError;
use crate::ring::fixed::{Consumer, Producer};
use crate::ring::tests::models::{Modelled, ONE_SLEEP, explore_to, memory};

fn ring<const N: usize>(barriers: (bool, bool)) -> (Producer<N, Modelled>, Consumer<N, Modelled>) {
    let [producers, consumers] = memory(64, barriers);
    let mut producer = Producer::over(producers, room::<N>(), barriers.0);
    let mut consumer = Consumer::over(consumers, room::<N>(), barriers.1);
    producer.set_patience(ONE_SLEEP);
    consumer.set_patience(ONE_SLEEP);
    producer.set_awake(1);
    consumer.set_awake(1);
    (producer, consumer)
}

/// Two places, or one: as little as there can be, so that the last of the messages waits for room and comes to lie where another was.
fn room<const N: usize>() -> u64 {
    if N <= 28 { 2 } else { 1 }
}

fn last<const N: usize>() -> u8 {
    room::<N>() as u8 + 1
}

fn messages_arrive<const N: usize>(barriers: (bool, bool)) {
    explore_to(1, move || {
        let (mut producer, mut consumer) = ring::<N>(barriers);
        let sender = loom::thread::spawn(move || {
            for number in 1..=last::<N>() {
                producer.send(&[number; N], Deadline::NEVER).expect("the consumer takes all");
            }
            producer
        });
        for number in 1..=last::<N>() {
            assert_eq!(consumer.receive(Deadline::NEVER).expect("the producer sends them all"), [number; N]);
        }
        drop(sender.join());
    });
}

fn lone_ones_arrive<const N: usize>(barriers: (bool, bool)) {
    explore_to(1, move || {
        let (mut producer, mut consumer) = ring::<N>(barriers);
        let sender = loom::thread::spawn(move || {
            for number in 1..=last::<N>() {
                producer.send_alone(&[number; N], Deadline::NEVER).expect("the consumer takes all");
            }
            producer
        });
        let mut message = [0; N];
        for number in 1..=last::<N>() {
            consumer.receive_alone(&mut message, Deadline::NEVER).expect("the producer sends them all");
            assert_eq!(message, [number; N]);
        }
        drop(sender.join());
    });
}

fn batches_arrive<const N: usize>(barriers: (bool, bool)) {
    explore_to(1, move || {
        let (mut producer, mut consumer) = ring::<N>(barriers);
        let sender = loom::thread::spawn(move || {
            let batch = [[1; N], [2; N], [3; N]];
            producer.send_batch(&batch[..usize::from(last::<N>())], Deadline::NEVER).expect("the consumer takes all");
            producer
        });
        let mut next = 1;
        while next <= last::<N>() {
            let mut batch = [[0; N]; 2];
            let count = consumer.receive_batch(&mut batch, Deadline::NEVER).expect("the producer sends them all");
            for message in &batch[..count] {
                assert_eq!(*message, [next; N]);
                next += 1;
            }
        }
        drop(sender.join());
    });
}

fn the_end_comes_last<const N: usize>(barriers: (bool, bool)) {
    explore_to(1, move || {
        let (mut producer, mut consumer) = ring::<N>(barriers);
        let sender = loom::thread::spawn(move || producer.try_send(&[9; N]).expect("there is room"));
        assert_eq!(consumer.receive(Deadline::NEVER).expect("it was sent before the end"), [9; N]);
        assert!(matches!(consumer.receive(Deadline::NEVER), Err(RingError::Closed)));
        assert!(sender.join().expect("the producer does not panic"));
    });
}

#[rstest]
#[case::two_places(messages_arrive::<24>)]
#[case::one_place(messages_arrive::<32>)]
#[case::lone_ones_in_two_places(lone_ones_arrive::<24>)]
#[case::lone_ones_in_one_place(lone_ones_arrive::<32>)]
#[case::batches_in_two_places(batches_arrive::<24>)]
#[case::batches_in_one_place(batches_arrive::<32>)]
#[case::end_in_two_places(the_end_comes_last::<24>)]
#[case::end_in_one_place(the_end_comes_last::<32>)]
fn every_interleaving(
    #[case] model: fn((bool, bool)),
    #[values((true, true), (true, false), (false, true), (false, false))] barriers: (bool, bool),
) {
    model(barriers);
}
