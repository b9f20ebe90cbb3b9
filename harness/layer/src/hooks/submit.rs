//! Work that waits for semaphores and signals them.
#![expect(unsafe_code, reason = "Vulkan calls")]

use ash::vk;

use crate::chain;
use crate::choice::{acts, is};
use crate::entry::function;
use crate::hooks::{signals, wait};
use crate::loader;

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkQueueSubmit" => function!(queue_submit, vk::PFN_vkQueueSubmit),
        _ => None,
    }
}

unsafe extern "system" fn queue_submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    // SAFETY: the application passes a live queue and so many submissions.
    let Some(next) = (unsafe { chain::device(queue) }) else { return vk::Result::ERROR_DEVICE_LOST };
    let mut changed = Vec::new();
    if count > 0 {
        // SAFETY: as above.
        changed.extend_from_slice(unsafe { std::slice::from_raw_parts(submits, count as usize) });
    }
    for submit in &mut changed {
        // SAFETY: the application's arrays have the lengths that it says.
        let waits = unsafe { signals::keep_account(queue, submit) };
        if waits && acts("D18") {
            submit.wait_semaphore_count = 0;
        }
    }
    // SAFETY: as the application promises to `vkQueueSubmit`; fewer waits are as valid.
    unsafe {
        let earlier = early_values(&next, &mut changed);
        let result = (next.raw.fp_v1_0().queue_submit)(queue, count, changed.as_ptr(), fence);
        drop(earlier);
        result
    }
}

/// The values of one submission and the structure that holds them, which the submission points to.
type Earlier = (Box<[u64]>, Box<vk::TimelineSemaphoreSubmitInfo<'static>>);

/// D23: each wait for a value of a timeline is for one less. What is returned has to outlive the submission.
unsafe fn early_values(device: &chain::Device, submits: &mut [vk::SubmitInfo<'_>]) -> Vec<Earlier> {
    let mut kept = Vec::new();
    if !is("D23") {
        return kept;
    }
    for submit in submits {
        // SAFETY: the application passes a valid chain and arrays of the lengths that it says.
        unsafe {
            let Some(values) = loader::find::<vk::TimelineSemaphoreSubmitInfo<'_>>(submit.p_next) else { continue };
            if values.wait_semaphore_value_count == 0 {
                continue;
            }
            let waits = std::slice::from_raw_parts(values.p_wait_semaphore_values, values.wait_semaphore_value_count as usize);
            let semaphores = std::slice::from_raw_parts(submit.p_wait_semaphores, waits.len());
            // A value that is there already is waited for by nobody.
            if wait::are_reached(device, semaphores, waits) || !acts("D23") {
                continue;
            }
            let waits: Box<[u64]> = waits.iter().map(|value| value.saturating_sub(1)).collect();
            let changed = vk::TimelineSemaphoreSubmitInfo {
                p_next: std::ptr::null(),
                wait_semaphore_value_count: values.wait_semaphore_value_count,
                p_wait_semaphore_values: waits.as_ptr(),
                signal_semaphore_value_count: values.signal_semaphore_value_count,
                p_signal_semaphore_values: values.p_signal_semaphore_values,
                ..Default::default()
            };
            let changed = Box::new(changed);
            submit.p_next = std::ptr::from_ref(&*changed).cast();
            kept.push((waits, changed));
        }
    }
    kept
}
