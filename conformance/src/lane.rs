//! The drivers found on this machine, each a lane.

use std::path::{Path, PathBuf};

use gpushare_harness::PeerCommand;
use gpushare_harness::protocol::DeviceReport;

use crate::capability;
use crate::manifest::{Manifest, ManifestError};

/// The environment variable that names driver manifests, or folders of them, apart from the system's own (`:` between).
pub const DRIVERS_VARIABLE: &str = "GPUSHARE_DRIVERS";

/// Which driver a lane runs on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Driver {
    /// None: the host backend.
    Host,
    /// The Vulkan driver of a manifest.
    Manifest(PathBuf),
}

/// One device of one driver.
#[derive(Clone, Debug)]
pub struct Lane {
    /// `lavapipe-25.0.7`, `host`, …
    pub name: String,
    /// The driver.
    pub driver: Driver,
    /// Its place among the driver's devices.
    pub device: u32,
    /// What it says it can share.
    pub report: DeviceReport,
    /// How to start a peer on it.
    pub command: PeerCommand,
}

/// A driver that gave no lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// The manifest.
    pub manifest: PathBuf,
    /// Why.
    pub reason: String,
    /// Whether somebody asked for it by name or through [`DRIVERS_VARIABLE`]; a system's manifest without a device is nothing unusual.
    pub asked_for: bool,
}

/// Why the lanes that were asked for could not be found.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// No manifest at this path.
    #[error("no driver manifest at {}; give the path of a Vulkan ICD manifest (*.json) or the name of a lane (`gpushare probe` lists them)", path.display())]
    NoManifest {
        /// The path.
        path: PathBuf,
    },
    /// A manifest that is none, or whose library is missing.
    #[error("driver manifest {}: {source}", path.display())]
    BadManifest {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// A manifest was asked for and its driver gives no device.
    #[error("driver {}: {reason}", path.display())]
    NoDevice {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No lane of this name.
    #[error("no lane {name:?} here; there are {}", lanes.join(", "))]
    NoLane {
        /// The name.
        name: String,
        /// The lanes that there are.
        lanes: Vec<String>,
    },
    /// The peer program cannot be started.
    #[error("peer program {}: {reason}", path.display())]
    NoPeer {
        /// The program.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// How peers are started.
#[derive(Clone, Debug)]
pub struct PeerProgram {
    /// The program.
    pub path: PathBuf,
    /// More environment variables.
    pub environment: Vec<(String, String)>,
}

impl PeerProgram {
    /// This very program.
    ///
    /// # Errors
    /// The system's, when its path cannot be found.
    pub fn this() -> std::io::Result<Self> {
        Ok(Self { path: std::env::current_exe()?, environment: Vec::new() })
    }

    /// Another program, which has to be there and executable.
    ///
    /// # Errors
    /// [`LaneError::NoPeer`].
    pub fn at(path: &Path) -> Result<Self, LaneError> {
        let refuse = |reason: String| LaneError::NoPeer { path: path.to_owned(), reason };
        let advice = "give the path of a program that speaks docs/protocol.md";
        let found = std::fs::canonicalize(path).map_err(|error| refuse(format!("{error}; {advice}")))?;
        if !found.is_file() {
            return Err(refuse(format!("it is no file; {advice}")));
        }
        Ok(Self { path: found, environment: Vec::new() })
    }

    /// The command that starts a peer on a driver.
    #[must_use]
    pub fn command(&self, driver: &Driver) -> PeerCommand {
        let mut environment = self.environment.clone();
        let (mut launcher, mut library) = (Vec::new(), None);
        let backend = match driver {
            Driver::Host => "host",
            Driver::Manifest(manifest) => {
                // One that cannot be read has no launcher, and no driver either, as the probe will tell.
                if let Ok(manifest) = Manifest::read(manifest) {
                    launcher = manifest.launcher;
                    library = Some(manifest.library);
                }
                let path = manifest.display().to_string();
                // The old name is for loaders before 1.3.207.
                environment.push(("VK_DRIVER_FILES".into(), path.clone()));
                environment.push(("VK_ICD_FILENAMES".into(), path));
                // Mesa's implicit layer that reorders devices would sit between us and every driver.
                environment.push(("NODEVICE_SELECT".into(), "1".into()));
                "vulkan"
            }
        };
        PeerCommand { launcher, program: self.path.clone(), backend: backend.into(), environment, library }
    }
}

/// How to learn what a driver can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// By starting it.
    Anew,
    /// By starting it, unless its answer is kept and nothing has changed.
    UnlessKept,
    /// From what is kept; a driver of which nothing is kept gives no lane.
    Never,
}

/// The lanes of this machine.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    /// Those that can run.
    pub ready: Vec<Lane>,
    /// Drivers that cannot.
    pub unavailable: Vec<Unavailable>,
}

impl Lanes {
    /// The host, the drivers of [`DRIVERS_VARIABLE`] and the system's own; a device that two manifests lead to counts once.
    #[must_use]
    pub fn discover(program: &PeerProgram, asking: Asking) -> Self {
        let mut lanes = Self::default();
        lanes.add(program, Driver::Host, true, asking);
        let named = std::env::var_os(DRIVERS_VARIABLE).unwrap_or_default();
        let named: Vec<PathBuf> = std::env::split_paths(&named).collect();
        for (places, asked_for) in [(named, true), (system_folders(), false)] {
            for manifest in manifests(&places) {
                if manifest.is_file() {
                    lanes.add(program, Driver::Manifest(manifest), asked_for, asking);
                } else {
                    let reason = "there is no such file or folder".into();
                    lanes.unavailable.push(Unavailable { manifest, reason, asked_for });
                }
            }
        }
        lanes.number_duplicates();
        lanes
    }

    /// Only what is asked for: `host`, manifests, or names of lanes (also their beginning, as in `lavapipe`).
    ///
    /// # Errors
    /// [`LaneError`] for what is not there or does not come up.
    pub fn select(program: &PeerProgram, wanted: &[String], asking: Asking) -> Result<Self, LaneError> {
        let mut chosen = Self::default();
        let mut discovered: Option<Self> = None;
        for name in wanted {
            let path = PathBuf::from(name);
            if name == "host" {
                chosen.add(program, Driver::Host, true, asking);
            } else if path.extension().is_some_and(|extension| extension == "json") || name.contains('/') {
                if !path.is_file() {
                    return Err(LaneError::NoManifest { path });
                }
                Manifest::check(&path).map_err(|source| LaneError::BadManifest { path: path.clone(), source })?;
                let path = std::fs::canonicalize(&path).unwrap_or(path);
                chosen.add(program, Driver::Manifest(path), true, asking);
            } else {
                let all = discovered.get_or_insert_with(|| Self::discover(program, asking));
                let mut matching = all.ready.iter().filter(|lane| lane.name.starts_with(name.as_str())).cloned().peekable();
                if matching.peek().is_none() {
                    let lanes = all.ready.iter().map(|lane| lane.name.clone()).collect();
                    return Err(LaneError::NoLane { name: name.clone(), lanes });
                }
                chosen.ready.extend(matching);
            }
        }
        if let Some(Unavailable { manifest, reason, .. }) = chosen.unavailable.pop() {
            return Err(LaneError::NoDevice { path: manifest, reason });
        }
        chosen.number_duplicates();
        Ok(chosen)
    }

    fn add(&mut self, program: &PeerProgram, driver: Driver, asked_for: bool, asking: Asking) {
        let command = program.command(&driver);
        let probed = match asking {
            Asking::Anew => capability::probe(&command, &driver),
            Asking::UnlessKept => capability::cached_probe(&command, &driver),
            Asking::Never => capability::kept(&command, &driver).ok_or_else(|| "it was not asked yet".into()),
        };
        match (probed, &driver) {
            (Ok(reports), Driver::Manifest(manifest)) if reports.is_empty() => {
                let reason = "the driver finds no device here".into();
                self.unavailable.push(Unavailable { manifest: manifest.clone(), reason, asked_for });
            }
            (Ok(reports), _) => {
                for (device, report) in (0..).zip(reports) {
                    if !self.ready.iter().any(|lane| lane.report.identity == report.identity) {
                        let (driver, command) = (driver.clone(), command.clone());
                        self.ready.push(Lane {
                            name: capability::lane_name(&report.identity),
                            driver,
                            device,
                            report,
                            command,
                        });
                    }
                }
            }
            (Err(reason), driver) => {
                let manifest = match driver {
                    Driver::Host => PathBuf::from("host"),
                    Driver::Manifest(manifest) => manifest.clone(),
                };
                self.unavailable.push(Unavailable { manifest, reason, asked_for });
            }
        }
    }

    /// Two devices of one name are told apart by their place.
    fn number_duplicates(&mut self) {
        let names: Vec<String> = self.ready.iter().map(|lane| lane.name.clone()).collect();
        for (place, lane) in self.ready.iter_mut().enumerate() {
            let same = |names: &[String]| names.iter().filter(|name| **name == names[names.len() - 1]).count();
            if names.iter().filter(|name| **name == names[place]).count() > 1 {
                lane.name = format!("{}.{}", names[place], same(&names[..=place]) - 1);
            }
        }
    }
}

/// Where the Vulkan loader looks for manifests on Unix.
fn system_folders() -> Vec<PathBuf> {
    let folders = ["/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"].map(PathBuf::from);
    folders.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// The manifests at these places, in order; folders give theirs by name.
fn manifests(places: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for place in places.iter().filter(|place| !place.as_os_str().is_empty()) {
        if !place.is_dir() {
            found.push(place.clone());
            continue;
        }
        let entries = std::fs::read_dir(place).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
        let mut inside: Vec<PathBuf> = entries.unwrap_or_default();
        inside.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        inside.sort();
        found.append(&mut inside);
    }
    found.iter().map(|path| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())).collect()
}
