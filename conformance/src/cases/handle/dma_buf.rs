//! Dma-bufs: handles that say themselves what they are, beside descriptors with a DRM format modifier and planes.

use gpushare::descriptor::{DescriptorFields, PlaneLayout};
use gpushare::{Format, TextureSpec, Tiling};
use gpushare_harness::protocol::Code;

use super::descriptor::{Lie, lie_is_refused};
use crate::case::{ANY_TEXTURE, Cases};

const UNSUPPORTED: &[Code] = &[Code::Unsupported];
const WRONG: &[Code] = &[Code::Descriptor];
/// A driver may itself refuse planes that it could not have made (`VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT`).
const WRONG_PLANES: &[Code] = &[Code::Descriptor, Code::Driver];

/// What is said of the modifier.
const ABOUT_MODIFIER: &[Lie] = &[
    Lie { name: "none", tell: |fields| fields.texture.modifier = None, refused_as: WRONG },
    Lie { name: "of_nobody", tell: |fields| fields.texture.modifier = Some(0x7e00_0000_0000_0001), refused_as: UNSUPPORTED },
    // DRM_FORMAT_MOD_INVALID of drm_fourcc.h.
    Lie { name: "invalid", tell: |fields| fields.texture.modifier = Some(0x00ff_ffff_ffff_ffff), refused_as: WRONG },
    Lie { name: "of_optimal_tiling", tell: |fields| fields.texture.tiling = Tiling::Optimal, refused_as: WRONG },
];

/// What is said of the memory planes.
const ABOUT_PLANES: &[Lie] = &[
    Lie { name: "none", tell: |fields| fields.planes.clear(), refused_as: WRONG },
    Lie { name: "one_more", tell: |fields| fields.planes.push(moved(fields, 64)), refused_as: WRONG },
    Lie { name: "five", tell: |fields| fields.planes = (0..5).map(|by| moved(fields, 64 * by)).collect(), refused_as: WRONG },
    Lie { name: "begins_past_end", tell: |fields| fields.planes[0].offset = fields.allocation_size, refused_as: WRONG },
    Lie {
        name: "begins_too_late",
        tell: |fields| fields.planes[0].offset = fields.allocation_size - 64,
        refused_as: WRONG_PLANES,
    },
    Lie { name: "row_pitch_zero", tell: |fields| fields.planes[0].row_pitch = 0, refused_as: WRONG_PLANES },
    Lie { name: "row_pitch_huge", tell: |fields| fields.planes[0].row_pitch = u64::MAX, refused_as: WRONG },
    Lie { name: "row_pitch_times_64", tell: |fields| fields.planes[0].row_pitch *= 64, refused_as: WRONG_PLANES },
];

/// What is said of the memory. The object behind a dma-buf tells its own size, and its own type of memory.
const ABOUT_MEMORY: &[Lie] = &[
    Lie { name: "size_zero", tell: |fields| fields.allocation_size = 0, refused_as: WRONG },
    Lie { name: "size_of_a_row", tell: |fields| fields.allocation_size = fields.planes[0].row_pitch, refused_as: WRONG },
    Lie { name: "size_times_64", tell: |fields| fields.allocation_size *= 64, refused_as: &[Code::ShortObject] },
    Lie { name: "offset_of_dedicated", tell: |fields| fields.offset = 4096, refused_as: WRONG },
];

fn moved(fields: &DescriptorFields, by: u64) -> PlaneLayout {
    let first = fields.planes[0];
    PlaneLayout { offset: first.offset + by, ..first }
}

/// What a modifier is told of; its planes are rows of a kilobyte and more, so that a lie about them shows.
const MODIFIED: TextureSpec = TextureSpec::new(Format::R8G8B8A8Unorm, 311, ANY_TEXTURE.height).with_tiling(Tiling::Modifier);

pub(in crate::cases) fn define(cases: &mut Cases<'_>) {
    super::export::define(cases);
    super::ownership::define(cases);
    super::refusal::define_dma_buf(cases);
    super::refusal::define_of_driver(cases);
    const RULES: &[&str] = &["library.descriptor_is_checked", "ledger.refusal_leaves_nothing"];
    for (what, lies) in [
        ("wrong_modifier_is_refused", ABOUT_MODIFIER),
        ("wrong_planes_are_refused", ABOUT_PLANES),
        ("wrong_memory_is_refused", ABOUT_MEMORY),
    ] {
        for lie in lies {
            cases.case(what, RULES).texture_named(lie.name, MODIFIED, *lie, lie_is_refused);
        }
    }
}
