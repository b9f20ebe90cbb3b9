//! Receiving as a future: what is there at once, what comes later, what ends it, and that nothing is lost by dropping one.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::future::Future;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::sleep;
use std::time::Duration;

use gpushare::ring::{Consumer, Producer, RingError, fixed};
use gpushare::worker::Settings;
use gpushare::{AsyncReceiver, Deadline, Patience, Peer, Stream, StreamError};
use pollster::block_on;
use rstest::rstest;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn ring() -> (Producer, Consumer) {
    let (producer, offer) = Producer::create(4096).unwrap();
    (producer, Consumer::attach(offer).unwrap())
}

fn started(consumer: Consumer) -> AsyncReceiver<Consumer> {
    AsyncReceiver::start(consumer, &Settings::named("receive")).unwrap()
}

/// What a runtime with several threads asks of a task.
fn may_change_threads<F: Future + Send>(future: F) -> F {
    future
}

/// Counts how often a task was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl Count {
    fn wait_for(&self, count: usize) {
        let deadline = soon();
        while self.0.load(Ordering::Acquire) < count {
            assert!(!deadline.passed(), "woken {:?} times, not {count}", self.0);
            std::thread::yield_now();
        }
    }
}

#[test]
fn what_is_there_is_taken_in_the_first_poll() {
    let (mut producer, consumer) = ring();
    let mut receiver = started(consumer);
    producer.send(b"here", soon()).unwrap();

    let mut message = Vec::new();
    let answer = pin!(receiver.receive(&mut message)).poll(&mut Context::from_waker(Waker::noop()));

    assert!(matches!(answer, Poll::Ready(Ok(()))), "{answer:?}");
    assert_eq!(message, b"here");
}

/// Asleep in the system, so that the producer has to wake it, and after more than one turn.
#[rstest]
#[case::while_the_thread_spins(u32::MAX, 0)]
#[case::while_it_sleeps(0, 10)]
#[case::after_some_turns(0, 100)]
fn what_comes_later_wakes_the_task(#[case] spin: u32, #[case] pause: u64) {
    let (mut producer, mut consumer) = ring();
    consumer.set_patience(Patience { spin, ..Patience::default() });
    let mut receiver = started(consumer);

    let sender = std::thread::spawn(move || {
        for number in 0..20_u8 {
            sleep(Duration::from_millis(pause));
            producer.send(&[number], soon()).unwrap();
        }
        producer
    });

    for number in 0..20 {
        let mut message = Vec::new();
        block_on(may_change_threads(receiver.receive(&mut message))).unwrap();
        assert_eq!(message, [number]);
    }
    drop(sender.join().unwrap());
    assert!(matches!(block_on(receiver.receive(&mut Vec::new())), Err(RingError::Closed)));
}

#[test]
fn a_future_that_is_dropped_loses_no_message() {
    let (mut producer, consumer) = ring();
    let mut receiver = started(consumer);
    for number in 0..200_u8 {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut dropped = Vec::new();
        {
            let mut future = pin!(receiver.receive(&mut dropped));
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            producer.send(&[number], soon()).unwrap();
            if number.is_multiple_of(2) {
                // The message was found, and is still nobody's.
                count.wait_for(1);
            }
        }
        assert!(dropped.is_empty());

        let mut message = Vec::new();
        block_on(receiver.receive(&mut message)).unwrap();
        assert_eq!(message, [number]);
    }
}

#[test]
fn the_task_that_polled_last_is_woken() {
    let (mut producer, consumer) = ring();
    let mut receiver = started(consumer);
    let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
    let wakers = counts.clone().map(Waker::from);
    for waker in &wakers {
        let mut message = Vec::new();
        assert!(pin!(receiver.receive(&mut message)).poll(&mut Context::from_waker(waker)).is_pending());
    }

    producer.send(b"for the second", soon()).unwrap();

    counts[1].wait_for(1);
    assert_eq!(counts[0].0.load(Ordering::Acquire), 0);
}

#[test]
fn the_death_of_the_peer_ends_it_with_the_same_error() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let (mut producer, mut consumer) = ring();
    consumer.watch(&Peer::process(child.id()).unwrap());
    producer.send(b"last words", soon()).unwrap();
    let mut receiver = started(consumer);
    let killer = std::thread::spawn(move || {
        sleep(Duration::from_millis(50));
        child.kill().unwrap();
        child.wait().unwrap();
    });

    let mut message = Vec::new();
    block_on(receiver.receive(&mut message)).unwrap();
    let ended = [0, 1].map(|_| block_on(receiver.receive(&mut Vec::new())).unwrap_err());

    assert_eq!(message, b"last words");
    assert!(matches!(ended, [RingError::PeerGone, RingError::PeerGone]), "{ended:?}");
    killer.join().unwrap();
}

#[test]
fn messages_of_one_size_arrive_the_same_way() {
    let (mut producer, offer) = fixed::Producer::<8>::create(64).unwrap();
    let consumer = fixed::Consumer::<8>::attach(offer).unwrap();
    let mut receiver = AsyncReceiver::start(consumer, &Settings::named("receive")).unwrap();
    let sender = std::thread::spawn(move || {
        for number in 0..10_000_u64 {
            producer.send(&number.to_ne_bytes(), soon()).unwrap();
        }
    });

    for number in 0..10_000_u64 {
        assert_eq!(u64::from_ne_bytes(block_on(receiver.receive()).unwrap()), number);
    }

    sender.join().unwrap();
    assert!(matches!(block_on(receiver.receive()), Err(RingError::Closed)));
}

#[test]
fn a_stream_is_written_while_its_other_half_waits_to_be_read() {
    let (here, offer) = Stream::create(4096).unwrap();
    let mut there = Stream::attach(offer).unwrap();
    let (reader, mut writer) = here.split();
    let mut reader = AsyncReceiver::start(reader, &Settings::named("read")).unwrap();
    let mut bytes = [0; 16];
    assert!(pin!(reader.read(&mut bytes)).poll(&mut Context::from_waker(Waker::noop())).is_pending());

    writer.write_all_by(b"question", soon()).unwrap();
    let mut question = [0; 8];
    there.read_exact_by(&mut question, soon()).unwrap();
    there.write_all_by(b"answer", soon()).unwrap();
    drop(there);

    // In two pieces: what was read of a message in part is there at once.
    assert_eq!(block_on(reader.read(&mut bytes[..2])).unwrap(), 2);
    assert_eq!(block_on(reader.read(&mut bytes[2..])).unwrap(), 4);
    assert_eq!((&question, &bytes[..6]), (b"question", &b"answer"[..]));
    assert_eq!(block_on(reader.read(&mut bytes)).unwrap(), 0);
    let refused = writer.read_by(&mut bytes, soon()).unwrap_err();
    assert!(matches!(refused, StreamError::ClosedHere("reading")), "{refused}");
}

#[test]
fn dropping_it_while_the_thread_waits_closes_the_ring() {
    let (mut producer, consumer) = ring();
    let mut receiver = started(consumer);
    let mut message = Vec::new();
    assert!(pin!(receiver.receive(&mut message)).poll(&mut Context::from_waker(Waker::noop())).is_pending());

    drop(receiver);

    let told = std::iter::repeat_with(|| producer.send(&[0; 1000], soon())).find_map(Result::err).unwrap();
    assert!(matches!(told, RingError::Closed), "{told}");
}

/// Panics, as no waker should.
struct Careless(Sender<()>);

impl Wake for Careless {
    fn wake(self: Arc<Self>) {
        self.0.send(()).unwrap();
        panic!("a careless waker");
    }
}

#[test]
fn a_waker_that_panics_spoils_nothing() {
    let (mut producer, consumer) = ring();
    let mut receiver = started(consumer);
    let (say, woken) = channel();
    let waker = Waker::from(Arc::new(Careless(say)));
    for number in 0..3_u8 {
        let mut message = Vec::new();
        assert!(pin!(receiver.receive(&mut message)).poll(&mut Context::from_waker(&waker)).is_pending());
        producer.send(&[number], soon()).unwrap();
        woken.recv().unwrap();

        block_on(receiver.receive(&mut message)).unwrap();

        assert_eq!(message, [number]);
    }
}
