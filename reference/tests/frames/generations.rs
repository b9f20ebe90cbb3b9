//! Size and format change between two frames.

use gpushare::Device;
use gpushare::frames::{FrameError, MOST_GENERATIONS, Policy};

use crate::{OTHER, SPEC, Studio, now, soon};

#[test]
fn a_new_size_and_format_come_in_order_with_the_frames() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.render();
    studio.producer.reconfigure(&studio.here, &OTHER, soon()).unwrap();
    studio.render();
    let mut old = studio.take(&mut consumer);
    let mut new = studio.take(&mut consumer);
    assert_eq!((*studio.there.spec(old.texture_mut()), old.generation()), (SPEC, 1));
    assert_eq!((*studio.there.spec(new.texture_mut()), new.generation()), (OTHER, 2));
    studio.check(&mut old);
    consumer.release(&studio.there, new).unwrap();
    consumer.release(&studio.there, old).unwrap();
}

#[test]
fn an_old_texture_is_freed_when_it_is_returned() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    studio.render();
    studio.producer.reconfigure(&studio.here, &OTHER, soon()).unwrap();
    assert_eq!(studio.producer.generations(), 2);
    studio.use_next(&mut consumer);
    studio.producer.departures(&studio.here).unwrap();
    assert_eq!(studio.producer.generations(), 1);
}

#[test]
fn generations_that_no_frame_was_in_are_passed_over() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    for spec in [OTHER, SPEC, OTHER, SPEC, OTHER] {
        studio.producer.reconfigure(&studio.here, &spec, soon()).unwrap();
    }
    studio.render();
    let frame = studio.take(&mut consumer);
    assert_eq!(frame.generation(), 6);
    consumer.release(&studio.there, frame).unwrap();
}

#[test]
fn a_slot_of_before_is_not_submitted() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    let [one, other] = [(); 2].map(|()| studio.producer.acquire(&studio.here, now()).unwrap());
    studio.producer.reconfigure(&studio.here, &OTHER, soon()).unwrap();
    assert!(matches!(studio.producer.submit(&studio.here, one, 0), Err(FrameError::Retired)));
    assert!(matches!(studio.producer.cancel(other), Err(FrameError::Retired)));
    assert_eq!(studio.render(), 1);
    assert_eq!(studio.use_next(&mut consumer), 1);
}

#[test]
fn there_are_no_more_generations_than_can_be_returned() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    for _ in 1..MOST_GENERATIONS {
        studio.render();
        studio.producer.reconfigure(&studio.here, &OTHER, soon()).unwrap();
    }
    studio.render();
    assert!(matches!(studio.producer.reconfigure(&studio.here, &SPEC, now()), Err(FrameError::TimedOut)));
    assert_eq!(*studio.producer.spec(), OTHER, "nothing has changed");
    studio.use_next(&mut consumer);
    studio.producer.reconfigure(&studio.here, &SPEC, soon()).unwrap();
}

#[test]
fn who_joins_after_a_change_gets_the_new_textures() {
    let mut studio = Studio::new(2, Policy::Paced);
    studio.producer.reconfigure(&studio.here, &OTHER, soon()).unwrap();
    let (_, mut consumer) = studio.consumer();
    studio.render();
    let mut frame = studio.take(&mut consumer);
    assert_eq!(*studio.there.spec(frame.texture_mut()), OTHER);
    consumer.release(&studio.there, frame).unwrap();
}

#[test]
fn what_the_device_cannot_share_changes_nothing() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut consumer) = studio.consumer();
    let secret = gpushare::TextureSpec { exportable: false, ..OTHER };
    assert!(matches!(studio.producer.reconfigure(&studio.here, &secret, soon()), Err(FrameError::Texture(_))));
    studio.render();
    assert_eq!(studio.use_next(&mut consumer), 1);
}
