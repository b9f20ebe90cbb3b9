//! Formats: their sizes, their names, and that no two share one.

use std::collections::BTreeSet;

use gpushare::Format;
use gpushare::HandleType;
use gpushare::format::{Class, Numbers};
use rstest::rstest;

#[rstest]
#[case(Format::R8Unorm, 1, Numbers::Integer, "R8_UNORM", "r8_unorm")]
#[case(Format::R8G8Unorm, 2, Numbers::Integer, "R8G8_UNORM", "rg8_unorm")]
#[case(Format::R8G8B8A8Unorm, 4, Numbers::Integer, "R8G8B8A8_UNORM", "rgba8_unorm")]
#[case(Format::R8G8B8A8Srgb, 4, Numbers::Integer, "R8G8B8A8_SRGB", "rgba8_srgb")]
#[case(Format::B8G8R8A8Unorm, 4, Numbers::Integer, "B8G8R8A8_UNORM", "bgra8_unorm")]
#[case(Format::A2B10G10R10Unorm, 4, Numbers::Integer, "A2B10G10R10_UNORM_PACK32", "rgb10a2_unorm")]
#[case(Format::R16G16B16A16Sfloat, 8, Numbers::Half, "R16G16B16A16_SFLOAT", "rgba16_sfloat")]
#[case(Format::R32Sfloat, 4, Numbers::Single, "R32_SFLOAT", "r32_sfloat")]
#[case(Format::R32G32B32A32Sfloat, 16, Numbers::Single, "R32G32B32A32_SFLOAT", "rgba32_sfloat")]
fn a_format(#[case] format: Format, #[case] bytes: u32, #[case] numbers: Numbers, #[case] name: &str, #[case] short: &str) {
    let [plane] = format.planes() else { panic!("{format} has several planes") };
    assert_eq!((plane.block_bytes, plane.numbers), (bytes, numbers));
    assert_eq!(serde_json::to_value(format).expect("a name"), name);
    assert_eq!((format.short_name(), format.to_string().as_str()), (short, short));
    assert_eq!(serde_json::from_value::<Format>(name.into()).expect("it is read"), format);
}

/// Of a plane: texels of a block, bytes of a block, and how many texels of the picture one of its texels stands for.
type Geometry = ((u32, u32), u32, (u32, u32));

#[rstest]
#[case(Format::R8G8B8Unorm, Class::Color, &[((1, 1), 3, (1, 1))])]
#[case(Format::D24UnormS8Uint, Class::DepthStencil, &[((1, 1), 4, (1, 1)), ((1, 1), 1, (1, 1))])]
#[case(Format::S8Uint, Class::DepthStencil, &[((1, 1), 1, (1, 1))])]
#[case(Format::Bc1RgbaUnorm, Class::Compressed, &[((4, 4), 8, (1, 1))])]
#[case(Format::Bc7Unorm, Class::Compressed, &[((4, 4), 16, (1, 1))])]
#[case(Format::Astc10x8Unorm, Class::Compressed, &[((10, 8), 16, (1, 1))])]
#[case(Format::G8B8G8R8, Class::Planar, &[((2, 1), 4, (1, 1))])]
#[case(Format::G8B8R8Planes2Every2x2, Class::Planar, &[((1, 1), 1, (1, 1)), ((1, 1), 2, (2, 2))])]
#[case(Format::G8B8R8Planes3Every2x1, Class::Planar, &[((1, 1), 1, (1, 1)), ((1, 1), 1, (2, 1)), ((1, 1), 1, (2, 1))])]
#[case(Format::G10B10R10Planes2Every2x2, Class::Planar, &[((1, 1), 2, (1, 1)), ((1, 1), 4, (2, 2))])]
fn classes_and_planes(#[case] format: Format, #[case] class: Class, #[case] expected: &[Geometry]) {
    let planes: Vec<_> = format.planes().iter().map(|plane| (plane.block, plane.block_bytes, plane.subsampling)).collect();

    assert_eq!((format.class(), planes.as_slice()), (class, expected));
}

#[test]
fn a_name_that_is_no_formats_is_refused() {
    let error = serde_json::from_value::<Format>("R9_UNORM".into()).expect_err("no such format");

    assert!(error.to_string().contains("unknown format \"R9_UNORM\""), "{error}");
}

#[test]
fn every_format_is_listed_once() {
    let listed: BTreeSet<Format> = Format::ALL.into_iter().collect();

    let named: BTreeSet<(&str, &str)> = Format::ALL.iter().map(|format| (format.name(), format.short_name())).collect();
    assert_eq!((listed.len(), named.len()), (Format::ALL.len(), Format::ALL.len()));
    assert!(Format::ALL.into_iter().all(|format| Format::named(format.name()) == Some(format)));
}

#[test]
fn every_handle_type_is_listed_once_and_named_alike_everywhere() {
    let listed: BTreeSet<HandleType> = HandleType::ALL.into_iter().collect();

    assert_eq!(listed.len(), HandleType::ALL.len());
    for handle_type in HandleType::ALL {
        assert_eq!(serde_json::to_value(handle_type).expect("a name"), handle_type.name());
        assert_eq!(handle_type.to_string(), handle_type.name());
    }
}
