//! Formats: their sizes, their names, and that no two share one.

use std::collections::BTreeSet;

use gpushare::Format;
use gpushare::HandleType;
use gpushare::format::Numbers;
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
    assert_eq!((format.texel_bytes(), format.numbers()), (bytes, numbers));
    assert_eq!(serde_json::to_value(format).expect("a name"), name);
    assert_eq!((format.short_name(), format.to_string().as_str()), (short, short));
}

#[test]
fn every_format_is_listed_once() {
    let listed: BTreeSet<Format> = Format::ALL.into_iter().collect();

    assert_eq!(listed.len(), Format::ALL.len());
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
