//! `sharing [--rounds N] [--write FILE]`: what the reference adds to the Vulkan calls that it makes, as Markdown on standard output,
//! and in a file if one is named. On the loader's first device: `VK_DRIVER_FILES` names another driver.

use std::cell::{Cell, RefCell};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use ash::vk;
use gpushare::texture::{Device, TextureError};
use gpushare::vulkan::VulkanDevice;
use gpushare::{Deadline, Format, HandleType, Peer, Permanence, Semaphores, Side, SyncError, TextureSpec, Timelines, Which};
use gpushare_benches::machine::{self, each};
use gpushare_benches::raw::Raw;
use gpushare_benches::report::{self, Contender, Goal, Table, Target};

const ABOUT: &str = "What the reference adds to the calls of Vulkan that it makes, in one process. Each is done by the reference, with its checks, and by
the bare calls through ash; they take turns. Figures are medians with the least and the most of all rounds. A ratio is taken
within a round, and only if the canaries around it, the raw round trip of two lines of cache, agree within a quarter.
";

const RAW: &str = "Vulkan alone";
const OURS: &str = "reference";
const GUARDED: &str = "Vulkan alone, the exported handle closed on exec, and one look at what is behind the imported one";
const BOUND: &str = "what makes the calls safe: one call to the system that closes the handle on exec, which not every driver does, and one that keeps a driver from blocking on an eventfd or dying of a short object; the next line has both on either side";
const CHECKS: &str = "the descriptor is held against this device before the driver is asked";
/// How long one figure is measured.
const SPAN: Duration = Duration::from_millis(60);
const HANDLE: HandleType = HandleType::OpaqueFd;

fn contenders(raw: impl Fn() -> bool + 'static, ours: impl Fn() -> bool + 'static) -> [Contender; 2] {
    [(RAW, Box::new(move || each(SPAN, &raw))), (OURS, Box::new(move || each(SPAN, &ours)))]
}

struct Bench {
    rounds: usize,
    raw: Rc<Raw>,
    device: Rc<VulkanDevice>,
}

impl Bench {
    fn measure(&self, title: String, pair: [Contender; 2]) -> Table {
        Table::measure(title, "µs", self.rounds, &pair)
    }

    fn create_and_free(&self, size: u32) -> Table {
        let (raw, device) = (Rc::clone(&self.raw), Rc::clone(&self.device));
        let spec = TextureSpec::new(Format::R8G8B8A8Unorm, size, size);
        let bare = move || raw.create(vk::Format::R8G8B8A8_UNORM, size).map(|texture| raw.free(texture)).is_ok();
        let pair = contenders(bare, move || device.create_textures(&spec, 1).is_ok());
        self.measure(format!("Create and free an exportable texture, RGBA8, {size}²"), pair)
    }

    fn texture(&self, name: &str, format: Format, raw_format: vk::Format, size: u32) -> Result<Table, TextureError> {
        let (raw, device) = (Rc::clone(&self.raw), Rc::clone(&self.device));
        let Ok(texture) = raw.create(raw_format, size) else {
            return Err(TextureError::Unsupported { what: format!("{name}, {size}²") });
        };
        let raw_again = Rc::clone(&raw);
        let bare = move || raw.export_import_free(&texture).is_ok();
        let guarded = move || raw_again.export_guard_import_free(&texture).is_ok();
        let made = device.create_textures(&TextureSpec::new(format, size, size), 1)?;
        let own = RefCell::new(made);
        let ours = move || {
            let mut own = own.borrow_mut();
            let exported = device.export_texture(&mut own[0]);
            exported.is_ok_and(|(descriptor, handle)| device.import_texture(&descriptor, handle).is_ok())
        };
        let [bare, ours] = contenders(bare, ours);
        let guarded: Contender = (GUARDED, Box::new(move || each(SPAN, &guarded)));
        let title = format!("Export, import and free, {name}, {size}²");
        Ok(Table::measure(title, "µs", self.rounds, &[bare, ours, guarded]))
    }

    fn share_semaphore(&self) -> Result<Table, SyncError> {
        let (raw, device) = (Rc::clone(&self.raw), Rc::clone(&self.device));
        let own = RefCell::new(device.create_semaphore(&[HANDLE])?);
        let bare = raw.semaphore(vk::SemaphoreType::BINARY, true).unwrap_or_default();
        let bare = move || raw.share_semaphore(vk::SemaphoreType::BINARY, bare).is_ok();
        let ours = move || {
            let shared = device.export_semaphore(&mut own.borrow_mut(), HANDLE);
            shared.is_ok_and(|(descriptor, handle)| {
                let into = device.create_semaphore(&[]);
                into.is_ok_and(|mut into| {
                    device.import_semaphore(&mut into, &descriptor, handle, Permanence::Permanent).is_ok()
                })
            })
        };
        Ok(self.measure("Export, import and free a binary semaphore".into(), contenders(bare, ours)))
    }

    fn share_timeline(&self) -> Result<Table, SyncError> {
        let (raw, device) = (Rc::clone(&self.raw), Rc::clone(&self.device));
        let own = RefCell::new(device.create_timeline(0, &[HANDLE])?);
        let bare = raw.semaphore(vk::SemaphoreType::TIMELINE, true).unwrap_or_default();
        let bare = move || raw.share_semaphore(vk::SemaphoreType::TIMELINE, bare).is_ok();
        let ours = move || {
            let shared = device.export_timeline(&mut own.borrow_mut(), HANDLE);
            shared.is_ok_and(|(descriptor, handle)| device.import_timeline(&descriptor, handle).is_ok())
        };
        Ok(self.measure("Export, import and free a timeline".into(), contenders(bare, ours)))
    }

    fn signal_semaphore(&self) -> Result<Table, SyncError> {
        let (raw, device) = (Rc::clone(&self.raw), Rc::clone(&self.device));
        let own = RefCell::new(device.create_semaphore(&[])?);
        let bare = raw.semaphore(vk::SemaphoreType::BINARY, false).unwrap_or_default();
        let bare = move || raw.signal_and_wait(bare).is_ok();
        let ours = move || {
            let mut own = own.borrow_mut();
            device.signal(&mut own).is_ok()
                && device.wait(&mut own, Deadline::after(Duration::from_secs(5)), &Peer::UNWATCHED).is_ok()
        };
        Ok(self.measure("Signal a binary semaphore on the device, and wait".into(), contenders(bare, ours)))
    }

    fn signal_timeline(&self) -> Result<[Table; 2], SyncError> {
        let (raw, device) = (Rc::clone(&self.raw), Rc::clone(&self.device));
        let own = Rc::new(RefCell::new(device.create_timeline(0, &[])?));
        let bare = raw.semaphore(vk::SemaphoreType::TIMELINE, false).unwrap_or_default();
        let (value, own_value) = (Cell::new(0), Cell::new(0));
        let next = |value: &Cell<u64>| {
            value.set(value.get() + 1);
            value.get()
        };
        let (own_again, raw_again, device_again) = (Rc::clone(&own), Rc::clone(&raw), Rc::clone(&device));
        let bare_signal = move || raw.signal_and_wait_timeline(bare, next(&value)).is_ok();
        let ours = move || {
            let (value, deadline) = (next(&own_value), Deadline::after(Duration::from_secs(5)));
            let signalled = device.signal_timeline(&mut own.borrow_mut(), value, Side::Host).is_ok();
            signalled && device.wait_timelines(&[(&own.borrow(), value)], Which::All, deadline, &Peer::UNWATCHED).is_ok()
        };
        let signal = self.measure("Signal a timeline on the host, and wait there".into(), contenders(bare_signal, ours));
        let query = contenders(move || raw_again.value(bare).is_ok(), move || device_again.value(&own_again.borrow()).is_ok());
        Ok([signal, self.measure("Query a timeline".into(), query)])
    }
}

fn options() -> Result<(usize, Option<String>), String> {
    let (mut rounds, mut write, mut arguments) = (9, None, std::env::args().skip(1));
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--rounds" => rounds = value()?.parse().map_err(|error| format!("--rounds: {error}"))?,
            "--write" => write = Some(value()?),
            _ => return Err(format!("unknown argument {argument}; known are --rounds and --write")),
        }
    }
    Ok((rounds.max(1), write))
}

/// What the reference takes of the calls that it makes, and of those with the two that make them safe.
fn targets(table: &Table) -> [Target<'_>; 2] {
    let target =
        |to, bound| Target { what: table.title().into(), table, of: OURS, to: vec![to], goal: Goal::AtMost(1.05), bound };
    [target(RAW, BOUND), target(GUARDED, CHECKS)]
}

fn run() -> Result<(), String> {
    let (rounds, write) = options()?;
    let (raw, device) = (Rc::new(Raw::open()?), Rc::new(VulkanDevice::open(0).map_err(|error| error.to_string())?));
    let identity = device.identity().clone();
    let bench = Bench { rounds, raw, device };
    let (mut textures, mut others, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for size in [256, 1024, 2048, 4096] {
        others.push(bench.create_and_free(size));
    }
    let formats = [
        ("RGBA8", Format::R8G8B8A8Unorm, vk::Format::R8G8B8A8_UNORM),
        ("RGBA16F", Format::R16G16B16A16Sfloat, vk::Format::R16G16B16A16_SFLOAT),
    ];
    for (name, format, raw_format) in formats {
        for size in [256, 1024, 2048, 4096] {
            match bench.texture(name, format, raw_format, size) {
                Ok(table) => textures.push(table),
                Err(error) => absent.push(error.to_string()),
            }
        }
    }
    for table in [bench.share_semaphore(), bench.signal_semaphore(), bench.share_timeline()] {
        match table {
            Ok(table) => others.push(table),
            Err(error) => absent.push(error.to_string()),
        }
    }
    match bench.signal_timeline() {
        Ok(tables) => others.extend(tables),
        Err(error) => absent.push(error.to_string()),
    }
    let targets: Vec<_> = textures.iter().flat_map(targets).collect();
    let driver = format!("{} {}", identity.driver_name, identity.driver_info);
    let mut text = format!("# Sharing, measured on {}, {}\n\n{ABOUT}\n", identity.device_name, driver.trim());
    text += &format!("Measured on {}.\n\n{}\n", machine::name(), report::targets(&targets));
    text += &textures.iter().chain(&others).map(Table::markdown).collect::<Vec<_>>().join("\n");
    for reason in absent {
        text += &format!("\nNot measured: {reason}.\n");
    }
    println!("{text}");
    write.map_or(Ok(()), |path| std::fs::write(&path, &text).map_err(|error| format!("{path}: {error}")))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sharing: {error}");
            ExitCode::from(2)
        }
    }
}
