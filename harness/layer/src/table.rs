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
};

const fn mutant(name: &'static str, does: &'static str, functions: &'static [&'static str]) -> Mutant {
    Mutant { name, does, functions }
}

const SUBMIT_AND_WAIT: &[&str] = &["vkQueueSubmit", "vkWaitSemaphores", "vkWaitSemaphoresKHR"];

/// Every mutant, by number.
pub const MUTANTS: &[Mutant] = &[
    mutant("D1", "export answers SUCCESS and the number -1 where nothing was declared exportable", &[]),
    mutant("D2", "each export returns the same number", &[]),
    mutant("D3", "an exported descriptor is not close-on-exec", &[]),
    mutant("D4", "export keeps a duplicate open", &[]),
    mutant("D5", "a failed import closes the caller's descriptor", &[]),
    mutant("D6", "a successful import does not take the descriptor", &[]),
    mutant("D7", "a successful import closes the descriptor twice", &[]),
    mutant("D8", "an import ignores the offset", &["vkBindImageMemory", "vkDestroyImage"]),
    mutant("D9", "the import of a short object succeeds", &[]),
    mutant("D10", "an import maps a copy and not the object", &[]),
    mutant("D11", "imported memory is zeroed", &[]),
    mutant(
        "D12",
        "deviceUUID differs from process to process",
        &["vkGetPhysicalDeviceProperties2", "vkGetPhysicalDeviceProperties2KHR"],
    ),
    mutant("D13", "two devices share one UUID", &["vkEnumeratePhysicalDevices"]),
    mutant("D14", "a handle type that is reported importable is refused", &[]),
    mutant("D15", "compatibleHandleTypes lacks the type itself", &[]),
    mutant("D16", "a descriptor of another kind is accepted", &[]),
    mutant("D17-crash", "the import of a bad descriptor ends the process", &[]),
    mutant("D17-hang", "the import of a bad descriptor never returns", &[]),
    mutant("D18", "a semaphore wait returns before the signal", SUBMIT_AND_WAIT),
    mutant("D19", "an imported semaphore is a copy where it should be a reference", &["vkImportSemaphoreFdKHR"]),
    mutant("D20", "a temporary import becomes permanent", &["vkImportSemaphoreFdKHR"]),
    mutant("D21", "a sync fd of -1 never signals", &["vkImportSemaphoreFdKHR"]),
    mutant("D22", "a timeline goes backwards", &["vkGetSemaphoreCounterValue", "vkGetSemaphoreCounterValueKHR"]),
    mutant("D23", "a timeline wait for a value wakes at one less", SUBMIT_AND_WAIT),
    mutant("D24", "a wait ignores its timeout", &["vkWaitForFences", "vkWaitSemaphores", "vkWaitSemaphoresKHR"]),
    mutant("D25", "export resets the payload under reference transference", &["vkGetSemaphoreFdKHR", "vkQueueSubmit"]),
    mutant(
        "D26",
        "an acquire does nothing: stale texels",
        &["vkBindImageMemory", "vkDestroyImage", "vkCmdPipelineBarrier", "vkWaitForFences"],
    ),
    mutant("D27", "the row pitch differs between exporter and importer", &["vkGetImageSubresourceLayout"]),
    mutant("D28", "freeing the exporter's memory empties the importer's", &[]),
    mutant("D29", "memory is not given back when an import is freed", &[]),
    mutant(
        "L13",
        "no ownership transfer, and UNDEFINED on import",
        &["vkBindImageMemory", "vkDestroyImage", "vkCmdPipelineBarrier"],
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
