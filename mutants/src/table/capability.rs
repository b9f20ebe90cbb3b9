//! For every case about what a device says of itself, a fault that it must notice.

use super::{Entry, fails};

pub(super) const ENTRIES: &[Entry] = &[
    fails("capability::shared_memory::reported_shareable_shares::rgba8_unorm_optimal_16x16", "import_refused"),
    fails("capability::shared_memory::compatible_types_include_self::all", "compatible_types_empty"),
    fails("capability::dma_buf::unsupported_is_refused::all", "unsupported_type_succeeds"),
    fails("capability::identity::same_in_every_process", "uuid_of_process"),
    fails("capability::identity::same_in_every_instance", "uuid_of_instance"),
    fails("capability::identity::uuids_are_set", "uuid_unset"),
    fails("capability::identity::unique_in_driver", "uuid_of_two_devices"),
];
