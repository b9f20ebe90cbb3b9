//! For every case about what befalls a peer between two steps, a fault that it must notice.

use super::{Entry, fails, hangs, leaks};

pub(super) const ENTRIES: &[Entry] = &[
    fails("lifecycle::shared_memory::kill::share_back", "payload_dies_with_exporter"),
    fails("lifecycle::shared_memory::channel_closed::share_back", "outlives_channel"),
    hangs("lifecycle::shared_memory::stop::share_back", "waits_for_stopped_peer"),
    fails("lifecycle::shared_memory::nonsense::share_back", "nonsense_is_endured"),
    leaks("lifecycle::shared_memory::surplus_handles::share_back", "surplus_kept"),
    fails("lifecycle::shared_memory::wrong_handle::share_back", "accepts_any_handle"),
    fails("lifecycle::shared_memory::no_descriptors::share_back", "broken_after_failed_export"),
    fails("lifecycle::shared_memory::no_memory::share_back", "broken_after_failed_create"),
    fails("lifecycle::shared_memory::random_scenarios::0", "import_is_copy"),
];
