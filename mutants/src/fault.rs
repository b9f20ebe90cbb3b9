//! The fault of this process.

use std::sync::OnceLock;

/// The environment variable that names it.
pub const VARIABLE: &str = "GPUSHARE_TEST_FAULT";

fn chosen() -> &'static str {
    static FAULT: OnceLock<String> = OnceLock::new();
    FAULT.get_or_init(|| std::env::var(VARIABLE).unwrap_or_default())
}

/// The name of no fault: the same wrapper, healthy.
pub const NONE: &str = "none";

/// No fault either: a healthy host that is another device than the rest, for cases between two.
pub const ANOTHER_DEVICE: &str = "another_device";

/// Whether this process has the fault with this name.
pub(crate) fn is(name: &str) -> bool {
    chosen() == name
}

/// Whether this process was told which fault it has; `none` is such an answer, too.
pub(crate) fn is_told() -> bool {
    !chosen().is_empty()
}
