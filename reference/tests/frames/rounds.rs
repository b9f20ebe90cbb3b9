//! Frames go round: none lost, doubled, torn or out of order.

use gpushare::frames::{FrameError, Policy};
use gpushare::{Synchronisation, timeline::Side};

use crate::{Studio, now, soon};

#[test]
fn frames_arrive_whole_once_and_in_order() {
    let mut studio = Studio::new(3, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    for round in 0..20 {
        let sent: Vec<u64> = (0..=round % 3).map(|_| studio.render()).collect();
        let came: Vec<u64> = sent.iter().map(|_| studio.use_next(&mut consumer)).collect();
        assert_eq!(came, sent);
    }
    assert!(matches!(consumer.next(&studio.there, now()), Err(FrameError::TimedOut)));
}

#[test]
fn a_frame_that_is_held_stays_what_it_is() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.render();
    let mut held = studio.take(&mut consumer);
    for _ in 0..5 {
        studio.render();
        studio.use_next(&mut consumer);
    }
    studio.check(&mut held);
    assert_eq!(held.number(), 1);
    consumer.release(&studio.there, held).unwrap();
}

#[test]
fn frames_can_be_released_in_any_order() {
    let mut studio = Studio::new(3, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    for _ in 0..4 {
        for _ in 0..3 {
            studio.render();
        }
        let [first, second, third] = std::array::from_fn(|_| studio.take(&mut consumer));
        for frame in [third, first, second] {
            consumer.release(&studio.there, frame).unwrap();
        }
    }
    assert!(studio.producer.departures(&studio.here).unwrap().is_empty());
}

#[test]
fn a_slot_is_free_when_every_consumer_has_returned_it() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (_, mut one) = studio.consumer();
    let (_, mut other) = studio.consumer();
    studio.render();
    assert_eq!(studio.use_next(&mut one), 1);
    assert!(matches!(studio.try_render(), Err(FrameError::TimedOut)), "the other one still has it");
    assert_eq!(studio.use_next(&mut other), 1);
    assert_eq!(studio.render(), 2);
    assert_eq!((studio.use_next(&mut other), studio.use_next(&mut one)), (2, 2));
}

#[test]
fn a_consumer_that_comes_later_sees_what_is_submitted_from_then_on() {
    let mut studio = Studio::new(2, Policy::Paced);
    assert_eq!((studio.render(), studio.render(), studio.render()), (1, 2, 3), "nobody holds anything");
    let (_, mut consumer) = studio.consumer();
    studio.render();
    assert_eq!(studio.use_next(&mut consumer), 4);
}

#[test]
fn a_frame_comes_when_the_device_has_rendered_it_and_not_before() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.producer.set_side(Side::Device);
    studio.here.close_gate().unwrap();
    studio.render();
    assert!(matches!(consumer.next(&studio.there, now()), Err(FrameError::TimedOut)));
    assert_eq!(consumer.pending(), 1, "it is announced");
    studio.here.open_gate().unwrap();
    assert_eq!(studio.use_next(&mut consumer), 1);
}

#[test]
fn a_slot_comes_home_when_the_device_has_read_it_and_not_before() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    consumer.set_side(Side::Device);
    studio.render();
    studio.there.close_gate().unwrap();
    studio.use_next(&mut consumer);
    assert!(matches!(studio.try_render(), Err(FrameError::TimedOut)));
    studio.there.open_gate().unwrap();
    assert_eq!(studio.render(), 2);
}

#[test]
fn a_cancelled_slot_is_free_again_and_what_everybody_acquired_cannot_be_waited_for() {
    let mut studio = Studio::new(1, Policy::Paced);
    let acquired = studio.producer.acquire(&studio.here, soon()).unwrap();
    assert!(matches!(studio.producer.acquire(&studio.here, soon()), Err(FrameError::AllAcquired)));
    studio.producer.cancel(acquired).unwrap();
    assert_eq!(studio.render(), 1, "it was no frame");
}

#[test]
fn a_waiting_producer_goes_on_when_a_frame_is_released() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.render();
    let frame = studio.take(&mut consumer);
    let Studio { here, there, producer } = &mut studio;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| producer.acquire(here, soon()).map(|slot| slot.slot()));
        std::thread::sleep(std::time::Duration::from_millis(20));
        consumer.release(there, frame).unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn a_frame_of_another_consumer_is_not_taken_back() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut one) = studio.consumer();
    studio.render();
    let frame = studio.take(&mut one);
    let (_, mut other) = studio.consumer();
    assert!(matches!(other.release(&studio.there, frame), Err(FrameError::NotHeld)));
}
