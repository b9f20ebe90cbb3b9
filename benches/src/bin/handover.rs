//! `handover [--rounds N] [--driver host|vulkan] [--write FILE]`: a frame handed to another thread and back, beside the copies of its
//! pixels that the same would take without shared textures; as Markdown on standard output, and in a file if one is named. `vulkan` is
//! the loader's first device: `VK_DRIVER_FILES` names another driver. Then a frame handed to another process and back, beside the raw
//! round trip of the timelines that carry its signals.

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

use gpushare::frames::{FrameConsumer, FrameError, FrameProducer, Policy};
use gpushare::host::HostDevice;
use gpushare::vulkan::VulkanDevice;
use gpushare::{Channel, Deadline, Device, Format, TextureError, TextureSpec, Timelines};
use gpushare_benches::machine::{self, each};
use gpushare_benches::report::{self, Contender, Goal, Table, Target};
use gpushare_benches::round_trip::{self, Carried};

const ABOUT: &str = "A frame handed over: submitted by a producer, taken and returned by a consumer in another thread, and acquired again, in one texture
that goes round. Beside it the pixels of one frame copied out of a texture and into another, as a fallback without shared
textures does at least, telling nobody. Then the same frame, and the bare timelines that carry its signals, between two processes; the host
signals in both. For the bare timelines of a driver it waits in vkWaitSemaphores, or calls vkGetSemaphoreCounterValue until the value
is there. Figures are medians with the least and the most of all rounds. A ratio is taken within a round, and only if the canaries
around it, the raw round trip of two lines of cache, agree within a quarter.
";

const COPY: &str = "pixels copied";
const FRAME: &str = "frame handed over and back";
/// How long one figure is measured.
const SPAN: Duration = Duration::from_millis(200);

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

/// Takes every frame and returns it at once, until the producer is gone.
fn consume<D: Device + Timelines>(device: &D, channel: Channel) -> Result<(), FrameError> {
    let mut consumer = FrameConsumer::join(device, channel, soon())?;
    loop {
        let frame = consumer.next(device, soon())?;
        consumer.release(device, frame)?;
    }
}

fn handed_over<D: Device + Timelines + Send + 'static>(
    open: fn() -> Result<D, TextureError>,
    spec: &TextureSpec,
) -> Result<impl Fn() -> f64 + use<D>, String> {
    let words = |error: &dyn std::error::Error| error.to_string();
    let (device, theirs) = (open().map_err(|error| words(&error))?, open().map_err(|error| words(&error))?);
    let (here, there) = Channel::pair().map_err(|error| words(&error))?;
    std::thread::spawn(move || {
        machine::pin(1);
        consume(&theirs, there)
    });
    let mut producer = FrameProducer::new(&device, spec, 1, Policy::Paced).map_err(|error| words(&error))?;
    producer.invite(&device, here, soon()).map_err(|error| words(&error))?;
    let state = RefCell::new((producer, device));
    Ok(move || {
        machine::pin(0);
        let (producer, device) = &mut *state.borrow_mut();
        each(SPAN, || {
            let slot = producer.acquire(device, soon());
            slot.and_then(|slot| producer.submit(device, slot, 0)).is_ok()
        })
    })
}

fn copied<D: Device + 'static>(
    open: fn() -> Result<D, TextureError>,
    spec: &TextureSpec,
) -> Result<impl Fn() -> f64 + use<D>, TextureError> {
    let (device, theirs) = (open()?, open()?);
    let textures = (device.create_textures(spec, 1)?, theirs.create_textures(spec, 1)?);
    let (textures, pixels) = (RefCell::new(textures), RefCell::new(Vec::new()));
    Ok(move || {
        let (from, to) = &mut *textures.borrow_mut();
        let mut pixels = pixels.borrow_mut();
        each(SPAN, || {
            let out = device.read(&mut from[0], &mut |texels| {
                pixels.clear();
                pixels.extend_from_slice(texels);
            });
            out.is_ok() && theirs.write(&mut to[0], &mut |texels| texels.copy_from_slice(&pixels)).is_ok()
        })
    })
}

/// A frame to another process and back, beside the bare timelines.
fn between_processes<D: Carried + 'static>(open: fn() -> Result<D, TextureError>, rounds: usize) -> Result<Table, String> {
    let device = open().map_err(|error| error.to_string())?;
    let spec = TextureSpec::new(Format::R8G8B8A8Unorm, 1920, 1080);
    let mut contenders = device.bare()?;
    contenders.push((FRAME, round_trip::of_frame(device, &spec)?));
    Ok(Table::measure("Between two processes, RGBA8, 1080p", "µs", rounds, &contenders))
}

fn tables<D: Carried + Send + 'static>(open: fn() -> Result<D, TextureError>, rounds: usize) -> Result<Vec<Table>, String> {
    // First, while this process has had no other device: after some, NVIDIA's driver takes hundreds of times as long for a bare round trip.
    let between = between_processes(open, rounds)?;
    let sizes = [("1080p", 1920, 1080), ("4K", 3840, 2160)];
    let table = |(name, width, height)| {
        let spec = TextureSpec::new(Format::R8G8B8A8Unorm, width, height);
        let copied = copied(open, &spec).map_err(|error| error.to_string())?;
        let contenders: [Contender; 2] = [(COPY, Box::new(copied)), (FRAME, Box::new(handed_over(open, &spec)?))];
        Ok(Table::measure(format!("RGBA8, {name}"), "µs", rounds, &contenders))
    };
    let mut tables = sizes.into_iter().map(table).collect::<Result<Vec<_>, String>>()?;
    tables.push(between);
    Ok(tables)
}

struct Options {
    rounds: usize,
    vulkan: bool,
    write: Option<String>,
}

fn options() -> Result<Options, String> {
    let (mut options, mut arguments) = (Options { rounds: 9, vulkan: false, write: None }, std::env::args().skip(1));
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--rounds" => options.rounds = value()?.parse::<usize>().map_err(|error| format!("--rounds: {error}"))?.max(1),
            "--driver" => {
                options.vulkan = match value()?.as_str() {
                    "host" => false,
                    "vulkan" => true,
                    other => return Err(format!("--driver {other}: it is host or vulkan")),
                }
            }
            "--write" => options.write = Some(value()?),
            _ => return Err(format!("unknown argument {argument}; known are --rounds, --driver and --write")),
        }
    }
    Ok(options)
}

fn target(table: &Table) -> Target<'_> {
    let raw: Vec<_> = round_trip::RAW.into_iter().filter(|raw| table.has(raw)).collect();
    if !raw.is_empty() {
        let bound = "a message in a ring each way beside the timelines, which wakes who sleeps there";
        return Target { what: table.title().into(), table, of: FRAME, to: raw, goal: Goal::AtMost(1.2), bound };
    }
    let bound = "two changes of thread for each frame, which a busy consumer would not need";
    Target { what: table.title().into(), table, of: COPY, to: vec![FRAME], goal: Goal::AtLeast(100.0), bound }
}

fn run() -> Result<(), String> {
    let options = options()?;
    let (measured_on, tables, unshared) = if options.vulkan {
        let device = VulkanDevice::open(0).map_err(|error| error.to_string())?;
        let identity = device.identity();
        let driver = format!("{} {}", identity.driver_name, identity.driver_info);
        let name = format!("{}, {}", identity.device_name, driver.trim());
        (name, tables(|| VulkanDevice::open(0), options.rounds)?, round_trip::unshared(&device))
    } else {
        ("the host backend".into(), tables(|| Ok(HostDevice::new()), options.rounds)?, None)
    };
    let targets: Vec<_> = tables.iter().map(target).collect();
    let mut text = format!(
        "# Frames handed over, measured on {measured_on}\n\n{ABOUT}\nMeasured on {}, {}.\n\n",
        machine::name(),
        machine::topology()
    );
    text += &format!("{}\n", report::targets(&targets));
    text += &tables.iter().map(Table::markdown).collect::<Vec<_>>().join("\n");
    if let Some(reason) = unshared {
        text += &format!("\nNot measured: the raw round trip of the driver's timelines: {reason}.\n");
    }
    println!("{text}");
    options.write.map_or(Ok(()), |path| std::fs::write(&path, &text).map_err(|error| format!("{path}: {error}")))
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().collect();
    let done = match &arguments[..] {
        [_, other, to] if other == round_trip::OTHER => round_trip::answer(to),
        _ => run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("handover: {error}");
            ExitCode::from(2)
        }
    }
}
