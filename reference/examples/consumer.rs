//! Two terminals, one texture. In the second: `cargo run --example consumer -- /tmp/gpushare.sock`, after the producer in the
//! first.
//!
//! Imports the producer's texture, reads and checks each frame, and prints how fast that goes.

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
use conversation::{Answer, Offer, gone, hear, now, say};
use gpushare::host::HostDevice;
use gpushare::vulkan::{VulkanDevice, VulkanInstance};
use gpushare::{Api, Channel, Deadline, Device, OwnedHandle, TextureDescriptor, TextureError};
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
    let (descriptor, handle) = offered(&mut channel)?;
    let outcome = match arguments.driver.unwrap_or(of_api(descriptor.fields().api)) {
        Driver::Host => consume(&HostDevice::new(), &descriptor, handle, &mut channel, &arguments),
        Driver::Vulkan => match open_vulkan(&descriptor) {
            Ok(device) => consume(&device, &descriptor, handle, &mut channel, &arguments),
            Err(error) => Err(Failure::Work(format!(
                "no Vulkan device: {error}; set VK_DRIVER_FILES to the manifest of the producer's driver"
            ))),
        },
    };
    if let Err(Failure::Work(why)) = &outcome {
        // So that the producer can say it too; where it is gone already, nobody is left to tell.
        let _ = say(&mut channel, &Answer::Refused(why.clone()), &[]);
    }
    outcome
}

fn offered(channel: &mut Channel) -> Result<(TextureDescriptor, OwnedHandle), Failure> {
    let (offer, mut handles) = hear(channel, "producer").map_err(Failure::Work)?;
    match (offer, handles.pop(), handles.is_empty()) {
        (Offer::Texture(descriptor), Some(handle), true) => Ok((*descriptor, handle)),
        _ => Err(Failure::Work("the producer offered no texture with one handle; run both from the same source".into())),
    }
}

const fn of_api(api: Api) -> Driver {
    match api {
        Api::Host => Driver::Host,
        Api::Vulkan => Driver::Vulkan,
    }
}

/// The producer's own device where it is here, else the first one, whose refusal tells what differs.
fn open_vulkan(descriptor: &TextureDescriptor) -> Result<VulkanDevice, TextureError> {
    let mut devices = VulkanInstance::new()?.physical_devices()?;
    let same = devices.iter().position(|device| device.identity().device_uuid == descriptor.fields().device_uuid);
    match same {
        Some(index) => VulkanDevice::new(devices.swap_remove(index)),
        None => VulkanDevice::open(0),
    }
}

fn consume<D: Device>(
    device: &D,
    descriptor: &TextureDescriptor,
    handle: OwnedHandle,
    channel: &mut Channel,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let mut texture = device.import_texture(descriptor, handle).map_err(|refused| {
        Failure::Work(format!("{refused}; run producer and consumer with the same --driver and the same VK_DRIVER_FILES"))
    })?;
    if device.spec(&texture) != &picture::SPEC {
        return Err(Failure::Work("the producer's texture is another one; run both from the same source".into()));
    }
    println!("imported from {}", device.identity().device_name);
    let mut speed = Speed::new();
    say(channel, &Answer::Next, &[]).map_err(|error| Failure::Work(gone("producer", &error)))?;
    loop {
        let (offer, _) = hear(channel, "producer")
            .map_err(|gone| Failure::Work(format!("{gone} after {} frames; its texture is still ours", speed.frames())))?;
        let Offer::Frame { number, sent } = offer else {
            return Err(Failure::Work("the producer offered a second texture; run both from the same source".into()));
        };
        let latency = Duration::from_nanos(now().saturating_sub(sent));
        let mut outcome = Ok(());
        device
            .read(&mut texture, &mut |texels| outcome = look(number, texels, arguments.out.as_deref()))
            .map_err(Failure::during("reading a frame"))?;
        outcome.map_err(Failure::Work)?;
        speed.frame(latency);
        let enough = arguments.frames.is_some_and(|limit| speed.frames() >= limit);
        let answer = if enough { Answer::Enough } else { Answer::Next };
        say(channel, &answer, &[]).map_err(|error| Failure::Work(gone("producer", &error)))?;
        if enough {
            println!("{}", speed.summary());
            return Ok(());
        }
    }
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
