//! The mutant of this process, and whether it has done anything yet.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::table::{HEALED, MUTANTS};

/// The environment variable that names the mutant; unset or `none`: the layer passes everything on.
pub const MUTANT_VARIABLE: &str = "GPUSHARE_MUTANT";

/// The environment variable that names a file which the layer makes when its mutant first does something that the driver would not.
pub const ACTED_VARIABLE: &str = "GPUSHARE_MUTANT_ACTED";

fn chosen() -> Option<&'static str> {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var(MUTANT_VARIABLE).ok().filter(|name| name != "none" && !name.is_empty())).as_deref()
}

/// Whether this process has the mutant with this name, which is about to act.
pub(crate) fn is(name: &str) -> bool {
    debug_assert!(MUTANTS.iter().any(|mutant| mutant.name == name), "{name} is not in the table");
    chosen() == Some(name)
}

/// As [`is`], and the mutant acts now.
pub(crate) fn acts(name: &str) -> bool {
    if !is(name) {
        return false;
    }
    static ACTED: AtomicBool = AtomicBool::new(false);
    if !ACTED.load(Ordering::Relaxed)
        && let Some(path) = std::env::var_os(ACTED_VARIABLE)
    {
        // A process without a free descriptor tells it the next time.
        ACTED.store(std::fs::write(path, name).is_ok(), Ordering::Relaxed);
    }
    true
}

/// Whether the chosen mutant, or the healing that comes with each, needs this function.
pub(crate) fn intercepts(function: &str) -> bool {
    chosen().is_some_and(|name| {
        let listed = MUTANTS.iter().find(|mutant| mutant.name == name);
        HEALED.functions.contains(&function) || listed.is_some_and(|mutant| mutant.functions.contains(&function))
    })
}
