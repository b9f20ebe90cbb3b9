//! Images: creation, requirements, layout.
#![expect(unsafe_code, reason = "Vulkan calls")]

use ash::vk;

use crate::descriptor::PlaneLayout;
use crate::format::{Aspect, Class};
use crate::handle::HandleType;
use crate::spec::{Creation, Dimension, TextureSpec, Tiling, Usage};
use crate::texture::TextureError;
use crate::vulkan::capability::vk_handle_type;
use crate::vulkan::error::vulkan;

/// What to create an image as, where it has a DRM format modifier.
pub(crate) enum Modifier<'layout> {
    /// It has none.
    None,
    /// The driver chooses one of these.
    OneOf(&'layout [u64]),
    /// The exporter's, with where its memory planes lie.
    Exactly(u64, &'layout [PlaneLayout]),
}

pub(crate) const fn vk_tiling(tiling: Tiling) -> vk::ImageTiling {
    match tiling {
        Tiling::Optimal => vk::ImageTiling::OPTIMAL,
        Tiling::Linear => vk::ImageTiling::LINEAR,
        Tiling::Modifier => vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT,
    }
}

pub(crate) const fn vk_dimension(dimension: Dimension) -> vk::ImageType {
    match dimension {
        Dimension::D1 => vk::ImageType::TYPE_1D,
        Dimension::D2 => vk::ImageType::TYPE_2D,
        Dimension::D3 => vk::ImageType::TYPE_3D,
    }
}

/// Every texture can be copied to and from, beside its own usage.
pub(crate) fn vk_usage(class: Class, usage: Usage) -> vk::ImageUsageFlags {
    use vk::ImageUsageFlags as Bits;
    let attachment = if class == Class::DepthStencil { Bits::DEPTH_STENCIL_ATTACHMENT } else { Bits::COLOR_ATTACHMENT };
    let table = [
        (Usage::SAMPLED, Bits::SAMPLED),
        (Usage::STORAGE, Bits::STORAGE),
        (Usage::ATTACHMENT, attachment),
        (Usage::INPUT_ATTACHMENT, Bits::INPUT_ATTACHMENT),
    ];
    let wanted = table.into_iter().filter(|(own, _)| usage.contains(*own));
    wanted.fold(Bits::TRANSFER_SRC | Bits::TRANSFER_DST, |all, (_, bit)| all | bit)
}

pub(crate) fn vk_creation(creation: Creation) -> vk::ImageCreateFlags {
    let table = [
        (Creation::MUTABLE_FORMAT, vk::ImageCreateFlags::MUTABLE_FORMAT),
        (Creation::CUBE_COMPATIBLE, vk::ImageCreateFlags::CUBE_COMPATIBLE),
        (Creation::SLICES_AS_LAYERS, vk::ImageCreateFlags::TYPE_2D_ARRAY_COMPATIBLE),
    ];
    let wanted = table.into_iter().filter(|(own, _)| creation.contains(*own));
    wanted.fold(vk::ImageCreateFlags::empty(), |all, (_, bit)| all | bit)
}

pub(crate) const fn vk_aspect(aspect: Aspect) -> vk::ImageAspectFlags {
    match aspect {
        Aspect::Color => vk::ImageAspectFlags::COLOR,
        Aspect::Depth => vk::ImageAspectFlags::DEPTH,
        Aspect::Stencil => vk::ImageAspectFlags::STENCIL,
        Aspect::Plane0 => vk::ImageAspectFlags::PLANE_0,
        Aspect::Plane1 => vk::ImageAspectFlags::PLANE_1,
        Aspect::Plane2 => vk::ImageAspectFlags::PLANE_2,
    }
}

/// All of a texture: every aspect, every level, every layer. The planes of an image whose memory is in one piece are its colour
/// aspect (VUID-VkImageMemoryBarrier-image-01671); depth and stencil go together (VUID-VkImageMemoryBarrier-image-03320).
pub(crate) fn whole(spec: &TextureSpec) -> vk::ImageSubresourceRange {
    let aspect_mask = match spec.format.class() {
        Class::DepthStencil => {
            spec.format.planes().iter().fold(vk::ImageAspectFlags::empty(), |all, plane| all | vk_aspect(plane.aspect))
        }
        _ => vk::ImageAspectFlags::COLOR,
    };
    vk::ImageSubresourceRange {
        aspect_mask,
        base_mip_level: 0,
        level_count: spec.mip_levels,
        base_array_layer: 0,
        layer_count: spec.layers,
    }
}

/// An image without memory; the caller destroys it. Exporter and importer create it with the same parameters
/// (VUID-VkMemoryDedicatedAllocateInfo-image-01878).
pub(crate) fn create(
    device: &ash::Device,
    spec: &TextureSpec,
    handle_type: HandleType,
    modifier: &Modifier<'_>,
) -> Result<vk::Image, TextureError> {
    let bits = vk_handle_type(handle_type).unwrap_or_default();
    let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(bits);
    let mut info = vk::ImageCreateInfo::default()
        .image_type(vk_dimension(spec.dimension))
        .format(spec.format.vulkan())
        .extent(vk::Extent3D { width: spec.width, height: spec.height, depth: spec.depth })
        .mip_levels(spec.mip_levels)
        .array_layers(spec.layers)
        .samples(vk::SampleCountFlags::from_raw(spec.samples))
        .tiling(vk_tiling(spec.tiling))
        .usage(vk_usage(spec.format.class(), spec.usage))
        .flags(vk_creation(spec.creation))
        .sharing_mode(vk::SharingMode::EXCLUSIVE)
        // The only layout allowed with external memory (VUID-VkImageCreateInfo-pNext-01443).
        .initial_layout(vk::ImageLayout::UNDEFINED);
    if spec.exportable {
        info = info.push_next(&mut external);
    }
    let (mut list, mut explicit, layouts);
    match *modifier {
        Modifier::None => {}
        Modifier::OneOf(modifiers) => {
            list = vk::ImageDrmFormatModifierListCreateInfoEXT::default().drm_format_modifiers(modifiers);
            info = info.push_next(&mut list);
        }
        Modifier::Exactly(modifier, planes) => {
            layouts = planes.iter().map(subresource_layout).collect::<Vec<_>>();
            explicit = vk::ImageDrmFormatModifierExplicitCreateInfoEXT::default()
                .drm_format_modifier(modifier)
                .plane_layouts(&layouts);
            info = info.push_next(&mut explicit);
        }
    }
    // SAFETY: the device has checked the spec against its capabilities; `info` and what it points to live through the call.
    unsafe { device.create_image(&info, None) }.map_err(vulkan("vkCreateImage"))
}

/// With the size that it must have here (VUID-VkImageDrmFormatModifierExplicitCreateInfoEXT-size-02267).
fn subresource_layout(plane: &PlaneLayout) -> vk::SubresourceLayout {
    let PlaneLayout { offset, row_pitch, array_pitch, depth_pitch } = *plane;
    vk::SubresourceLayout { offset, size: 0, row_pitch, array_pitch, depth_pitch }
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

/// Where the texels of an image lie: of a linear one each part's, of one with a modifier each memory plane's, of an optimal one
/// nothing.
pub(crate) fn planes(device: &ash::Device, image: vk::Image, spec: &TextureSpec, memory_planes: u32) -> Vec<PlaneLayout> {
    const MEMORY_PLANES: [vk::ImageAspectFlags; 4] = [
        vk::ImageAspectFlags::MEMORY_PLANE_0_EXT,
        vk::ImageAspectFlags::MEMORY_PLANE_1_EXT,
        vk::ImageAspectFlags::MEMORY_PLANE_2_EXT,
        vk::ImageAspectFlags::MEMORY_PLANE_3_EXT,
    ];
    let formats = spec.format.planes();
    let asked: Vec<_> = match spec.tiling {
        Tiling::Optimal => Vec::new(),
        Tiling::Linear => spec.parts().map(|part| (vk_aspect(formats[part.plane as usize].aspect), part.level)).collect(),
        Tiling::Modifier => MEMORY_PLANES.into_iter().take(memory_planes as usize).map(|aspect| (aspect, 0)).collect(),
    };
    let layout = |(aspect_mask, mip_level)| {
        let part = vk::ImageSubresource { aspect_mask, mip_level, array_layer: 0 };
        // SAFETY: the image is not optimal, and has this aspect, level and layer.
        let layout = unsafe { device.get_image_subresource_layout(image, part) };
        // The array pitch of an image with one layer, and the depth pitch of one that is not 3D, are undefined (VkSubresourceLayout).
        let array_pitch = if spec.layers > 1 { layout.array_pitch } else { 0 };
        let depth_pitch = if spec.depth > 1 { layout.depth_pitch } else { 0 };
        PlaneLayout { offset: layout.offset, row_pitch: layout.row_pitch, array_pitch, depth_pitch }
    };
    asked.into_iter().map(layout).collect()
}
