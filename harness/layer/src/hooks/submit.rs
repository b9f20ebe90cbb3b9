//! Work that waits for semaphores and signals them.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use ash::vk;
use ash::vk::Handle as _;

use crate::chain::{self, Device, lock};
use crate::choice::{acts, is};
use crate::entry::function;
use crate::loader;

pub(super) fn find(name: &[u8]) -> vk::PFN_vkVoidFunction {
    match name {
        b"vkQueueSubmit" => function!(queue_submit, vk::PFN_vkQueueSubmit),
        _ => None,
    }
}

/// Semaphores whose signal was submitted and not waited for, each with the queue that signals it.
static SIGNALLED: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());

/// D25: wait for a signalled semaphore, which takes its signal away.
pub(super) fn reset_signalled(device: &Device, semaphore: vk::Semaphore) {
    if !is("D25") {
        return;
    }
    let Some(queue) = lock(&SIGNALLED).remove(&semaphore.as_raw()) else { return };
    let (semaphores, stages) = ([semaphore], [vk::PipelineStageFlags::ALL_COMMANDS]);
    let wait = [vk::SubmitInfo::default().wait_semaphores(&semaphores).wait_dst_stage_mask(&stages)];
    // SAFETY: the queue is live, and the application's only thread waits for this call; the semaphore's signal was submitted.
    unsafe {
        let queue = vk::Queue::from_raw(queue);
        if device.raw.queue_submit(queue, &wait, vk::Fence::null()).is_ok() && device.raw.queue_wait_idle(queue).is_ok() {
            acts("D25");
        }
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
        if submit.wait_semaphore_count > 0 && acts("D18") {
            submit.wait_semaphore_count = 0;
        }
        if is("D25") {
            // SAFETY: the application's arrays have the lengths that it says.
            unsafe { keep_account(queue, submit) }
        }
    }
    // SAFETY: as the application promises to `vkQueueSubmit`; fewer waits are as valid.
    unsafe {
        let earlier = early_values(&mut changed);
        let result = (next.raw.fp_v1_0().queue_submit)(queue, count, changed.as_ptr(), fence);
        drop(earlier);
        result
    }
}

unsafe fn keep_account(queue: vk::Queue, submit: &vk::SubmitInfo<'_>) {
    let array = |start: *const vk::Semaphore, count: u32| {
        // SAFETY: the caller's promise.
        if count == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(start, count as usize) } }
    };
    let mut signalled = lock(&SIGNALLED);
    for waited in array(submit.p_wait_semaphores, submit.wait_semaphore_count) {
        signalled.remove(&waited.as_raw());
    }
    for semaphore in array(submit.p_signal_semaphores, submit.signal_semaphore_count) {
        signalled.insert(semaphore.as_raw(), queue.as_raw());
    }
}

/// The values of one submission and the structure that holds them, which the submission points to.
type Earlier = (Box<[u64]>, Box<vk::TimelineSemaphoreSubmitInfo<'static>>);

/// D23: each wait for a value of a timeline is for one less. What is returned has to outlive the submission.
unsafe fn early_values(submits: &mut [vk::SubmitInfo<'_>]) -> Vec<Earlier> {
    let mut kept = Vec::new();
    if !is("D23") {
        return kept;
    }
    for submit in submits {
        // SAFETY: the application passes a valid chain and arrays of the lengths that it says.
        unsafe {
            let Some(values) = loader::find::<vk::TimelineSemaphoreSubmitInfo<'_>>(submit.p_next) else { continue };
            if values.wait_semaphore_value_count == 0 || !acts("D23") {
                continue;
            }
            let waits = std::slice::from_raw_parts(values.p_wait_semaphore_values, values.wait_semaphore_value_count as usize);
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
