//! What goes from one process to another and back: a frame, and the bare signals of two timelines, which is the least that tells of
//! it. The other process is this program, started anew with [`OTHER`] as its first argument; it answers until it is killed.

use std::cell::{Cell, RefCell};
use std::process::{Child, Stdio};
use std::time::Duration;

use ash::vk;
use gpushare::frames::{FrameConsumer, FrameProducer, Policy};
use gpushare::host::HostDevice;
use gpushare::vulkan::VulkanDevice;
use gpushare::{
    Channel, Deadline, Device, HandleType, OwnedHandle, Peer, SharedTimeline, SyncKind, Synchronisation as _, TextureSpec,
    Timelines,
};

use crate::machine::{self, each};
use crate::raw::Raw;
use crate::report::Contender;

/// The first argument of the other process; the second is what it answers to.
pub const OTHER: &str = "other-process";

const QUERIED: &str = "raw round trip of the driver's timelines, queried";
const WAITED: &str = "raw round trip of the driver's timelines, waited for";
const OWN: &str = "experiment: queried, and each process signals a timeline that it has exported itself";
const MORE: &str = "experiment: queried, and once more before each signal and after each news";
const MEMORY: &str = "raw round trip of timelines in shared memory";

/// What [`Carried::bare`] gives that is no experiment.
pub const RAW: [&str; 3] = [QUERIED, WAITED, MEMORY];

/// How long one figure is measured.
const SPAN: Duration = Duration::from_millis(200);

/// An error, in words.
pub type Answer<T = ()> = Result<T, String>;

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

/// The other process, killed when dropped.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        // One that has ended already is only reaped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(answers_to: &str) -> Answer<(Other, Channel)> {
    let (here, there) = Channel::pair().map_err(words)?;
    let mut program = machine::this_program().map_err(words)?;
    let child = program.args([OTHER, answers_to]).stdin(Stdio::from(there.into_handle())).spawn();
    Ok((Other(child.map_err(words)?), here))
}

/// Frames on a device, beside whatever timelines carry their signals.
pub trait Carried: Device + Timelines + Sized {
    /// What the other process answers to with frames.
    const FRAMES: &'static str;

    /// Round trips, in microseconds, of the bare timelines that this device's frames have.
    ///
    /// # Errors
    /// What failed, in words.
    fn bare(&self) -> Answer<Vec<Contender>>;
}

impl Carried for HostDevice {
    const FRAMES: &'static str = "frames-host";

    fn bare(&self) -> Answer<Vec<Contender>> {
        Ok(vec![(MEMORY, in_memory()?)])
    }
}

impl Carried for VulkanDevice {
    const FRAMES: &'static str = "frames-vulkan";

    fn bare(&self) -> Answer<Vec<Contender>> {
        match unshared(self) {
            None => Ok(vec![
                (QUERIED, of_driver(QUERIES)?),
                (WAITED, of_driver(WAITS)?),
                (OWN, of_driver(OWN_QUERIES)?),
                (MORE, of_driver(MORE_QUERIES)?),
            ]),
            Some(_) => Ok(vec![(MEMORY, in_memory()?)]),
        }
    }
}

/// Why shared memory carries the signals of the device's frames, and not the driver's own timelines; `None` where those do.
#[must_use]
pub fn unshared(device: &VulkanDevice) -> Option<String> {
    let can = device.capability(SyncKind::Timeline, HandleType::OpaqueFd);
    let reason = || can.unusable.clone().unwrap_or_else(|| "the driver neither exports nor imports one (OPAQUE_FD)".into());
    (!can.shareable()).then(reason)
}

/// Microseconds until a frame in one slot has been taken by the other process and is back.
///
/// # Errors
/// What failed, in words.
pub fn of_frame<D: Carried + 'static>(device: D, spec: &TextureSpec) -> Answer<Box<dyn Fn() -> f64>> {
    let (other, channel) = start(D::FRAMES)?;
    let mut producer = FrameProducer::new(&device, spec, 1, Policy::Paced).map_err(words)?;
    producer.invite(&device, channel, soon()).map_err(words)?;
    let producer = RefCell::new(producer);
    Ok(Box::new(move || {
        let (_alive, mut producer) = (&other, producer.borrow_mut());
        machine::pin(0);
        each(SPAN, || {
            let slot = producer.acquire(&device, soon());
            slot.and_then(|slot| producer.submit(&device, slot, 0)).is_ok()
        })
    }))
}

/// How a process comes to know of a value.
#[derive(Clone, Copy)]
struct Watch {
    /// What the other process answers to.
    name: &'static str,
    until: fn(&Raw, vk::Semaphore, u64) -> Result<(), vk::Result>,
    /// The timeline back is the other process's, which exports it; else the first process has made both.
    own: bool,
    /// Each process asks for the value again after it has come, and for that of its own timeline before it signals, as frames do.
    more: bool,
}

const QUERIES: Watch = Watch { name: "driver-queries", until: Raw::poll, own: false, more: false };
const WAITS: Watch = Watch { name: "driver-waits", until: Raw::wait, own: false, more: false };
const OWN_QUERIES: Watch = Watch { name: "driver-own-queries", until: Raw::poll, own: true, more: false };
const MORE_QUERIES: Watch = Watch { name: "driver-more-queries", until: Raw::poll, own: false, more: true };

impl Watch {
    fn signal(&self, raw: &Raw, timeline: vk::Semaphore, value: u64) -> Result<(), vk::Result> {
        if self.more {
            raw.value(timeline)?;
        }
        raw.signal(timeline, value)
    }

    fn until(&self, raw: &Raw, timeline: vk::Semaphore, value: u64) -> Result<(), vk::Result> {
        (self.until)(raw, timeline, value)?;
        if self.more {
            raw.value(timeline)?;
        }
        Ok(())
    }
}

/// By how much a value is ahead of the last one where that one was the last of a span.
const AHEAD: u64 = 3;

/// Microseconds for a round trip of two timelines of the driver: a call to signal in each process, and what it takes to know of the
/// other's. Between spans the other process sleeps at the channel, and takes no time of the processor from who is measured then.
fn of_driver(watch: Watch) -> Answer<Box<dyn Fn() -> f64>> {
    let (other, mut channel) = start(watch.name)?;
    let raw = Raw::open()?;
    let there = give_timeline(&raw, &mut channel)?;
    let back = if watch.own { take_timeline(&raw, &mut channel)? } else { give_timeline(&raw, &mut channel)? };
    let (channel, value) = (RefCell::new(channel), Cell::new(0));
    Ok(Box::new(move || {
        let _alive = &other;
        machine::pin(0);
        let trip = |step: u64| {
            value.set(value.get() + step);
            watch.signal(&raw, there, value.get()).is_ok() && watch.until(&raw, back, value.get()).is_ok()
        };
        // The first one waits for the other process to wake.
        if channel.borrow_mut().send(b"a span begins", &[], soon()).is_err() || !trip(1) {
            return f64::NAN;
        }
        let mean = each(SPAN, || trip(1));
        if trip(AHEAD) { mean } else { f64::NAN }
    }))
}

/// The other side of it.
fn answer_driver(watch: Watch, mut channel: Channel) -> Answer {
    let raw = Raw::open()?;
    let there = take_timeline(&raw, &mut channel)?;
    let back = if watch.own { give_timeline(&raw, &mut channel)? } else { take_timeline(&raw, &mut channel)? };
    let mut value = 0;
    loop {
        channel.receive(Deadline::NEVER).map_err(words)?;
        let mut ahead = value;
        while ahead <= value + 1 {
            value += 1;
            watch.until(&raw, there, value).map_err(words)?;
            watch.signal(&raw, back, value).map_err(words)?;
            // The first process is at work by now: this does not delay it.
            ahead = raw.value(there).map_err(words)?;
        }
        value = ahead;
        raw.signal(back, value).map_err(words)?;
    }
}

/// A new timeline, for the other process to import.
fn give_timeline(raw: &Raw, channel: &mut Channel) -> Answer<vk::Semaphore> {
    let timeline = raw.semaphore(vk::SemaphoreType::TIMELINE, true).map_err(words)?;
    let handle = OwnedHandle::from(raw.export_semaphore(timeline).map_err(words)?);
    channel.send(b"a timeline", &[&handle], soon()).map_err(words)?;
    Ok(timeline)
}

fn take_timeline(raw: &Raw, channel: &mut Channel) -> Answer<vk::Semaphore> {
    let [handle] = handles(channel)?;
    raw.import_timeline(handle.into()).map_err(words)
}

/// The same with two timelines in shared memory.
fn in_memory() -> Answer<Box<dyn Fn() -> f64>> {
    let (other, mut channel) = start("memory")?;
    let made = || SharedTimeline::create(0).map_err(words);
    let (there, back) = (made()?, made()?);
    let handles = [there.handle().map_err(words)?, back.handle().map_err(words)?];
    channel.send(b"timelines", &[&handles[0], &handles[1]], soon()).map_err(words)?;
    let value = Cell::new(0);
    Ok(Box::new(move || {
        let (_alive, _open) = (&other, &channel);
        machine::pin(0);
        each(SPAN, || {
            value.set(value.get() + 1);
            there.signal(value.get()).is_ok() && back.wait(value.get(), soon(), &Peer::UNWATCHED).is_ok()
        })
    }))
}

/// What the other process does, until it is killed or the first one is gone.
///
/// # Errors
/// Why it ends, in words.
pub fn answer(to: &str) -> Answer {
    machine::end_with_parent();
    machine::pin(1);
    let mut channel = Channel::from_handle(OwnedHandle::standard_input().map_err(words)?).map_err(|(_, error)| words(error))?;
    match to {
        HostDevice::FRAMES => take_frames(&HostDevice::new(), channel),
        VulkanDevice::FRAMES => take_frames(&VulkanDevice::open(0).map_err(words)?, channel),
        name if name == QUERIES.name => answer_driver(QUERIES, channel),
        name if name == WAITS.name => answer_driver(WAITS, channel),
        name if name == OWN_QUERIES.name => answer_driver(OWN_QUERIES, channel),
        name if name == MORE_QUERIES.name => answer_driver(MORE_QUERIES, channel),
        "memory" => {
            let attached = handles(&mut channel)?.map(|handle: OwnedHandle| SharedTimeline::attach(handle).map_err(words));
            let [there, back] = attached;
            let (there, back) = (there?, back?);
            (1..)
                .try_for_each(|value| {
                    there.wait(value, Deadline::NEVER, &Peer::UNWATCHED)?;
                    back.signal(value)
                })
                .map_err(words)
        }
        other => Err(format!("nothing answers to {other}")),
    }
}

fn handles<const COUNT: usize>(channel: &mut Channel) -> Answer<[OwnedHandle; COUNT]> {
    let message = channel.receive(Deadline::NEVER).map_err(words)?;
    message.handles.try_into().map_err(|_| format!("{COUNT} handles of timelines are due"))
}

fn take_frames<D: Device + Timelines>(device: &D, channel: Channel) -> Answer {
    let mut consumer = FrameConsumer::join(device, channel, soon()).map_err(words)?;
    loop {
        let frame = consumer.next(device, Deadline::NEVER).map_err(words)?;
        consumer.release(device, frame).map_err(words)?;
    }
}
