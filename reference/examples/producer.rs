//! Two terminals, one texture. In the first: `cargo run --example producer -- /tmp/gpushare.sock`, then the consumer in the
//! second.
//!
//! The texture and its handle cross once. After that a frame costs one short message each way.

#[path = "handover/arguments.rs"]
mod arguments;
#[path = "handover/conversation.rs"]
mod conversation;
#[path = "handover/picture.rs"]
mod picture;

use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, Driver, Failure};
use conversation::{Answer, Offer, gone, hear, now, say};
use gpushare::channel::Listener;
use gpushare::host::HostDevice;
use gpushare::vulkan::VulkanDevice;
use gpushare::{Channel, ChannelError, Deadline, Device};

const USAGE: &str = "\
Usage: producer PATH [--driver host|vulkan]

  PATH      where to wait for the consumer; the file must not exist yet
  --driver  host (shared memory, the default) or vulkan (the loader's first device; VK_DRIVER_FILES names another driver)";

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

fn produce<D: Device>(device: &D, path: &Path) -> Result<(), Failure> {
    let mut texture = device.create_texture(&picture::SPEC).map_err(Failure::during("creating the texture"))?;
    let (descriptor, handle) = device.export_texture(&mut texture).map_err(Failure::during("exporting the texture"))?;
    let mut channel = meet(device, path)?;
    let leave = |error: &ChannelError| Failure::Work(gone("consumer", error));
    say(&mut channel, &Offer::Texture(Box::new(descriptor)), &[&handle]).map_err(|error| leave(&error))?;
    // The consumer has its own handle now, and the texture keeps the memory.
    drop(handle);
    for number in 0.. {
        match hear(&mut channel, "consumer").map_err(|gone| Failure::Work(format!("{gone} after {number} frames")))? {
            (Answer::Next, _) => {}
            (Answer::Enough, _) => {
                println!("the consumer has seen {number} frames and left");
                return Ok(());
            }
            (Answer::Refused(why), _) => {
                return Err(Failure::Work(format!("the consumer cannot use the texture: {why}")));
            }
        }
        device.write(&mut texture, &mut |texels| picture::draw(number, texels)).map_err(Failure::during("drawing a frame"))?;
        say(&mut channel, &Offer::Frame { number, sent: now() }, &[]).map_err(|error| leave(&error))?;
    }
    Ok(())
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
