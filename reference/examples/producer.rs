//! Two terminals, frames between them. In the first: `cargo run --example producer -- /tmp/gpushare.sock`, then the consumer in the
//! second.
//!
//! Three textures go round: their handles cross once, and a frame costs one short message through shared memory each way.

#[path = "handover/arguments.rs"]
mod arguments;
#[path = "handover/conversation.rs"]
mod conversation;
#[path = "handover/picture.rs"]
mod picture;

use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, Driver, Failure};
use conversation::{Hello, gone, now, soon};
use gpushare::channel::Listener;
use gpushare::frames::{FrameProducer, Policy, Reason};
use gpushare::host::HostDevice;
use gpushare::vulkan::VulkanDevice;
use gpushare::{Channel, ChannelError, Deadline, Device, Identity, Timelines};

const USAGE: &str = "\
Usage: producer PATH [--driver host|vulkan]

  PATH      where to wait for the consumer; the file must not exist yet
  --driver  host (shared memory, the default) or vulkan (the loader's first device; VK_DRIVER_FILES names another driver)";

/// One is shown, one waits, one is drawn.
const SLOTS: u32 = 3;

fn main() -> ExitCode {
    arguments::report(run(), USAGE)
}

fn run() -> Result<(), Failure> {
    let arguments = Arguments::read(&["--driver"])?;
    match arguments.driver.unwrap_or(Driver::Host) {
        Driver::Host => produce(&HostDevice::new(), &arguments.path),
        Driver::Vulkan => produce(&VulkanDevice::open(0).map_err(no_device)?, &arguments.path),
    }
}

fn no_device(error: gpushare::TextureError) -> Failure {
    Failure::Work(format!("no Vulkan device: {error}; set VK_DRIVER_FILES to a driver's manifest or use --driver host"))
}

fn produce<D: Device + Timelines>(device: &D, path: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::Work(gone("consumer", &error));
    let mut producer = FrameProducer::new(device, &picture::SPEC, SLOTS, Policy::Paced).map_err(failed)?;
    let mut channel = meet(device, path)?;
    greet(&mut channel, device.identity()).map_err(|error| failed(error.into()))?;
    producer.invite(device, channel, soon()).map_err(failed)?;
    loop {
        if let Some(departure) = producer.departures(device).map_err(failed)?.pop() {
            let number = producer.submitted();
            return match departure.reason {
                Reason::Left => {
                    println!("the consumer left; {number} frames were submitted");
                    Ok(())
                }
                reason => Err(Failure::Work(format!("the consumer went away after {number} frames: {reason}"))),
            };
        }
        let mut slot = producer.acquire(device, soon()).map_err(failed)?;
        let number = u32::try_from(producer.submitted()).unwrap_or(u32::MAX);
        device
            .write(slot.texture_mut(), &mut |texels| picture::draw(number, texels))
            .map_err(Failure::during("drawing a frame"))?;
        producer.submit(device, slot, now()).map_err(failed)?;
    }
}

fn greet(channel: &mut Channel, device: &Identity) -> Result<(), ChannelError> {
    let text = serde_json::to_vec(&Hello { device: device.clone() }).expect("numbers and texts always serialise");
    channel.send(&text, &[], soon())
}

fn meet<D: Device>(device: &D, path: &Path) -> Result<Channel, Failure> {
    let listener = Listener::bind(path).map_err(|error| {
        let advice = match &error {
            ChannelError::Os { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                "it exists already; choose another path, or remove it if no producer runs"
            }
            _ => "choose a path in a folder that you may write to",
        };
        Failure::Work(format!("cannot listen at {}: {error}; {advice}", path.display()))
    })?;
    println!("{} waits; run in another terminal: consumer {}", device.identity().device_name, path.display());
    listener.accept(Deadline::NEVER).map_err(Failure::during("waiting for the consumer"))
}
