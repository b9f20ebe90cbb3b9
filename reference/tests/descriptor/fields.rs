//! Descriptors that make sense, for tests to spoil, and arbitrary ones.

use gpushare::descriptor::{DescriptorFields, PlaneLayout};
use gpushare::{Api, Format, HandleType, Placement, TextureDescriptor, TextureSpec, Tiling, Uuid};
use proptest::prelude::*;

/// A host texture of 64 × 32 texels with linear tiling, at an offset in a larger allocation.
pub(crate) fn host() -> DescriptorFields {
    let texture = TextureSpec {
        format: Format::R8G8B8A8Unorm,
        width: 64,
        height: 32,
        layers: 2,
        tiling: Tiling::Linear,
        placement: Placement::Suballocated,
        exportable: true,
    };
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
        mip_levels: 1,
        samples: 1,
        drm_modifier: None,
        planes: vec![PlaneLayout { offset: 0, row_pitch: 256, array_pitch: 256 * 32 }],
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

fn arbitrary_spec() -> impl Strategy<Value = TextureSpec> {
    let numbers = (1..=300u32, 1..=300u32, 1..=6u32);
    let tiling = prop_oneof![Just(Tiling::Linear), Just(Tiling::Optimal)];
    let placement = prop_oneof![Just(Placement::Dedicated), Just(Placement::Suballocated)];
    (prop::sample::select(&Format::ALL[..]), numbers, tiling, placement).prop_map(
        |(format, (width, height, layers), tiling, placement)| TextureSpec {
            format,
            width,
            height,
            layers,
            tiling,
            placement,
            exportable: true,
        },
    )
}

/// Any descriptor that makes sense: either interface, every handle type, padded planes, room to spare.
pub(crate) fn arbitrary() -> impl Strategy<Value = DescriptorFields> {
    let identity = (any::<[u8; 16]>(), any::<[u8; 16]>(), 0..32u32);
    let room = (0..100_000u64, 0..5_000u64, 0..512u64, 0..4096u64);
    (arbitrary_spec(), prop::sample::select(&HandleType::ALL[..]), identity, room, any::<Option<u64>>()).prop_map(
        |(texture, handle_type, (device, driver, memory_type_index), (offset, slack, row_padding, start), modifier)| {
            let row_pitch = texture.row_bytes() + row_padding;
            let array_pitch = row_pitch * u64::from(texture.height) + row_padding;
            let linear = texture.tiling == Tiling::Linear;
            let offset = if texture.placement == Placement::Dedicated { 0 } else { offset };
            DescriptorFields {
                version: TextureDescriptor::VERSION,
                api: if handle_type == HandleType::SharedMemory { Api::Host } else { Api::Vulkan },
                device_uuid: Uuid(device),
                driver_uuid: Uuid(driver),
                handle_type,
                allocation_size: offset + start + array_pitch * u64::from(texture.layers) + slack,
                offset,
                memory_type_index,
                texture,
                mip_levels: 1,
                samples: 1,
                drm_modifier: modifier.filter(|_| handle_type == HandleType::DmaBuf),
                planes: if linear { vec![PlaneLayout { offset: start, row_pitch, array_pitch }] } else { Vec::new() },
            }
        },
    )
}
