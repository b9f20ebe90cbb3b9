//! The largest and least values that are allowed, so that a limit which moves by one shows.

use gpushare::descriptor::DescriptorFields as Fields;
use gpushare::{Creation, Dimension, Format, HandleType, TextureDescriptor, TextureSpec, Usage};
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
#[case::dma_buf_without_modifier(|f: &mut Fields| f.handle_type = HandleType::DmaBuf)]
#[case::any_modifier(|f: &mut Fields| (*f, f.texture.modifier) = (fields::dma_buf(), Some(u64::MAX)))]
#[case::four_memory_planes(|f: &mut Fields| { *f = fields::dma_buf(); fields::modify(f, 1, 4) })]
#[case::all_levels(|f: &mut Fields| f.texture.mip_levels = 7)]
#[case::most_levels(|f: &mut Fields| (f.texture.height, f.texture.mip_levels) = (65_536, 17))]
#[case::most_samples(|f: &mut Fields| f.texture.samples = 64)]
#[case::one_row(|f: &mut Fields| (f.texture.dimension, f.texture.height) = (Dimension::D1, 1))]
#[case::deepest(|f: &mut Fields| (f.texture.dimension, f.texture.depth, f.texture.layers) = (Dimension::D3, 65_536, 1))]
#[case::cube(|f: &mut Fields| (f.texture.width, f.texture.layers, f.texture.creation) = (32, 6, Creation::all() - Creation::SLICES_AS_LAYERS))]
#[case::every_usage(|f: &mut Fields| f.texture.usage = Usage::all())]
#[case::exported_as_it_is(|f: &mut Fields| f.texture.handle_type = Some(HandleType::OpaqueFd))]
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

    assert_eq!(spec.packed_bytes(), 840);
    let unvalidated = TextureSpec { width: u32::MAX, height: u32::MAX, layers: u32::MAX, mip_levels: u32::MAX, ..spec };
    assert_eq!(unvalidated.packed_bytes(), u64::MAX, "it saturates");
}
