//! Waits of the host, and the values of timelines.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::Mutex;

use ash::vk;
use ash::vk::Handle as _;

use crate::chain::{self, Device, lock};
use crate::choice::{acts, is};
use crate::entry::function;
use crate::hooks::barrier;

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkWaitForFences" => function!(wait_for_fences, vk::PFN_vkWaitForFences),
        b"vkWaitSemaphores" | b"vkWaitSemaphoresKHR" => function!(wait_semaphores, vk::PFN_vkWaitSemaphores),
        b"vkGetSemaphoreCounterValue" | b"vkGetSemaphoreCounterValueKHR" => {
            function!(counter_value, vk::PFN_vkGetSemaphoreCounterValue)
        }
        _ => None,
    }
}

const WAIT: [&CStr; 2] = [c"vkWaitSemaphores", c"vkWaitSemaphoresKHR"];
const VALUE: [&CStr; 2] = [c"vkGetSemaphoreCounterValue", c"vkGetSemaphoreCounterValueKHR"];

/// D24: a wait that ran out goes on for ever.
fn or_for_ever(timeout: u64, wait: impl Fn(u64) -> vk::Result) -> vk::Result {
    let result = wait(timeout);
    // A timeout of zero is no wait but a question.
    if result == vk::Result::TIMEOUT && timeout > 0 && acts("D24") { wait(u64::MAX) } else { result }
}

unsafe extern "system" fn wait_for_fences(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
    all: vk::Bool32,
    timeout: u64,
) -> vk::Result {
    // SAFETY: the application passes a live device.
    let Some(next) = (unsafe { chain::device(device) }) else { return vk::Result::ERROR_DEVICE_LOST };
    // SAFETY: as the application promises to `vkWaitForFences`.
    let wait = |timeout| unsafe { (next.raw.fp_v1_0().wait_for_fences)(device, count, fences, all, timeout) };
    let result = or_for_ever(timeout, wait);
    if result == vk::Result::SUCCESS && is("D26") {
        barrier::remember(&next);
    }
    result
}

unsafe extern "system" fn wait_semaphores(
    device: vk::Device,
    info: *const vk::SemaphoreWaitInfo<'_>,
    timeout: u64,
) -> vk::Result {
    // SAFETY: the application passes a live device and a valid structure.
    let (Some(next), asked) = (unsafe { (chain::device(device), *info) }) else { return vk::Result::ERROR_DEVICE_LOST };
    let Some(function) = next.function(&WAIT) else { return vk::Result::ERROR_EXTENSION_NOT_PRESENT };
    // SAFETY: what is looked up by these names has this signature.
    let function: vk::PFN_vkWaitSemaphores = unsafe { std::mem::transmute(function) };
    // SAFETY: as the application promises to `vkWaitSemaphores`.
    let wait = |info: &vk::SemaphoreWaitInfo<'_>, timeout| unsafe { function(device, info, timeout) };
    if is("D23") && asked.semaphore_count > 0 {
        // SAFETY: the application passes as many values as semaphores.
        let wanted = unsafe { std::slice::from_raw_parts(asked.p_values, asked.semaphore_count as usize) };
        let earlier: Vec<u64> = wanted.iter().map(|value| value.saturating_sub(1)).collect();
        let result = wait(&vk::SemaphoreWaitInfo { p_values: earlier.as_ptr(), ..asked }, timeout);
        // One that has been passed by the time that anybody looks was not too early.
        if result == vk::Result::SUCCESS && wait(&asked, 0) == vk::Result::TIMEOUT {
            acts("D23");
        }
        return result;
    }
    if is("D18") && wait(&asked, 0) == vk::Result::TIMEOUT && acts("D18") {
        return vk::Result::SUCCESS;
    }
    or_for_ever(timeout, |timeout| wait(&asked, timeout))
}

/// Whether each of these timelines has its value.
///
/// # Safety
/// They are timelines of the device, as many as values.
pub(super) unsafe fn are_reached(device: &Device, semaphores: &[vk::Semaphore], values: &[u64]) -> bool {
    let Some(function) = device.function(&WAIT) else { return false };
    let info = vk::SemaphoreWaitInfo::default().semaphores(semaphores).values(values);
    // SAFETY: what is looked up by these names has this signature; the caller's promise covers the rest.
    unsafe {
        let function: vk::PFN_vkWaitSemaphores = std::mem::transmute(function);
        function(device.raw.handle(), &raw const info, 0) == vk::Result::SUCCESS
    }
}

unsafe extern "system" fn counter_value(device: vk::Device, semaphore: vk::Semaphore, value: *mut u64) -> vk::Result {
    // SAFETY: the application passes a live device and a valid pointer.
    unsafe {
        let Some(next) = chain::device(device) else { return vk::Result::ERROR_DEVICE_LOST };
        let result = ask(&next, semaphore, value);
        if result == vk::Result::SUCCESS && is("D22") {
            *value = backwards(semaphore, *value);
        }
        result
    }
}

unsafe fn ask(device: &Device, semaphore: vk::Semaphore, value: *mut u64) -> vk::Result {
    let Some(function) = device.function(&VALUE) else { return vk::Result::ERROR_EXTENSION_NOT_PRESENT };
    // SAFETY: what is looked up by these names has this signature; the caller's promise covers the rest.
    unsafe {
        let function: vk::PFN_vkGetSemaphoreCounterValue = std::mem::transmute(function);
        function(device.raw.handle(), semaphore, value)
    }
}

/// D22: a value that was told once is told as one less the next time.
fn backwards(semaphore: vk::Semaphore, value: u64) -> u64 {
    static TOLD: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());
    let mut told = lock(&TOLD);
    let repeated = told.insert(semaphore.as_raw(), value) == Some(value);
    if repeated && value > 0 && acts("D22") { value - 1 } else { value }
}
