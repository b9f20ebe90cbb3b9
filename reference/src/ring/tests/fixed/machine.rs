//! Random sequences of every operation, against a queue that knows when room comes back.

use std::collections::VecDeque;

use proptest::prelude::*;

use crate::deadline::Deadline;
use crate::ring::RingError;
use crate::ring::fixed::{Consumer, Producer};

#[derive(Clone, Debug)]
enum Step {
    Send,
    SendAlone,
    Batch(usize),
    Receive,
    ReceiveInto,
    ReceiveAlone,
    ReceiveBatch(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Send),
        2 => Just(Step::SendAlone),
        2 => (0..40usize).prop_map(Step::Batch),
        2 => Just(Step::Receive),
        2 => Just(Step::ReceiveInto),
        2 => Just(Step::ReceiveAlone),
        2 => (0..40usize).prop_map(Step::ReceiveBatch),
    ]
}

struct Model<const N: usize> {
    capacity: usize,
    queue: VecDeque<[u8; N]>,
    /// Messages taken.
    taken: usize,
    /// Messages whose room was given back.
    released: usize,
    sent: u64,
}

impl<const N: usize> Model<N> {
    fn next(&mut self) -> [u8; N] {
        self.sent += 1;
        let sent = self.sent;
        std::array::from_fn(|at| (sent.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32 * 7) >> 32) as u8)
    }

    fn room(&self) -> usize {
        self.capacity - self.queue.len() - (self.taken - self.released)
    }

    fn took(&mut self, count: usize) {
        self.taken += count;
        if self.taken - self.released >= (self.capacity / 8).max(1) {
            self.found_nothing();
        }
    }

    fn found_nothing(&mut self) {
        self.released = self.taken;
    }
}

fn run<const N: usize>(least: u64, producer_creates: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let (mut producer, mut consumer) = if producer_creates {
        let (producer, offer) = Producer::<N>::create(least).unwrap();
        (producer, Consumer::<N>::attach(offer).unwrap())
    } else {
        let (consumer, offer) = Consumer::<N>::create(least).unwrap();
        (Producer::<N>::attach(offer).unwrap(), consumer)
    };
    let capacity = usize::try_from(producer.capacity()).unwrap();
    prop_assert_eq!(producer.capacity(), consumer.capacity());
    let mut model = Model { capacity, queue: VecDeque::new(), taken: 0, released: 0, sent: 0 };
    for step in steps {
        match *step {
            Step::Send | Step::SendAlone => {
                let message = model.next();
                let fits = model.room() > 0;
                let send = if matches!(step, Step::Send) { Producer::try_send } else { Producer::try_send_alone };
                prop_assert_eq!(send(&mut producer, &message).unwrap(), fits);
                if fits {
                    model.queue.push_back(message);
                }
            }
            Step::Batch(count) => {
                let batch: Vec<[u8; N]> = (0..count).map(|_| model.next()).collect();
                let fit = count.min(model.room());
                prop_assert_eq!(producer.try_send_batch(&batch).unwrap(), fit);
                model.queue.extend(&batch[..fit]);
            }
            Step::Receive => {
                let expected = model.queue.pop_front();
                prop_assert_eq!(consumer.try_receive().unwrap(), expected);
                match expected {
                    Some(_) => model.took(1),
                    None => model.found_nothing(),
                }
            }
            Step::ReceiveInto | Step::ReceiveAlone => {
                let expected = model.queue.pop_front();
                let mut message = [0xa5; N];
                let into = matches!(step, Step::ReceiveInto);
                let receive = if into { Consumer::try_receive_into } else { Consumer::try_receive_alone };
                prop_assert_eq!(receive(&mut consumer, &mut message).unwrap(), expected.is_some());
                prop_assert_eq!(message, expected.unwrap_or([0xa5; N]), "what there is, and nothing else");
                match expected {
                    Some(_) => model.took(1),
                    None => model.found_nothing(),
                }
            }
            Step::ReceiveBatch(most) => {
                let mut batch = vec![[0; N]; most];
                let count = most.min(model.queue.len());
                prop_assert_eq!(consumer.try_receive_batch(&mut batch).unwrap(), count);
                prop_assert!(batch[..count].iter().eq(model.queue.drain(..count).collect::<Vec<_>>().iter()));
                match count {
                    0 if most > 0 => model.found_nothing(),
                    0 => {}
                    count => model.took(count),
                }
            }
        }
    }
    drop(producer);
    while let Some(expected) = model.queue.pop_front() {
        prop_assert_eq!(consumer.receive(Deadline::NEVER).unwrap(), expected);
    }
    prop_assert!(matches!(consumer.try_receive(), Err(RingError::Closed)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_queue(
        size in 0..8usize,
        least in prop_oneof![Just(1u64), 1..50u64, 100..300u64],
        producer_creates in any::<bool>(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        // Several to a line of cache and one, within a line and across its end, with room beside the position and without.
        let run = [run::<1>, run::<8>, run::<19>, run::<28>, run::<29>, run::<48>, run::<49>, run::<64>][size];
        run(least, producer_creates, &steps)?;
    }
}
