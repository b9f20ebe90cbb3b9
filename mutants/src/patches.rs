//! The mutants of ring, waiter, stream, shared memory and timeline: patches to their source, tried on a copy of it by the
//! reference's own tests.
//!
//! What ships has no trace of them. A patch begins with lines `Does:` and `Test:`, the latter with arguments for `cargo test`. With
//! a line `On: windows` its tests are built for Windows and run under Wine, by `ci/wine.sh`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use gpushare_conformance::verdict::Verdict;
use include_dir::{Dir, include_dir};

use crate::run::RunError;
use crate::score::{Notice, Trial};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/patches");

/// A test that has not ended by then hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// The system that a patch is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    /// The one that the command runs on.
    This,
    /// Windows, as Wine has it.
    Windows,
}

impl System {
    /// How `ci/wine.sh` ends where there is no Wine, or no compiler for Windows. Its last line tells why.
    const NOT_RUN: i32 = 3;

    /// Where its tests run, in the words of a table.
    const fn lane(self) -> &'static str {
        match self {
            Self::This => "reference",
            Self::Windows => "reference, under Wine",
        }
    }

    /// Whether a test failed, unless it could not be run.
    fn failed(self, status: ExitStatus) -> Option<bool> {
        match (self, status.code()) {
            (Self::Windows, code) => code.filter(|code| [0, 1].contains(code)).map(|code| code == 1),
            (Self::This, code) => Some(code != Some(0)),
        }
    }

    /// Why the tests cannot be run here, if these are the words and the status of something that could not.
    fn why_not(self, output: &Output) -> Option<String> {
        let is = self == Self::Windows && output.status.code() == Some(Self::NOT_RUN);
        let text = String::from_utf8_lossy(&output.stdout);
        is.then(|| text.lines().last().unwrap_or_default().trim_start_matches("not run: ").to_owned())
    }
}

/// A mutant of the reference's source.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The defect's number, and of several mutants which.
    pub name: String,
    /// What is wrong, in a sentence.
    pub does: String,
    /// Arguments for `cargo test`, each a test or the beginning of several.
    tests: Vec<String>,
    on: System,
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
    let on = if values("On:").iter().any(|on| on == "windows") { System::Windows } else { System::This };
    Some(Patch { name, does: values("Does:").pop()?, tests: values("Test:"), on, text })
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
        let trial = |by, skipped: Option<String>| {
            let (lane, acted) = (patch.on.lane().to_owned(), skipped.is_none());
            Trial { lane, ran: if acted { patch.tests.len() } else { 0 }, by, deaths: 0, acted, skipped }
        };
        for test in &patch.tests {
            let refuse = |reason: String| RunError::Patch { name: patch.name.clone(), reason };
            let mut build = self.command(patch.on, test, &["--no-run"]);
            let built = build.output().map_err(|error| refuse(format!("{}: {error}", build.get_program().display())))?;
            if let Some(reason) = patch.on.why_not(&built) {
                return Ok(trial(Vec::new(), Some(reason)));
            }
            if !built.status.success() {
                return Err(refuse(format!("it does not compile: {}", said(&built))));
            }
            if let Some(verdict) = self.run(patch.on, test).map_err(|error| refuse(error.to_string()))? {
                let case = test.split_whitespace().last().unwrap_or(test).to_owned();
                by.push(Notice { case, rules: Vec::new(), verdict });
            }
        }
        Ok(trial(by, None))
    }

    /// Fail or hang; nothing for tests that pass.
    fn run(&self, on: System, test: &str) -> std::io::Result<Option<Verdict>> {
        let mut running = self.command(on, test, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = running.try_wait()? {
                return match on.failed(status) {
                    Some(failed) => Ok(failed.then_some(Verdict::Fail)),
                    None => Err(std::io::Error::other(format!("running its test {test}: {status}"))),
                };
            }
            if Instant::now() >= end {
                rustix::process::kill_process_group(group(&running), rustix::process::Signal::KILL)?;
                running.wait()?;
                return Ok(Some(Verdict::Hang));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What builds a test and runs it.
    fn command(&self, on: System, test: &str, more: &[&str]) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = match on {
            System::This => self.cargo(test, more),
            System::Windows => self.wine(test, more),
        };
        // A group of its own, so that what hangs is ended with all that it started.
        command.process_group(0);
        command
    }

    fn cargo(&self, test: &str, more: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", self.folder.with_file_name("build"));
        command.args(["test", "--quiet", "--package", "gpushare"]).args(test.split_whitespace()).args(more);
        command
    }

    fn wine(&self, test: &str, more: &[&str]) -> Command {
        let mut command = Command::new(root().join("ci/wine.sh"));
        let (program, name) = test.rsplit_once(' ').unwrap_or((test, ""));
        command.arg("--source").arg(&self.folder).args(program.split_whitespace()).args(more).args(["--", name]);
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

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn ended(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn what_could_not_be_run_under_wine_notices_nothing() {
        let output = Output { status: ended(3), stdout: b"fetching\nnot run: no Wine\n".to_vec(), stderr: Vec::new() };
        assert_eq!(System::Windows.why_not(&output).as_deref(), Some("no Wine"));
        assert_eq!(System::This.why_not(&output), None, "the words of another program");
        assert_eq!(
            [0, 1, 2, 3, 127].map(|code| System::Windows.failed(ended(code))),
            [Some(false), Some(true), None, None, None]
        );
        assert_eq!([0, 101].map(|code| System::This.failed(ended(code))), [Some(false), Some(true)]);
    }
}
