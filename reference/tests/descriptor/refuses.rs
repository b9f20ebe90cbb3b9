//! Each field, wrong in each way that matters, is refused by an error that names it.

use gpushare::descriptor::DescriptorFields as Fields;
use gpushare::{Api, Creation, DescriptorError, Dimension, Format, HandleType, TextureDescriptor, Tiling, Usage};
use rstest::rstest;

use crate::fields;

type Spoil = fn(&mut Fields);

#[rstest]
#[case::version_before(|f: &mut Fields| f.version = 0, "version", 0)]
#[case::version_after(|f: &mut Fields| f.version = 2, "version", 2)]
#[case::no_width(|f: &mut Fields| f.texture.width = 0, "width", 0)]
#[case::too_wide(|f: &mut Fields| f.texture.width = 65_537, "width", 65_537)]
#[case::no_height(|f: &mut Fields| f.texture.height = 0, "height", 0)]
#[case::too_high(|f: &mut Fields| f.texture.height = 65_537, "height", 65_537)]
#[case::largest_height(|f: &mut Fields| f.texture.height = u32::MAX, "height", 0xffff_ffff)]
#[case::no_layers(|f: &mut Fields| f.texture.layers = 0, "layers", 0)]
#[case::too_many_layers(|f: &mut Fields| f.texture.layers = 4097, "layers", 4097)]
#[case::too_many_texels(|f: &mut Fields| (f.texture.width, f.texture.height, f.texture.layers) = (65_536, 65_536, 2), "bytes of texels", 1 << 35)]
#[case::no_depth(|f: &mut Fields| f.texture.depth = 0, "depth", 0)]
#[case::too_deep(|f: &mut Fields| f.texture.depth = 65_537, "depth", 65_537)]
#[case::no_mip_level(|f: &mut Fields| f.texture.mip_levels = 0, "mip_levels", 0)]
#[case::more_levels_than_halvings(|f: &mut Fields| f.texture.mip_levels = 8, "mip_levels", 8)]
#[case::endless_levels(|f: &mut Fields| f.texture.mip_levels = u32::MAX, "mip_levels", 0xffff_ffff)]
#[case::no_samples(|f: &mut Fields| f.texture.samples = 0, "samples", 0)]
#[case::too_many_samples(|f: &mut Fields| f.texture.samples = 128, "samples", 128)]
#[case::memory_type(|f: &mut Fields| f.memory_type_index = 32, "memory_type_index", 32)]
#[case::no_memory(|f: &mut Fields| f.allocation_size = 0, "allocation_size", 0)]
#[case::too_much_memory(|f: &mut Fields| f.allocation_size = (1 << 40) + 1, "allocation_size", (1 << 40) + 1)]
#[case::offset_at_end(|f: &mut Fields| f.offset = f.allocation_size, "offset", 20_480)]
#[case::offset_far_away(|f: &mut Fields| f.offset = u64::MAX, "offset", u64::MAX)]
#[case::row_pitch_too_short(|f: &mut Fields| f.planes[0].row_pitch = 255, "planes.row_pitch", 255)]
#[case::row_pitch_too_long(|f: &mut Fields| f.planes[0].row_pitch = u64::MAX, "planes.row_pitch", u64::MAX)]
#[case::array_pitch_too_long(|f: &mut Fields| f.planes[0].array_pitch = (1 << 40) + 1, "planes.array_pitch", (1 << 40) + 1)]
fn a_number_out_of_range(#[case] spoil: Spoil, #[case] expected_field: &str, #[case] expected_found: u64) {
    let mut fields = fields::host();
    spoil(&mut fields);

    let error = TextureDescriptor::new(fields).expect_err("the spoilt descriptor is refused");

    let DescriptorError::OutOfRange { field, found, least, most } = error else { panic!("another error: {error:?}") };
    assert_eq!((field, found), (expected_field, expected_found));
    assert!(!(least..=most).contains(&found), "{found} lies within {least} to {most}");
}

#[rstest]
#[case::host_with_opaque_fd(fields::host(), |f: &mut Fields| f.handle_type = HandleType::OpaqueFd, "opaque_fd does not belong to the host")]
#[case::vulkan_with_shared_memory(fields::vulkan(), |f: &mut Fields| f.handle_type = HandleType::SharedMemory, "shared_memory does not belong to the vulkan")]
#[case::vulkan_with_host_fields(fields::host(), |f: &mut Fields| f.api = Api::Vulkan, "shared_memory does not belong to the vulkan")]
#[case::modifier_of_optimal_tiling(fields::vulkan(), |f: &mut Fields| f.texture.modifier = Some(0), "DRM modifier beside optimal tiling")]
#[case::modifier_without_dma_buf(fields::vulkan(), |f: &mut Fields| (f.texture.tiling, f.texture.modifier) = (Tiling::Modifier, Some(0)), "modifier tiling beside a handle of type opaque_fd")]
#[case::modifier_that_is_none(fields::dma_buf(), |f: &mut Fields| f.texture.modifier = Some(0x00ff_ffff_ffff_ffff), "DRM_FORMAT_MOD_INVALID")]
#[case::modifier_not_told(fields::dma_buf(), |f: &mut Fields| f.texture.modifier = None, "the modifier is not told")]
#[case::no_memory_plane(fields::dma_buf(), |f: &mut Fields| fields::modify(f, 1, 0), "has 1 to 4 plane layouts, found 0")]
#[case::no_linear_plane(fields::dma_buf(), |f: &mut Fields| fields::modify(f, 0, 0), "has 1 plane layouts, found 0")]
#[case::two_linear_planes_of_one(fields::dma_buf(), |f: &mut Fields| fields::modify(f, 0, 2), "has 1 plane layouts, found 2")]
#[case::linear_plane_that_ends_outside(fields::dma_buf(), |f: &mut Fields| f.planes[0].row_pitch = f.allocation_size, "a plane ends")]
#[case::memory_planes_at_one_place(fields::dma_buf(), |f: &mut Fields| { fields::modify(f, 1, 2); f.planes[1].offset = 0 }, "two memory planes begin 0 bytes after")]
#[case::five_memory_planes(fields::dma_buf(), |f: &mut Fields| fields::modify(f, 1, 5), "has 1 to 4 plane layouts, found 5")]
#[case::memory_plane_at_the_end(fields::dma_buf(), |f: &mut Fields| f.planes[0].offset = f.allocation_size, "a plane ends")]
#[case::exported_as_another_type(fields::vulkan(), |f: &mut Fields| f.texture.handle_type = Some(HandleType::DmaBuf), "a texture exported as dma_buf beside a handle of type opaque_fd")]
#[case::deep_2d(fields::vulkan(), |f: &mut Fields| f.texture.depth = 2, "a 2d texture is not 64×32×2")]
#[case::high_1d(fields::vulkan(), |f: &mut Fields| f.texture.dimension = Dimension::D1, "a 1d texture is not 64×32×1")]
#[case::layered_3d(fields::vulkan(), |f: &mut Fields| f.texture.dimension = Dimension::D3, "a 3d texture is not 64×32×1 in 2 layers")]
#[case::three_samples(fields::vulkan(), |f: &mut Fields| f.texture.samples = 3, "samples are a power of two, found 3")]
#[case::samples_in_levels(fields::vulkan(), |f: &mut Fields| (f.texture.samples, f.texture.mip_levels) = (4, 2), "of one level")]
#[case::samples_in_rows(fields::host(), |f: &mut Fields| f.texture.samples = 4, "of optimal tiling")]
#[case::oblong_cube(fields::vulkan(), |f: &mut Fields| (f.texture.layers, f.texture.creation) = (6, Creation::CUBE_COMPATIBLE), "a cube is 2d, as high as wide")]
#[case::cube_of_two(fields::vulkan(), |f: &mut Fields| (f.texture.width, f.texture.creation) = (32, Creation::CUBE_COMPATIBLE), "has six layers")]
#[case::slices_of_2d(fields::vulkan(), |f: &mut Fields| f.texture.creation = Creation::SLICES_AS_LAYERS, "only a 3d texture has slices")]
#[case::unknown_usage(fields::vulkan(), |f: &mut Fields| f.texture.usage = Usage::from_bits_retain(1 << 9), "unknown usage 0x200")]
#[case::unknown_creation(fields::vulkan(), |f: &mut Fields| f.texture.creation = Creation::from_bits_retain(1 << 9), "unknown creation flags 0x200")]
#[case::input_without_attachment(fields::vulkan(), |f: &mut Fields| f.texture.usage = Usage::INPUT_ATTACHMENT, "an input attachment has been an attachment")]
#[case::odd_luma_and_chroma(fields::vulkan(), |f: &mut Fields| (f.texture.format, f.texture.width, f.texture.layers) = (Format::G8B8R8Planes2Every2x2, 63, 1), "multiples of 2×2, found 63×32")]
#[case::layered_luma_and_chroma(fields::vulkan(), |f: &mut Fields| f.texture.format = Format::G8B8R8Planes2Every2x2, "one level, one layer and one sample")]
#[case::dedicated_at_an_offset(fields::vulkan(), |f: &mut Fields| f.offset = 1, "dedicated memory starts at offset 0, found 1")]
#[case::not_exportable(fields::vulkan(), |f: &mut Fields| f.texture.exportable = false, "said not to be")]
#[case::linear_without_planes(fields::host(), |f: &mut Fields| f.planes.clear(), "linear tiling has 1 plane layouts, found 0")]
#[case::linear_with_two_planes(fields::host(), |f: &mut Fields| f.planes.push(f.planes[0]), "linear tiling has 1 plane layouts, found 2")]
#[case::optimal_with_planes(fields::vulkan(), |f: &mut Fields| f.planes = fields::host().planes, "optimal tiling has 0 plane layouts, found 1")]
#[case::plane_starts_too_late(fields::host(), |f: &mut Fields| f.planes[0].offset = 1, "a plane ends 16385 bytes after")]
#[case::plane_starts_at_the_end(fields::host(), |f: &mut Fields| f.planes[0].offset = u64::MAX, "a plane ends 18446744073709551615 bytes after")]
#[case::rows_too_far_apart(fields::host(), |f: &mut Fields| f.planes[0].row_pitch = 257, "a plane ends 16415 bytes after")]
#[case::layers_too_far_apart(fields::host(), |f: &mut Fields| f.planes[0].array_pitch += 1, "a plane ends 16385 bytes after")]
#[case::allocation_too_short(fields::host(), |f: &mut Fields| f.allocation_size -= 1, "has room for 16383")]
#[case::offset_leaves_no_room(fields::host(), |f: &mut Fields| f.offset += 1, "has room for 16383")]
#[case::texels_beyond_the_allocation(
    fields::host(),
    texels_beyond,
    "the texels take 16384 bytes, the allocation has room for 16383"
)]
fn two_fields_that_contradict_each_other(#[case] mut fields: Fields, #[case] spoil: Spoil, #[case] says: &str) {
    spoil(&mut fields);

    let error = TextureDescriptor::new(fields).expect_err("the spoilt descriptor is refused");

    let DescriptorError::Contradiction { detail } = &error else { panic!("another error: {error:?}") };
    assert!(detail.contains(says), "{detail:?} does not say {says:?}");
}

fn texels_beyond(fields: &mut Fields) {
    fields.texture.tiling = Tiling::Optimal;
    fields.planes.clear();
    fields.allocation_size -= 1;
}

#[test]
fn the_texts_say_what_was_found_and_what_is_allowed() {
    let say = |spoil: Spoil| {
        let mut fields = fields::host();
        spoil(&mut fields);
        TextureDescriptor::new(fields).expect_err("refused").to_string()
    };
    let mismatch = DescriptorError::Mismatch { field: "planes", found: "[]".into(), expected: "[..]".into() };

    let texts = [
        say(|f| f.texture.width = 0),
        say(|f| f.texture.layers = 5000),
        say(|f| f.allocation_size = 0),
        say(|f| f.handle_type = HandleType::DmaBuf),
        say(|f| f.planes[0].offset = 10),
        say(texels_beyond),
        mismatch.to_string(),
    ];

    insta::assert_snapshot!(texts.join("\n"), @r"
    descriptor: width is 0, allowed is 1 to 65536
    descriptor: layers is 5000, allowed is 1 to 4096
    descriptor: allocation_size is 0, allowed is 1 to 1099511627776
    descriptor: a handle of type dma_buf does not belong to the host interface
    descriptor: a plane ends 16394 bytes after the texture's start, the allocation has room for 16384
    descriptor: the texels take 16384 bytes, the allocation has room for 16383
    descriptor: planes is [], this device has [..]
    ");
}
