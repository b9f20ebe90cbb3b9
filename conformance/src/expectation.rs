//! What a known driver is known to do: data in `expectations/*.toml`, or in a file of the user's own.
//!
//! An expectation is exact. A case that does worse than expected fails the run, and one that does better fails it too, so that the
//! entry is removed when the driver is mended.

use std::path::Path;

use gpushare::HandleType;
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use crate::capability::family_and_version;
use crate::lane::Lane;
use crate::verdict::Verdict;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/expectations");

/// The words that stand where a bug has no address yet.
pub const NOT_YET_REPORTED: &str = "not yet reported";

/// One file: a driver and what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverExpectations {
    /// Which driver.
    pub driver: DriverMatch,
    /// What it does.
    #[serde(default)]
    pub expect: Vec<Expectation>,
    /// Where this was read from, for messages.
    #[serde(skip)]
    pub file: String,
}

/// Which driver a file is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverMatch {
    /// The lane's name without its version, e.g. `lavapipe`.
    pub name: String,
    /// A glob over versions, e.g. `22.3.*`.
    pub version: String,
    /// Only where its device exports dma-bufs, or only where it does not: for a driver that asks the kernel for them, and does
    /// other things differently, too, where the kernel has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dma_bufs: Option<bool>,
    /// The version's, once.
    #[serde(skip)]
    versions: glob::Pattern,
}

/// One thing that a driver is known to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// A glob over case ids.
    pub case: String,
    /// What these cases end in.
    pub verdict: Verdict,
    /// What the driver does, in words.
    pub because: String,
    /// The address of the bug report, or [`NOT_YET_REPORTED`].
    pub report: String,
    /// The case's, once.
    #[serde(skip)]
    cases: glob::Pattern,
}

/// Why expectations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationError {
    /// The file cannot be read.
    #[error("expectations {file}: {source}; give the path of a TOML file as in conformance/expectations/")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Not TOML, or a field missing or unknown.
    #[error("expectations {file}: {source}")]
    Malformed {
        /// The file.
        file: String,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// An entry that makes no sense.
    #[error("expectations {file}, case {case:?}: {detail}")]
    Entry {
        /// The file.
        file: String,
        /// The entry's case.
        case: String,
        /// What is wrong.
        detail: String,
    },
}

/// The expectations of all known drivers.
#[derive(Clone, Debug, Default)]
pub struct Expectations(Vec<DriverExpectations>);

impl Expectations {
    /// Those that are built in.
    ///
    /// # Errors
    /// [`ExpectationError`] names the file and the entry.
    pub fn built_in() -> Result<Self, ExpectationError> {
        let toml = FILES.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "toml"));
        let parsed = toml.map(|file| parse(&file.path().display().to_string(), file.contents_utf8().unwrap_or_default()));
        Ok(Self(parsed.collect::<Result<_, _>>()?))
    }

    /// Those of a user's own files.
    ///
    /// # Errors
    /// As [`Expectations::built_in`].
    pub fn from_files(paths: &[impl AsRef<Path>]) -> Result<Self, ExpectationError> {
        let read = |path: &Path| {
            let file = path.display().to_string();
            let text =
                std::fs::read_to_string(path).map_err(|source| ExpectationError::Unreadable { file: file.clone(), source })?;
            parse(&file, &text)
        };
        Ok(Self(paths.iter().map(|path| read(path.as_ref())).collect::<Result<_, _>>()?))
    }

    /// What is expected of a case on a lane; `None`: that its rules hold.
    #[must_use]
    pub fn of(&self, lane: &Lane, case: &str) -> Option<&Expectation> {
        self.about(lane).find(|expectation| expectation.cases.matches(case))
    }

    /// Entries about this lane that name none of its cases: they would hide that a case was renamed.
    #[must_use]
    pub fn idle(&self, lane: &Lane, cases: &[&str]) -> Vec<&Expectation> {
        self.about(lane).filter(|expectation| !cases.iter().any(|case| expectation.cases.matches(case))).collect()
    }

    fn about<'all>(&'all self, lane: &Lane) -> impl Iterator<Item = &'all Expectation> + use<'all> {
        let (family, version) = family_and_version(&lane.report.identity);
        let dma_bufs = lane.report.textures.iter().any(|can| can.asked.handle_type == HandleType::DmaBuf && can.exportable);
        let concerns = move |file: &&DriverExpectations| {
            let DriverMatch { name, versions, dma_bufs: only, .. } = &file.driver;
            *name == family && versions.matches(&version) && only.is_none_or(|only| only == dma_bufs)
        };
        self.0.iter().filter(concerns).flat_map(|file| &file.expect)
    }
}

fn parse(file: &str, text: &str) -> Result<DriverExpectations, ExpectationError> {
    let mut parsed: DriverExpectations =
        toml::from_str(text).map_err(|source| ExpectationError::Malformed { file: file.into(), source: Box::new(source) })?;
    parsed.file = file.into();
    let refuse = |case: &str, detail: String| ExpectationError::Entry { file: file.into(), case: case.into(), detail };
    let DriverMatch { version, versions, .. } = &mut parsed.driver;
    *versions = glob::Pattern::new(version).map_err(|error| refuse("*", format!("version {version:?} is no glob: {error}")))?;
    for entry in &mut parsed.expect {
        entry.cases =
            glob::Pattern::new(&entry.case).map_err(|error| refuse(&entry.case, format!("it is no glob: {error}")))?;
        if matches!(entry.verdict, Verdict::Pass | Verdict::Skip) {
            let detail =
                format!("{} cannot be expected: a skip is the probe's to decide, and a pass needs no entry", entry.verdict);
            return Err(refuse(&entry.case, detail));
        }
        let address = entry.report.starts_with("https://");
        if !address && entry.report != NOT_YET_REPORTED {
            let detail = format!("report is {:?}; give the address of the bug report or {NOT_YET_REPORTED:?}", entry.report);
            return Err(refuse(&entry.case, detail));
        }
        if entry.because.trim().is_empty() {
            return Err(refuse(&entry.case, "`because` is empty; say what the driver does".into()));
        }
    }
    Ok(parsed)
}

/// How a verdict stands to what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// As it should be, or as it is known to be.
    Expected,
    /// Worse, or broken in another way than known.
    UnexpectedFailure,
    /// Better than known: the entry has to go.
    UnexpectedImprovement,
}

/// Compare a verdict with what was expected.
#[must_use]
pub fn stand(verdict: Verdict, expected: Option<&Expectation>) -> Standing {
    match expected {
        None if verdict.is_fine() => Standing::Expected,
        None => Standing::UnexpectedFailure,
        Some(expected) if expected.verdict == verdict => Standing::Expected,
        Some(_) if verdict.is_fine() => Standing::UnexpectedImprovement,
        Some(_) => Standing::UnexpectedFailure,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str = r#"
        [driver]
        name = "lavapipe"
        version = "22.3.*"
        [[expect]]
        case = "capability::*"
        verdict = "fail"
        because = "it answers SUCCESS"
        report = "not yet reported"
    "#;

    #[test]
    fn the_built_in_files_are_good() {
        Expectations::built_in().expect("every file parses");
    }

    #[rstest]
    #[case::unknown_field("because", "cause", "unknown field")]
    #[case::unknown_verdict("\"fail\"", "\"broken\"", "unknown variant")]
    #[case::pass_expected("\"fail\"", "\"pass\"", "cannot be expected")]
    #[case::skip_expected("\"fail\"", "\"skip\"", "cannot be expected")]
    #[case::no_address("\"not yet reported\"", "\"soon\"", "give the address")]
    #[case::empty_reason("\"it answers SUCCESS\"", "\"  \"", "say what the driver does")]
    #[case::bad_glob("capability::*", "[", "no glob")]
    #[case::bad_version("22.3.*", "[", "no glob")]
    #[case::not_toml("[driver]", "[driver", "expected")]
    fn a_malformed_file_is_refused(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
        assert!(parse("good.toml", GOOD).is_ok());
        let error = parse("bad.toml", &GOOD.replacen(from, to, 1)).expect_err("malformed").to_string();
        assert!(error.contains(says) && error.contains("bad.toml"), "{error}");
    }

    #[rstest]
    #[case(Verdict::Pass, false, Standing::Expected)]
    #[case(Verdict::Skip, false, Standing::Expected)]
    #[case(Verdict::Warn, false, Standing::Expected)]
    #[case(Verdict::Inconclusive, false, Standing::UnexpectedFailure)]
    #[case(Verdict::Leak, false, Standing::UnexpectedFailure)]
    #[case(Verdict::Fail, true, Standing::Expected)]
    #[case(Verdict::Pass, true, Standing::UnexpectedImprovement)]
    #[case(Verdict::Skip, true, Standing::UnexpectedImprovement)]
    #[case(Verdict::Crash, true, Standing::UnexpectedFailure)]
    fn standing(#[case] verdict: Verdict, #[case] expects_failure: bool, #[case] expected: Standing) {
        let file = parse("good.toml", GOOD).expect("good");
        let entry = expects_failure.then(|| &file.expect[0]);
        assert_eq!(stand(verdict, entry), expected);
    }
}
