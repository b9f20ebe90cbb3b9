//! What this process holds: open descriptors and mapped memory objects.

/// A count of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    descriptors: usize,
    mappings: usize,
}

impl Holdings {
    /// Count now.
    #[must_use]
    pub fn count() -> Self {
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("/proc is mounted").count();
        let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
        Self { descriptors, mappings: maps.matches("/memfd:").count() }
    }
}
