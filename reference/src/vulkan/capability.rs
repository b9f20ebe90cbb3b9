//! What a physical device can share, as it says itself. No logical device is created.
#![expect(unsafe_code, reason = "Vulkan calls")]

use ash::vk;
use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::handle::HandleType;
use crate::texture::Tiling;
use crate::vulkan::error::result_name;
use crate::vulkan::image::{USAGE, vk_format, vk_tiling};
use crate::vulkan::instance::PhysicalDevice;

/// The answer of `vkGetPhysicalDeviceImageFormatProperties2` for one format, tiling and handle type, with the usage that every
/// texture here has (copied to, copied from, sampled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextureCapability {
    /// Texel format.
    pub format: Format,
    /// How texels lie in memory.
    pub tiling: Tiling,
    /// The handle type asked about.
    pub handle_type: HandleType,
    /// `SUCCESS`, or the error.
    pub result: String,
    /// `VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT`.
    pub exportable: bool,
    /// `VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT`.
    pub importable: bool,
    /// `VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT`.
    pub dedicated_only: bool,
    /// `VkExternalMemoryProperties::compatibleHandleTypes`, as far as [`HandleType`] names them.
    pub compatible: Vec<HandleType>,
    /// `VkExternalMemoryProperties::exportFromImportedHandleTypes`, likewise.
    pub export_from_imported: Vec<HandleType>,
    /// `VkImageFormatProperties::maxExtent`, width and height.
    pub max_extent: (u32, u32),
    /// `VkImageFormatProperties::maxArrayLayers`.
    pub max_layers: u32,
}

impl TextureCapability {
    /// Whether a texture can go from one process to another.
    #[must_use]
    pub const fn shareable(&self) -> bool {
        self.exportable && self.importable
    }
}

/// The Vulkan bit of a handle type; `None` for one that carries no memory of Vulkan.
pub(crate) const fn vk_handle_type(handle_type: HandleType) -> Option<vk::ExternalMemoryHandleTypeFlags> {
    use vk::ExternalMemoryHandleTypeFlags as Bits;
    match handle_type {
        HandleType::SharedMemory | HandleType::SyncFd | HandleType::D3d12Fence | HandleType::SharedSignal => None,
        HandleType::OpaqueFd => Some(Bits::OPAQUE_FD),
        HandleType::OpaqueWin32 => Some(Bits::OPAQUE_WIN32),
        HandleType::OpaqueWin32Kmt => Some(Bits::OPAQUE_WIN32_KMT),
        HandleType::D3d11Texture => Some(Bits::D3D11_TEXTURE),
        HandleType::D3d11TextureKmt => Some(Bits::D3D11_TEXTURE_KMT),
        HandleType::D3d12Heap => Some(Bits::D3D12_HEAP),
        HandleType::D3d12Resource => Some(Bits::D3D12_RESOURCE),
        HandleType::DmaBuf => Some(Bits::DMA_BUF_EXT),
        HandleType::HostAllocation => Some(Bits::HOST_ALLOCATION_EXT),
    }
}

/// The handle types that a query may name: those of Vulkan 1.1 always, the others where the device offers their extension
/// (otherwise the enumerant is not valid usage, and the answer says nothing about the driver).
#[must_use]
pub fn queryable_types(device: &PhysicalDevice) -> Vec<HandleType> {
    let offered = |handle_type: &HandleType| match handle_type {
        HandleType::DmaBuf => device.has_extension(ash::ext::external_memory_dma_buf::NAME),
        HandleType::HostAllocation => device.has_extension(ash::ext::external_memory_host::NAME),
        other => vk_handle_type(*other).is_some(),
    };
    HandleType::ALL.into_iter().filter(offered).collect()
}

/// Ask about one combination.
#[must_use]
pub fn texture_capability(
    device: &PhysicalDevice,
    format: Format,
    tiling: Tiling,
    handle_type: HandleType,
) -> TextureCapability {
    let mut answer = TextureCapability {
        format,
        tiling,
        handle_type,
        result: "SUCCESS".into(),
        exportable: false,
        importable: false,
        dedicated_only: false,
        compatible: Vec::new(),
        export_from_imported: Vec::new(),
        max_extent: (0, 0),
        max_layers: 0,
    };
    let Some(bit) = vk_handle_type(handle_type) else { return answer };
    let mut external_info = vk::PhysicalDeviceExternalImageFormatInfo::default().handle_type(bit);
    let info = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(vk_format(format))
        .ty(vk::ImageType::TYPE_2D)
        .tiling(vk_tiling(tiling))
        .usage(USAGE)
        .push_next(&mut external_info);
    let mut external = vk::ExternalImageFormatProperties::default();
    let mut properties = vk::ImageFormatProperties2::default().push_next(&mut external);
    // SAFETY: both chains hold structures of Vulkan 1.1, which the device supports, and live through the call.
    let asked =
        unsafe { device.instance.raw().get_physical_device_image_format_properties2(device.handle, &info, &mut properties) };
    if let Err(error) = asked {
        answer.result = result_name(error);
        return answer;
    }
    let limits = properties.image_format_properties;
    answer.max_extent = (limits.max_extent.width, limits.max_extent.height);
    answer.max_layers = limits.max_array_layers;
    let memory = external.external_memory_properties;
    let features = memory.external_memory_features;
    answer.exportable = features.contains(vk::ExternalMemoryFeatureFlags::EXPORTABLE);
    answer.importable = features.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE);
    answer.dedicated_only = features.contains(vk::ExternalMemoryFeatureFlags::DEDICATED_ONLY);
    answer.compatible = named(memory.compatible_handle_types);
    answer.export_from_imported = named(memory.export_from_imported_handle_types);
    answer
}

fn named(bits: vk::ExternalMemoryHandleTypeFlags) -> Vec<HandleType> {
    let has = |handle_type: &HandleType| vk_handle_type(*handle_type).is_some_and(|bit| bits.contains(bit));
    HandleType::ALL.into_iter().filter(has).collect()
}
