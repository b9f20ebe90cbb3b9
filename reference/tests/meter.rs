//! Counting and sampling: what is counted, when a sample is due, and what a rate is taken over.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::thread::sleep;
use std::time::Duration;

use gpushare::meter::{Meter, Sampling};
use gpushare::ring::{Consumer, Counts, Producer, RingError, fixed};
use gpushare::{Deadline, Patience, Stream};

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn counted(messages: u64) -> Counts {
    Counts { messages, bytes: 10 * messages, stalls: 2 * messages, sleeps: 3 * messages, wakes: 4 * messages }
}

#[test]
fn each_message_counts_once_however_it_goes() {
    let (mut producer, offer) = Producer::create(4096).unwrap();
    let mut consumer = Consumer::attach(offer).unwrap();

    assert!(producer.try_send(b"alone").unwrap());
    producer.send_batch([&b"two"[..], b"three"], soon()).unwrap();
    producer.try_reserve(8).unwrap().unwrap().commit(4);
    assert!(producer.try_reserve(8).unwrap().is_some(), "and given up");
    assert_eq!(producer.counts(), Counts { messages: 4, bytes: 64, ..Counts::default() });

    assert!(consumer.try_receive(&mut Vec::new()).unwrap());
    assert_eq!(consumer.counts().messages, 1);
    consumer.try_peek().unwrap().unwrap().release();
    assert!(consumer.try_peek().unwrap().is_some(), "looked at, and not taken");
    assert_eq!(consumer.try_drain(64, |_| {}).unwrap(), 2);
    assert_eq!(consumer.counts(), Counts { messages: 4, bytes: 64, stalls: 1, ..Counts::default() });
}

#[test]
fn looks_in_vain_sleeps_and_wake_ups_are_counted() {
    let (mut producer, offer) = Producer::create(64).unwrap();
    let mut consumer = Consumer::attach(offer).unwrap();
    assert!(!consumer.try_receive(&mut Vec::new()).unwrap());
    assert!(producer.try_send(&[0; 56]).unwrap());
    assert!(!producer.try_send(b"").unwrap());
    assert_eq!((producer.counts().stalls, consumer.counts().stalls), (1, 1));
    assert!(consumer.try_receive(&mut Vec::new()).unwrap());

    consumer.set_patience(Patience { spin: 0, ..Patience::default() });
    let receiver = std::thread::spawn(move || {
        consumer.receive(&mut Vec::new(), soon()).unwrap();
        consumer
    });
    // The consumer sleeps by now, unless the machine is very busy: then it is told nothing, and counts nothing.
    sleep(Duration::from_millis(100));
    producer.send(b"", soon()).unwrap();
    let consumer = receiver.join().unwrap();

    assert_eq!(consumer.counts().sleeps, producer.counts().wakes);
    assert_eq!(producer.counts().messages, consumer.counts().messages);
}

#[test]
fn messages_of_one_size_and_pieces_of_a_stream_count_too() {
    let (mut producer, offer) = fixed::Producer::<16>::create(8).unwrap();
    let mut consumer = fixed::Consumer::<16>::attach(offer).unwrap();
    assert_eq!(consumer.try_receive().unwrap(), None);
    let sent = producer.try_send_batch(&[[7; 16]; 100]).unwrap() as u64;
    assert_eq!(producer.try_send_batch(&[[7; 16]; 100]).unwrap(), 0);
    consumer.receive(soon()).unwrap();

    let stalls = producer.counts().stalls;
    assert_eq!(producer.counts(), Counts { messages: sent, bytes: 16 * sent, stalls, ..Counts::default() });
    assert!(stalls >= 1);
    assert_eq!(consumer.counts(), Counts { messages: 1, bytes: 16, stalls: 1, ..Counts::default() });

    let (mut here, offer) = Stream::create(4096).unwrap();
    let mut there = Stream::attach(offer).unwrap();
    here.write_all_by(b"piece", soon()).unwrap();
    there.read_exact_by(&mut [0; 5], soon()).unwrap();
    there.close_write();
    assert_eq!(here.counts().map(|counts| counts.unwrap().messages), [0, 1]);
    assert_eq!(there.counts().map(|counts| counts.map(|counts| counts.messages)), [Some(1), None]);
}

#[test]
fn an_attempt_that_fails_counts_nothing() {
    let (mut producer, offer) = Producer::create(64).unwrap();
    drop(Consumer::attach(offer).unwrap());

    let refused = std::iter::repeat_with(|| producer.try_send(&[0; 24])).find_map(Result::err).unwrap();

    assert!(matches!(refused, RingError::Closed), "{refused}");
    assert_eq!(producer.counts(), Counts { messages: 2, bytes: 64, ..Counts::default() });
}

#[test]
fn a_sample_comes_after_so_many_batches_and_so_much_time() {
    let mut meter = Meter::new(Sampling { batches: 3, interval: Duration::from_millis(20) });
    let asked = std::cell::Cell::new(0);
    let mut batch = |messages| {
        meter.batch(|| {
            asked.set(asked.get() + 1);
            counted(messages)
        })
    };

    assert_eq!(batch(100), None, "the rates begin here");
    assert_eq!([1, 1, 1].map(&mut batch), [None; 3], "too soon by the clock");
    assert_eq!(asked.get(), 2);
    sleep(Duration::from_millis(20));
    assert_eq!([1, 1].map(&mut batch), [None; 2], "too soon by the batches");
    let sample = batch(300).unwrap();

    assert_eq!((asked.get(), sample.counts), (3, counted(300)));
    let rates = sample.rates;
    assert!(rates.over >= Duration::from_millis(20));
    let expected = [200.0, 2000.0, 400.0, 600.0, 800.0].map(|count| count / rates.over.as_secs_f64());
    assert_eq!([rates.messages, rates.bytes, rates.stalls, rates.sleeps, rates.wakes], expected);
}

#[test]
fn one_that_is_switched_off_asks_nothing_and_rates_do_not_reach_back() {
    let mut meter = Meter::new(Sampling { batches: 0, interval: Duration::ZERO });
    assert_eq!(meter.batch(|| counted(1)), None);
    meter.switch(false);
    assert_eq!(meter.batch(|| unreachable!("it is off")), None);
    meter.switch(true);

    assert_eq!(meter.batch(|| counted(1000)), None, "the rates begin anew");
    meter.switch(true);
    sleep(Duration::from_millis(1));
    let rates = meter.batch(|| counted(1001)).unwrap().rates;

    assert_eq!(rates.messages, 1.0 / rates.over.as_secs_f64());
}
