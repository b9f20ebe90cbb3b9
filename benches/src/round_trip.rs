//! What goes from one process to another and back: a frame, and the bare signals of two timelines, which is the least that tells of
//! it. The other process is this program, started anew with [`OTHER`] as its first argument; it answers until it is killed.

use std::cell::{Cell, RefCell};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ash::vk;
use gpushare::frames::{FrameConsumer, FrameProducer, Policy};
use gpushare::host::HostDevice;
use gpushare::vulkan::VulkanDevice;
use gpushare::{Channel, Deadline, Device, HandleType, OwnedHandle, Peer, SharedTimeline, SyncKind, TextureSpec, Timelines};

use crate::machine::{self, each};
use crate::raw::Raw;

/// The first argument of the other process; the second is what it answers to.
pub const OTHER: &str = "other-process";

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
    let program = std::env::current_exe().map_err(words)?;
    let child = Command::new(program).args([OTHER, answers_to]).stdin(Stdio::from(there.into_handle())).spawn();
    Ok((Other(child.map_err(words)?), here))
}

/// Frames on a device, beside whatever timelines carry their signals.
pub trait Carried: Device + Timelines + Sized {
    /// What the other process answers to with frames.
    const FRAMES: &'static str;

    /// Microseconds for a round trip of the bare timelines that this device's frames have.
    ///
    /// # Errors
    /// What failed, in words.
    fn bare(&self) -> Answer<Box<dyn Fn() -> f64>>;
}

impl Carried for HostDevice {
    const FRAMES: &'static str = "frames-host";

    fn bare(&self) -> Answer<Box<dyn Fn() -> f64>> {
        in_memory()
    }
}

impl Carried for VulkanDevice {
    const FRAMES: &'static str = "frames-vulkan";

    fn bare(&self) -> Answer<Box<dyn Fn() -> f64>> {
        if shares_timelines(self) { of_driver() } else { in_memory() }
    }
}

/// Whether the device's own timelines carry its frames, or shared memory does.
pub fn shares_timelines(device: &impl Timelines) -> bool {
    device.capability(SyncKind::Timeline, HandleType::OpaqueFd).shareable()
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

/// Microseconds for a round trip of two timelines of the driver: a call to signal and a call to wait in each process.
fn of_driver() -> Answer<Box<dyn Fn() -> f64>> {
    let (other, mut channel) = start("driver")?;
    let raw = Raw::open()?;
    let made = || raw.semaphore(vk::SemaphoreType::TIMELINE, true).map_err(words);
    let (there, back) = (made()?, made()?);
    let exported = |timeline| raw.export_semaphore(timeline).map(OwnedHandle::from).map_err(words);
    channel.send(b"timelines", &[&exported(there)?, &exported(back)?], soon()).map_err(words)?;
    let value = Cell::new(0);
    Ok(Box::new(move || {
        let (_alive, _open) = (&other, &channel);
        machine::pin(0);
        each(SPAN, || {
            value.set(value.get() + 1);
            raw.signal(there, value.get()).is_ok() && raw.wait(back, value.get()).is_ok()
        })
    }))
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
    let channel = Channel::from_handle(OwnedHandle::standard_input().map_err(words)?).map_err(|(_, error)| words(error))?;
    match to {
        HostDevice::FRAMES => take_frames(&HostDevice::new(), channel),
        VulkanDevice::FRAMES => take_frames(&VulkanDevice::open(0).map_err(words)?, channel),
        "driver" => {
            let raw = Raw::open()?;
            let [there, back] = timelines(channel)?;
            let [there, back] = [there, back].map(|handle| raw.import_timeline(handle.into()).map_err(words));
            let (there, back) = (there?, back?);
            (1..)
                .try_for_each(|value| {
                    raw.wait(there, value)?;
                    raw.signal(back, value)
                })
                .map_err(words)
        }
        "memory" => {
            let attached = timelines(channel)?.map(|handle| SharedTimeline::attach(handle).map_err(words));
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

fn timelines(mut channel: Channel) -> Answer<[OwnedHandle; 2]> {
    let message = channel.receive(Deadline::NEVER).map_err(words)?;
    message.handles.try_into().map_err(|_| "two handles of timelines are due".into())
}

fn take_frames<D: Device + Timelines>(device: &D, channel: Channel) -> Answer {
    let mut consumer = FrameConsumer::join(device, channel, soon()).map_err(words)?;
    loop {
        let frame = consumer.next(device, Deadline::NEVER).map_err(words)?;
        consumer.release(device, frame).map_err(words)?;
    }
}
