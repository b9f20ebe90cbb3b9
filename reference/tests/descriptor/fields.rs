//! Descriptors that make sense, for tests to spoil, and arbitrary ones.

use gpushare::descriptor::{DescriptorFields, PlaneLayout};
use gpushare::{Api, Dimension, Format, HandleType, Part, Placement, TextureDescriptor, TextureSpec, Tiling, Uuid};
use proptest::prelude::*;

use crate::any_spec::any_spec;

/// A host texture of 64 × 32 texels with linear tiling, at an offset in a larger allocation.
pub(crate) fn host() -> DescriptorFields {
    let texture = TextureSpec::new(Format::R8G8B8A8Unorm, 64, 32)
        .with_layers(2)
        .with_tiling(Tiling::Linear)
        .with_placement(Placement::Suballocated);
    DescriptorFields {
        version: TextureDescriptor::VERSION,
        api: Api::Host,
        device_uuid: Uuid([0xd0; 16]),
        driver_uuid: Uuid([0x0d; 16]),
        handle_type: HandleType::SharedMemory,
        allocation_size: 4096 + texture.packed_bytes(),
        offset: 4096,
        memory_type_index: 0,
        texture,
        planes: vec![PlaneLayout { offset: 0, row_pitch: 256, array_pitch: 256 * 32, depth_pitch: 0 }],
    }
}

/// A Vulkan texture with optimal tiling and memory of its own.
pub(crate) fn vulkan() -> DescriptorFields {
    let host = host();
    DescriptorFields {
        api: Api::Vulkan,
        handle_type: HandleType::OpaqueFd,
        offset: 0,
        texture: TextureSpec { tiling: Tiling::Optimal, placement: Placement::Dedicated, ..host.texture },
        planes: Vec::new(),
        ..host
    }
}

/// A Vulkan texture over a dma-buf, with the linear modifier.
pub(crate) fn dma_buf() -> DescriptorFields {
    let vulkan = vulkan();
    let texture = TextureSpec { tiling: Tiling::Modifier, modifier: Some(0), ..vulkan.texture };
    DescriptorFields { handle_type: HandleType::DmaBuf, texture, planes: host().planes, ..vulkan }
}

/// Any descriptor that makes sense: either interface, every handle type, padded planes, room to spare.
pub(crate) fn arbitrary() -> impl Strategy<Value = DescriptorFields> {
    let identity = (any::<[u8; 16]>(), any::<[u8; 16]>(), 0..32u32);
    let room = (0..100_000u64, 0..5_000u64, 0..512u64, 0..4096u64);
    (any_spec(300), prop::sample::select(&HandleType::ALL[..]), identity, room, 0..1u64 << 56, any::<bool>()).prop_map(
        |(texture, handle_type, (device, driver, memory_type_index), (offset, slack, padding, start), modifier, modified)| {
            let modified = modified && handle_type == HandleType::DmaBuf && texture.samples == 1;
            let texture =
                if modified { TextureSpec { tiling: Tiling::Modifier, modifier: Some(modifier), ..texture } } else { texture };
            let (planes, end) = padded_planes(&texture, start, padding);
            let offset = if texture.placement == Placement::Dedicated { 0 } else { offset };
            DescriptorFields {
                version: TextureDescriptor::VERSION,
                api: if handle_type == HandleType::SharedMemory { Api::Host } else { Api::Vulkan },
                device_uuid: Uuid(device),
                driver_uuid: Uuid(driver),
                handle_type,
                allocation_size: offset + end.max(texture.packed_bytes() * u64::from(texture.samples)) + slack + 1,
                offset,
                memory_type_index,
                texture,
                planes,
            }
        },
    )
}

/// Every part behind the one before, its rows and slices further apart than they need to be; and where the last one ends.
fn padded_planes(texture: &TextureSpec, start: u64, padding: u64) -> (Vec<PlaneLayout>, u64) {
    let mut end = start;
    let mut place = |part: Part| {
        let row_pitch = part.row_bytes() + padding;
        let pitch = row_pitch * u64::from(part.rows) + padding;
        let (array_pitch, depth_pitch) = if texture.dimension == Dimension::D3 { (0, pitch) } else { (pitch, 0) };
        let plane = PlaneLayout { offset: end, row_pitch, array_pitch, depth_pitch };
        end += pitch * u64::from(part.slices);
        plane
    };
    let planes = match texture.tiling {
        Tiling::Optimal => Vec::new(),
        Tiling::Linear => texture.parts().map(&mut place).collect(),
        Tiling::Modifier => texture.parts().take(1).map(&mut place).collect(),
    };
    (planes, end)
}

/// With this modifier, and so many memory planes, each a byte further on.
pub(crate) fn modify(fields: &mut DescriptorFields, modifier: u64, planes: u64) {
    fields.texture.modifier = Some(modifier);
    let first = fields.planes[0];
    fields.planes = (0..planes).map(|by| PlaneLayout { offset: first.offset + by, ..first }).collect();
}
