//! What an accepted descriptor must satisfy. Written apart from the parser, in 128-bit numbers that cannot overflow here.

use gpushare::descriptor::DescriptorFields;
use gpushare::{Api, HandleType, Placement, TextureDescriptor, Tiling};

/// Panics where an accepted descriptor breaks a promise.
pub fn assert_sound(descriptor: &TextureDescriptor) {
    let fields = descriptor.fields();
    let texture = &fields.texture;
    assert_eq!((fields.version, fields.mip_levels, fields.samples), (1, 1, 1));
    assert!((1..=65_536).contains(&texture.width) && (1..=65_536).contains(&texture.height));
    assert!((1..=4096).contains(&texture.layers));
    assert!(texture.exportable && fields.memory_type_index < 32);
    assert!((1..=1 << 40).contains(&fields.allocation_size) && fields.offset < fields.allocation_size);
    assert!(texture.placement == Placement::Suballocated || fields.offset == 0);
    assert_eq!(fields.api == Api::Host, fields.handle_type == HandleType::SharedMemory);
    assert!(fields.drm_modifier.is_none() || fields.handle_type == HandleType::DmaBuf);
    assert_eq!(fields.planes.len(), usize::from(texture.tiling == Tiling::Linear));
    assert_texels_within(fields);
}

fn assert_texels_within(fields: &DescriptorFields) {
    let texture = &fields.texture;
    let row = u128::from(texture.width) * u128::from(texture.format.texel_bytes());
    let texels = row * u128::from(texture.height) * u128::from(texture.layers);
    let room = u128::from(fields.allocation_size) - u128::from(fields.offset);
    assert!(texels <= 16 << 30);
    if fields.api == Api::Host {
        assert!(texels <= room);
    }
    for plane in &fields.planes {
        assert!(u128::from(plane.row_pitch) >= row);
        let last_layer = u128::from(plane.array_pitch) * u128::from(texture.layers - 1);
        let last_row = u128::from(plane.row_pitch) * u128::from(texture.height - 1);
        assert!(u128::from(plane.offset) + last_layer + last_row + row <= room);
    }
}
