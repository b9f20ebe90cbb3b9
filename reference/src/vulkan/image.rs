//! Images: creation, requirements, layout.
#![expect(unsafe_code, reason = "Vulkan calls")]

use ash::vk;
use ash::vk::ImageUsageFlags as Usage;

use crate::descriptor::PlaneLayout;
use crate::format::Format;
use crate::texture::{TextureError, TextureSpec, Tiling};
use crate::vulkan::error::vulkan;

/// What every texture here can be used for.
pub(crate) const USAGE: Usage =
    Usage::from_raw(Usage::TRANSFER_SRC.as_raw() | Usage::TRANSFER_DST.as_raw() | Usage::SAMPLED.as_raw());

pub(crate) const fn vk_format(format: Format) -> vk::Format {
    match format {
        Format::R8Unorm => vk::Format::R8_UNORM,
        Format::R8G8Unorm => vk::Format::R8G8_UNORM,
        Format::R8G8B8A8Unorm => vk::Format::R8G8B8A8_UNORM,
        Format::R8G8B8A8Srgb => vk::Format::R8G8B8A8_SRGB,
        Format::B8G8R8A8Unorm => vk::Format::B8G8R8A8_UNORM,
        Format::A2B10G10R10Unorm => vk::Format::A2B10G10R10_UNORM_PACK32,
        Format::R16G16B16A16Sfloat => vk::Format::R16G16B16A16_SFLOAT,
        Format::R32Sfloat => vk::Format::R32_SFLOAT,
        Format::R32G32B32A32Sfloat => vk::Format::R32G32B32A32_SFLOAT,
    }
}

pub(crate) const fn vk_tiling(tiling: Tiling) -> vk::ImageTiling {
    match tiling {
        Tiling::Optimal => vk::ImageTiling::OPTIMAL,
        Tiling::Linear => vk::ImageTiling::LINEAR,
    }
}

/// All of a texture: one mip level, every layer.
pub(crate) const fn whole(spec: &TextureSpec) -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange {
        aspect_mask: vk::ImageAspectFlags::COLOR,
        base_mip_level: 0,
        level_count: 1,
        base_array_layer: 0,
        layer_count: spec.layers,
    }
}

/// An image without memory; the caller destroys it. Exporter and importer create it with the same parameters
/// (VUID-VkMemoryDedicatedAllocateInfo-image-01878).
pub(crate) fn create(device: &ash::Device, spec: &TextureSpec) -> Result<vk::Image, TextureError> {
    let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
    let info = vk::ImageCreateInfo::default()
        .image_type(vk::ImageType::TYPE_2D)
        .format(vk_format(spec.format))
        .extent(vk::Extent3D { width: spec.width, height: spec.height, depth: 1 })
        .mip_levels(1)
        .array_layers(spec.layers)
        .samples(vk::SampleCountFlags::TYPE_1)
        .tiling(vk_tiling(spec.tiling))
        .usage(USAGE)
        .sharing_mode(vk::SharingMode::EXCLUSIVE)
        // The only layout allowed with external memory (VUID-VkImageCreateInfo-pNext-01443).
        .initial_layout(vk::ImageLayout::UNDEFINED);
    let info = if spec.exportable { info.push_next(&mut external) } else { info };
    // SAFETY: the device has checked format, tiling, extent and layers against its capabilities; `info` lives through the call.
    unsafe { device.create_image(&info, None) }.map_err(vulkan("vkCreateImage"))
}

/// What an image needs of its memory.
pub(crate) struct Requirements {
    pub(crate) memory: vk::MemoryRequirements,
    /// Whether the driver insists on a dedicated allocation.
    pub(crate) dedicated: bool,
}

pub(crate) fn requirements(device: &ash::Device, image: vk::Image) -> Requirements {
    let info = vk::ImageMemoryRequirementsInfo2::default().image(image);
    let mut dedicated = vk::MemoryDedicatedRequirements::default();
    let mut answer = vk::MemoryRequirements2::default().push_next(&mut dedicated);
    // SAFETY: the image belongs to this device; both structures are of Vulkan 1.1.
    unsafe { device.get_image_memory_requirements2(&info, &mut answer) };
    Requirements { memory: answer.memory_requirements, dedicated: dedicated.requires_dedicated_allocation == vk::TRUE }
}

/// Where the texels of a linear image lie; nothing for an optimal one.
pub(crate) fn planes(device: &ash::Device, image: vk::Image, spec: &TextureSpec) -> Vec<PlaneLayout> {
    if spec.tiling == Tiling::Optimal {
        return Vec::new();
    }
    let part = vk::ImageSubresource { aspect_mask: vk::ImageAspectFlags::COLOR, mip_level: 0, array_layer: 0 };
    // SAFETY: the image is linear, colour, and has this level and layer.
    let layout = unsafe { device.get_image_subresource_layout(image, part) };
    // The array pitch of an image with one layer is undefined (VkSubresourceLayout).
    let array_pitch = if spec.layers > 1 { layout.array_pitch } else { 0 };
    vec![PlaneLayout { offset: layout.offset, row_pitch: layout.row_pitch, array_pitch }]
}
