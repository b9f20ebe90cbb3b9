//! What a device is asked about when it is probed: the kinds of textures that cases share.

use gpushare::vulkan::capability::TextureQuestion;
use gpushare::{Creation, Dimension, Format, HandleType, Tiling, Usage};

/// One format or two of each class: with these, dimensions, usages and creation flags are asked about, too.
pub const REPRESENTATIVE: [Format; 14] = [
    Format::R8Unorm,
    Format::R8G8B8A8Unorm,
    Format::R8G8B8A8Uint,
    Format::B8G8R8A8Unorm,
    Format::A2B10G10R10Unorm,
    Format::R16G16B16A16Sfloat,
    Format::R32Sfloat,
    Format::R32G32B32A32Sfloat,
    Format::D32Sfloat,
    Format::D24UnormS8Uint,
    Format::Bc1RgbaUnorm,
    Format::Bc7Unorm,
    Format::Etc2R8G8B8A8Unorm,
    Format::G8B8R8Planes2Every2x2,
];

/// The formats that are asked about with types of handles that the backend itself does not share.
pub const FEW: [Format; 3] = [Format::R8Unorm, Format::R8G8B8A8Unorm, Format::R32G32B32A32Sfloat];

/// Beside copying and sampling.
pub const USAGES: [Usage; 5] = [
    Usage::empty(),
    Usage::SAMPLED.union(Usage::ATTACHMENT),
    Usage::SAMPLED.union(Usage::STORAGE),
    Usage::SAMPLED.union(Usage::ATTACHMENT).union(Usage::INPUT_ATTACHMENT),
    Usage::all(),
];

/// What a device is asked about a handle type. `own`: the backend shares textures over it.
#[must_use]
pub fn questions(handle_type: HandleType, own: bool) -> Vec<TextureQuestion> {
    let plain = |format, tiling| TextureQuestion {
        format,
        dimension: Dimension::D2,
        tiling,
        modifier: None,
        usage: Usage::SAMPLED,
        creation: Creation::empty(),
        handle_type,
    };
    let formats: &[Format] = if own { &Format::ALL } else { &FEW };
    let both = |formats: &[Format]| -> Vec<_> {
        let tilings = [Tiling::Optimal, Tiling::Linear];
        formats.iter().flat_map(|format| tilings.map(|tiling| plain(*format, tiling))).collect()
    };
    let mut asked = both(formats);
    if own {
        asked.extend(both(&REPRESENTATIVE).into_iter().flat_map(variants));
    }
    asked
}

/// The same in other dimensions, with other usages and with creation flags.
fn variants(plain: TextureQuestion) -> impl Iterator<Item = TextureQuestion> {
    let dimensions = [Dimension::D1, Dimension::D3].map(|dimension| TextureQuestion { dimension, ..plain });
    let usages = USAGES.map(|usage| TextureQuestion { usage, ..plain });
    let flags = [Creation::MUTABLE_FORMAT, Creation::CUBE_COMPATIBLE].map(|creation| TextureQuestion { creation, ..plain });
    let sliced = TextureQuestion { dimension: Dimension::D3, creation: Creation::SLICES_AS_LAYERS, ..plain };
    dimensions.into_iter().chain(usages).chain(flags).chain([sliced])
}
