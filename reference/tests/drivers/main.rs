//! The Vulkan backend on each driver whose manifest lies in the folder that `GPUSHARE_DRIVERS` names.
//!
//! The loader reads `VK_DRIVER_FILES` once, so each driver gets a process of its own.
#![expect(unsafe_code, reason = "procspawn asks for a promise about shared libraries")]

mod synchronisation;
mod textures;

use std::path::PathBuf;
use std::time::Duration;

procspawn::enable_test_support!();

const LIMIT: Duration = Duration::from_secs(60);

/// The manifests to run on; says why where there are none.
fn manifests() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("GPUSHARE_DRIVERS").filter(|folder| !folder.is_empty()) else {
        println!("skipped: GPUSHARE_DRIVERS names no folder with driver manifests (ci/drivers.sh makes one)");
        return Vec::new();
    };
    let listing = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("GPUSHARE_DRIVERS is {folder:?}: {error}"));
    let mut manifests: Vec<PathBuf> = listing.map(|entry| entry.expect("the folder can be read").path()).collect();
    manifests.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    // A driver with a launcher runs in a program that was started through it, and this one was not.
    let launched = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"launcher\""));
    for path in manifests.extract_if(.., |path| launched(path)) {
        println!("{}: skipped: it needs a launcher", path.display());
    }
    manifests.sort();
    if manifests.is_empty() {
        println!("skipped: {} holds no *.json", folder.display());
    }
    manifests
}

/// Run `check` in a process per driver. `Err` from it is a reason to skip that driver.
pub(crate) fn on_each_driver<A>(argument: A, check: fn(A) -> Result<(), String>)
where
    A: Clone + serde::Serialize + serde::de::DeserializeOwned,
{
    // SAFETY: this binary loads no shared library that passes closures to procspawn.
    unsafe { procspawn::assert_spawn_is_safe() }
    for manifest in manifests() {
        let mut process = procspawn::Builder::new().env("VK_DRIVER_FILES", &manifest).spawn(argument.clone(), check);
        match process.join_timeout(LIMIT) {
            Ok(Ok(())) => println!("{}: done", manifest.display()),
            Ok(Err(reason)) => println!("{}: skipped: {reason}", manifest.display()),
            Err(error) => panic!("{}: {error}", manifest.display()),
        }
    }
}
