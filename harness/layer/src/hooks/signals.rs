//! Which semaphores this process knows to be signalled: by its own queue, or by a copy that was so when it came.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use ash::vk;
use ash::vk::Handle as _;

use crate::chain::{Device, lock};
use crate::choice::{acts, is};
use crate::hooks::descriptor;

/// Semaphores whose signal was submitted here and not waited for, each with the queue that signals it.
static SUBMITTED: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());
/// Semaphores that have a copy of a payload which was signalled already when it was imported.
static ARRIVED: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// D25: wait for a signalled semaphore, which takes its signal away.
pub(super) fn reset(device: &Device, semaphore: vk::Semaphore) {
    if !is("D25") {
        return;
    }
    let Some(queue) = lock(&SUBMITTED).remove(&semaphore.as_raw()) else { return };
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

/// Whether what is to be imported is a copy that is signalled now.
pub(super) fn look(info: &vk::ImportSemaphoreFdInfoKHR<'_>) -> bool {
    let is_copy = info.handle_type == vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;
    is_copy && (info.fd == -1 || descriptor::is_ready(info.fd))
}

/// A semaphore has been given another payload, which is signalled already, or is not known to be.
pub(super) fn imported(semaphore: vk::Semaphore, signalled: bool) {
    let semaphore = semaphore.as_raw();
    lock(&SUBMITTED).remove(&semaphore);
    if signalled {
        lock(&ARRIVED).insert(semaphore);
    } else {
        lock(&ARRIVED).remove(&semaphore);
    }
}

/// What a submission waits for and signals. Says whether a wait of it may really have to wait: for a signal of another queue or
/// process, which may not have come. Behind a signal of its own queue, a wait changes nothing.
///
/// # Safety
/// The arrays of the submission have the lengths that it says.
pub(super) unsafe fn keep_account(queue: vk::Queue, submit: &vk::SubmitInfo<'_>) -> bool {
    let array = |start: *const vk::Semaphore, count: u32| {
        // SAFETY: the caller's promise.
        if count == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(start, count as usize) } }
    };
    let (mut submitted, mut arrived) = (lock(&SUBMITTED), lock(&ARRIVED));
    let mut waits = false;
    for waited in array(submit.p_wait_semaphores, submit.wait_semaphore_count) {
        let own = submitted.remove(&waited.as_raw()) == Some(queue.as_raw());
        waits |= !arrived.remove(&waited.as_raw()) && !own;
    }
    for semaphore in array(submit.p_signal_semaphores, submit.signal_semaphore_count) {
        submitted.insert(semaphore.as_raw(), queue.as_raw());
    }
    waits
}
