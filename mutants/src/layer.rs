//! Lanes through the layer: where its library is, its manifest, and what it wrote down.

use std::path::PathBuf;

use gpushare_conformance::capability;
use gpushare_conformance::lane::Lane;
use gpushare_mutant_layer::{DIARY_VARIABLE, LAYER_NAME, LOADED, MUTANT_VARIABLE};
use tempfile::TempDir;

use crate::run::RunError;

/// The layer, ready to be loaded by peers.
pub struct Layer {
    /// Holds the manifest and the diaries; gone with this value.
    folder: TempDir,
}

/// A lane whose driver sits behind the layer.
pub struct Layered {
    /// The lane.
    pub lane: Lane,
    diary: PathBuf,
}

impl Layer {
    /// Find the library, which cargo builds with this program, and write a manifest that names it.
    ///
    /// # Errors
    /// [`RunError::NoLayer`] where it is not there, [`RunError::Io`].
    pub fn new() -> Result<Self, RunError> {
        let io = |what: &str| {
            let what = what.to_owned();
            move |source| RunError::Io { what, source }
        };
        let folder = tempfile::tempdir().map_err(io("making a temporary folder"))?;
        let manifest = serde_json::json!({
            "file_format_version": "1.2.0",
            "layer": {
                "name": LAYER_NAME,
                "type": "GLOBAL",
                "library_path": library()?,
                "api_version": "1.3.0",
                "implementation_version": "1",
                "description": "gives a healthy driver one defect",
            },
        });
        std::fs::write(folder.path().join("layer.json"), manifest.to_string()).map_err(io("writing the layer's manifest"))?;
        Ok(Self { folder })
    }

    /// The same lane behind the layer, asked anew what it can share. Without a mutant the layer passes everything on.
    ///
    /// # Errors
    /// [`RunError::Mute`] where the driver does not come up so.
    pub fn lane(&self, plain: &Lane, mutant: Option<&str>) -> Result<Layered, RunError> {
        let name = mutant.unwrap_or("none");
        let diary = self.folder.path().join(format!("{}-{name}", plain.name));
        let mut lane = plain.clone();
        lane.command.environment.extend([
            ("VK_LAYER_PATH".into(), self.folder.path().display().to_string()),
            ("VK_INSTANCE_LAYERS".into(), LAYER_NAME.into()),
            (MUTANT_VARIABLE.into(), name.into()),
            (DIARY_VARIABLE.into(), diary.display().to_string()),
        ]);
        let mute = |reason: String| RunError::Mute { lane: plain.name.clone(), mutant: name.into(), reason };
        let reports = capability::ask(&lane.command).map_err(&mute)?;
        let found = reports.into_iter().nth(plain.device as usize);
        lane.report = found.ok_or_else(|| mute("the driver has lost the device".into()))?;
        let layered = Layered { lane, diary };
        if layered.says(LOADED) { Ok(layered) } else { Err(mute("the loader has not loaded the layer".into())) }
    }
}

impl Layered {
    /// Whether the mutant has done anything that the driver would not.
    #[must_use]
    pub fn acted(&self, mutant: &str) -> bool {
        self.says(mutant)
    }

    fn says(&self, line: &str) -> bool {
        std::fs::read_to_string(&self.diary).is_ok_and(|text| text.lines().any(|said| said == line))
    }
}

/// Cargo puts it beside this program's dependencies, and a copy beside the program where it was built for itself.
fn library() -> Result<PathBuf, RunError> {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    let name = format!("{DLL_PREFIX}gpushare_mutant_layer{DLL_SUFFIX}");
    let this = std::env::current_exe().map_err(|source| RunError::Io { what: "finding this program".into(), source })?;
    let beside = this.with_file_name("");
    let places = [beside.join("deps").join(&name), beside.join(&name)];
    places.iter().find(|place| place.is_file()).cloned().ok_or(RunError::NoLayer { name, folder: beside })
}
