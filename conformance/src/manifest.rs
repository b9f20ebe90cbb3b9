//! Driver manifests: the JSON files by which a Vulkan loader finds a driver, and what they may say to this suite.
//!
//! ```json
//! {
//!     "file_format_version": "1.0.0",
//!     "ICD": { "library_path": "/opt/tree/usr/lib/libvulkan_lvp.so", "api_version": "1.4.0" },
//!     "gpushare": { "launcher": ["/opt/tree/usr/lib/ld-linux-x86-64.so.2", "--library-path", "/opt/tree/usr/lib"] }
//! }
//! ```
//!
//! The last entry is ours, and loaders pass over it: the command before the peer's own. A driver of another distribution
//! runs with that one's dynamic linker and libraries in this way, and any driver under a debugger.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The driver's library. A bare name is for the dynamic linker to find.
    pub library: PathBuf,
    /// The command that peers are started through, with its arguments; empty for none.
    pub launcher: Vec<String>,
}

/// Why a file is no manifest that a lane can be made from.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is not JSON, or an entry is missing or has the wrong type.
    #[error("it is no driver manifest: {0}")]
    Malformed(serde_json::Error),
    /// The library is not there.
    #[error("its library {} does not exist; correct `library_path`", library.display())]
    NoLibrary {
        /// The library.
        library: PathBuf,
    },
    /// The launcher is not there.
    #[error("its launcher {} does not exist; correct `gpushare.launcher`, whose first word is the path of a program", launcher.display())]
    NoLauncher {
        /// The launcher.
        launcher: PathBuf,
    },
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "ICD")]
    driver: WrittenDriver,
    #[serde(default)]
    gpushare: WrittenForUs,
}

#[derive(Deserialize)]
struct WrittenDriver {
    library_path: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenForUs {
    #[serde(default)]
    launcher: Vec<String>,
}

impl Manifest {
    /// Read a manifest. A library with a folder in its path is relative to the manifest.
    ///
    /// # Errors
    /// [`ManifestError::Unreadable`] and [`ManifestError::Malformed`]; what it names may still be missing.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let text = std::fs::read(path).map_err(ManifestError::Unreadable)?;
        let written: Written = serde_json::from_slice(&text).map_err(ManifestError::Malformed)?;
        let named = written.driver.library_path;
        let beside = path.parent().unwrap_or(Path::new("."));
        let library = if has_folder(&named) { beside.join(named) } else { named };
        Ok(Self { library, launcher: written.gpushare.launcher })
    }

    /// Read a manifest and look whether what it names is there.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn check(path: &Path) -> Result<Self, ManifestError> {
        let manifest = Self::read(path)?;
        if has_folder(&manifest.library) && !manifest.library.is_file() {
            return Err(ManifestError::NoLibrary { library: manifest.library });
        }
        match manifest.launcher.first() {
            Some(launcher) if !Path::new(launcher).is_file() => Err(ManifestError::NoLauncher { launcher: launcher.into() }),
            _ => Ok(manifest),
        }
    }
}

/// Whether a path is more than a bare name.
pub(crate) fn has_folder(path: &Path) -> bool {
    path.components().count() > 1
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("icd.json");
        std::fs::write(&path, text).expect("the folder can be written to");
        (folder, path)
    }

    #[test]
    fn a_relative_library_lies_beside_its_manifest() {
        let (folder, path) = written(r#"{"ICD": {"library_path": "./driver.so"}}"#);
        let read = Manifest::read(&path).expect("it is a manifest");
        assert_eq!((read.library, read.launcher), (folder.path().join("./driver.so"), Vec::new()));
    }

    #[test]
    fn a_bare_library_is_left_to_the_linker() {
        let (_folder, path) = written(r#"{"ICD": {"library_path": "libvulkan_lvp.so"}}"#);
        assert_eq!(Manifest::check(&path).expect("all is there").library, Path::new("libvulkan_lvp.so"));
    }

    #[test]
    fn a_launcher_is_a_program_and_its_arguments() {
        let (_folder, path) = written(r#"{"ICD": {"library_path": "a.so"}, "gpushare": {"launcher": ["/bin/sh", "-c"]}}"#);
        assert_eq!(Manifest::check(&path).expect("all is there").launcher, ["/bin/sh", "-c"]);
    }

    #[rstest]
    #[case::no_json("nothing", "it is no driver manifest")]
    #[case::no_driver(r#"{"layer": {}}"#, "missing field `ICD`")]
    #[case::no_library(r#"{"ICD": {}}"#, "missing field `library_path`")]
    #[case::library_not_there(r#"{"ICD": {"library_path": "./none.so"}}"#, "none.so does not exist")]
    #[case::launcher_not_there(
        r#"{"ICD": {"library_path": "a.so"}, "gpushare": {"launcher": ["/none"]}}"#,
        "/none does not exist"
    )]
    #[case::launcher_misspelt(
        r#"{"ICD": {"library_path": "a.so"}, "gpushare": {"laucher": ["/bin/sh"]}}"#,
        "unknown field `laucher`"
    )]
    fn what_is_wrong_is_said(#[case] text: &str, #[case] expected: &str) {
        let (_folder, path) = written(text);
        let refused = Manifest::check(&path).expect_err("something is wrong").to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
