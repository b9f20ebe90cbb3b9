//! What a driver says it can share: asked in a child process, cached until the driver or this program changes.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use gpushare::Identity;
use gpushare_harness::protocol::{DeviceReport, Reply, Request};
use gpushare_harness::{Peer, PeerCommand};
use serde::{Deserialize, Serialize};

use crate::lane::Driver;
use crate::manifest::{Manifest, has_folder};

/// How long a driver may take to come up and tell.
const LIMIT: Duration = Duration::from_secs(30);

/// The environment variable that names the cache's folder.
pub const CACHE_VARIABLE: &str = "GPUSHARE_CACHE";

/// Ask a driver, in a process of its own, and keep nothing of the answer.
///
/// # Errors
/// Why it does not tell.
pub fn ask(command: &PeerCommand) -> Result<Vec<DeviceReport>, String> {
    let mut peer = Peer::start(command, LIMIT).map_err(|error| error.to_string())?;
    match peer.ask(&Request::Probe, &[], LIMIT).map_err(|error| error.to_string())? {
        (Reply::Devices(reports), _) => Ok(reports),
        (Reply::Refused(problem), _) => Err(problem.message),
        (other, _) => Err(format!("the peer answered {other:?} to a probe")),
    }
}

/// Ask a driver, and keep its answer for [`cached_probe`].
///
/// # Errors
/// As [`ask`].
pub fn probe(command: &PeerCommand, driver: &Driver) -> Result<Vec<DeviceReport>, String> {
    let reports = ask(command)?;
    if let Some((path, key)) = cache_entry(command, driver) {
        // A cache that cannot be written costs time, nothing else.
        let _ = store(&path, &Cached { key, reports: reports.clone() });
    }
    Ok(reports)
}

/// The cached answer where nothing changed, a new one otherwise.
///
/// # Errors
/// As [`probe`].
pub fn cached_probe(command: &PeerCommand, driver: &Driver) -> Result<Vec<DeviceReport>, String> {
    kept(command, driver).map_or_else(|| probe(command, driver), Ok)
}

/// The cached answer where nothing changed.
#[must_use]
pub fn kept(command: &PeerCommand, driver: &Driver) -> Option<Vec<DeviceReport>> {
    let (path, key) = cache_entry(command, driver)?;
    load(&path).filter(|cached| cached.key == key).map(|cached| cached.reports)
}

#[derive(Serialize, Deserialize)]
struct Cached {
    key: Key,
    reports: Vec<DeviceReport>,
}

/// What the answer depends on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    program: Stamp,
    manifest: Option<Stamp>,
    library: Option<Stamp>,
    environment: Vec<(String, String)>,
    kernel: String,
}

/// A file at a moment.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    path: PathBuf,
    bytes: u64,
    modified: u128,
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    Some(Stamp { path: path.to_owned(), bytes: metadata.len(), modified })
}

/// A bare name is for the dynamic linker to find: its cache changes when a library is installed.
fn stamp_library(library: &Path) -> Option<Stamp> {
    stamp(if has_folder(library) { library } else { Path::new("/etc/ld.so.cache") })
}

/// Where the answer lies and what it depends on.
fn cache_entry(command: &PeerCommand, driver: &Driver) -> Option<(PathBuf, Key)> {
    let manifest = match driver {
        Driver::Host => None,
        Driver::Manifest(manifest) => Some(manifest),
    };
    let key = Key {
        program: stamp(&command.program)?,
        manifest: manifest.and_then(|manifest| stamp(manifest)),
        library: manifest
            .and_then(|manifest| Manifest::read(manifest).ok())
            .and_then(|manifest| stamp_library(&manifest.library)),
        environment: command.environment.clone(),
        kernel: kernel(),
    };
    // One entry for each program, driver and environment: a rebuilt program replaces its own.
    let name = format!("{} {driver:?} {:?}", command.program.display(), command.environment);
    let name = gpushare_harness::protocol::digest(name.as_bytes());
    Some((cache_folder()?.join(format!("probe-{name:016x}.json")), key))
}

/// Where this program keeps what it can make anew.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let set = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(CACHE_VARIABLE)
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("gpushare")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/gpushare")))
}

fn load(path: &Path) -> Option<Cached> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Written beside and renamed, because several test processes may do this at once.
fn store(path: &Path, cached: &Cached) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&beside, serde_json::to_vec(cached)?)?;
    std::fs::rename(&beside, path)
}

/// A driver's family and version, e.g. `("lavapipe", "25.0.7")`; the host has no version.
#[must_use]
pub fn family_and_version(identity: &Identity) -> (String, String) {
    let (name, info) = (identity.driver_name.as_str(), identity.driver_info.as_str());
    match name {
        "gpushare host" => ("host".into(), String::new()),
        "llvmpipe" => ("lavapipe".into(), first_version(info)),
        "SwiftShader driver" => {
            let version = identity.driver_version;
            let parts = (version >> 22, version >> 12 & 0x3ff, version & 0xfff);
            ("swiftshader".into(), format!("{}.{}.{}", parts.0, parts.1, parts.2))
        }
        _ => {
            let version = first_version(info);
            let version = if version.is_empty() { format!("{:#x}", identity.driver_version) } else { version };
            (slug(if name.is_empty() { &identity.device_name } else { name }), version)
        }
    }
}

/// The lane's name, e.g. `lavapipe-25.0.7`.
#[must_use]
pub fn lane_name(identity: &Identity) -> String {
    let (family, version) = family_and_version(identity);
    if version.is_empty() { family } else { format!("{family}-{version}") }
}

/// The release of the kernel that runs this; empty where it does not tell.
pub(crate) fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// The first number with dots in a free text, e.g. `25.0.7` of `Mesa 25.0.7-2 (LLVM 15.0.6)`.
fn first_version(text: &str) -> String {
    let word = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find(|word| word.contains('.') && word.len() > 1);
    word.unwrap_or_default().trim_matches('.').to_owned()
}

fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use gpushare::{Api, Uuid};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("llvmpipe", "Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6)", 1, "lavapipe-25.0.7")]
    #[case("SwiftShader driver", "", 5 << 22, "swiftshader-5.0.0")]
    #[case("NVIDIA", "580.159.03", 7, "nvidia-580.159.03")]
    #[case("radv", "Mesa 26.2.6", 7, "radv-26.2.6")]
    #[case("Some Vendor (tm)", "", 0x1234, "some-vendor-tm-0x1234")]
    #[case("gpushare host", "0.1.0", 1, "host")]
    fn lane_names(#[case] driver_name: &str, #[case] driver_info: &str, #[case] driver_version: u32, #[case] expected: &str) {
        let identity = Identity {
            api: Api::Vulkan,
            device_name: "device".into(),
            driver_name: driver_name.into(),
            driver_info: driver_info.into(),
            driver_version,
            api_version: "1.3.0".into(),
            device_uuid: Uuid::default(),
            driver_uuid: Uuid::default(),
        };
        assert_eq!(lane_name(&identity), expected);
    }
}
