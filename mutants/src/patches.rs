//! The mutants of ring, waiter, stream, shared memory and timeline: patches to their source, tried on a copy of it by the
//! reference's own tests.
//!
//! What ships has no trace of them. A patch begins with lines `Does:` and `Test:`, the latter with arguments for `cargo test`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use gpushare_conformance::verdict::Verdict;
use include_dir::{Dir, include_dir};

use crate::run::RunError;
use crate::score::{Notice, Trial};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/patches");

/// A test that has not ended by then hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// A mutant of the reference's source.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The defect's number, and of several mutants which.
    pub name: String,
    /// What is wrong, in a sentence.
    pub does: String,
    /// Arguments for `cargo test`, each a test or the beginning of several.
    tests: Vec<String>,
    text: &'static str,
}

impl Patch {
    /// The number of the defect.
    #[must_use]
    pub fn defect(&self) -> &str {
        self.name.split_once('-').map_or(&self.name, |(defect, _)| defect)
    }
}

/// Every patch, by number.
#[must_use]
pub fn all() -> Vec<Patch> {
    let mut all: Vec<Patch> = FILES.files().filter_map(|file| read(file.path(), file.contents_utf8()?)).collect();
    all.sort_by_key(|patch| (patch.defect().get(1..).and_then(|number| number.parse::<u32>().ok()), patch.name.clone()));
    all
}

fn read(path: &Path, text: &'static str) -> Option<Patch> {
    let name = path.file_stem()?.to_str()?.to_owned();
    let header = text.lines().take_while(|line| !line.starts_with("diff "));
    let values = |key: &str| -> Vec<String> {
        header.clone().filter_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned()).collect()
    };
    Some(Patch { name, does: values("Does:").pop()?, tests: values("Test:"), text })
}

/// A copy of the reference with a target folder of its own, under the repository's `target/`.
pub struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Copy the reference as it is in the repository now.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn new() -> Result<Self, RunError> {
        let root = root();
        let folder = root.join("target/mutants/tree");
        let made = || {
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            std::fs::create_dir_all(&folder)?;
            copy(&root.join("reference"), &folder.join("reference"))?;
            let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
            let alone =
                manifest.lines().map(|line| if line.starts_with("members = ") { "members = [\"reference\"]" } else { line });
            std::fs::write(folder.join("Cargo.toml"), alone.collect::<Vec<_>>().join("\n"))?;
            std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).map(drop)
        };
        let what = format!("copying the reference to {}", folder.display());
        made().map_err(|source| RunError::Io { what, source })?;
        Ok(Self { folder })
    }

    /// Run the tests of these patches without them: a test that fails of itself would notice everything.
    ///
    /// # Errors
    /// [`RunError::Patch`] for the first whose test does not pass.
    pub fn check_tests(&self, patches: &[Patch]) -> Result<(), RunError> {
        let mut seen = std::collections::BTreeSet::new();
        for patch in patches {
            let fresh = patch.tests.iter().filter(|test| seen.insert(test.as_str())).cloned().collect();
            if let Some(notice) = self.test(&Patch { tests: fresh, ..patch.clone() })?.by.first() {
                let reason = format!("its test {} does not pass without it: {}", notice.case, notice.verdict);
                return Err(RunError::Patch { name: patch.name.clone(), reason });
            }
        }
        Ok(())
    }

    /// Patch, run the tests that should fail, and take the patch back.
    ///
    /// # Errors
    /// [`RunError::Patch`] for one that does not apply or does not compile.
    pub fn try_patch(&self, patch: &Patch) -> Result<Trial, RunError> {
        apply(&self.folder, patch, &[])?;
        let tested = self.test(patch);
        apply(&self.folder, patch, &["--reverse"])?;
        tested
    }

    fn test(&self, patch: &Patch) -> Result<Trial, RunError> {
        let mut by = Vec::new();
        for test in &patch.tests {
            let refuse = |reason: String| RunError::Patch { name: patch.name.clone(), reason };
            let built = self.cargo(test, &["--no-run"]).output().map_err(|error| refuse(format!("cargo: {error}")))?;
            if !built.status.success() {
                return Err(refuse(format!("it does not compile: {}", said(&built))));
            }
            if let Some(verdict) = self.run(test).map_err(|error| refuse(error.to_string()))? {
                let case = test.split_whitespace().last().unwrap_or(test).to_owned();
                by.push(Notice { case, rules: Vec::new(), verdict });
            }
        }
        Ok(Trial { lane: "reference".into(), ran: patch.tests.len(), by, deaths: 0, acted: true, skipped: None })
    }

    /// Fail or hang; nothing for tests that pass.
    fn run(&self, test: &str) -> std::io::Result<Option<Verdict>> {
        let mut running = self.cargo(test, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = running.try_wait()? {
                return Ok((!status.success()).then_some(Verdict::Fail));
            }
            if Instant::now() >= end {
                rustix::process::kill_process_group(group(&running), rustix::process::Signal::KILL)?;
                running.wait()?;
                return Ok(Some(Verdict::Hang));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn cargo(&self, test: &str, more: &[&str]) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // A group of its own, so that what hangs is ended with all that it started.
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", self.folder.with_file_name("build")).process_group(0);
        command.args(["test", "--quiet", "--package", "gpushare"]).args(test.split_whitespace()).args(more);
        command
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether each of these patches applies to the source as it is in the repository now, which takes no time.
///
/// # Errors
/// [`RunError::Patch`] for the first that does not: the source has moved on, and it has to follow.
pub fn check_source(patches: &[Patch]) -> Result<(), RunError> {
    patches.iter().try_for_each(|patch| apply(&root(), patch, &["--check"]))
}

fn apply(folder: &Path, patch: &Patch, how: &[&str]) -> Result<(), RunError> {
    let refuse = |reason: String| RunError::Patch { name: patch.name.clone(), reason };
    let mut command = Command::new("git");
    // Inside a repository, git passes over files that do not belong to it.
    command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder)).current_dir(folder);
    command.arg("apply").args(how).arg("-").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = || {
        let mut running = command.spawn()?;
        if let Some(mut input) = running.stdin.take() {
            input.write_all(patch.text.as_bytes())?;
        }
        running.wait_with_output()
    };
    let output = run().map_err(|error| refuse(format!("git: {error}")))?;
    if output.status.success() { Ok(()) } else { Err(refuse(format!("it does not apply: {}", said(&output)))) }
}

fn group(running: &std::process::Child) -> rustix::process::Pid {
    rustix::process::Pid::from_child(running)
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let told: Vec<&str> = text.lines().filter(|line| line.starts_with("error")).take(3).collect();
    told.join("; ")
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
