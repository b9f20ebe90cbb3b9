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
    let mut changed = asked;
    let mut values = Vec::new();
    if is("D23") && asked.semaphore_count > 0 && acts("D23") {
        // SAFETY: the application passes as many values as semaphores.
        let wanted = unsafe { std::slice::from_raw_parts(asked.p_values, asked.semaphore_count as usize) };
        values.extend(wanted.iter().map(|value| value.saturating_sub(1)));
        changed.p_values = values.as_ptr();
    }
    // SAFETY: as the application promises to `vkWaitSemaphores`; `values` lives through the calls.
    let wait = |timeout| unsafe { function(device, &raw const changed, timeout) };
    if is("D18") && wait(0) == vk::Result::TIMEOUT && acts("D18") {
        return vk::Result::SUCCESS;
    }
    or_for_ever(timeout, wait)
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
