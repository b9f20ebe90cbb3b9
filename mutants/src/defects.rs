//! The defects, by number: each was seen in a system of this kind, or is what such a system can get wrong.

/// One defect.
#[derive(Clone, Copy, Debug)]
pub struct Defect {
    /// `D5`: of a driver D, of a sharing library L, of ring, waiter, stream and channel R, of pools and counters P.
    pub number: &'static str,
    /// What is wrong.
    pub is: &'static str,
    /// Why there is no mutant of it, if so.
    pub unexpressed: Option<&'static str>,
}

const fn defect(number: &'static str, is: &'static str) -> Defect {
    Defect { number, is, unexpressed: None }
}

const fn without(number: &'static str, is: &'static str, reason: &'static str) -> Defect {
    Defect { number, is, unexpressed: Some(reason) }
}

const NO_POOLS: &str =
    "the one pool, that of frames, has slots of one kind and no clones, and counts nothing but who holds them";

/// Every defect, by number.
pub const DEFECTS: &[Defect] = &[
    defect("D1", "export returns SUCCESS with fd -1 when nothing was declared exportable"),
    defect("D2", "each export returns the same fd number"),
    defect("D3", "exported fd without close-on-exec"),
    defect("D4", "export keeps a duplicate open"),
    defect("D5", "failed import closes the caller's fd"),
    defect("D6", "successful import does not take the fd"),
    defect("D7", "successful import closes the fd twice"),
    defect("D8", "import ignores offset"),
    defect("D9", "import of a short object succeeds"),
    defect("D10", "import maps a copy, not the object"),
    defect("D11", "imported memory zeroed"),
    defect("D12", "deviceUUID differs per process"),
    defect("D13", "two devices share one UUID"),
    defect("D14", "handle type reported importable, import refused"),
    defect("D15", "compatibleHandleTypes without the type itself"),
    defect("D16", "import of an fd of another kind accepted"),
    defect("D17", "import of a bad fd crashes or hangs"),
    defect("D18", "semaphore wait returns before the signal"),
    defect("D19", "imported semaphore is a copy where reference transference is due"),
    defect("D20", "temporary import becomes permanent"),
    defect("D21", "sync fd -1 never signals"),
    defect("D22", "timeline goes backwards"),
    defect("D23", "timeline wait for a value wakes at one less"),
    defect("D24", "wait ignores its timeout"),
    defect("D25", "export resets the payload under reference transference"),
    defect("D26", "release/acquire barrier dropped: stale texels"),
    defect("D27", "row pitch differs between exporter and importer"),
    defect("D28", "freeing the exporter's memory empties the importer's"),
    defect("D29", "memory never given back after an import is freed"),
    without("D30", "KMT and NT handles mixed up", "of drivers of Windows, and no lane has one"),
    defect("L1", "no export declaration at allocation"),
    defect("L2", "handle cast: -1 as u64, or u64 as i32"),
    defect("L3", "exported fd never closed"),
    defect("L4", "one fd imported twice"),
    defect("L5", "the fd's number sent instead of the fd"),
    defect("L6", "Drop frees nothing"),
    defect("L7", "resources keyed by fd number, overwritten on reuse"),
    defect("L8", "memory type is the lowest set bit"),
    defect("L9", "size taken from the requirements or from the fd, offset dropped"),
    defect("L10", "failed import leaks image, semaphore or fd"),
    defect("L11", "importer trusts the peer's width, format or usage"),
    defect("L12", "first physical device taken, UUID unchecked"),
    defect("L13", "no ownership transfer, UNDEFINED on import"),
    defect("L14", "channel order swapped"),
    defect("L15", "timeline assumed without asking"),
    defect("L16", "timeout and lost device look alike; infinite wait outlives the producer"),
    defect("L17", "two writers on one timeline"),
    defect("R1", "full and empty look the same: an exact fill loses everything"),
    defect("R2", "length prefix does not wrap"),
    defect("R3", "zero-length message discards the backlog"),
    defect("R4", "corrupt length skipped in silence, unbounded by what was published"),
    defect("R5", "attaching initialises again"),
    defect("R6", "two producers from a shared reference"),
    defect("R7", "index published Relaxed"),
    defect("R8", "position read twice: checked, then used"),
    defect("R9", "32-bit wrap"),
    defect("R10", "lost wake-up between check and sleep"),
    defect("R11", "wake always makes a system call"),
    defect("R12", "private futex: wakes nobody in another process"),
    defect("R13", "WaitOnAddress across processes"),
    defect("R14", "EINTR told as timeout"),
    defect("R15", "oversized write loops for ever"),
    defect("R16", "read_exact drops the tail"),
    defect("R17", "shm_open without O_EXCL, world-readable"),
    defect("R18", "Drop unlinks under the peer"),
    defect("R19", "mapping handle leaked on Windows"),
    defect("R20", "ancillary data cut off unnoticed; received fds without close-on-exec; handles beyond the limit leak"),
    defect("R21", "single-slot channel reads stale frames again"),
    defect("R22", "a spinning reader never sees the peer die"),
    defect("P1", "clone skips the reference count"),
    defect("P2", "transferred handle never freed"),
    defect("P3", "generation unchecked: a recycled slot answers for an old frame"),
    without("P4", "release by address of a clone never matches", NO_POOLS),
    without("P5", "pool ignores usage", NO_POOLS),
    without("P6", "byte limit compared with an entry count", NO_POOLS),
    defect("P7", "eviction keeps the GPU memory"),
    defect("P8", "exporter resets, then subtracts"),
    defect("P9", "sampling rate 0 divides"),
];
