//! What a physical device can share, as it says itself. No logical device is created.
#![expect(unsafe_code, reason = "Vulkan calls")]

use ash::vk;
use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::handle::HandleType;
use crate::spec::{Creation, Dimension, TextureSpec, Tiling, Usage};
use crate::vulkan::error::result_name;
use crate::vulkan::image::{vk_creation, vk_dimension, vk_tiling, vk_usage};
use crate::vulkan::instance::PhysicalDevice;

/// What a device is asked about: a kind of texture, and a type of handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TextureQuestion {
    /// Texel format.
    pub format: Format,
    /// In how many directions it extends.
    pub dimension: Dimension,
    /// How texels lie in memory.
    pub tiling: Tiling,
    /// The DRM format modifier, where the tiling is [`Tiling::Modifier`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifier: Option<u64>,
    /// What it is used for, beside being copied.
    pub usage: Usage,
    /// How it may be looked at.
    pub creation: Creation,
    /// The handle type.
    pub handle_type: HandleType,
}

/// The answer of `vkGetPhysicalDeviceImageFormatProperties2` to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextureCapability {
    /// What was asked.
    #[serde(flatten)]
    pub asked: TextureQuestion,
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
    /// `VkImageFormatProperties::maxExtent`: width, height, depth.
    pub max_extent: (u32, u32, u32),
    /// `VkImageFormatProperties::maxMipLevels`.
    pub max_levels: u32,
    /// `VkImageFormatProperties::maxArrayLayers`.
    pub max_layers: u32,
    /// `VkImageFormatProperties::sampleCounts`, added up: 5 for one and four.
    pub samples: u32,
}

impl TextureQuestion {
    /// The question that decides about this texture.
    #[must_use]
    pub const fn about(spec: &TextureSpec, handle_type: HandleType) -> Self {
        let TextureSpec { format, dimension, tiling, modifier, usage, creation, .. } = *spec;
        Self { format, dimension, tiling, modifier, usage, creation, handle_type }
    }
}

impl TextureCapability {
    /// An answer that says that nothing is possible.
    #[must_use]
    pub fn refused(asked: TextureQuestion, result: impl Into<String>) -> Self {
        Self {
            asked,
            result: result.into(),
            exportable: false,
            importable: false,
            dedicated_only: false,
            compatible: Vec::new(),
            export_from_imported: Vec::new(),
            max_extent: (0, 0, 0),
            max_levels: 0,
            max_layers: 0,
            samples: 0,
        }
    }

    /// Whether it would be answered so again: it is about the texture, and not about memory that was lacking just then.
    pub(super) fn is_final(&self) -> bool {
        ["SUCCESS", "ERROR_FORMAT_NOT_SUPPORTED"].contains(&self.result.as_str())
    }

    /// Whether a texture can go from one process to another.
    #[must_use]
    pub const fn shareable(&self) -> bool {
        self.exportable && self.importable
    }

    /// Which limit a texture exceeds, in words; `None` for one within all of them.
    #[must_use]
    pub fn exceeded(&self, spec: &TextureSpec) -> Option<String> {
        let (width, height, depth) = self.max_extent;
        if spec.width > width || spec.height > height || spec.depth > depth {
            let (w, h, d) = (spec.width, spec.height, spec.depth);
            Some(format!("{w}×{h}×{d} texels; at most {width}×{height}×{depth}"))
        } else if spec.mip_levels > self.max_levels {
            Some(format!("{} levels; at most {}", spec.mip_levels, self.max_levels))
        } else if spec.layers > self.max_layers {
            Some(format!("{} layers; at most {}", spec.layers, self.max_layers))
        } else if spec.samples & self.samples == 0 {
            Some(format!("{} samples; the mask of what it can is {:#x}", spec.samples, self.samples))
        } else {
            None
        }
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

/// Ask about one kind of texture and type of handle.
#[must_use]
pub fn texture_capability(device: &PhysicalDevice, asked: &TextureQuestion) -> TextureCapability {
    let mut answer = TextureCapability::refused(*asked, "SUCCESS");
    let Some(bit) = vk_handle_type(asked.handle_type) else { return answer };
    let mut external_info = vk::PhysicalDeviceExternalImageFormatInfo::default().handle_type(bit);
    let mut modifier_info = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default().sharing_mode(vk::SharingMode::EXCLUSIVE);
    let mut info = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(asked.format.vulkan())
        .ty(vk_dimension(asked.dimension))
        .tiling(vk_tiling(asked.tiling))
        .usage(vk_usage(asked.format.class(), asked.usage))
        .flags(vk_creation(asked.creation))
        .push_next(&mut external_info);
    if asked.tiling == Tiling::Modifier {
        // Without its extension, and without a modifier, this is no question (VUID-VkPhysicalDeviceImageFormatInfo2-tiling-02249).
        let Some(modifier) = asked.modifier.filter(|_| device.has_extension(ash::ext::image_drm_format_modifier::NAME)) else {
            return TextureCapability::refused(*asked, "ERROR_FORMAT_NOT_SUPPORTED");
        };
        modifier_info = modifier_info.drm_format_modifier(modifier);
        info = info.push_next(&mut modifier_info);
    }
    let mut external = vk::ExternalImageFormatProperties::default();
    let mut properties = vk::ImageFormatProperties2::default().push_next(&mut external);
    // SAFETY: both chains hold structures of Vulkan 1.1 or of an extension that the device offers, and live through the call.
    let result =
        unsafe { device.instance.raw().get_physical_device_image_format_properties2(device.handle, &info, &mut properties) };
    if let Err(error) = result {
        answer.result = result_name(error);
        return answer;
    }
    let limits = properties.image_format_properties;
    answer.max_extent = (limits.max_extent.width, limits.max_extent.height, limits.max_extent.depth);
    answer.max_levels = limits.max_mip_levels;
    answer.max_layers = limits.max_array_layers;
    answer.samples = limits.sample_counts.as_raw();
    let memory = external.external_memory_properties;
    let features = memory.external_memory_features;
    answer.exportable = features.contains(vk::ExternalMemoryFeatureFlags::EXPORTABLE);
    answer.importable = features.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE);
    answer.dedicated_only = features.contains(vk::ExternalMemoryFeatureFlags::DEDICATED_ONLY);
    answer.compatible = named(memory.compatible_handle_types);
    answer.export_from_imported = named(memory.export_from_imported_handle_types);
    answer
}

/// The DRM format modifiers that a device knows for a format, each with the number of its memory planes
/// (`VkDrmFormatModifierPropertiesListEXT`).
#[must_use]
pub fn modifiers(device: &PhysicalDevice, format: Format) -> Vec<(u64, u32)> {
    if !device.has_extension(ash::ext::image_drm_format_modifier::NAME) {
        return Vec::new();
    }
    let ask = |list: &mut vk::DrmFormatModifierPropertiesListEXT<'_>| {
        let mut properties = vk::FormatProperties2::default().push_next(list);
        // SAFETY: the extension of the structure is offered; both live through the call.
        unsafe {
            device.instance.raw().get_physical_device_format_properties2(device.handle, format.vulkan(), &mut properties);
        }
    };
    let mut count = vk::DrmFormatModifierPropertiesListEXT::default();
    ask(&mut count);
    let mut found = vec![vk::DrmFormatModifierPropertiesEXT::default(); count.drm_format_modifier_count as usize];
    let mut list = vk::DrmFormatModifierPropertiesListEXT::default().drm_format_modifier_properties(&mut found);
    ask(&mut list);
    let written = list.drm_format_modifier_count as usize;
    found.truncate(written);
    found.iter().map(|entry| (entry.drm_format_modifier, entry.drm_format_modifier_plane_count)).collect()
}

fn named(bits: vk::ExternalMemoryHandleTypeFlags) -> Vec<HandleType> {
    let has = |handle_type: &HandleType| vk_handle_type(*handle_type).is_some_and(|bit| bits.contains(bit));
    HandleType::ALL.into_iter().filter(has).collect()
}
