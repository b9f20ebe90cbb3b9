//! Frames between processes, and the death of either.

use std::time::{Duration, Instant};

use gpushare::frames::{Departure, FrameConsumer, FrameError, FrameProducer, Policy, Reason};
use gpushare::host::HostDevice;
use gpushare::{Channel, Device, Format, Pattern, TextureSpec};

use crate::amount;
use crate::other::{Other, Starter, soon};
use crate::sys::holdings;

const SPEC: TextureSpec = TextureSpec::new(Format::R8G8B8A8Unorm, 64, 48);
const OTHER: TextureSpec = TextureSpec::new(Format::R16Unorm, 33, 20);

fn render(device: &HostDevice, producer: &mut FrameProducer<HostDevice>) -> Result<u64, FrameError> {
    let mut slot = producer.acquire(device, soon())?;
    let (number, spec) = (producer.submitted() + 1, *producer.spec());
    device.write(slot.texture_mut(), &mut |texels| Pattern::seeded(number).fill(&spec, texels)).unwrap();
    producer.submit(device, slot, 0)
}

fn take(device: &HostDevice, consumer: &mut FrameConsumer<HostDevice>) -> Result<u64, FrameError> {
    let mut frame = consumer.next(device, soon())?;
    let (number, spec) = (frame.number(), *device.spec(frame.texture_mut()));
    device.read(frame.texture_mut(), &mut |texels| Pattern::seeded(number).verify(&spec, texels).unwrap()).unwrap();
    consumer.release(device, frame)?;
    Ok(number)
}

/// The other side: be a producer or a consumer.
pub(crate) fn other(what: &str, starter: &mut Starter) {
    let device = HostDevice::new();
    let channel = Channel::from_handle(starter.handle()).unwrap();
    if let Some(what) = what.strip_prefix("produce:") {
        let mut producer = FrameProducer::new(&device, &SPEC, 3, Policy::Paced).unwrap();
        producer.invite(&device, channel, soon()).unwrap();
        starter.say_ready();
        if what == "some" {
            // It dies with as many frames under way as there are slots.
            (0..3).for_each(|_| assert!(render(&device, &mut producer).is_ok()));
            starter.say_ready();
            std::thread::sleep(Duration::from_secs(600));
        }
        while producer.departures(&device).unwrap().is_empty() {
            render(&device, &mut producer).unwrap();
        }
        return;
    }
    let mut consumer = FrameConsumer::join(&device, channel, soon()).unwrap();
    starter.say_ready();
    if what == "hold" {
        let _held = consumer.next(&device, soon()).unwrap();
        starter.say_ready();
        std::thread::sleep(Duration::from_secs(600));
    }
    // One that comes late begins with the frame that is next.
    let mut last = if what == "late" { take(&device, &mut consumer).unwrap() } else { 0 };
    loop {
        match take(&device, &mut consumer) {
            Ok(number) => assert_eq!(number, last + 1, "one after the other"),
            Err(FrameError::ProducerLeft) => break,
            Err(error) => panic!("{error}"),
        }
        last += 1;
    }
    assert_eq!(last, amount(100, 100_000));
}

fn consumer_process(device: &HostDevice, producer: &mut FrameProducer<HostDevice>, what: &str) -> Other {
    let mut other = Other::start(&format!("frames:{what}"));
    let (ours, theirs) = Channel::pair().unwrap();
    other.send(&theirs.into_handle());
    producer.invite(device, ours, soon()).unwrap();
    other.ready();
    other
}

fn producer_process(device: &HostDevice, what: &str) -> (Other, FrameConsumer<HostDevice>) {
    let mut other = Other::start(&format!("frames:produce:{what}"));
    let (ours, theirs) = Channel::pair().unwrap();
    other.send(&theirs.into_handle());
    let consumer = FrameConsumer::join(device, ours, soon()).unwrap();
    other.ready();
    (other, consumer)
}

#[test]
fn frames_reach_other_processes_whole_once_and_in_order() {
    let device = HostDevice::new();
    let mut producer = FrameProducer::new(&device, &SPEC, 3, Policy::Paced).unwrap();
    let others = [(); 2].map(|()| consumer_process(&device, &mut producer, "use"));
    for round in 0..amount(100, 100_000) {
        if round % 25 == 24 {
            let next = if *producer.spec() == SPEC { OTHER } else { SPEC };
            producer.reconfigure(&device, &next, soon()).unwrap();
        }
        render(&device, &mut producer).unwrap();
    }
    drop(producer);
    others.into_iter().for_each(Other::finish);
}

#[test]
fn a_consumer_that_is_killed_holds_nothing_and_another_takes_its_place() {
    let device = HostDevice::new();
    let mut producer = FrameProducer::new(&device, &SPEC, 1, Policy::Paced).unwrap();
    let mut holder = consumer_process(&device, &mut producer, "hold");
    render(&device, &mut producer).unwrap();
    holder.ready();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        holder.kill();
        Instant::now()
    });
    assert_eq!(render(&device, &mut producer).unwrap(), 2);
    let took = killer.join().unwrap().elapsed();
    assert!(took < Duration::from_secs(2), "noticed after {took:?}");
    let departures = producer.departures(&device).unwrap();
    assert!(matches!(departures.as_slice(), [Departure { reason: Reason::Died, .. }]), "{departures:?}");
    let _next = consumer_process(&device, &mut producer, "hold");
    assert_eq!(render(&device, &mut producer).unwrap(), 3);
}

#[test]
fn a_producer_that_is_killed_leaves_what_it_finished_and_what_is_held() {
    let device = HostDevice::new();
    let (mut other, mut consumer) = producer_process(&device, "some");
    other.ready();
    let mut held = consumer.next(&device, soon()).unwrap();
    other.kill();
    assert_eq!((take(&device, &mut consumer).unwrap(), take(&device, &mut consumer).unwrap()), (2, 3));
    assert!(matches!(take(&device, &mut consumer), Err(FrameError::ProducerDied)));
    device.read(held.texture_mut(), &mut |texels| Pattern::seeded(1).verify(&SPEC, texels).unwrap()).unwrap();
    consumer.release(&device, held).unwrap();
    let (_next, mut consumer) = producer_process(&device, "all");
    assert_eq!(take(&device, &mut consumer).unwrap(), 1);
}

#[test]
fn a_kill_at_any_moment_leaves_a_survivor_that_goes_on_and_leaks_nothing() {
    let device = HostDevice::new();
    let mut producer = FrameProducer::new(&device, &SPEC, 2, Policy::Paced).unwrap();
    let mut held = None;
    for round in 0..amount(10, 500) {
        let moment = Duration::from_micros(round * 7919 % 20_000);
        let killer = |mut other: Other| {
            std::thread::spawn(move || {
                std::thread::sleep(moment);
                other.kill();
            })
        };
        if round % 2 == 0 {
            let killing = killer(consumer_process(&device, &mut producer, "late"));
            while producer.departures(&device).unwrap().is_empty() {
                render(&device, &mut producer).unwrap();
            }
            killing.join().unwrap();
        } else {
            let (other, mut consumer) = producer_process(&device, "all");
            let killing = killer(other);
            let end = loop {
                if let Err(error) = take(&device, &mut consumer) {
                    break error;
                }
            };
            assert!(matches!(end, FrameError::ProducerDied), "{end}");
            killing.join().unwrap();
        }
        if round == 3 {
            held = Some(holdings());
        }
    }
    assert_eq!(held, Some(holdings()), "handles, shared mappings and threads after a few rounds, and after all");
}
