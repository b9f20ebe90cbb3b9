//! For every case, a fault that it must notice.

use std::collections::BTreeSet;
use std::time::Duration;

use gpushare_conformance::registry::cases_of;
use gpushare_conformance::verdict::Verdict;
use libtest_mimic::Failed;

use crate::run;

/// A case, the fault that breaks what it names, and the verdict that this must become.
pub(crate) struct Entry {
    /// The case's id without the kind of handle in the middle of it.
    pub(crate) case: &'static str,
    pub(crate) fault: &'static str,
    verdict: Verdict,
}

const fn fails(case: &'static str, fault: &'static str) -> Entry {
    Entry { case, fault, verdict: Verdict::Fail }
}

const fn leaks(case: &'static str, fault: &'static str) -> Entry {
    Entry { case, fault, verdict: Verdict::Leak }
}

pub(crate) const ENTRIES: &[Entry] = &[
    fails("capability::shared_memory::reported_shareable_shares::rgba8_unorm_optimal_16x16", "import_refused"),
    fails("capability::shared_memory::compatible_types_include_self::all", "compatible_types_empty"),
    fails("capability::dma_buf::unsupported_is_refused::all", "unsupported_type_succeeds"),
    fails("capability::identity::same_in_every_process", "uuid_of_process"),
    fails("capability::identity::same_in_every_instance", "uuid_of_instance"),
    fails("capability::identity::uuids_are_set", "uuid_unset"),
    fails("memory::shared_memory::contents_preserved::rgba8_unorm_optimal_64x64", "import_cleared"),
    fails("memory::shared_memory::contents_preserved_at_offset::rgba8_unorm_optimal_61x47_suballocated", "offset_ignored"),
    fails("memory::shared_memory::contents_preserved_in_layers::rgba8_unorm_optimal_61x47x7", "later_layers_dropped"),
    fails("memory::shared_memory::importer_writes_exporter_reads::rgba8_unorm_optimal_61x47", "import_is_copy"),
    fails("memory::shared_memory::neighbours_untouched::rgba8_unorm_optimal_61x47_suballocated", "write_spills"),
    fails("memory::shared_memory::unwritten_discloses_nothing::rgba8_unorm_optimal_512x512", "memory_recycled_unwiped"),
    fails("memory::shared_memory::writes_after_import_are_seen::rgba8_unorm_optimal_61x47", "import_is_copy"),
    fails("memory::shared_memory::ping_pong::rgba8_unorm_optimal_61x47", "import_is_copy"),
    fails("memory::shared_memory::imported_twice::rgba8_unorm_optimal_61x47", "imported_once_only"),
    fails("memory::shared_memory::imported_by_two_processes", "imported_once_only"),
    fails("memory::shared_memory::imported_by_its_exporter", "import_is_copy"),
    fails("memory::shared_memory::exported_twice", "second_export_is_another_object"),
    fails("memory::shared_memory::imported_again_after_free::rgba8_unorm_optimal_61x47", "import_free_clears"),
    fails("memory::shared_memory::two_textures_stay_apart", "import_keyed_by_size"),
    fails("memory::shared_memory::exported_by_importer", "reexport_is_copy"),
    fails("memory::shared_memory::survives_exporter_free::rgba8_unorm_optimal_61x47", "payload_dies_with_exporter"),
    fails("memory::shared_memory::survives_exporter_exit::rgba8_unorm_optimal_61x47", "payload_dies_with_exporter"),
    fails("memory::shared_memory::survives_exporter_kill::rgba8_unorm_optimal_61x47", "payload_dies_with_exporter"),
    fails("memory::shared_memory::handle_survives_exporter_free::rgba8_unorm_optimal_61x47", "payload_dies_with_exporter"),
    fails("memory::shared_memory::handle_survives_exporter_exit", "payload_dies_with_exporter"),
    fails("memory::shared_memory::handle_survives_exporter_kill", "payload_dies_with_exporter"),
    fails("memory::shared_memory::handle_in_flight_survives_exporter_kill", "payload_dies_with_exporter"),
    fails("memory::shared_memory::survives_importer_free::rgba8_unorm_optimal_61x47", "import_free_clears"),
    fails("memory::shared_memory::survives_importer_exit", "payload_dies_with_importer"),
    fails("memory::shared_memory::survives_importer_kill", "payload_dies_with_importer"),
    fails("memory::shared_memory::new_importer_after_kill", "imported_once_only"),
    fails("memory::shared_memory::imported_64_times", "import_limit"),
    fails("memory::shared_memory::exported_1024_times", "export_limit"),
    leaks("memory::shared_memory::shared_and_freed_100_times", "export_leaks"),
    fails("memory::shared_memory::import_is_no_copy::rgba8_unorm_optimal_1024x1024", "import_is_copy"),
    fails("memory::shared_memory::freed_import_gives_heap_back::rgba8_unorm_optimal_1024x1024", "heap_never_shrinks"),
    fails("handle::shared_memory::export_is_new", "export_returns_same_number"),
    fails("handle::shared_memory::export_is_close_on_exec", "export_inheritable"),
    fails("handle::shared_memory::export_is_not_inherited", "export_inheritable"),
    fails("handle::shared_memory::library_export_is_not_inherited", "export_inheritable"),
    fails("handle::shared_memory::exports_close_apart", "second_export_is_another_object"),
    fails("handle::shared_memory::undeclared_export_is_refused", "export_undeclared"),
    fails("handle::shared_memory::export_without_descriptors_is_refused", "broken_after_failed_export"),
    fails("handle::shared_memory::crosses_socket", "import_cleared"),
    fails("handle::shared_memory::crosses_socket_through_third_process", "payload_dies_with_exporter"),
    fails("handle::shared_memory::crosses_many_in_one_message::16", "import_keyed_by_size"),
    fails("handle::shared_memory::crosses_twice_in_one_message", "imported_once_only"),
    fails("handle::shared_memory::sender_may_close_before_arrival", "payload_dies_with_exporter"),
    fails("handle::shared_memory::works_after::dup", "import_cleared"),
    fails("handle::shared_memory::works_after::dup2", "import_cleared"),
    fails("handle::shared_memory::works_after::dup3", "import_cleared"),
    fails("handle::shared_memory::original_works_after_copy_closed", "import_cleared"),
    fails("handle::shared_memory::copy_of_copy_works", "imported_once_only"),
    leaks("handle::shared_memory::import_takes_descriptor", "import_leaks"),
    fails("handle::shared_memory::import_closes_no_other_descriptor", "import_closes_twice"),
    fails("handle::shared_memory::refused_import_keeps_descriptor", "refusal_takes_handle"),
    fails("handle::shared_memory::library_refusal_keeps_descriptor", "library_refusal_takes_handle"),
    fails("handle::shared_memory::import_works_after_refusal", "broken_after_refusal"),
    leaks("handle::shared_memory::nothing_left_after_refusals", "refusal_leaks"),
    fails("handle::shared_memory::kind_is_refused::pipe", "accepts_any_handle"),
    fails("handle::shared_memory::kind_is_refused::dev_null", "accepts_any_handle"),
    fails("handle::shared_memory::kind_is_refused::unsealed_memory", "accepts_any_handle"),
    fails("handle::shared_memory::kind_is_refused_by_library::pipe_held_open", "accepts_any_handle"),
    fails("handle::shared_memory::closed_number_is_refused", "accepts_any_handle"),
    fails("handle::shared_memory::minus_one_is_refused", "accepts_any_handle"),
    fails("handle::shared_memory::short_memory_is_refused::512_bytes", "accepts_any_handle"),
    fails("handle::shared_memory::short_memory_is_refused_by_library", "trusts_descriptors"),
    fails("handle::shared_memory::wrong_memory_is_refused::size_one_less", "trusts_descriptors"),
    fails("handle::shared_memory::wrong_texture_is_refused::width_quadrupled", "trusts_descriptors"),
    fails("handle::shared_memory::wrong_origin_is_refused::another_interface", "trusts_descriptors"),
    fails("handle::shared_memory::wrong_rows_are_refused::row_pitch_doubled", "trusts_descriptors"),
    fails("handle::shared_memory::foreign_device_is_refused", "trusts_descriptors"),
    fails("handle::shared_memory::foreign_driver_is_refused", "trusts_descriptors"),
    fails("handle::shared_memory::offset_is_honoured::rgba8_unorm_optimal_61x47_suballocated", "offset_ignored"),
    fails("channel::socket::message_arrives::4096_bytes", "last_byte_changed"),
    fails("channel::socket::messages_arrive_in_order", "messages_swapped"),
    fails("channel::socket::both_directions_at_once", "last_byte_changed"),
    fails("channel::socket::handles_arrive::16_handles", "handles_reversed"),
    fails("channel::socket::handles_beside_empty_message", "handles_lost_beside_nothing"),
    fails("channel::socket::received_handles_are_close_on_exec", "received_inheritable"),
    fails("channel::socket::sent_handles_stay_with_sender", "sending_moves_handles"),
    fails("channel::socket::close_is_told", "close_is_silence"),
    fails("channel::socket::message_before_close_arrives", "close_drops_messages"),
    fails("channel::socket::killed_peer_is_told", "close_is_silence"),
    fails("channel::socket::killed_receiver_is_told", "send_errors_swallowed"),
    fails("channel::socket::exited_peer_is_told", "close_is_silence"),
    fails("channel::socket::oversized_message_is_refused", "limits_ignored"),
    fails("channel::socket::too_many_handles_are_refused", "limits_ignored"),
    fails("channel::socket::silence_ends_at_deadline", "silence_is_close"),
    fails("channel::socket::message_after_timeout_arrives", "timeout_loses_message"),
    fails("channel::socket::full_channel_ends_at_deadline", "send_errors_swallowed"),
    fails("channel::socket::no_descriptors_left_is_told", "errors_are_messages"),
    fails("channel::socket::garbage_is_refused", "errors_are_messages"),
    fails("channel::socket::announced_size_is_limited", "errors_are_messages"),
    fails("channel::socket::announced_handles_are_limited", "errors_are_messages"),
    fails("channel::socket::cut_header_is_told", "errors_are_messages"),
    fails("channel::socket::cut_body_is_told", "errors_are_messages"),
    fails("channel::socket::one_byte_at_a_time_arrives", "received_byte_changed"),
    fails("channel::socket::missing_handles_are_refused", "errors_are_messages"),
    fails("channel::socket::unannounced_handles_are_refused", "errors_are_messages"),
    fails("channel::socket::handles_in_body_are_refused", "errors_are_messages"),
    fails("channel::socket::more_handles_than_room_are_told::2_of_9", "errors_are_messages"),
    fails("channel::socket::broken_channel_stays_broken", "errors_are_messages"),
];

const LIMIT: Duration = Duration::from_secs(5);

/// The case, run in peers with the fault, has to end in the verdict.
pub(crate) fn is_noticed(entry: &Entry) -> Result<(), Failed> {
    let result = run::run(entry.fault, &[entry.case.into()], LIMIT)?;
    match result.cases.as_slice() {
        [only] if only.verdict == entry.verdict => Ok(()),
        [only] => Err(format!("with {} it became {}: {}", entry.fault, only.verdict, only.detail).into()),
        cases => Err(format!("{} cases have this id", cases.len()).into()),
    }
}

/// A case that no fault breaks is a check that cannot fail.
pub(crate) fn every_case_has_a_fault() -> Result<(), Failed> {
    let named: BTreeSet<&str> = ENTRIES.iter().map(|entry| entry.case).collect();
    let families: BTreeSet<String> = cases_of(&run::host_with("none")?).into_iter().map(|case| case.family).collect();
    let covered = |family: &String| named.iter().any(|case| *case == family || case.starts_with(&format!("{family}::")));
    let missing: Vec<_> = families.iter().filter(|family| !covered(family)).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no fault for {}", missing.join(", ")).into()) }
}

/// Without a fault the wrapper changes nothing: what it notices is the fault and not the wrapper.
pub(crate) fn a_healthy_wrapper_passes() -> Result<(), Failed> {
    let cases: Vec<String> = ENTRIES.iter().map(|entry| entry.case.into()).collect();
    let result = run::run("none", &cases, LIMIT)?;
    let wrong: Vec<_> = result.cases.iter().filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skip)).collect();
    match wrong.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} of them, {} first: {}", wrong.len(), first.case, first.detail).into()),
    }
}
