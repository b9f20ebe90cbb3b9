//! Two terminals, frames between them. In the second: `cargo run --example consumer -- /tmp/gpushare.sock`, after the producer in the
//! first.
//!
//! Imports the producer's textures, reads and checks each frame, and prints how fast that goes.

#[path = "handover/arguments.rs"]
mod arguments;
#[path = "handover/check.rs"]
mod check;
#[path = "handover/conversation.rs"]
mod conversation;
#[path = "handover/picture.rs"]
mod picture;
#[path = "handover/speed.rs"]
mod speed;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use arguments::{Arguments, Driver, Failure};
use conversation::{Hello, gone, now, soon};
use gpushare::frames::FrameConsumer;
use gpushare::host::HostDevice;
use gpushare::vulkan::{VulkanDevice, VulkanInstance};
use gpushare::{Api, Channel, Deadline, Device, Identity, TextureError, Timelines};
use speed::Speed;

const USAGE: &str = "\
Usage: consumer PATH [--driver host|vulkan] [--out DIR] [--frames N]

  PATH      where the producer waits
  --driver  host or vulkan; without it whatever made the texture
  --out     write each frame as a PNG file into this folder
  --frames  leave after so many frames";

fn main() -> ExitCode {
    arguments::report(run(), USAGE)
}

fn run() -> Result<(), Failure> {
    let arguments = Arguments::read(&["--driver", "--out", "--frames"])?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(Failure::during("creating the folder for the pictures"))?;
    }
    let path = &arguments.path;
    let mut channel = Channel::connect(path, Deadline::after(Duration::from_secs(5))).map_err(|error| {
        let path = path.display();
        Failure::Work(format!("no producer at {path}: {error}; start one first: producer {path}"))
    })?;
    let theirs = hear(&mut channel).map_err(Failure::Work)?.device;
    match arguments.driver.unwrap_or(of_api(theirs.api)) {
        Driver::Host => consume(&HostDevice::new(), channel, &arguments),
        Driver::Vulkan => match open_vulkan(&theirs) {
            Ok(device) => consume(&device, channel, &arguments),
            Err(error) => Err(Failure::Work(format!(
                "no Vulkan device: {error}; set VK_DRIVER_FILES to the manifest of the producer's driver"
            ))),
        },
    }
}

fn hear(channel: &mut Channel) -> Result<Hello, String> {
    let message = channel.receive(soon()).map_err(|error| gone("producer", &error.into()))?;
    serde_json::from_slice(&message.bytes)
        .map_err(|error| format!("the producer said something else than expected ({error}); run both from the same source"))
}

const fn of_api(api: Api) -> Driver {
    match api {
        Api::Host => Driver::Host,
        Api::Vulkan => Driver::Vulkan,
    }
}

/// The producer's own device where it is here, else the first one, whose refusal tells what differs.
fn open_vulkan(theirs: &Identity) -> Result<VulkanDevice, TextureError> {
    let mut devices = VulkanInstance::new()?.physical_devices()?;
    let same = devices.iter().position(|device| device.identity().device_uuid == theirs.device_uuid);
    match same {
        Some(index) => VulkanDevice::new(devices.swap_remove(index)),
        None => VulkanDevice::open(0),
    }
}

fn consume<D: Device + Timelines>(device: &D, channel: Channel, arguments: &Arguments) -> Result<(), Failure> {
    let mut consumer = FrameConsumer::join(device, channel, soon()).map_err(|error| {
        let why = gone("producer", &error);
        Failure::Work(format!("{why}; run producer and consumer with the same --driver and the same VK_DRIVER_FILES"))
    })?;
    println!("imported from {}", device.identity().device_name);
    let mut speed = Speed::new();
    while arguments.frames.is_none_or(|limit| speed.frames() < limit) {
        let mut frame = consumer
            .next(device, soon())
            .map_err(|error| Failure::Work(format!("{} after {} frames", gone("producer", &error), speed.frames())))?;
        let latency = Duration::from_nanos(now().saturating_sub(frame.stamp()));
        if device.spec(frame.texture_mut()) != &picture::SPEC {
            return Err(Failure::Work("the producer's texture is another one; run both from the same source".into()));
        }
        // Pictures count from 0, frames from 1.
        let number = u32::try_from(frame.number() - 1).unwrap_or(u32::MAX);
        let mut outcome = Ok(());
        device
            .read(frame.texture_mut(), &mut |texels| outcome = look(number, texels, arguments.out.as_deref()))
            .map_err(Failure::during("reading a frame"))?;
        consumer.release(device, frame).map_err(|error| Failure::Work(gone("producer", &error)))?;
        outcome.map_err(Failure::Work)?;
        speed.frame(latency);
    }
    println!("{}", speed.summary());
    Ok(())
}

fn look(number: u32, texels: &[u8], out: Option<&Path>) -> Result<(), String> {
    check::verify(number, texels)?;
    let Some(folder) = out else { return Ok(()) };
    let path = folder.join(format!("frame-{number:05}.png"));
    write_picture(&path, texels).map_err(|error| format!("writing {}: {error}", path.display()))
}

fn write_picture(path: &Path, texels: &[u8]) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(std::fs::File::create(path)?, picture::SPEC.width, picture::SPEC.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(texels)
}
