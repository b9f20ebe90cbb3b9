//! Windows: counts of handles and views, processor masks.
#![expect(unsafe_code, reason = "calls that take handles and fill in structures")]

use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle as Owned};

use gpushare::OwnedHandle;
use windows_sys::Win32::Foundation::{GetHandleInformation, HANDLE_FLAG_INHERIT};
use windows_sys::Win32::System::Memory::{MEM_MAPPED, MEMORY_BASIC_INFORMATION, VirtualQuery};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, OpenProcess, PROCESS_SET_INFORMATION, SetProcessAffinityMask, SetThreadAffinityMask,
};

/// Under Wine, who started this is no process of Windows.
pub(crate) const PARENT_IS_KNOWN: bool = false;

/// Handles, and regions of mapped memory, of this process. A thread has a handle. Handles are looked for one by one, since
/// Wine does not count them; the system gives the lowest number that is free.
pub(crate) fn holdings() -> (usize, usize) {
    let (mut flags, mut mapped, mut at) = (0, 0, 0usize);
    // SAFETY: a number is only asked about.
    let mut open = |number| unsafe { GetHandleInformation(std::ptr::without_provenance_mut(number), &mut flags) != 0 };
    let handles = (4..0x2000).step_by(4).filter(|number| open(*number)).count();
    // SAFETY: the results go to locals that are as long as said; an address is only asked about.
    unsafe {
        let mut region: MEMORY_BASIC_INFORMATION = std::mem::zeroed();
        while VirtualQuery(std::ptr::without_provenance(at), &mut region, size_of_val(&region)) != 0 {
            mapped += usize::from(region.Type == MEM_MAPPED);
            at = region.BaseAddress.addr() + region.RegionSize;
        }
    }
    (handles, mapped)
}

/// Keep a process (0: this thread) on one processor.
pub(crate) fn pin(process: u32, processor: usize) {
    // SAFETY: the handle is open, and closed when it is dropped.
    unsafe {
        if process == 0 {
            assert_ne!(SetThreadAffinityMask(GetCurrentThread(), 1 << processor), 0);
        } else {
            let raw = OpenProcess(PROCESS_SET_INFORMATION, 0, process);
            assert!(!raw.is_null());
            let _handle: Owned = std::os::windows::io::FromRawHandle::from_raw_handle(raw);
            assert_ne!(SetProcessAffinityMask(raw, 1 << processor), 0);
        }
    }
}

/// Whether a program that this one starts can get the handle too.
pub(crate) fn is_inherited(handle: &OwnedHandle) -> bool {
    let mut flags = 0;
    // SAFETY: the handle is open; the result goes to a local.
    assert_ne!(unsafe { GetHandleInformation(handle.as_handle().as_raw_handle(), &mut flags) }, 0);
    flags & HANDLE_FLAG_INHERIT != 0
}

/// A handle that stands for anything but a process.
pub(crate) fn not_a_process() -> OwnedHandle {
    Owned::from(std::fs::File::open(std::env::current_exe().unwrap()).unwrap()).into()
}

/// Let the use of a system call fail, by name.
pub(crate) fn refuse(what: &str) {
    assert_eq!(what, "nothing", "there are no system-call filters");
}
