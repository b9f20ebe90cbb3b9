//! Exports of memory.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::ffi::c_int;
use std::os::fd::{IntoRawFd, RawFd};
use std::sync::Mutex;

use ash::vk;

use crate::chain::{self, Device, lock};
use crate::choice::{acts, is};
use crate::entry::function;
use crate::hooks::descriptor;

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkGetMemoryFdKHR" => function!(get_memory_fd, vk::PFN_vkGetMemoryFdKHR),
        _ => None,
    }
}

unsafe extern "system" fn get_memory_fd(
    device: vk::Device,
    info: *const vk::MemoryGetFdInfoKHR<'_>,
    number: *mut c_int,
) -> vk::Result {
    if acts("D1") {
        // SAFETY: the application passes a valid pointer.
        unsafe { *number = -1 }
        return vk::Result::SUCCESS;
    }
    // SAFETY: the application passes a live device and valid pointers.
    let result = unsafe { chain::device(device).map_or(vk::Result::ERROR_DEVICE_LOST, |device| ask(&device, info, number)) };
    if result == vk::Result::SUCCESS {
        // SAFETY: as above; the driver has written it.
        unsafe { *number = spoil(*number) }
    }
    result
}

unsafe fn ask(device: &Device, info: *const vk::MemoryGetFdInfoKHR<'_>, number: *mut c_int) -> vk::Result {
    let Some(next) = device.function(&[c"vkGetMemoryFdKHR"]) else { return vk::Result::ERROR_EXTENSION_NOT_PRESENT };
    // SAFETY: what is looked up by this name has this signature; the caller's promise covers the rest.
    unsafe {
        let next: vk::PFN_vkGetMemoryFdKHR = std::mem::transmute(next);
        next(device.raw.handle(), info, number)
    }
}

/// What becomes of the descriptor that the driver returned.
fn spoil(number: RawFd) -> RawFd {
    // Some drivers forget it: this is the healing, and D3 the driver that forgets.
    descriptor::set_close_on_exec(number, !acts("D3"));
    if is("D4")
        && let Some(kept) = descriptor::duplicate(number)
    {
        acts("D4");
        let _ = kept.into_raw_fd();
    }
    if is("D2") { always_the_first(number) } else { number }
}

/// The number of the first export again, whatever it stands for by now, and the new one closed.
fn always_the_first(number: RawFd) -> RawFd {
    static FIRST: Mutex<Option<RawFd>> = Mutex::new(None);
    let first = *lock(&FIRST).get_or_insert(number);
    if first != number && descriptor::look(first).is_some() && acts("D2") {
        descriptor::close(number);
        return first;
    }
    number
}
