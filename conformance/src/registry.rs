//! All cases of a lane, each to run or to skip, and why.

use std::sync::Arc;

use crate::case::{Case, Cases};
use crate::cases;
use crate::lane::Lane;

/// The cases of a lane, in the order of their definition; those between two lanes are between it and each of the others.
#[must_use]
pub fn cases_of(lane: &Lane, all: &[Lane]) -> Vec<Case> {
    let others: Vec<Arc<Lane>> = all.iter().filter(|other| other.name != lane.name).cloned().map(Arc::new).collect();
    let mut cases = Cases::new(&lane.report, &others);
    cases::define(&mut cases);
    cases.into_list()
}

/// A glob over case ids; `*` crosses `::`.
#[derive(Clone, Debug)]
pub struct Filter(Vec<glob::Pattern>);

/// A filter that is no glob.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is no glob: {source}; `*` stands for anything, as in 'memory::*kill*'")]
pub struct FilterError {
    text: String,
    source: glob::PatternError,
}

impl Filter {
    /// A case passes that matches one of these; without any, all do.
    ///
    /// # Errors
    /// [`FilterError`] names the one that is no glob.
    pub fn new(texts: &[String]) -> Result<Self, FilterError> {
        let compile = |text: &String| glob::Pattern::new(text).map_err(|source| FilterError { text: text.clone(), source });
        Ok(Self(texts.iter().map(compile).collect::<Result<_, _>>()?))
    }

    /// Whether the case passes, by its id with or without the lane.
    #[must_use]
    pub fn passes(&self, lane: &str, id: &str) -> bool {
        let full = format!("{lane}::{id}");
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.matches(id) || pattern.matches(&full))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lane::{Asking, Lanes, PeerProgram};
    use crate::rule::Catalogue;

    fn host() -> Lane {
        // Probing the host starts a peer, which this test binary is not: the report is what the backend says of itself.
        let mut backend = gpushare_harness::backend::by_name("host").expect("the host backend");
        let report = backend.probe().expect("a report").remove(0);
        let program = PeerProgram::this().expect("this program");
        let command = program.command(&crate::lane::Driver::Host);
        Lane { name: "host".into(), driver: crate::lane::Driver::Host, device: 0, report, command }
    }

    #[test]
    fn ids_are_unique_and_well_formed() {
        let cases = cases_of(&host(), &[]);
        let ids: BTreeSet<_> = cases.iter().map(|case| case.id.clone()).collect();
        assert_eq!(ids.len(), cases.len());
        for id in ids {
            let parts: Vec<_> = id.split("::").collect();
            assert!((3..=4).contains(&parts.len()), "{id}");
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c)), "{id}");
        }
    }

    #[test]
    fn there_are_at_least_sixty_cases_before_parameters() {
        let families: BTreeSet<_> = cases_of(&host(), &[]).into_iter().map(|case| case.family).collect();
        assert!(families.len() >= 60, "{}", families.len());
    }

    #[test]
    fn every_case_decides_rules_of_the_catalogue_that_can_be_decided() {
        let catalogue = Catalogue::load().expect("the catalogue");
        for case in cases_of(&host(), &[]) {
            assert!(!case.rules.is_empty(), "{} decides nothing", case.id);
            for id in case.rules {
                let rule = catalogue.get(id).unwrap_or_else(|| panic!("{}: no rule {id}", case.id));
                assert!(rule.undecidable.is_none(), "{} decides {id}, which is said to be undecidable", case.id);
            }
        }
    }

    #[test]
    fn filters_match_ids_with_and_without_lane() {
        let filter = Filter::new(&["memory::*kill*".into(), "host::channel::*".into()]).expect("globs");
        assert!(filter.passes("host", "memory::shared_memory::survives_exporter_kill::x"));
        assert!(filter.passes("host", "channel::socket::close_is_told"));
        assert!(!filter.passes("other", "channel::socket::close_is_told"));
        assert!(Filter::new(&["[".into()]).is_err());
        assert!(Filter::new(&[]).expect("no globs").passes("any", "thing"));
    }

    #[test]
    fn a_lane_that_is_asked_for_and_not_there_is_an_error() {
        let program = PeerProgram::this().expect("this program");
        let error =
            Lanes::select(&program, &["/nowhere/driver.json".into()], Asking::UnlessKept).expect_err("no such manifest");
        assert!(error.to_string().contains("no driver manifest at /nowhere/driver.json"), "{error}");
    }
}
