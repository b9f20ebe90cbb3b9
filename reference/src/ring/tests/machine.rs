//! Random sequences of every operation, against a queue that keeps count of bytes.

use std::collections::VecDeque;

use proptest::prelude::*;

use crate::ring::{Consumer, Producer, RingError};

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Batch(Vec<usize>),
    Reserve { len: usize, used: usize },
    Abandon(usize),
    Receive,
    ReceiveInto(usize),
    Drain(usize),
    Peek,
    Look { from: usize, count: usize },
}

fn step(capacity: usize) -> impl Strategy<Value = Step> {
    // Short messages, those that fill the ring exactly, and those that cannot fit.
    let len = move || prop_oneof![4 => 0..24usize, 2 => 0..capacity, 2 => capacity.saturating_sub(17)..capacity + 9];
    prop_oneof![
        6 => len().prop_map(Step::Send),
        2 => prop::collection::vec(len(), 0..6).prop_map(Step::Batch),
        3 => (len(), 0..=100usize).prop_map(|(len, part)| Step::Reserve { len, used: len * part / 100 }),
        1 => len().prop_map(Step::Abandon),
        6 => Just(Step::Receive),
        2 => len().prop_map(Step::ReceiveInto),
        2 => (0..6usize).prop_map(Step::Drain),
        1 => Just(Step::Peek),
        1 => (len(), 0..24usize).prop_map(|(from, count)| Step::Look { from, count }),
    ]
}

/// What the ring should be.
struct Model {
    capacity: usize,
    used: usize,
    queue: VecDeque<Vec<u8>>,
    sent: u8,
}

impl Model {
    fn record(len: usize) -> usize {
        8 + len.div_ceil(8) * 8
    }

    fn next(&mut self, len: usize) -> Vec<u8> {
        self.sent = self.sent.wrapping_add(1);
        (0..len).map(|at| self.sent.wrapping_mul(31).wrapping_add(u8::try_from(at % 251).unwrap())).collect()
    }

    /// Whether a message fits now; an error if it never will.
    fn fits(&self, len: usize) -> Result<bool, usize> {
        let most = self.capacity - 8;
        if len > most { Err(most) } else { Ok(self.used + Self::record(len) <= self.capacity) }
    }

    fn push(&mut self, message: Vec<u8>) {
        self.used += Self::record(message.len());
        self.queue.push_back(message);
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let message = self.queue.pop_front()?;
        self.used -= Self::record(message.len());
        Some(message)
    }
}

/// Whether what the ring answered to an attempt to send is what the model says.
fn same(answer: Result<bool, RingError>, expected: Result<bool, usize>) -> Result<bool, TestCaseError> {
    match (answer, expected) {
        (Ok(sent), Ok(fits)) => {
            prop_assert_eq!(sent, fits);
            Ok(sent)
        }
        (Err(RingError::TooLarge { most, .. }), Err(expected)) => {
            prop_assert_eq!(most, expected);
            Ok(false)
        }
        (answer, expected) => Err(TestCaseError::fail(format!("{answer:?}, expected {expected:?}"))),
    }
}

fn take(step: Step, producer: &mut Producer, consumer: &mut Consumer, model: &mut Model) -> Result<(), TestCaseError> {
    match step {
        Step::Send(len) => {
            let message = model.next(len);
            if same(producer.try_send(&message), model.fits(len))? {
                model.push(message);
            }
        }
        Step::Batch(lens) => {
            let mut batch = producer.batch();
            let mut sent = Vec::new();
            for len in lens {
                let message = model.next(len);
                if same(batch.try_send(&message), model.fits(len))? {
                    model.push(message.clone());
                    sent.push(message);
                }
            }
            if model.queue.len() == sent.len() {
                prop_assert!(consumer.try_peek().unwrap().is_none(), "a batch is not seen before it is published");
            }
            drop(batch);
        }
        Step::Reserve { len, used } => {
            let message = model.next(used);
            let expected = model.fits(len);
            match producer.try_reserve(len) {
                Ok(Some(mut reservation)) => {
                    prop_assert_eq!(expected, Ok(true));
                    let (first, second) = message.split_at(used / 3);
                    reservation.write(first.len(), second);
                    reservation.write(0, first);
                    reservation.commit(used);
                    model.push(message);
                }
                Ok(None) => prop_assert_eq!(expected, Ok(false)),
                Err(error) => drop(same(Err(error), expected)?),
            }
        }
        Step::Abandon(len) => drop(producer.try_reserve(len)),
        Step::Receive => {
            let mut message = vec![1; 3];
            let came = consumer.try_receive(&mut message).unwrap();
            prop_assert_eq!(came.then_some(message), model.pop());
        }
        Step::ReceiveInto(room) => {
            let mut buffer = vec![0; room];
            match (consumer.try_receive_into(&mut buffer), model.queue.front().map(Vec::len)) {
                (Ok(Some(len)), Some(_)) => prop_assert_eq!(Some(buffer[..len].to_vec()), model.pop()),
                (Ok(None), None) => {}
                (Err(RingError::BufferTooSmall { needed, room: had }), Some(len)) => {
                    prop_assert_eq!((needed, had), (len, room));
                    prop_assert!(len > room);
                }
                (answer, expected) => return Err(TestCaseError::fail(format!("{answer:?}, expected {expected:?}"))),
            }
        }
        Step::Drain(most) => {
            let mut shown = Vec::new();
            let count = consumer.try_drain(most, |message| shown.push(message.to_vec())).unwrap();
            prop_assert_eq!(count, shown.len());
            prop_assert_eq!(count, most.min(model.queue.len()));
            for message in shown {
                prop_assert_eq!(Some(message), model.pop());
            }
        }
        Step::Peek => {
            let seen = consumer.try_peek().unwrap().map(|message| message.to_vec());
            prop_assert_eq!(seen.as_ref(), model.queue.front());
        }
        Step::Look { from, count } => {
            if let Some(message) = consumer.try_peek().unwrap() {
                let from = from.min(message.len());
                let count = count.min(message.len() - from);
                let mut part = vec![0; count];
                message.read(from, &mut part);
                prop_assert_eq!(&part, &model.queue[0][from..from + count]);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_queue(
        (capacity, steps) in (4..10u32).prop_flat_map(|power| {
            let capacity = 1usize << power;
            (Just(capacity), prop::collection::vec(step(capacity), 1..200))
        }),
        producer_creates in any::<bool>(),
    ) {
        let (mut producer, mut consumer) = if producer_creates {
            let (producer, offer) = Producer::create(capacity as u64).unwrap();
            (producer, Consumer::attach(offer).unwrap())
        } else {
            let (consumer, offer) = Consumer::create(capacity as u64).unwrap();
            (Producer::attach(offer).unwrap(), consumer)
        };
        let mut model = Model { capacity, used: 0, queue: VecDeque::new(), sent: 0 };
        for step in steps {
            take(step, &mut producer, &mut consumer, &mut model)?;
        }
        drop(producer);
        let mut message = Vec::new();
        while let Some(expected) = model.pop() {
            prop_assert!(consumer.try_receive(&mut message).unwrap());
            prop_assert_eq!(&message, &expected);
        }
        prop_assert!(matches!(consumer.try_receive(&mut message), Err(RingError::Closed)));
    }
}
