//! For every case about semaphores, timelines and fences, a fault that it must notice.

use gpushare_conformance::verdict::Verdict;

use super::Entry;

/// The same cases, on each of these places, all with one fault.
macro_rules! entries {
    ($list:ident, $fault:literal, $verdict:ident, [$($place:literal),+] $cases:tt) => {
        $(entries!(@place $list, $fault, $verdict, $place $cases);)+
    };
    (@place $list:ident, $fault:literal, $verdict:ident, $place:literal [$($case:literal),+ $(,)?]) => {
        $($list.push(Entry { case: concat!($place, "::", $case), fault: $fault, verdict: Verdict::$verdict });)+
    };
}

/// Every family of these cases is in here at least once.
#[must_use]
pub(super) fn entries() -> Vec<Entry> {
    let mut list = Vec::new();
    says(&mut list);
    handles(&mut list);
    by_reference(&mut list);
    copies(&mut list);
    only_timelines(&mut list);
    only_fences(&mut list);
    list
}

fn says(list: &mut Vec<Entry>) {
    entries!(
        list,
        "sync_compatible_types_empty",
        Fail,
        ["capability::semaphore", "capability::timeline", "capability::fence"]["compatible_types_include_self::shared_memory"]
    );
    entries!(
        list,
        "sync_answers_of_process",
        Fail,
        ["capability::semaphore", "capability::timeline", "capability::fence"]["same_in_every_process"]
    );
    entries!(list, "difference_small", Fail, ["capability::timeline"]["difference_is_large_enough"]);
}

/// What concerns handles is the same for every kind and type.
fn handles(list: &mut Vec<Entry>) {
    macro_rules! everywhere {
        ($fault:literal, $verdict:ident, $cases:tt) => {
            entries!(list, $fault, $verdict, ["semaphore::shared_memory", "semaphore::shared_signal", "timeline::shared_memory",
                "fence::shared_memory", "fence::shared_signal"] $cases)
        };
    }
    everywhere!("sync_export_returns_same_number", Fail, ["export_is_new"]);
    everywhere!(
        "sync_export_inheritable",
        Fail,
        ["export_is_close_on_exec", "export_is_not_inherited", "library_export_is_close_on_exec"]
    );
    everywhere!("sync_export_undeclared", Fail, ["undeclared_export_is_refused"]);
    everywhere!("sync_broken_after_failed_export", Fail, ["export_without_descriptors_is_refused"]);
    everywhere!("sync_second_export_is_another", Fail, ["exports_close_apart"]);
    everywhere!(
        "sync_import_is_own",
        Fail,
        [
            "crosses_socket",
            "crosses_socket_through_third_process",
            "crosses_many_in_one_message::2",
            "crosses_many_in_one_message::64",
            "sender_may_close_before_arrival",
            "works_after::dup",
            "works_after::dup2",
            "works_after::dup3",
            "original_works_after_copy_closed",
            "handle_survives_exporter_free",
            "handle_survives_exporter_exit",
            "handle_survives_exporter_kill",
            "handle_in_flight_survives_exporter_kill",
            "import_survives_exporter_free",
            "import_survives_exporter_kill",
            "many_at_once",
        ]
    );
    everywhere!("sync_imported_once_only", Fail, ["crosses_twice_in_one_message", "copy_of_copy_works"]);
    everywhere!("sync_import_leaks", Leak, ["import_takes_descriptor"]);
    everywhere!("sync_import_closes_twice", Fail, ["import_closes_no_other_descriptor"]);
    everywhere!("sync_refusal_takes_handle", Fail, ["refused_import_keeps_descriptor"]);
    everywhere!("sync_library_refusal_takes_handle", Fail, ["library_refusal_keeps_descriptor"]);
    everywhere!("sync_broken_after_refusal", Fail, ["import_works_after_refusal"]);
    everywhere!("sync_refusal_leaks", Leak, ["nothing_left_after_refusals"]);
    everywhere!(
        "sync_accepts_any_handle",
        Fail,
        [
            "kind_is_refused::pipe",
            "kind_is_refused::memory_65536",
            "kind_is_refused_by_library::pipe",
            "closed_number_is_refused",
            "memory_handle_is_refused",
        ]
    );
    everywhere!("accepts_any_handle", Fail, ["is_refused_as_memory"]);
    everywhere!("sync_trusts_descriptors", Fail, ["wrong_descriptor_is_refused::version"]);
    everywhere!("sync_checks_nothing", Fail, ["unsupported_export_type_is_refused"]);
    everywhere!("sync_import_limit", Fail, ["imported_4096_times"]);
    everywhere!("sync_export_limit", Fail, ["exported_1024_times"]);
    everywhere!("sync_export_leaks", Leak, ["shared_and_freed_100_times"]);
    entries!(
        list,
        "sync_accepts_any_handle",
        Fail,
        ["semaphore::shared_memory", "timeline::shared_memory", "fence::shared_memory"]["minus_one_is_refused"]
    );
    entries!(
        list,
        "sync_trusts_descriptors",
        Fail,
        ["semaphore::shared_memory", "semaphore::shared_signal", "fence::shared_memory", "fence::shared_signal"]["another_kind_is_refused::imported_as_timeline"]
    );
    entries!(list, "timeline_assumed", Fail, ["timeline::shared_memory"]["unsupported_export_type_is_refused"]);
    entries!(list, "sync_trusts_descriptors", Fail, ["timeline::shared_memory"]["another_kind_is_refused::imported_as_fence"]);
    entries!(list, "sync_checks_nothing", Fail, ["semaphore::shared_memory", "semaphore::shared_signal"]
        ["second_signal_is_refused", "wait_without_signal_is_refused", "import_into_pending_is_refused"]);
    entries!(list, "sync_checks_nothing", Fail, ["fence::shared_memory", "fence::shared_signal"]
        ["second_submit_is_refused", "reset_of_pending_is_refused", "import_into_pending_is_refused"]);
    entries!(list, "sync_checks_nothing", Fail, ["timeline::shared_memory"] [
        "same_value_is_refused::host", "same_value_is_refused::device", "lower_value_is_refused::host",
        "lower_value_is_refused::device",
    ]);
}

fn by_reference(list: &mut Vec<Entry>) {
    macro_rules! all_kinds {
        ($fault:literal, $verdict:ident, $cases:tt) => {
            entries!(list, $fault, $verdict, ["semaphore::shared_memory", "timeline::shared_memory", "fence::shared_memory"] $cases)
        };
    }
    macro_rules! replaceable {
        ($fault:literal, $verdict:ident, $cases:tt) => {
            entries!(list, $fault, $verdict, ["semaphore::shared_memory", "fence::shared_memory"] $cases)
        };
    }
    all_kinds!(
        "sync_import_is_own",
        Fail,
        [
            "signal_reaches_importer",
            "signal_reaches_exporter",
            "signal_reaches_other_importer",
            "wait_is_for_all",
            "ping_pong",
            "alternating_signals",
            "signal_before_export_is_kept",
            "signal_between_export_and_import_is_kept",
            "imported_twice",
            "imported_by_two_processes",
            "imported_by_its_exporter",
            "exported_twice",
            "two_stay_apart",
            "signalled_in_another_order",
            "exported_by_importer",
            "importers_survive_exporter_kill",
            "new_importer_after_kill",
            "wait_begun_before_signal_ends",
            "timeout_loses_no_signal",
            "signal_before_death_is_kept",
        ]
    );
    all_kinds!(
        "signal_lost",
        Fail,
        [
            "export_leaves_signal_to_exporter",
            "exporter_survives_importer_free",
            "exporter_survives_importer_kill",
            "killed_waiter_stops_nobody",
        ]
    );
    all_kinds!(
        "wait_returns_early",
        Fail,
        [
            "pending_signal_is_waited_for",
            "work_before_signal_is_done_after_wait",
            "two_stay_apart",
            "wait_ends_at_deadline",
            "zero_deadline_only_looks",
            "killed_signaller_ends_in_timeout",
            "killed_signaller_is_told",
        ]
    );
    all_kinds!("wait_returns_early", Fail, ["orders_contents::1021x1021"]);
    all_kinds!("timeout_is_success", Fail, ["killed_signaller_ends_in_timeout", "wait_ends_at_deadline"]);
    all_kinds!("wait_ignores_deadline", Hang, ["wait_ends_at_deadline"]);
    all_kinds!("timeout_is_lost_device", Fail, ["wait_ends_at_deadline"]);
    all_kinds!("death_unnoticed", Fail, ["killed_signaller_is_told"]);
    all_kinds!("death_before_signal", Fail, ["signal_before_death_is_kept"]);
    replaceable!("export_resets_payload", Fail, ["signal_before_export_is_kept", "export_leaves_signal_to_exporter"]);
    replaceable!(
        "temporary_is_permanent",
        Fail,
        [
            "temporary_import_is_restored",
            "several_temporary_imports_are_restored",
            "temporary_import_over_permanent_is_restored",
        ]
    );
    replaceable!("sync_import_is_own", Fail, ["temporary_import_shares"]);
    replaceable!("signal_lost", Fail, ["temporary_import_leaves_exporter"]);
    replaceable!("permanent_is_temporary", Fail, ["permanent_import_stays", "permanent_import_replaces_permanent"]);
}

fn copies(list: &mut Vec<Entry>) {
    macro_rules! copies {
        ($fault:literal, $verdict:ident, $cases:tt) => {
            entries!(list, $fault, $verdict, ["semaphore::shared_signal", "fence::shared_signal"] $cases)
        };
    }
    copies!(
        "sync_import_is_own",
        Fail,
        [
            "signal_reaches_importer",
            "later_signal_stays_with_exporter",
            "each_signal_is_copied_anew",
            "copied_to_two_processes",
            "import_is_restored",
        ]
    );
    copies!("copy_leaves_signal", Fail, ["export_uses_signal_up"]);
    copies!("minus_one_never_signals", Fail, ["minus_one_is_signalled", "minus_one_is_signalled_once"]);
    copies!("sync_checks_nothing", Fail, ["permanent_import_is_refused", "export_without_signal_is_refused"]);
    copies!("wait_returns_early", Fail, ["pending_signal_is_waited_for"]);
}

fn only_timelines(list: &mut Vec<Entry>) {
    macro_rules! timelines {
        ($fault:literal, $verdict:ident, $cases:tt) => {
            entries!(list, $fault, $verdict, ["timeline::shared_memory"] $cases)
        };
    }
    timelines!("initial_value_dropped", Fail, ["initial_value_crosses::0x1", "initial_value_crosses::0x100000000"]);
    timelines!("timeline_goes_back", Fail, ["value_is_read_by_both", "value_never_goes_back"]);
    timelines!(
        "sync_import_is_own",
        Fail,
        [
            "import_keeps_value",
            "survivor_goes_on_from_value",
            "passed_value_is_there_at_once",
            "leap_wakes_every_value_below",
            "any_ends_with_the_first",
            "any_ends_with_the_second",
            "all_ends_with_the_last"
        ]
    );
    timelines!(
        "wakes_at_value_before",
        Fail,
        ["value_before_is_not_enough", "several_waiters_wait_for_several_values", "greatest_difference_is_reached"]
    );
    timelines!("signal_lost", Fail, ["signal_and_wait::host_to_host", "wait_before_signal::host_to_host"]);
    timelines!("device_signal_lost", Fail, ["signal_and_wait::device_to_device", "wait_before_signal::device_to_host"]);
    timelines!("value_has_32_bits", Fail, ["initial_value_crosses::0x100000000"]);
    timelines!("any_is_first", Fail, ["any_ends_with_the_second"]);
    timelines!("any_is_all", Fail, ["any_ends_with_the_first"]);
    timelines!("all_is_any", Fail, ["all_wants_each"]);
    timelines!("wait_returns_early", Fail, ["any_wants_one", "all_wants_each"]);
    timelines!("difference_small", Fail, ["beyond_difference_is_refused"]);
}

fn only_fences(list: &mut Vec<Entry>) {
    macro_rules! fences {
        ($fault:literal, $verdict:ident, $cases:tt) => {
            entries!(list, $fault, $verdict, ["fence::shared_memory"] $cases)
        };
    }
    fences!("sync_import_is_own", Fail, ["status_is_shared", "reset_reaches_exporter"]);
    fences!("fence_reset_ignored", Fail, ["reset_reaches_exporter", "reset_reaches_importer", "signalled_again_after_reset"]);
    fences!("fence_never_created_signalled", Fail, ["signalled_from_the_start_crosses"]);
    fences!("fence_wait_resets", Fail, ["wait_leaves_it_signalled", "status_is_shared"]);
    fences!("fence_always_signalled", Fail, ["pending_is_not_signalled"]);
}
