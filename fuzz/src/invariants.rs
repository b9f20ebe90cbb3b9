//! What an accepted descriptor must satisfy. Written apart from the parser, in 128-bit numbers that cannot overflow here.

use gpushare::descriptor::DescriptorFields;
use gpushare::{Api, Creation, Dimension, HandleType, Placement, TextureDescriptor, Tiling, Usage};

/// Panics where an accepted descriptor breaks a promise.
pub fn assert_sound(descriptor: &TextureDescriptor) {
    let fields = descriptor.fields();
    let texture = &fields.texture;
    assert_eq!(fields.version, 1);
    let sides = [texture.width, texture.height, texture.depth];
    assert!(sides.iter().all(|side| (1..=65_536).contains(side)));
    let longest = sides.into_iter().max().expect("three sides");
    assert!(texture.mip_levels >= 1 && longest >> (texture.mip_levels - 1) >= 1);
    assert!((1..=4096).contains(&texture.layers) && [1, 2, 4, 8, 16, 32, 64].contains(&texture.samples));
    match texture.dimension {
        Dimension::D1 => assert_eq!((texture.height, texture.depth), (1, 1)),
        Dimension::D2 => assert_eq!(texture.depth, 1),
        Dimension::D3 => assert_eq!(texture.layers, 1),
    }
    assert!(texture.samples == 1 || (texture.mip_levels, texture.tiling) == (1, Tiling::Optimal));
    assert!(Usage::all().contains(texture.usage) && Creation::all().contains(texture.creation));
    assert!(texture.exportable && fields.memory_type_index < 32);
    assert!((1..=1 << 40).contains(&fields.allocation_size) && fields.offset < fields.allocation_size);
    assert!(texture.placement == Placement::Suballocated || fields.offset == 0);
    assert_eq!(fields.api == Api::Host, fields.handle_type == HandleType::SharedMemory);
    assert!(texture.handle_type.is_none_or(|named| named == fields.handle_type));
    assert_eq!(texture.modifier.is_some(), texture.tiling == Tiling::Modifier);
    assert!(texture.modifier.is_none() || fields.handle_type == HandleType::DmaBuf);
    assert_texels_within(fields);
}

fn assert_texels_within(fields: &DescriptorFields) {
    let texture = &fields.texture;
    let room = u128::from(fields.allocation_size) - u128::from(fields.offset);
    let (mut all, mut parts) = (0, 0);
    for (plane, level) in
        texture.format.planes().iter().flat_map(|plane| (0..texture.mip_levels).map(move |level| (plane, level)))
    {
        let side = |texels: u32, every: u32, block: u32| u128::from((texels >> level).div_ceil(every).max(1).div_ceil(block));
        let row = side(texture.width, plane.subsampling.0, plane.block.0) * u128::from(plane.block_bytes);
        let rows = side(texture.height, plane.subsampling.1, plane.block.1);
        let slices = if texture.dimension == Dimension::D3 { side(texture.depth, 1, 1) } else { texture.layers.into() };
        all += row * rows * slices * u128::from(texture.samples);
        if texture.tiling == Tiling::Linear {
            let layout = &fields.planes[parts];
            assert!(u128::from(layout.row_pitch) >= row);
            let pitch = u128::from(layout.array_pitch.max(layout.depth_pitch));
            assert!(u128::from(layout.offset) + pitch * (slices - 1) + u128::from(layout.row_pitch) * (rows - 1) + row <= room);
        }
        parts += 1;
    }
    match texture.tiling {
        Tiling::Optimal => assert!(fields.planes.is_empty()),
        Tiling::Linear => assert_eq!(fields.planes.len(), parts),
        Tiling::Modifier => assert!((1..=4).contains(&fields.planes.len())),
    }
    assert!(all <= 16 << 30);
    if fields.api == Api::Host {
        assert!(all <= room);
    }
}
