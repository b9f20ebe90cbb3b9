//! Hints to the processor's caches. What they concern is never read or written by them, so that any address will do.

/// The line at `at` will be written soon: have it here, and nowhere else.
///
/// To write to a line that another processor read means to fetch it back from there, one line after the other where the
/// stores have to become visible in order. Asked for early, several are on their way at once.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "an instruction that has no function; without the feature the compiler would make a read of it")]
#[inline]
pub(crate) fn expect_write(at: *const u8) {
    // SAFETY: `prefetchw` changes no register, flag or byte of memory, raises no fault at any address, and does nothing on a processor
    // that does not have it.
    unsafe { std::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly)) }
}

/// As above.
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "an instruction that has no stable function")]
#[inline]
pub(crate) fn expect_write(at: *const u8) {
    // SAFETY: `prfm` changes no register, flag or byte of memory, and raises no fault at any address.
    unsafe { std::arch::asm!("prfm pstl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly)) }
}

/// Nothing is known of this processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
pub(crate) fn expect_write(_: *const u8) {}

/// Whether a processor gains, too, by being asked for more lines to write to than it can have on their way at once. AMD's, which alone
/// have SSE4a, are slower by a quarter then than with stores that fetch their lines themselves, Intel's faster by more than that: the
/// tables of 64 bytes, 32 at a time, of `docs/results/ring.md` (Intel) and `ring-epyc.md` (AMD).
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn may_ask_for_many() -> bool {
    !std::arch::is_x86_feature_detected!("sse4a")
}

/// Nothing is known against it.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn may_ask_for_many() -> bool {
    true
}

/// The line at `at` will be read soon: begin to fetch it, beside what is fetched anyway.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn expect_read(at: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    #[expect(unsafe_code, reason = "declared so for all intrinsics")]
    // SAFETY: `prefetcht0` changes no register, flag or byte of memory, and raises no fault at any address.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
}

/// As above.
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "an instruction that has no stable function")]
#[inline]
pub(crate) fn expect_read(at: *const u8) {
    // SAFETY: as in `expect_write`.
    unsafe { std::arch::asm!("prfm pldl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly)) }
}

/// Nothing is known of this processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
pub(crate) fn expect_read(_: *const u8) {}
