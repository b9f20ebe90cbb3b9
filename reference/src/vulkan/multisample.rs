//! Contents of multisampled textures, which no copy reaches: written by clearing, read by resolving.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::Arc;

use ash::vk;

use crate::format::Format;
use crate::handle::HandleType;
use crate::spec::{Part, TextureSpec};
use crate::texture::TextureError;
use crate::vulkan::device::Logical;
use crate::vulkan::error::vulkan;
use crate::vulkan::image::{self, Modifier, whole};
use crate::vulkan::memory::{Block, Wanted, choose_type};
use crate::vulkan::transfer::{Target, pipeline_barrier};

/// One layer, and what all its samples become.
pub(crate) struct Clear {
    range: vk::ImageSubresourceRange,
    color: vk::ClearColorValue,
}

/// Formats whose texels are what a clear of the same value makes, bit by bit: sRGB would be converted, and -128 of a signed
/// normalised byte has two names.
pub(crate) const fn can_be_cleared(format: Format) -> bool {
    matches!(
        format,
        Format::R8Unorm
            | Format::R8G8Unorm
            | Format::R8G8B8A8Unorm
            | Format::B8G8R8A8Unorm
            | Format::R8Uint
            | Format::R8G8Uint
            | Format::R8G8B8A8Uint
            | Format::R32Uint
            | Format::R32Sfloat
            | Format::R32G32Uint
            | Format::R32G32Sfloat
            | Format::R32G32B32A32Uint
            | Format::R32G32B32A32Sfloat
    )
}

/// The clear of some layers to the first texel of each in the packed form.
pub(crate) fn clears(spec: &TextureSpec, part: &Part, layers: std::ops::Range<u32>, texels: &[u8]) -> Vec<Clear> {
    let slice = usize::try_from(part.slice_bytes()).unwrap_or(usize::MAX).max(1);
    let texel = part.block_bytes as usize;
    let one = |(layer, texels): (u32, &[u8])| Clear {
        range: vk::ImageSubresourceRange { base_array_layer: layer, layer_count: 1, ..whole(spec) },
        color: color(spec.format, texels.get(..texel).unwrap_or(&[])),
    };
    layers.zip(texels.chunks(slice)).map(one).collect()
}

fn color(format: Format, texel: &[u8]) -> vk::ClearColorValue {
    let bytes = |index: usize| texel.get(index).copied().unwrap_or(0);
    let words = std::array::from_fn(|index| u32::from_le_bytes(std::array::from_fn(|byte| bytes(4 * index + byte))));
    let fractions: [f32; 4] = std::array::from_fn(|index| f32::from(bytes(index)) / 255.0);
    match format {
        Format::R8Unorm | Format::R8G8Unorm | Format::R8G8B8A8Unorm => vk::ClearColorValue { float32: fractions },
        Format::B8G8R8A8Unorm => {
            let [blue, green, red, alpha] = fractions;
            vk::ClearColorValue { float32: [red, green, blue, alpha] }
        }
        Format::R8Uint | Format::R8G8Uint | Format::R8G8B8A8Uint => {
            vk::ClearColorValue { uint32: std::array::from_fn(|index| u32::from(bytes(index))) }
        }
        // Words of 32 bits are the same words as integers and as floating-point numbers.
        _ => vk::ClearColorValue { uint32: words },
    }
}

/// Record the clears of an image in `GENERAL`.
///
/// # Safety
/// The device's command buffer is recording, and the image is of this device.
pub(super) unsafe fn clear(device: &Logical, image: vk::Image, clears: &[Clear]) {
    for Clear { range, color } in clears {
        // SAFETY: the caller's promise; the format is one of uncompressed colour, and the image has the layer.
        unsafe {
            device.raw.cmd_clear_color_image(device.commands, image, vk::ImageLayout::GENERAL, color, &[*range]);
        }
    }
}

/// An image of one sample that a multisampled one is resolved into.
pub(crate) struct Resolved {
    device: Arc<Logical>,
    image: vk::Image,
    spec: TextureSpec,
    _block: Block,
}

impl Drop for Resolved {
    fn drop(&mut self) {
        if self.device.idle() {
            // SAFETY: the image was made by this device, and every copy was waited for. Its memory is freed afterwards.
            unsafe { self.device.raw.destroy_image(self.image, None) }
        }
    }
}

impl Resolved {
    pub(crate) fn new(device: &Arc<Logical>, multisampled: &TextureSpec) -> Result<Self, TextureError> {
        let spec = TextureSpec { samples: 1, exportable: false, ..*multisampled };
        let image = image::create(&device.raw, &spec, HandleType::SharedMemory, &Modifier::None)?;
        match Self::bind(device, image) {
            Ok(block) => Ok(Self { device: Arc::clone(device), image, spec, _block: block }),
            Err(error) => {
                // SAFETY: the image was made above and is used by nobody.
                unsafe { device.raw.destroy_image(image, None) };
                Err(error)
            }
        }
    }

    fn bind(device: &Arc<Logical>, image: vk::Image) -> Result<Block, TextureError> {
        let needs = image::requirements(&device.raw, image).memory;
        let (must, wish) = (vk::MemoryPropertyFlags::empty(), vk::MemoryPropertyFlags::DEVICE_LOCAL);
        let type_index = choose_type(&device.memory_types, needs.memory_type_bits, must, wish)?;
        let block = Wanted { size: needs.size, type_index, dedicated: Some(image) }.allocate(device, None)?;
        // SAFETY: the memory is as large as required, of an allowed type, and for this image.
        unsafe { device.raw.bind_image_memory(image, block.memory, 0) }.map_err(vulkan("vkBindImageMemory"))?;
        Ok(block)
    }

    pub(crate) const fn image(&self) -> vk::Image {
        self.image
    }
}

/// Record the resolve; both images are in `GENERAL` afterwards.
///
/// # Safety
/// As [`clear`].
pub(super) unsafe fn resolve(device: &Logical, from: &Target<'_>, into: &Resolved) {
    let layers = vk::ImageSubresourceLayers {
        aspect_mask: vk::ImageAspectFlags::COLOR,
        mip_level: 0,
        base_array_layer: 0,
        layer_count: into.spec.layers,
    };
    let region = vk::ImageResolve::default().src_subresource(layers).dst_subresource(layers).extent(vk::Extent3D {
        width: into.spec.width,
        height: into.spec.height,
        depth: 1,
    });
    let base = vk::ImageMemoryBarrier::default()
        .image(into.image)
        .subresource_range(whole(&into.spec))
        .new_layout(vk::ImageLayout::GENERAL)
        .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED);
    let before = base.old_layout(vk::ImageLayout::UNDEFINED).dst_access_mask(vk::AccessFlags::TRANSFER_WRITE);
    let after = base
        .old_layout(vk::ImageLayout::GENERAL)
        .src_access_mask(vk::AccessFlags::TRANSFER_WRITE)
        .dst_access_mask(vk::AccessFlags::TRANSFER_READ);
    let (until, layout) = (vk::PipelineStageFlags::TRANSFER, vk::ImageLayout::GENERAL);
    // SAFETY: the caller's promise; the images have the same format, extent and layers, and the queue family has graphics.
    unsafe {
        pipeline_barrier(device, until, before);
        device.raw.cmd_resolve_image(device.commands, from.image, layout, into.image, layout, &[region]);
        pipeline_barrier(device, until, after);
    }
}
