//! The mutant of this process, and whether it has done anything yet.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::table::{HEALED, MUTANTS};

/// The environment variable that names the mutant; unset or `none`: the layer passes everything on.
pub const MUTANT_VARIABLE: &str = "GPUSHARE_MUTANT";

/// The environment variable that names the layer's diary: a line [`LOADED`] when a loader took the layer in, and the mutant's name
/// when it first did something that the driver would not.
pub const DIARY_VARIABLE: &str = "GPUSHARE_MUTANT_DIARY";

/// The line that says that the layer is there.
pub const LOADED: &str = "loaded";

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
    static WRITTEN: AtomicBool = AtomicBool::new(false);
    note(name, &WRITTEN);
    true
}

/// The loader has taken the layer in.
pub(crate) fn loaded() {
    static WRITTEN: AtomicBool = AtomicBool::new(false);
    note(LOADED, &WRITTEN);
}

/// One line, once in a process. One that has no descriptor to spare writes it the next time.
fn note(line: &str, written: &AtomicBool) {
    if written.load(Ordering::Relaxed) {
        return;
    }
    let Some(path) = std::env::var_os(DIARY_VARIABLE) else { return };
    let diary = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let noted = diary.and_then(|mut diary| writeln!(diary, "{line}"));
    written.store(noted.is_ok(), Ordering::Relaxed);
}

/// Whether the chosen mutant, or the healing that comes with each, needs this function.
pub(crate) fn intercepts(function: &str) -> bool {
    chosen().is_some_and(|name| {
        let listed = MUTANTS.iter().find(|mutant| mutant.name == name);
        HEALED.functions.contains(&function) || listed.is_some_and(|mutant| mutant.functions.contains(&function))
    })
}
