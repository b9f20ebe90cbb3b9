//! Binary semaphores of a driver.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::Arc;

use ash::vk;

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::semaphore::Semaphores;
use crate::sync::{Permanence, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, Transference, check_export_types};
use crate::texture::Device;
use crate::vulkan::device::{Logical, VulkanDevice};
use crate::vulkan::error::vulkan;
use crate::vulkan::held::Held;
use crate::vulkan::payload::{self, Care, Object, RawSync};
use crate::vulkan::submission::{Submission, prune};
use crate::vulkan::sync_capability::semaphore_bit;
use crate::vulkan::valid_usage;
use crate::waiter::Peer;

const KIND: SyncKind = SyncKind::Semaphore;

/// What is known of a payload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No signal is on its way.
    Unsignalled,
    /// Its signal was submitted, and no wait since.
    Signalled,
    /// Others share it: only the driver knows.
    Shared,
}

/// A payload, as far as the library can know it.
#[derive(Clone, Copy)]
struct Known {
    state: State,
    imported: Option<HandleType>,
}

/// A binary semaphore of a [`VulkanDevice`].
pub struct VulkanSemaphore {
    logical: Arc<Logical>,
    raw: vk::Semaphore,
    export: Vec<HandleType>,
    held: Held<Known>,
    /// Signals that were submitted.
    in_flight: Vec<Submission>,
    /// A wait that was submitted and did not end in time.
    waiting: Option<Submission>,
}

impl Drop for VulkanSemaphore {
    fn drop(&mut self) {
        self.in_flight.clear();
        self.waiting = None;
        if self.logical.idle() {
            // SAFETY: all that refers to it is done, or the device would have been given up.
            unsafe { self.logical.raw.destroy_semaphore(self.raw, None) }
        }
    }
}

impl VulkanSemaphore {
    /// A wait was submitted, or a copy exported: the signal is gone, and a temporary payload with it.
    fn take_signal(&mut self) {
        if !self.held.restore() && self.held.now().state == State::Signalled {
            self.held.now().state = State::Unsignalled;
        }
    }

    fn is_idle(&mut self) -> bool {
        prune(&mut self.in_flight);
        self.in_flight.is_empty() && self.waiting.is_none()
    }
}

impl VulkanDevice {
    /// Export like [`Semaphores::export_semaphore`], and leave the handle as the driver made it. For conformance tests.
    ///
    /// # Errors
    /// As [`Semaphores::export_semaphore`].
    pub fn export_semaphore_unguarded(
        &self,
        semaphore: &mut VulkanSemaphore,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_semaphore_with(semaphore, handle_type, Care::Unguarded)
    }

    /// Import like [`Semaphores::import_semaphore`], but leave it to the driver to notice that the handle is none of its own. For
    /// conformance tests: a driver must refuse with `VK_ERROR_INVALID_EXTERNAL_HANDLE`.
    ///
    /// # Errors
    /// [`SyncRefused`], with the handle if there was one.
    ///
    /// # Safety
    /// On success the driver owns whatever file descriptor has [`RawSync::Number`].
    pub unsafe fn import_semaphore_unguarded(
        &self,
        into: &mut VulkanSemaphore,
        descriptor: &SyncDescriptor,
        source: RawSync,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.import_semaphore_with(into, descriptor, source, permanence, Care::Unguarded)
    }

    fn export_semaphore_with(
        &self,
        semaphore: &mut VulkanSemaphore,
        handle_type: HandleType,
        care: Care,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.logical.usable()?;
        if !semaphore.export.contains(&handle_type) {
            let rule = valid_usage::about(KIND, handle_type).undeclared;
            return Err(SyncError::NotExportable { kind: KIND, handle_type, rule });
        }
        let Known { state, imported } = *semaphore.held.now();
        self.check_export_again(KIND, imported, handle_type)?;
        let copy = Transference::of(handle_type) == Transference::Copy;
        if copy && semaphore.waiting.is_some() {
            let what = "a queue is waiting for it";
            return Err(SyncError::InvalidUse { what, rule: "VUID-VkSemaphoreGetFdInfoKHR-handleType-01134" });
        }
        if copy && state == State::Unsignalled {
            let what = "it is not signalled and no signal of it was submitted, so that there is nothing to copy";
            return Err(SyncError::InvalidUse { what, rule: "VUID-VkSemaphoreGetFdInfoKHR-handleType-03254" });
        }
        let descriptor = SyncDescriptor::of(self.identity(), KIND, handle_type)?;
        let (object, functions) = (Object::Semaphore(semaphore.raw), &self.logical.extensions);
        let handle = payload::export(functions, object, handle_type, care, semaphore.held.exported())?;
        if copy {
            semaphore.take_signal();
        } else {
            semaphore.held.now().state = State::Shared;
        }
        Ok((descriptor, handle))
    }

    fn import_semaphore_with(
        &self,
        into: &mut VulkanSemaphore,
        descriptor: &SyncDescriptor,
        source: RawSync,
        permanence: Permanence,
        care: Care,
    ) -> Result<(), SyncRefused> {
        let copy = Transference::of(descriptor.fields().handle_type) == Transference::Copy;
        let temporary = permanence == Permanence::Temporary;
        let checked = self.check_import(descriptor, KIND).and_then(|handle_type| match () {
            () if copy && !temporary => {
                let what = "a copy is imported temporarily";
                Err(SyncError::InvalidUse { what, rule: "VUID-VkImportSemaphoreFdInfoKHR-handleType-07307" })
            }
            () if !into.is_idle() => {
                let what = "the queue still refers to it";
                Err(SyncError::InvalidUse { what, rule: valid_usage::about(KIND, handle_type).import_in_use })
            }
            () => Ok(handle_type),
        });
        let handle_type = match checked {
            Ok(handle_type) => handle_type,
            Err(error) => return Err(source.refuse(error)),
        };
        // SAFETY: whoever passes a number has promised what `import` asks for (`import_semaphore_unguarded`).
        unsafe {
            payload::import(&self.logical.extensions, Object::Semaphore(into.raw), handle_type, source, temporary, care)?;
        }
        let state = if copy { State::Signalled } else { State::Shared };
        into.held.import(Known { state, imported: Some(handle_type) }, temporary);
        Ok(())
    }
}

impl Semaphores for VulkanDevice {
    type Semaphore = VulkanSemaphore;

    fn create_semaphore(&self, export: &[HandleType]) -> Result<VulkanSemaphore, SyncError> {
        self.logical.usable()?;
        check_export_types(self, KIND, export)?;
        let bits = export.iter().filter_map(|handle_type| semaphore_bit(*handle_type));
        let mut exported = vk::ExportSemaphoreCreateInfo::default().handle_types(bits.fold(Default::default(), |a, b| a | b));
        let mut info = vk::SemaphoreCreateInfo::default();
        if !export.is_empty() {
            info = info.push_next(&mut exported);
        }
        // SAFETY: the device exports these types, and they go together; the infos live through the call.
        let raw = unsafe { self.logical.raw.create_semaphore(&info, None) }.map_err(vulkan("vkCreateSemaphore"))?;
        Ok(VulkanSemaphore {
            logical: Arc::clone(&self.logical),
            raw,
            export: export.to_vec(),
            held: Held::created(Known { state: State::Unsignalled, imported: None }),
            in_flight: Vec::new(),
            waiting: None,
        })
    }

    fn signal(&self, semaphore: &mut VulkanSemaphore) -> Result<(), SyncError> {
        if semaphore.held.now().state == State::Signalled || semaphore.waiting.is_some() {
            let what = "it is signalled already, or a wait for it is still pending";
            return Err(SyncError::InvalidUse { what, rule: "VUID-vkQueueSubmit-pSignalSemaphores-00067" });
        }
        prune(&mut semaphore.in_flight);
        let signals = [semaphore.raw];
        // SAFETY: the semaphore lives until the submission is done (`drop`).
        let submitted = unsafe { Submission::submit(&self.logical, vk::SubmitInfo::default().signal_semaphores(&signals)) }?;
        semaphore.in_flight.push(submitted);
        if semaphore.held.now().state == State::Unsignalled {
            semaphore.held.now().state = State::Signalled;
        }
        Ok(())
    }

    fn wait(&self, semaphore: &mut VulkanSemaphore, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        if semaphore.waiting.is_none() {
            if semaphore.held.now().state == State::Unsignalled {
                let what = "no signal of it was submitted, so that the wait would never end";
                return Err(SyncError::InvalidUse { what, rule: "VUID-vkQueueSubmit-pWaitSemaphores-03238" });
            }
            let waits = ([semaphore.raw], [vk::PipelineStageFlags::ALL_COMMANDS]);
            let info = vk::SubmitInfo::default().wait_semaphores(&waits.0).wait_dst_stage_mask(&waits.1);
            // SAFETY: the semaphore lives until the submission is done (`drop`).
            semaphore.waiting = Some(unsafe { Submission::submit(&self.logical, info) }?);
            semaphore.take_signal();
        }
        if let Some(waiting) = &mut semaphore.waiting {
            waiting.wait(KIND, deadline, peer)?;
        }
        semaphore.waiting = None;
        Ok(())
    }

    fn export_semaphore(
        &self,
        semaphore: &mut VulkanSemaphore,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_semaphore_with(semaphore, handle_type, Care::Guarded)
    }

    fn import_semaphore(
        &self,
        into: &mut VulkanSemaphore,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.import_semaphore_with(into, descriptor, RawSync::Payload(handle), permanence, Care::Guarded)
    }
}
