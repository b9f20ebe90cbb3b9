//! Fences of a driver.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::Arc;

use ash::vk;

use crate::deadline::Deadline;
use crate::fence::Fences;
use crate::handle::HandleType;
use crate::sync::{Permanence, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, Transference, check_export_types};
use crate::texture::Device;
use crate::vulkan::device::{Logical, VulkanDevice};
use crate::vulkan::error::vulkan;
use crate::vulkan::held::Held;
use crate::vulkan::payload::{self, Care, Object, RawSync};
use crate::vulkan::submission::{Submission, prune, wait_for_fence};
use crate::vulkan::sync_capability::fence_bit;
use crate::vulkan::valid_usage;
use crate::waiter::Peer;

const KIND: SyncKind = SyncKind::Fence;

/// A fence of a [`VulkanDevice`].
pub struct VulkanFence {
    logical: Arc<Logical>,
    raw: vk::Fence,
    export: Vec<HandleType>,
    /// With the type of handle that a payload came by.
    held: Held<Option<HandleType>>,
    /// Work that signals it. Somebody else may reset the fence, so that it does not tell by itself that the work is done.
    in_flight: Vec<Submission>,
}

impl Drop for VulkanFence {
    fn drop(&mut self) {
        self.in_flight.clear();
        if self.logical.idle() {
            // SAFETY: the work that refers to it is done, or the device would have been given up.
            unsafe { self.logical.raw.destroy_fence(self.raw, None) }
        }
    }
}

impl VulkanFence {
    fn is_pending(&mut self) -> bool {
        prune(&mut self.in_flight);
        !self.in_flight.is_empty()
    }

    fn is_signalled(&self) -> Result<bool, SyncError> {
        // SAFETY: the fence is of this device.
        Ok(unsafe { self.logical.raw.get_fence_status(self.raw) }.map_err(vulkan("vkGetFenceStatus"))?)
    }
}

impl VulkanDevice {
    /// Export like [`Fences::export_fence`], and leave the handle as the driver made it. For conformance tests.
    ///
    /// # Errors
    /// As [`Fences::export_fence`].
    pub fn export_fence_unguarded(
        &self,
        fence: &mut VulkanFence,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_fence_with(fence, handle_type, Care::Unguarded)
    }

    /// Import like [`Fences::import_fence`], but leave it to the driver to notice that the handle is none of its own. For
    /// conformance tests: a driver must refuse with `VK_ERROR_INVALID_EXTERNAL_HANDLE`.
    ///
    /// # Errors
    /// [`SyncRefused`], with the handle if there was one.
    ///
    /// # Safety
    /// On success the driver owns whatever file descriptor has [`RawSync::Number`].
    pub unsafe fn import_fence_unguarded(
        &self,
        into: &mut VulkanFence,
        descriptor: &SyncDescriptor,
        source: RawSync,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.import_fence_with(into, descriptor, source, permanence, Care::Unguarded)
    }

    fn export_fence_with(
        &self,
        fence: &mut VulkanFence,
        handle_type: HandleType,
        care: Care,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.logical.usable()?;
        if !fence.export.contains(&handle_type) {
            let rule = valid_usage::about(KIND, handle_type).undeclared;
            return Err(SyncError::NotExportable { kind: KIND, handle_type, rule });
        }
        let imported = *fence.held.now();
        self.check_export_again(KIND, imported, handle_type)?;
        let copy = Transference::of(handle_type) == Transference::Copy;
        if copy && imported.is_none() && !fence.is_pending() && !fence.is_signalled()? {
            let what = "it is not signalled and no work that signals it was submitted, so that there is nothing to copy";
            return Err(SyncError::InvalidUse { what, rule: "VUID-VkFenceGetFdInfoKHR-handleType-01454" });
        }
        let descriptor = SyncDescriptor::of(self.identity(), KIND, handle_type)?;
        let (object, functions) = (Object::Fence(fence.raw), &self.logical.extensions);
        let handle = payload::export(functions, object, handle_type, care, fence.held.exported())?;
        if copy {
            fence.held.restore();
        }
        Ok((descriptor, handle))
    }

    fn import_fence_with(
        &self,
        into: &mut VulkanFence,
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
                Err(SyncError::InvalidUse { what, rule: "VUID-VkImportFenceFdInfoKHR-handleType-07306" })
            }
            () if into.is_pending() => {
                let what = "work that signals it is not done";
                Err(SyncError::InvalidUse { what, rule: valid_usage::about(KIND, handle_type).import_in_use })
            }
            () => Ok(handle_type),
        });
        let handle_type = match checked {
            Ok(handle_type) => handle_type,
            Err(error) => return Err(source.refuse(error)),
        };
        // SAFETY: whoever passes a number has promised what `import` asks for (`import_fence_unguarded`).
        unsafe {
            payload::import(&self.logical.extensions, Object::Fence(into.raw), handle_type, source, temporary, care)?;
        }
        into.held.import(Some(handle_type), temporary);
        Ok(())
    }
}

impl Fences for VulkanDevice {
    type Fence = VulkanFence;

    fn create_fence(&self, signalled: bool, export: &[HandleType]) -> Result<VulkanFence, SyncError> {
        self.logical.usable()?;
        check_export_types(self, KIND, export)?;
        let bits = export.iter().filter_map(|handle_type| fence_bit(*handle_type));
        let mut exported = vk::ExportFenceCreateInfo::default().handle_types(bits.fold(Default::default(), |a, b| a | b));
        let flags = if signalled { vk::FenceCreateFlags::SIGNALED } else { vk::FenceCreateFlags::empty() };
        let mut info = vk::FenceCreateInfo::default().flags(flags);
        if !export.is_empty() {
            info = info.push_next(&mut exported);
        }
        // SAFETY: the device exports these types, and they go together; the infos live through the call.
        let raw = unsafe { self.logical.raw.create_fence(&info, None) }.map_err(vulkan("vkCreateFence"))?;
        let (logical, export) = (Arc::clone(&self.logical), export.to_vec());
        Ok(VulkanFence { logical, raw, export, held: Held::created(None), in_flight: Vec::new() })
    }

    fn submit_fence(&self, fence: &mut VulkanFence) -> Result<(), SyncError> {
        self.logical.usable()?;
        if fence.is_pending() || fence.is_signalled()? {
            let what = "it is signalled already, or work that signals it is not done";
            return Err(SyncError::InvalidUse { what, rule: "VUID-vkQueueSubmit-fence-00063" });
        }
        // SAFETY: the fence is unsignalled, no work of this process refers to it, and it lives until the work is done (`drop`).
        unsafe { self.logical.queue_submit(&[], fence.raw) }.map_err(vulkan("vkQueueSubmit"))?;
        // What is submitted later is done later.
        // SAFETY: it refers to nothing.
        fence.in_flight.push(unsafe { Submission::submit(&self.logical, vk::SubmitInfo::default()) }?);
        Ok(())
    }

    fn wait_fence(&self, fence: &mut VulkanFence, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        self.logical.usable()?;
        wait_for_fence(&self.logical, fence.raw, KIND, deadline, peer)
    }

    fn fence_is_signalled(&self, fence: &mut VulkanFence) -> Result<bool, SyncError> {
        self.logical.usable()?;
        fence.is_signalled()
    }

    fn reset_fence(&self, fence: &mut VulkanFence) -> Result<(), SyncError> {
        self.logical.usable()?;
        // The work may be done a moment after the fence says so.
        if fence.is_pending() && !(fence.is_signalled()? && self.settle(fence)) {
            return Err(SyncError::InvalidUse { what: "its signal is pending", rule: "VUID-vkResetFences-pFences-01123" });
        }
        // SAFETY: the fence is of this device, and no work of this process refers to it.
        unsafe { self.logical.raw.reset_fences(&[fence.raw]) }.map_err(vulkan("vkResetFences"))?;
        fence.held.restore();
        Ok(())
    }

    fn export_fence(
        &self,
        fence: &mut VulkanFence,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_fence_with(fence, handle_type, Care::Guarded)
    }

    fn import_fence(
        &self,
        into: &mut VulkanFence,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        self.import_fence_with(into, descriptor, RawSync::Payload(handle), permanence, Care::Guarded)
    }
}

impl VulkanDevice {
    /// Wait for work whose fence is signalled; whether it is done now.
    fn settle(&self, fence: &mut VulkanFence) -> bool {
        let deadline = Deadline::after(std::time::Duration::from_secs(1));
        let done = |submission: &mut Submission| submission.wait(KIND, deadline, &Peer::UNWATCHED).is_ok();
        let all = fence.in_flight.iter_mut().all(done);
        if all {
            fence.in_flight.clear();
        }
        all
    }
}
