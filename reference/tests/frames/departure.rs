//! Who leaves, and who stays behind.

use gpushare::frames::{Departure, FrameConsumer, FrameError, FrameProducer, Policy, Reason};
use gpushare::host::HostDevice;
use gpushare::{Channel, Device};

use crate::{SPEC, Studio, now, soon};

#[test]
fn a_consumer_that_left_holds_nothing() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (id, mut consumer) = studio.consumer();
    studio.render();
    studio.render();
    let _held = studio.take(&mut consumer);
    drop(consumer);
    assert_eq!(studio.render(), 3);
    let left = Departure { consumer: id, reason: Reason::Left };
    assert_eq!(studio.producer.departures(&studio.here).unwrap(), [left]);
    assert!(studio.producer.departures(&studio.here).unwrap().is_empty(), "it is told once");
    let (again, mut consumer) = studio.consumer();
    assert_ne!(again, id);
    studio.render();
    assert_eq!(studio.use_next(&mut consumer), 4);
}

#[test]
fn a_wait_for_a_slot_ends_when_its_holder_leaves() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (_, mut one) = studio.consumer();
    let (_, other) = studio.consumer();
    studio.render();
    studio.use_next(&mut one);
    let Studio { here, producer, .. } = &mut studio;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| producer.acquire(here, soon()).map(|slot| slot.slot()));
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(other);
        assert_eq!(waiting.join().unwrap().unwrap(), 0);
    });
    assert_eq!(studio.producer.consumers().count(), 1);
}

#[test]
fn what_a_producer_submitted_before_it_left_arrives_and_what_is_held_stays() {
    let mut studio = Studio::new(3, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.render();
    studio.render();
    let mut held = studio.take(&mut consumer);
    studio.producer = FrameProducer::new(&studio.here, &SPEC, 1, Policy::Paced).unwrap();
    assert_eq!(studio.use_next(&mut consumer), 2);
    for _ in 0..2 {
        assert!(matches!(consumer.next(&studio.there, soon()), Err(FrameError::ProducerLeft)));
    }
    studio.check(&mut held);
    consumer.release(&studio.there, held).unwrap();
    let (_, mut consumer) = studio.consumer();
    studio.render();
    assert_eq!(studio.use_next(&mut consumer), 1, "of a new producer");
}

#[test]
fn a_dismissed_consumer_holds_nothing_and_learns_it() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (id, mut consumer) = studio.consumer();
    studio.render();
    studio.producer.dismiss(id).unwrap();
    assert!(matches!(studio.producer.dismiss(id), Err(FrameError::NoSuchConsumer(_))));
    assert_eq!(studio.render(), 2);
    assert_eq!(studio.producer.departures(&studio.here).unwrap()[0].reason, Reason::Dismissed);
    let frame = consumer.next(&studio.there, now()).unwrap();
    assert_eq!(frame.number(), 1);
    assert!(matches!(consumer.next(&studio.there, soon()), Err(FrameError::ProducerLeft)));
}

#[test]
fn a_consumer_that_leaves_while_it_is_invited_is_no_consumer() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (ours, theirs) = Channel::pair().unwrap();
    drop(theirs);
    assert!(matches!(studio.producer.invite(&studio.here, ours, soon()), Err(FrameError::Channel(_))));
    let (ours, _silent) = Channel::pair().unwrap();
    assert!(matches!(studio.producer.invite(&studio.here, ours, now()), Err(FrameError::Channel(_))));
    assert_eq!(studio.producer.consumers().count(), 0);
    studio.render();
}

#[test]
fn a_frame_outlives_its_consumer() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.render();
    let mut frame = studio.take(&mut consumer);
    drop(consumer);
    let device = HostDevice::new();
    device.read(frame.texture_mut(), &mut |texels| assert!(!texels.is_empty())).unwrap();
}

#[test]
fn joining_nobody_is_an_error() {
    let (ours, theirs) = Channel::pair().unwrap();
    drop(ours);
    assert!(matches!(FrameConsumer::join(&HostDevice::new(), theirs, soon()), Err(FrameError::Channel(_))));
}
