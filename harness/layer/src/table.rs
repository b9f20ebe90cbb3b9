//! Every mutant: its name, the defect that it is, and the functions that it needs.

/// One mutant of the driver.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// The defect's number, and where one number has several mutants, which.
    pub name: &'static str,
    /// The defect, in a sentence.
    pub does: &'static str,
    /// The functions that it intercepts, beside those of [`HEALED`].
    pub functions: &'static [&'static str],
    /// Globs over the cases that should notice it first. All others are for when these do not.
    pub first: &'static [&'static str],
}

impl Mutant {
    /// The number of the defect: `D17` of `D17-hang`.
    #[must_use]
    pub fn defect(&self) -> &'static str {
        self.name.split_once('-').map_or(self.name, |(defect, _)| defect)
    }
}

/// Not a defect: the driver without those that known software drivers have of themselves.
pub const HEALED: Mutant = Mutant {
    name: "healed",
    does: "the driver, healed of what known drivers do wrong",
    functions: &[
        "vkAllocateMemory",
        "vkFreeMemory",
        "vkGetMemoryFdKHR",
        "vkGetPhysicalDeviceImageFormatProperties2",
        "vkGetPhysicalDeviceImageFormatProperties2KHR",
    ],
    first: &[],
};

const fn mutant(
    name: &'static str,
    does: &'static str,
    functions: &'static [&'static str],
    first: &'static [&'static str],
) -> Mutant {
    Mutant { name, does, functions, first }
}

/// Every mutant, by number.
pub const MUTANTS: &[Mutant] = &[
    mutant("D1", "export answers SUCCESS and the number -1 where nothing was declared exportable", &[], &["*export_is_new"]),
    mutant("D2", "each export returns the same number", &[], &["*export_is_new", "*exports_close_apart"]),
    mutant("D3", "an exported descriptor is not close-on-exec", &[], &["*export_is_close_on_exec", "*export_is_not_inherited"]),
    mutant("D4", "export keeps a duplicate open", &[], &["*exported_1024_times", "*export_is_new"]),
    mutant("D5", "a failed import closes the caller's descriptor", &[], &["*refused_import_keeps_descriptor"]),
    mutant("D6", "a successful import does not take the descriptor", &[], &["*import_takes_descriptor", "*imported_64_times"]),
    mutant("D7", "a successful import closes the descriptor twice", &[], &["*import_closes_no_other_descriptor"]),
    mutant(
        "D8",
        "an import ignores the offset",
        &["vkBindImageMemory", "vkDestroyImage"],
        &["*offset_is_honoured*", "*neighbours_untouched*"],
    ),
    mutant("D9", "the import of a short object succeeds", &[], &["*short_memory_is_refused*"]),
    mutant("D10", "an import maps a copy and not the object", &[], &["*writes_after_import_are_seen*", "*ping_pong*"]),
    mutant("D11", "imported memory is zeroed", &[], &["*contents_preserved::rgba8_unorm_*_64x64"]),
    mutant(
        "D12",
        "deviceUUID differs from process to process",
        &["vkGetPhysicalDeviceProperties2", "vkGetPhysicalDeviceProperties2KHR"],
        &["*identity*"],
    ),
    mutant("D13", "two devices share one UUID", &["vkEnumeratePhysicalDevices"], &["*identity*"]),
    mutant("D14", "a handle type that is reported importable is refused", &[], &["*reported_shareable_shares*"]),
    mutant("D15", "compatibleHandleTypes lacks the type itself", &[], &["*compatible_types_include_self*"]),
    mutant("D16", "a descriptor of another kind is accepted", &[], &["*kind_is_refused::*"]),
    mutant(
        "D17-crash",
        "the import of a bad descriptor ends the process",
        &[],
        &["*closed_number_is_refused", "*minus_one_is_refused"],
    ),
    mutant(
        "D17-hang",
        "the import of a bad descriptor never returns",
        &[],
        &["*closed_number_is_refused", "*minus_one_is_refused"],
    ),
    mutant(
        "D18",
        "a semaphore wait returns before the signal",
        &["vkImportSemaphoreFdKHR", "vkQueueSubmit", "vkWaitSemaphores", "vkWaitSemaphoresKHR"],
        &["semaphore::*", "timeline::opaque_fd::*"],
    ),
    mutant(
        "D19",
        "an imported semaphore is a copy where it should be a reference",
        &["vkImportSemaphoreFdKHR"],
        &["semaphore::opaque_fd::*", "timeline::opaque_fd::*"],
    ),
    mutant("D20", "a temporary import becomes permanent", &["vkImportSemaphoreFdKHR"], &["semaphore::opaque_fd::*"]),
    mutant("D21", "a sync fd of -1 never signals", &["vkImportSemaphoreFdKHR"], &["semaphore::sync_fd::*"]),
    mutant(
        "D22",
        "a timeline goes backwards",
        &["vkGetSemaphoreCounterValue", "vkGetSemaphoreCounterValueKHR"],
        &["timeline::opaque_fd::*"],
    ),
    mutant(
        "D23",
        "a timeline wait for a value wakes at one less",
        &["vkQueueSubmit", "vkWaitSemaphores", "vkWaitSemaphoresKHR"],
        &["timeline::opaque_fd::*"],
    ),
    mutant(
        "D24",
        "a wait ignores its timeout",
        &["vkWaitForFences", "vkWaitSemaphores", "vkWaitSemaphoresKHR"],
        &["semaphore::opaque_fd::*deadline*", "timeline::opaque_fd::*", "fence::opaque_fd::*"],
    ),
    mutant(
        "D25",
        "export resets the payload under reference transference",
        &["vkGetSemaphoreFdKHR", "vkImportSemaphoreFdKHR", "vkQueueSubmit"],
        &["semaphore::opaque_fd::*"],
    ),
    mutant(
        "D26",
        "an acquire does nothing: stale texels",
        &["vkBindImageMemory", "vkDestroyImage", "vkCmdPipelineBarrier", "vkWaitForFences"],
        &["*writes_after_import_are_seen*", "*ping_pong*"],
    ),
    mutant(
        "D27",
        "the row pitch differs between exporter and importer",
        &["vkGetImageSubresourceLayout"],
        &["*contents_preserved::rgba8_unorm_linear_*"],
    ),
    mutant("D28", "freeing the exporter's memory empties the importer's", &[], &["*survives_exporter_free*"]),
    mutant("D29", "memory is not given back when an import is freed", &[], &["*import_takes_descriptor", "*imported_64_times"]),
    mutant(
        "L13",
        "no ownership transfer, and UNDEFINED on import",
        &["vkBindImageMemory", "vkDestroyImage", "vkCmdPipelineBarrier"],
        &["*writes_after_import_are_seen*", "*contents_preserved::rgba8_unorm_*_64x64"],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::CString;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.name).collect();
        assert_eq!(names.len(), MUTANTS.len());
    }

    #[test]
    fn every_function_has_a_hook() {
        for function in MUTANTS.iter().chain([&HEALED]).flat_map(|mutant| mutant.functions) {
            let name = CString::new(*function).expect("no zero inside");
            assert!(crate::hooks::find(&name).is_some(), "{function}");
        }
    }
}
