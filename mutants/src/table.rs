//! For every case, a fault that it must notice.

mod capability;
mod channel;
mod frames;
mod handle;
mod kinds;
mod lifecycle;
mod memory;
mod ring;
mod stream;
mod sync;
mod waiter;

use std::sync::LazyLock;

use gpushare_conformance::verdict::Verdict;

/// A case, the fault that breaks what it names, and the verdict that this must become.
pub struct Entry {
    /// The case's id.
    pub case: &'static str,
    /// The fault of its peers.
    pub fault: &'static str,
    /// What it becomes.
    pub verdict: Verdict,
}

const fn fails(case: &'static str, fault: &'static str) -> Entry {
    Entry { case, fault, verdict: Verdict::Fail }
}

const fn leaks(case: &'static str, fault: &'static str) -> Entry {
    Entry { case, fault, verdict: Verdict::Leak }
}

const fn hangs(case: &'static str, fault: &'static str) -> Entry {
    Entry { case, fault, verdict: Verdict::Hang }
}

const fn warns(case: &'static str, fault: &'static str) -> Entry {
    Entry { case, fault, verdict: Verdict::Warn }
}

/// Every family of cases is in here at least once.
pub static ENTRIES: LazyLock<Vec<&'static Entry>> = LazyLock::new(|| {
    let sync: &'static [Entry] = sync::entries().leak();
    let areas = [
        capability::ENTRIES,
        memory::ENTRIES,
        kinds::SUBRESOURCES,
        handle::ENTRIES,
        channel::ENTRIES,
        lifecycle::ENTRIES,
        ring::ENTRIES,
        waiter::ENTRIES,
        stream::ENTRIES,
        frames::ENTRIES,
        sync,
    ];
    areas.iter().chain(kinds::ENTRIES).copied().flatten().collect()
});
