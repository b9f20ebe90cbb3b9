//! The faults that a peer can be given. Each is noticed by the cases that [`crate::table`] names for it.

use std::borrow::Cow;

use crate::table::ENTRIES;

/// A fault of a peer on the host lane.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its name, as the environment has it.
    pub name: &'static str,
    /// The numbered defects that it is a form of.
    pub defects: &'static [&'static str],
    /// What is wrong, in a sentence.
    pub does: Cow<'static, str>,
}

const fn fault(name: &'static str, defects: &'static [&'static str], does: &'static str) -> Fault {
    Fault { name, defects, does: Cow::Borrowed(does) }
}

/// The faults that are forms of a numbered defect, and what each fault does.
pub const FAULTS: &[Fault] = &[
    // What a driver does.
    fault("import_refused", &["D14"], "every import is refused, though the type is reported importable"),
    fault("compatible_types_empty", &["D15"], "compatibleHandleTypes is empty"),
    fault("unsupported_type_succeeds", &[], "a type that is good for nothing is answered with SUCCESS"),
    fault("uuid_of_process", &["D12"], "deviceUUID holds the process's number"),
    fault("uuid_of_instance", &["D12"], "deviceUUID counts the instances"),
    fault("uuid_unset", &[], "deviceUUID is all zero"),
    fault("uuid_of_two_devices", &["D13"], "two devices have one deviceUUID"),
    fault("import_cleared", &["D11"], "an import clears the memory"),
    fault("offset_ignored", &["D8", "L9"], "an import begins at the memory's first byte, whatever the offset"),
    fault("later_layers_dropped", &[], "all layers but the first read as zeros"),
    fault("import_is_copy", &["D10"], "an import is a copy"),
    fault("write_spills", &[], "a write reaches beyond the texture"),
    fault("memory_recycled_unwiped", &[], "new memory shows what was freed last"),
    fault("imported_once_only", &["L4"], "an object can be imported only once"),
    fault("second_export_is_another_object", &[], "the second export leads to other memory"),
    fault("import_free_clears", &[], "freeing an import clears the memory"),
    fault("import_keyed_by_size", &[], "an import of the same size gives the first one again"),
    fault("reexport_is_copy", &[], "the export of an import is a copy"),
    fault("payload_dies_with_exporter", &["D28"], "the payload is gone with the exporter's texture"),
    fault("payload_dies_with_importer", &[], "the payload is gone with the importer's texture"),
    fault("import_limit", &[], "imports fail from the 33rd on"),
    fault("export_limit", &[], "exports fail from the 502nd on"),
    fault("name_left_behind", &[], "a process that dies leaves the name of an object in the file system"),
    fault("export_leaks", &["D4", "L3"], "an exported descriptor stays open"),
    fault("heap_never_shrinks", &["D29"], "heap usage only grows"),
    fault("export_returns_same_number", &["D2"], "every export returns the first one's number"),
    fault("export_inheritable", &["D3"], "an exported descriptor is not close-on-exec"),
    fault("export_undeclared", &[], "what was not declared exportable is exported"),
    fault("broken_after_failed_export", &[], "after a failed export no other succeeds"),
    fault("import_leaks", &["D6"], "an import keeps the descriptor open"),
    fault("import_closes_twice", &["D7"], "freeing an import closes its descriptor's number again"),
    fault("refusal_takes_handle", &["D5"], "a refused import closes the caller's descriptor"),
    fault("library_refusal_takes_handle", &[], "the library's own refusal closes the caller's descriptor"),
    fault("broken_after_refusal", &[], "after a refused import no other succeeds"),
    fault("refusal_leaks", &["L10"], "a refused import keeps a duplicate of the descriptor open"),
    fault("accepts_any_handle", &["D16", "D9"], "any handle is accepted as memory, a short one too"),
    // What a driver does with semaphores, timelines and fences.
    fault("wait_returns_early", &["D18"], "a wait returns before the signal"),
    fault("sync_import_is_own", &["D19"], "an import has a payload of its own"),
    fault("temporary_is_permanent", &["D20"], "a temporary import by reference stays"),
    fault("minus_one_never_signals", &["D21"], "an import of -1 is not signalled"),
    fault("timeline_goes_back", &["D22"], "every other look at a timeline shows one less"),
    fault("wakes_at_value_before", &["D23"], "a wait for a value ends at one less"),
    fault("wait_ignores_deadline", &["D24"], "a wait has no deadline"),
    fault("export_resets_payload", &["D25"], "an export by reference takes the signal away"),
    fault("sync_answers_of_process", &["D12"], "what a device says of semaphores and fences differs from process to process"),
    fault("sync_compatible_types_empty", &["D15"], "compatibleHandleTypes of semaphores and fences is empty"),
    fault("sync_accepts_any_handle", &["D16"], "any handle is accepted as a semaphore or fence"),
    fault("sync_export_returns_same_number", &["D2"], "every export of a semaphore or fence returns the first one's number"),
    fault("sync_export_inheritable", &["D3"], "an exported semaphore or fence is not close-on-exec"),
    fault("sync_refusal_takes_handle", &["D5"], "a refused import of a semaphore or fence closes the caller's descriptor"),
    fault("sync_import_leaks", &["D6"], "an import of a semaphore or fence keeps the descriptor open"),
    fault("sync_import_closes_twice", &["D7"], "freeing an imported semaphore or fence closes its descriptor's number again"),
    // What a library does.
    fault("sync_export_leaks", &["D4", "L3"], "an exported semaphore or fence stays open"),
    fault("sync_refusal_leaks", &["L10"], "a refused import of a semaphore or fence keeps a duplicate open"),
    fault("timeline_assumed", &["L15"], "a timeline is made for export whatever the device says of it"),
    fault("timeout_is_lost_device", &["L16"], "a wait that ran out tells of a lost device"),
    fault("death_unnoticed", &["L16"], "a wait goes on when the signaller has died"),
    fault("export_not_declared", &["L1"], "memory is allocated without declaring export"),
    fault("number_is_cast", &["L2"], "a handle of -1 is cast and taken for none: the import gives memory of its own"),
    fault("number_sent", &["L5"], "descriptors are sent as numbers, which mean something else at the other end"),
    fault("drop_frees_nothing", &["L6"], "a texture that is dropped frees nothing"),
    fault("import_keyed_by_number", &["L7"], "imports are kept by the descriptor's number, which is soon another's"),
    fault("memory_type_is_lowest", &["L8"], "the importer takes its own lowest memory type, whatever the exporter's was"),
    fault("size_from_handle", &["L9"], "the size of an import is taken from the descriptor"),
    fault("identity_unchecked", &["L12"], "the exporter's device and driver are not compared with one's own"),
    fault("channels_swapped", &["L14"], "an import swaps the first and the third byte of each texel"),
    fault("trusts_descriptors", &["L11"], "the descriptor's fields are not compared with the device and the object"),
    fault("subresource_is_first", &[], "a subresource that is written in an import lands in the first one"),
    fault("size_of_process", &[], "how much memory a texture needs depends on the process"),
    fault("batch_is_reversed", &[], "the textures of a batch arrive in the wrong order"),
    fault("batch_is_cut_short", &[], "a batch over the limits is cut and sent"),
    fault("empty_batch_is_refused", &[], "a batch of no texture is refused"),
    fault("accepts_any_batch", &["L11"], "whatever is wrong with a batch, its textures arrive"),
    // What a ring, a waiter or a stream does.
    fault("ring_empty_messages_lost", &["R3"], "a message without bytes never arrives"),
    fault("ring_attaching_empties", &["R5"], "attaching drops what was sent before"),
    fault("wakes_always", &["R11"], "every publication makes a system call"),
    fault("interruption_is_timeout", &["R14"], "a signal handler that runs is told as a timeout"),
    fault("watch_is_ignored", &["R22"], "the death of the peer ends no wait"),
    fault("stream_reads_drop_tail", &["R16"], "a read loses what did not fit"),
    // What becomes of frames.
    fault("slots_share_memory", &[], "the slots of a producer lie in one memory: it draws over what is not returned"),
    fault("frames_are_stale", &[], "a frame holds what the one before it held"),
    fault("frames_lost", &[], "every fourth frame is returned unseen"),
    fault("frames_never_returned", &["P2"], "what a consumer releases it does not return"),
    fault("frames_one_consumer_only", &["P1"], "a second consumer is not counted"),
    fault("frames_signalled_too_early", &[], "a frame is said to be rendered or read before the device is done"),
    fault("frames_acquire_never_waits", &[], "a producer gives up at once"),
    fault("frames_always_paced", &[], "the policy is ignored"),
    fault("frames_skips_untold", &[], "nobody is told what was passed over"),
    fault("frames_change_is_ignored", &[], "textures stay what they are, whatever is asked for"),
    fault("frames_old_slot_is_submitted", &[], "a slot of textures that were replaced is said to be submitted"),
    fault("frames_generations_leak", &["P7"], "of each generation something stays"),
    fault("frames_reason_is_lost", &[], "why a consumer is gone is told wrongly"),
    fault("frames_fail_after_waiting", &[], "a producer that had to wait gets no slot"),
    fault("frames_end_and_death_swapped", &[], "a producer that left is told as dead, and the other way round"),
    fault("frames_quiet_consumers_dismissed", &[], "who returns nothing in time is let go, and drawn over"),
    fault("frames_anybody_is_invited", &[], "whoever refuses an invitation is a consumer"),
    fault("frames_lies_are_an_end", &[], "a producer that lies is told as one that left"),
    fault("frames_leak", &[], "now and then a frame leaves something behind"),
    fault("frames_connections_leak", &[], "of each connection something stays"),
    // What a channel does.
    fault("last_byte_changed", &[], "the last byte of a message is sent wrong"),
    fault("messages_swapped", &[], "the first two messages change places"),
    fault("handles_reversed", &[], "handles arrive in the wrong order"),
    fault("handles_lost_beside_nothing", &[], "handles beside an empty message are lost"),
    fault("received_inheritable", &["R20"], "received descriptors are not close-on-exec"),
    fault("sending_moves_handles", &[], "what is sent is taken from the sender"),
    fault("close_is_silence", &[], "the end of the channel looks like silence"),
    fault("close_drops_messages", &[], "what was sent before the end is lost"),
    fault("send_errors_swallowed", &[], "sending to nobody succeeds"),
    fault("limits_ignored", &[], "a message over the limits is cut and sent"),
    fault("silence_is_close", &[], "silence looks like the end of the channel"),
    fault("timeout_loses_message", &[], "a receive that timed out breaks the channel"),
    fault("errors_are_messages", &["R20"], "whatever is wrong with a message, it arrives: ancillary data cut off, too"),
    fault("excess_handles_leak", &["R20"], "handles that a message did not announce stay open"),
    fault("received_byte_changed", &[], "the last byte of a message is received wrong"),
];

/// Every fault that a case is named for, described or not.
#[must_use]
pub fn all() -> Vec<Fault> {
    let mut all = FAULTS.to_vec();
    for entry in ENTRIES.iter() {
        if !all.iter().any(|fault| fault.name == entry.fault) {
            all.push(Fault { name: entry.fault, defects: &[], does: entry.fault.replace('_', " ").into() });
        }
    }
    all
}
