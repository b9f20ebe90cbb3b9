//! The Vulkan backend under test.
#![expect(unsafe_code, reason = "imports that leave the noticing to the driver")]

use gpushare::vulkan::capability::{TextureCapability, queryable_types, texture_capability};
use gpushare::vulkan::{PhysicalDevice, RawImport, VulkanDevice, VulkanInstance, VulkanTexture};
use gpushare::{Format, HandleType, OwnedHandle, Refused, TextureDescriptor, TextureError, Tiling};

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

fn report(device: &PhysicalDevice) -> DeviceReport {
    let sharing = device.extensions().iter().any(|name| name == "VK_KHR_external_memory_fd");
    DeviceReport {
        identity: device.identity().clone(),
        cpu: device.is_cpu(),
        handle_type: HandleType::OpaqueFd,
        unusable: (!sharing).then(|| "the driver offers no VK_KHR_external_memory_fd".into()),
        // A software driver's heap is the machine's memory, in which everybody takes part.
        memory_budget: !device.is_cpu() && device.heap_usage().is_some(),
        textures: capabilities(device),
    }
}

fn capabilities(device: &PhysicalDevice) -> Vec<TextureCapability> {
    let mut answers = Vec::new();
    for handle_type in queryable_types(device) {
        for format in Format::ALL {
            answers.extend(
                [Tiling::Optimal, Tiling::Linear].map(|tiling| texture_capability(device, format, tiling, handle_type)),
            );
        }
    }
    answers
}
