//! The largest and least values that are allowed, so that a limit which moves by one shows.

use gpushare::descriptor::DescriptorFields as Fields;
use gpushare::{Format, HandleType, TextureDescriptor, TextureSpec};
use rstest::rstest;

use crate::fields;

type Change = fn(&mut Fields);

#[rstest]
#[case::as_it_is(|_: &mut Fields| ())]
#[case::widest(|f: &mut Fields| (f.texture.width, f.texture.height) = (65_536, 1))]
#[case::highest(|f: &mut Fields| (f.texture.width, f.texture.height) = (1, 65_536))]
#[case::one_texel(|f: &mut Fields| (f.texture.width, f.texture.height, f.texture.layers) = (1, 1, 1))]
#[case::most_layers(|f: &mut Fields| f.texture.layers = 4096)]
#[case::most_texels(|f: &mut Fields| (f.texture.width, f.texture.height, f.texture.layers) = (65_536, 65_536, 1))]
#[case::last_memory_type(|f: &mut Fields| f.memory_type_index = 31)]
#[case::largest_allocation(|f: &mut Fields| f.allocation_size = 1 << 40)]
#[case::least_allocation(|f: &mut Fields| f.allocation_size = 1)]
#[case::modifier_of_a_dma_buf(|f: &mut Fields| (f.handle_type, f.drm_modifier) = (HandleType::DmaBuf, Some(u64::MAX)))]
fn vulkan_limits(#[case] change: Change) {
    let mut fields = fields::vulkan();
    change(&mut fields);

    let descriptor = TextureDescriptor::new(fields.clone());

    assert_eq!(descriptor.map(Fields::from), Ok(fields));
}

#[rstest]
#[case::as_it_is(|_: &mut Fields| ())]
#[case::smaller_texels_in_the_same_rows(|f: &mut Fields| f.texture.format = Format::R8Unorm)]
#[case::fewer_rows(|f: &mut Fields| f.texture.height = 31)]
#[case::one_layer_has_no_array_pitch(|f: &mut Fields| (f.texture.layers, f.planes[0].array_pitch) = (1, 0))]
#[case::one_layer_has_any_array_pitch(|f: &mut Fields| (f.texture.layers, f.planes[0].array_pitch) = (1, 1 << 40))]
#[case::one_row_has_any_row_pitch(|f: &mut Fields| (f.texture.layers, f.texture.height, f.planes[0].row_pitch) = (1, 1, 1 << 40))]
#[case::later_plane_in_more_memory(|f: &mut Fields| (f.planes[0].offset, f.allocation_size) = (1, f.allocation_size + 1))]
#[case::last_offset_in_more_memory(|f: &mut Fields| (f.offset, f.allocation_size) = (4097, f.allocation_size + 1))]
fn planes_that_end_with_the_allocation(#[case] change: Change) {
    let mut fields = fields::host();
    change(&mut fields);

    let descriptor = TextureDescriptor::new(fields.clone());

    assert_eq!(descriptor.map(Fields::from), Ok(fields));
}

#[test]
fn a_specification_counts_its_bytes() {
    let spec = TextureSpec { layers: 3, ..TextureSpec::new(Format::R16G16B16A16Sfloat, 5, 7) };

    assert_eq!((spec.row_bytes(), spec.packed_bytes()), (40, 840));
    let unvalidated = TextureSpec { width: u32::MAX, height: u32::MAX, layers: u32::MAX, ..spec };
    assert_eq!(unvalidated.packed_bytes(), u64::MAX, "it saturates");
}
