//! What becomes of frames that come faster than they are used.

use std::time::{Duration, Instant};

use gpushare::Deadline;
use gpushare::frames::{FrameError, FrameProducer, Policy};
use rstest::rstest;

use crate::{SPEC, Studio};

#[test]
fn paced_waits_for_a_slot_until_the_deadline() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.render();
    studio.render();
    let start = Instant::now();
    let refused = studio.producer.acquire(&studio.here, Deadline::after(Duration::from_millis(30)));
    assert!(matches!(refused, Err(FrameError::TimedOut)));
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert_eq!((studio.use_next(&mut consumer), studio.use_next(&mut consumer)), (1, 2));
}

#[rstest]
#[case::every_frame(Policy::EveryFrame)]
#[case::latest_only(Policy::LatestOnly)]
fn the_others_do_not_wait(#[case] policy: Policy) {
    let mut studio = Studio::new(2, policy);
    let (_, mut consumer) = studio.consumer();
    assert_eq!(consumer.policy(), policy);
    studio.render();
    studio.render();
    assert!(matches!(studio.producer.acquire(&studio.here, Deadline::NEVER), Err(FrameError::Full)));
    studio.use_next(&mut consumer);
    studio.render();
}

#[test]
fn every_frame_skips_none() {
    let mut studio = Studio::new(3, Policy::EveryFrame);
    let (_, mut consumer) = studio.consumer();
    for _ in 0..3 {
        studio.render();
    }
    assert!(studio.try_render().is_err());
    assert_eq!([(); 3].map(|()| studio.use_next(&mut consumer)), [1, 2, 3]);
}

#[test]
fn latest_only_gives_the_newest_and_returns_the_others() {
    let mut studio = Studio::new(4, Policy::LatestOnly);
    let (_, mut consumer) = studio.consumer();
    for _ in 0..3 {
        studio.render();
    }
    let newest = studio.take(&mut consumer);
    assert_eq!((newest.number(), newest.skipped()), (3, 2));
    for _ in 0..3 {
        studio.render();
    }
    assert!(studio.try_render().is_err(), "the newest of before is still held");
    consumer.release(&studio.there, newest).unwrap();
    let next = studio.take(&mut consumer);
    assert_eq!((next.number(), next.skipped()), (6, 2));
    consumer.release(&studio.there, next).unwrap();
}

#[rstest]
#[case::none(0)]
#[case::too_many(33)]
fn so_many_slots_there_cannot_be(#[case] slots: u32) {
    let device = gpushare::host::HostDevice::new();
    let refused = FrameProducer::new(&device, &SPEC, slots, Policy::Paced);
    assert!(matches!(refused, Err(FrameError::Slots { found }) if found == slots));
}
