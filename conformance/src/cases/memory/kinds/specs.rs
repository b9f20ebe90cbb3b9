//! The kinds, and the textures of each. The first of a kind is one that nearly every device can share.

use gpushare::descriptor::DescriptorFields;
use gpushare::format::Class;
use gpushare::{Creation, Dimension, Format, TextureSpec, Tiling, Usage};

use super::Kind;
use crate::case::both_tilings;
use crate::cases::memory::contents::uneven;

const RGBA8: Format = Format::R8G8B8A8Unorm;

const fn kind(name: &'static str, specs: fn() -> Vec<TextureSpec>, lie: fn(&mut DescriptorFields)) -> Kind {
    Kind { name, specs, lie }
}

pub(super) const KINDS: &[Kind] = &[
    kind("lines", lines, |fields| fields.texture.width /= 2),
    kind("mips", mips, |fields| fields.texture.mip_levels = 1),
    kind("layers", layers, |fields| fields.texture.layers = 1),
    kind("layered_mips", layered_mips, |fields| fields.texture.layers -= 1),
    kind("volume", volume, |fields| fields.texture.depth = 1),
    kind("volume_mips", volume_mips, |fields| fields.texture.mip_levels = 1),
    kind("cube", cube, |fields| fields.texture.layers = 1),
    kind("multisample", multisample, |fields| fields.texture.samples = 1),
    kind("depth_stencil", || of_class(Class::DepthStencil), half_as_high),
    kind("compressed", || of_class(Class::Compressed), half_as_high),
    kind("planar", || of_class(Class::Planar), one_plane),
    kind("packed", packed, half_as_high),
    kind("large_texels", large_texels, |fields| fields.texture.format = Format::R8Unorm),
    kind("attachment", || with_usage(Usage::SAMPLED | Usage::ATTACHMENT), half_as_high),
    kind("input_attachment", || with_usage(Usage::SAMPLED | Usage::ATTACHMENT | Usage::INPUT_ATTACHMENT), half_as_high),
    kind("storage", || with_usage(Usage::SAMPLED | Usage::STORAGE), half_as_high),
    kind("all_usages", || with_usage(Usage::all()), half_as_high),
    kind("copied_only", || with_usage(Usage::empty()), half_as_high),
    kind("mutable_format", mutable_format, half_as_high),
    kind("slices_as_layers", slices_as_layers, |fields| fields.texture.depth /= 2),
];

pub(super) const DMA_BUF: &[Kind] = &[
    kind("plain", || both_tilings(sized(RGBA8)).to_vec(), half_as_high),
    kind("modifier", modified, |fields| fields.texture.modifier = fields.texture.modifier.map(|own| own ^ 1)),
];

fn half_as_high(fields: &mut DescriptorFields) {
    fields.texture.height = (fields.texture.height / 4).next_multiple_of(2);
}

fn one_plane(fields: &mut DescriptorFields) {
    half_as_high(fields);
    fields.texture.format = Format::R8Unorm;
}

fn sized(format: Format) -> TextureSpec {
    let (width, height) = uneven(format);
    TextureSpec::new(format, width, height)
}

fn tiled(specs: impl IntoIterator<Item = TextureSpec>) -> Vec<TextureSpec> {
    specs.into_iter().flat_map(both_tilings).collect()
}

fn lines() -> Vec<TextureSpec> {
    let line = |format| TextureSpec { dimension: Dimension::D1, ..TextureSpec::new(format, 4096, 1) };
    tiled([RGBA8, Format::R32Sfloat].map(line).into_iter().chain([line(RGBA8).with_layers(3), line(RGBA8).with_levels(13)]))
}

fn mips() -> Vec<TextureSpec> {
    let odd = [RGBA8, Format::R8Unorm, Format::R16G16B16A16Sfloat].map(|format| sized(format).with_levels(6));
    let whole = [Format::Bc7Unorm, Format::Bc1RgbaUnorm, Format::D32Sfloat, Format::Astc5x4Unorm];
    let whole = whole.map(|format| TextureSpec::new(format, 64, 64).with_levels(7));
    tiled(odd.into_iter().chain(whole).chain([TextureSpec::new(RGBA8, 512, 8).with_levels(10)]))
}

fn layers() -> Vec<TextureSpec> {
    let formats = [RGBA8, Format::R8Unorm, Format::R32G32B32A32Sfloat, Format::Bc1RgbaUnorm, Format::D32Sfloat];
    tiled(formats.map(|format| sized(format).with_layers(5)).into_iter().chain([sized(RGBA8).with_layers(64)]))
}

fn layered_mips() -> Vec<TextureSpec> {
    tiled([RGBA8, Format::R8Unorm, Format::Bc7Unorm].map(|format| sized(format).with_layers(3).with_levels(6)))
}

fn volume() -> Vec<TextureSpec> {
    let formats = [RGBA8, Format::R8Unorm, Format::R16G16B16A16Sfloat, Format::R32G32B32A32Sfloat];
    tiled(formats.map(|format| TextureSpec::new(format, 31, 17).with_depth(9)))
}

fn volume_mips() -> Vec<TextureSpec> {
    tiled([RGBA8, Format::R32Sfloat].map(|format| TextureSpec::new(format, 32, 16).with_depth(8).with_levels(6)))
}

fn cube() -> Vec<TextureSpec> {
    let one = |format| TextureSpec { creation: Creation::CUBE_COMPATIBLE, ..TextureSpec::new(format, 32, 32).with_layers(6) };
    tiled([one(RGBA8), one(Format::R16G16B16A16Sfloat), one(RGBA8).with_layers(12), one(RGBA8).with_levels(6)])
}

fn multisample() -> Vec<TextureSpec> {
    let formats =
        [RGBA8, Format::R8Unorm, Format::B8G8R8A8Unorm, Format::R8G8B8A8Uint, Format::R32Sfloat, Format::R32G32B32A32Sfloat];
    let usage = Usage::SAMPLED | Usage::ATTACHMENT;
    let of = move |format| [4, 2, 8].map(|samples| TextureSpec { samples, ..sized(format).with_usage(usage) });
    let layered = TextureSpec { samples: 4, ..sized(RGBA8).with_usage(usage).with_layers(3) };
    formats.into_iter().flat_map(of).chain([layered]).collect()
}

fn of_class(class: Class) -> Vec<TextureSpec> {
    tiled(Format::ALL.into_iter().filter(|format| format.class() == class).map(sized))
}

/// Several values in one word, and texels of 3, 6 and 12 bytes.
fn packed() -> Vec<TextureSpec> {
    let formats = [
        Format::R5G6B5Unorm,
        Format::A1R5G5B5Unorm,
        Format::R4G4B4A4Unorm,
        Format::A2R10G10B10Unorm,
        Format::B10G11R11Ufloat,
        Format::E5B9G9R9Ufloat,
        Format::R8G8B8Unorm,
        Format::R16G16B16Sfloat,
        Format::R32G32B32Sfloat,
    ];
    tiled(formats.map(sized))
}

fn large_texels() -> Vec<TextureSpec> {
    let formats = [Format::R32G32B32A32Sfloat, Format::R32G32B32A32Uint, Format::R64Uint, Format::R16G16B16A16Uint];
    tiled(formats.map(|format| TextureSpec::new(format, 128, 96)))
}

fn with_usage(usage: Usage) -> Vec<TextureSpec> {
    let formats = [RGBA8, Format::R8Unorm, Format::A2B10G10R10Unorm, Format::R16G16B16A16Sfloat, Format::R32Sfloat];
    let depth = [Format::D32Sfloat, Format::D24UnormS8Uint].into_iter().filter(|_| !usage.contains(Usage::STORAGE));
    tiled(formats.into_iter().chain(depth).map(|format| sized(format).with_usage(usage)))
}

fn mutable_format() -> Vec<TextureSpec> {
    let formats = [RGBA8, Format::B8G8R8A8Unorm, Format::R32Sfloat, Format::Bc7Unorm];
    tiled(formats.map(|format| TextureSpec { creation: Creation::MUTABLE_FORMAT, ..sized(format) }))
}

fn slices_as_layers() -> Vec<TextureSpec> {
    let deep = |format| TextureSpec::new(format, 31, 17).with_depth(8);
    tiled([RGBA8, Format::R32Sfloat].map(|format| TextureSpec { creation: Creation::SLICES_AS_LAYERS, ..deep(format) }))
}

fn modified() -> Vec<TextureSpec> {
    let formats = [RGBA8, Format::B8G8R8A8Unorm, Format::R8Unorm, Format::G8B8R8Planes2Every2x2];
    formats.map(|format| sized(format).with_tiling(Tiling::Modifier)).to_vec()
}
