//! The fault of this process.

use std::sync::OnceLock;

/// The environment variable that names it.
pub(crate) const VARIABLE: &str = "GPUSHARE_TEST_FAULT";

/// Whether this process has the fault with this name.
pub(crate) fn is(name: &str) -> bool {
    static FAULT: OnceLock<String> = OnceLock::new();
    FAULT.get_or_init(|| std::env::var(VARIABLE).unwrap_or_default()) == name
}
