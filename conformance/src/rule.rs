//! The rule catalogue: data in `rules/*.toml`, built into the program.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// How strongly a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Breaking it fails a case.
    Must,
    /// Breaking it warns.
    Should,
}

/// Whom a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binds {
    /// The driver or backend.
    Implementation,
    /// Whoever calls it; here the sharing library, which refuses on the caller's behalf.
    Application,
}

/// One sentence that must or should hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable for ever.
    pub id: String,
    /// How strongly it binds.
    pub level: Level,
    /// Whom it binds.
    pub binds: Binds,
    /// Specification chapter, manual page, or our own contract.
    pub source: String,
    /// The specification's valid usage identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vuid: Vec<String>,
    /// The sentence.
    pub sentence: String,
    /// Whether the sentence itself forbids that a process dies or stalls. A crash proves that the suite notices a defect only where it
    /// breaks such a rule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forbids_death: bool,
    /// The handle types it is about; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<String>,
    /// Why no test from outside can decide it, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecidable: Option<String>,
    /// Why no case decides it yet, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
}

/// The catalogue is part of the program; this error means that a file in `rules/` is wrong.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not TOML, or a field missing or unknown.
    #[error("rules/{file}: {source}")]
    Malformed {
        /// The file.
        file: String,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// Two rules with one id.
    #[error("rules/{file}: rule {id} exists already")]
    Duplicate {
        /// The file.
        file: String,
        /// The id.
        id: String,
    },
}

/// All rules by id.
#[derive(Clone, Debug)]
pub struct Catalogue(BTreeMap<String, Rule>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rule: Vec<Rule>,
}

impl Catalogue {
    /// Read the rules that are built in.
    ///
    /// # Errors
    /// [`RuleError`] names the file and what is wrong with it.
    pub fn load() -> Result<Self, RuleError> {
        let mut rules = BTreeMap::new();
        for file in FILES.files() {
            let name = file.path().display().to_string();
            let text = file.contents_utf8().unwrap_or_default();
            let parsed: RuleFile =
                toml::from_str(text).map_err(|source| RuleError::Malformed { file: name.clone(), source: Box::new(source) })?;
            for rule in parsed.rule {
                if rules.contains_key(&rule.id) {
                    return Err(RuleError::Duplicate { file: name, id: rule.id });
                }
                rules.insert(rule.id.clone(), rule);
            }
        }
        Ok(Self(rules))
    }

    /// The rule with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.0.get(id)
    }

    /// All rules, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.values()
    }

    /// The strongest level among these rules; a case without rules counts as a must.
    #[must_use]
    pub fn level(&self, ids: &[&str]) -> Level {
        let advisory = !ids.is_empty() && ids.iter().all(|id| self.get(id).is_some_and(|rule| rule.level == Level::Should));
        if advisory { Level::Should } else { Level::Must }
    }
}
