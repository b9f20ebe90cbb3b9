//! The Vulkan backend under test.
#![expect(unsafe_code, reason = "imports that leave the noticing to the driver")]

use gpushare::vulkan::capability::{TextureCapability, TextureQuestion, modifiers, queryable_types, texture_capability};
use gpushare::vulkan::sync_capability::sync_capabilities;
use gpushare::vulkan::{
    PhysicalDevice, RawImport, RawSync, VulkanDevice, VulkanFence, VulkanInstance, VulkanSemaphore, VulkanTexture,
    VulkanTimeline,
};
use gpushare::{
    Format, HandleType, OwnedHandle, Permanence, Refused, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused,
    TextureDescriptor, TextureError, TextureSpec, Tiling,
};

use crate::backend::questions::{REPRESENTATIVE, questions};
use crate::backend::sync::SyncDevice;
use crate::backend::{ImportHandle, SharingDevice};
use crate::protocol::DeviceReport;

impl SharingDevice for VulkanDevice {
    const NAME: &'static str = "vulkan";

    fn reports() -> Result<Vec<DeviceReport>, TextureError> {
        Ok(VulkanInstance::new()?.physical_devices()?.iter().map(report).collect())
    }

    fn open(place: u32) -> Result<Self, TextureError> {
        Self::open(place as usize)
    }

    fn export_unguarded(&self, texture: &mut VulkanTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        Self::export_unguarded(self, texture)
    }

    fn import_unguarded(&self, descriptor: &TextureDescriptor, handle: ImportHandle) -> Result<VulkanTexture, Refused> {
        let source = match handle {
            ImportHandle::Owned(handle) => RawImport::Handle(handle),
            ImportHandle::Number(number) => RawImport::Number(number),
        };
        // SAFETY: a number is one that nobody has open, and texels behind a handle that the driver should have refused are looked
        // at only by a peer, whose death is a verdict.
        unsafe { Self::import_unguarded(self, descriptor, source) }
    }

    fn import_exportable(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<VulkanTexture, Refused> {
        Self::import_exportable(self, descriptor, handle)
    }

    fn heap_usage(&self) -> Option<u64> {
        self.physical().heap_usage()
    }
}

type Exported = Result<(SyncDescriptor, SyncHandle), SyncError>;

// A number is one that nobody has open, as with textures.
impl SyncDevice for VulkanDevice {
    fn export_semaphore_unguarded(&self, semaphore: &mut VulkanSemaphore, handle_type: HandleType) -> Exported {
        Self::export_semaphore_unguarded(self, semaphore, handle_type)
    }

    fn import_semaphore_unguarded(
        &self,
        into: &mut VulkanSemaphore,
        descriptor: &SyncDescriptor,
        source: RawSync,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        // SAFETY: as said above.
        unsafe { Self::import_semaphore_unguarded(self, into, descriptor, source, permanence) }
    }

    fn export_timeline_unguarded(&self, timeline: &mut VulkanTimeline, handle_type: HandleType) -> Exported {
        Self::export_timeline_unguarded(self, timeline, handle_type)
    }

    fn import_timeline_unguarded(&self, descriptor: &SyncDescriptor, source: RawSync) -> Result<VulkanTimeline, SyncRefused> {
        // SAFETY: as said above.
        unsafe { Self::import_timeline_unguarded(self, descriptor, source) }
    }

    fn export_fence_unguarded(&self, fence: &mut VulkanFence, handle_type: HandleType) -> Exported {
        Self::export_fence_unguarded(self, fence, handle_type)
    }

    fn import_fence_unguarded(
        &self,
        into: &mut VulkanFence,
        descriptor: &SyncDescriptor,
        source: RawSync,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        // SAFETY: as said above.
        unsafe { Self::import_fence_unguarded(self, into, descriptor, source, permanence) }
    }
}

fn report(device: &PhysicalDevice) -> DeviceReport {
    let needed = VulkanDevice::MEMORY_EXTENSION.to_string_lossy();
    let sharing = device.extensions().iter().any(|name| *name == needed);
    DeviceReport {
        identity: device.identity().clone(),
        cpu: device.is_cpu(),
        handle_type: VulkanDevice::HANDLE_TYPE,
        unusable: (!sharing).then(|| format!("the driver offers no {needed}")),
        // A software driver's heap is the machine's memory, in which everybody takes part.
        memory_budget: !device.is_cpu() && device.heap_usage().is_some(),
        textures: capabilities(device),
        semaphores: sync_capabilities(device, SyncKind::Semaphore),
        timelines: sync_capabilities(device, SyncKind::Timeline),
        fences: sync_capabilities(device, SyncKind::Fence),
        max_timeline_difference: device.timelines(),
        frames: true,
    }
}

fn capabilities(device: &PhysicalDevice) -> Vec<TextureCapability> {
    let own = |handle_type| handle_type == VulkanDevice::HANDLE_TYPE || handle_type == HandleType::DmaBuf;
    let types = queryable_types(device).into_iter();
    let mut asked: Vec<_> = types.flat_map(|handle_type| questions(handle_type, own(handle_type))).collect();
    asked.extend(REPRESENTATIVE.into_iter().flat_map(|format| about_modifiers(device, format)));
    asked.iter().map(|question| texture_capability(device, question)).collect()
}

fn about_modifiers(device: &PhysicalDevice, format: Format) -> Vec<TextureQuestion> {
    let question = |(modifier, _)| {
        let spec = TextureSpec::new(format, 1, 1).with_tiling(Tiling::Modifier);
        TextureQuestion { modifier: Some(modifier), ..TextureQuestion::about(&spec, HandleType::DmaBuf) }
    };
    modifiers(device, format).into_iter().map(question).collect()
}
