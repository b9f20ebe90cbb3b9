//! Descriptors that do not fit: the sharing library refuses before the driver sees the handle, and keeps working.

use gpushare::descriptor::DescriptorFields;
use gpushare::{Api, Format, HandleType, Placement, TextureSpec, Tiling, Uuid};
use gpushare_harness::protocol::{Code, HandleSource, ImportManner};

use crate::case::{Cases, Outcome, both_tilings};
use crate::context::Context;

/// One way to spoil a descriptor, and the refusals that tell the truth about it.
#[derive(Clone, Copy)]
pub(super) struct Lie {
    pub(super) name: &'static str,
    pub(super) tell: fn(&mut DescriptorFields),
    pub(super) refused_as: &'static [Code],
}

const FITS: &[Code] = &[Code::Descriptor];

/// What is said of the memory.
const ABOUT_MEMORY: &[Lie] = &[
    Lie { name: "size_zero", tell: |fields| fields.allocation_size = 0, refused_as: FITS },
    Lie { name: "size_one_less", tell: |fields| fields.allocation_size -= 1, refused_as: FITS },
    Lie {
        name: "size_doubled",
        tell: |fields| fields.allocation_size *= 2,
        refused_as: &[Code::Descriptor, Code::ShortObject],
    },
    Lie { name: "size_huge", tell: |fields| fields.allocation_size = u64::MAX, refused_as: FITS },
    Lie { name: "offset_past_end", tell: |fields| fields.offset = fields.allocation_size, refused_as: FITS },
    Lie { name: "offset_of_dedicated", tell: |fields| fields.offset = 1, refused_as: FITS },
    Lie { name: "memory_type_without_meaning", tell: |fields| fields.memory_type_index = 32, refused_as: FITS },
    Lie { name: "memory_type_not_of_texture", tell: |fields| fields.memory_type_index = 31, refused_as: FITS },
];

/// What is said of the texture.
const ABOUT_TEXTURE: &[Lie] = &[
    Lie { name: "version", tell: |fields| fields.version = 99, refused_as: FITS },
    Lie { name: "width_zero", tell: |fields| fields.texture.width = 0, refused_as: FITS },
    Lie { name: "height_huge", tell: |fields| fields.texture.height = u32::MAX, refused_as: FITS },
    Lie { name: "width_quadrupled", tell: |fields| fields.texture.width *= 4, refused_as: FITS },
    Lie { name: "larger_texels", tell: |fields| fields.texture.format = Format::R32G32B32A32Sfloat, refused_as: FITS },
    Lie { name: "layers_zero", tell: |fields| fields.texture.layers = 0, refused_as: FITS },
    Lie { name: "more_layers", tell: |fields| fields.texture.layers = 6, refused_as: FITS },
    Lie { name: "mip_levels", tell: |fields| fields.texture.mip_levels = 6, refused_as: FITS },
    Lie { name: "samples", tell: |fields| fields.texture.samples = 4, refused_as: FITS },
    Lie { name: "not_exportable", tell: |fields| fields.texture.exportable = false, refused_as: FITS },
    Lie { name: "modifier_of_opaque_handle", tell: |fields| fields.texture.modifier = Some(0), refused_as: FITS },
    Lie {
        name: "other_tiling",
        tell: |fields| {
            let linear = fields.texture.tiling == Tiling::Linear;
            fields.texture.tiling = if linear { Tiling::Optimal } else { Tiling::Linear };
        },
        refused_as: FITS,
    },
];

/// What is said of where it comes from.
const ABOUT_ORIGIN: &[Lie] = &[
    Lie {
        name: "handle_type_of_another_interface",
        tell: |fields| {
            let host = fields.api == Api::Host;
            fields.handle_type = if host { HandleType::OpaqueFd } else { HandleType::SharedMemory };
        },
        refused_as: FITS,
    },
    Lie {
        name: "another_interface",
        tell: |fields| {
            let host = fields.api == Api::Host;
            fields.api = if host { Api::Vulkan } else { Api::Host };
            fields.handle_type = if host { HandleType::OpaqueFd } else { HandleType::SharedMemory };
        },
        refused_as: &[Code::WrongHandleType],
    },
];

/// What is said of the rows of a linear texture.
const ABOUT_ROWS: &[Lie] = &[
    Lie { name: "row_pitch_doubled", tell: |fields| change_plane(fields, |pitch, _| pitch * 2), refused_as: FITS },
    Lie { name: "row_pitch_zero", tell: |fields| change_plane(fields, |_, _| 0), refused_as: FITS },
    Lie { name: "row_pitch_odd", tell: |fields| change_plane(fields, |pitch, _| pitch + 1), refused_as: FITS },
    Lie { name: "row_pitch_huge", tell: |fields| change_plane(fields, |_, _| u64::MAX), refused_as: FITS },
    Lie { name: "no_planes", tell: |fields| fields.planes.clear(), refused_as: FITS },
    Lie {
        name: "planes_twice",
        tell: |fields| {
            let again = fields.planes.clone();
            fields.planes.extend(again);
        },
        refused_as: FITS,
    },
];

fn change_plane(fields: &mut DescriptorFields, pitch: fn(u64, u64) -> u64) {
    for plane in &mut fields.planes {
        plane.row_pitch = pitch(plane.row_pitch, plane.offset);
    }
}

fn flip(uuid: &mut Uuid) {
    uuid.0[0] ^= 0x80;
}

pub(super) fn define(cases: &mut Cases<'_>) {
    let name = |lie: &Lie| lie.name.to_owned();
    const LIES: &[&str] = &["library.descriptor_is_checked", "ledger.refusal_leaves_nothing"];
    cases
        .case("wrong_memory_is_refused", &["memory.fd_import_matches_export", "library.descriptor_is_checked"])
        .any_texture_each(ABOUT_MEMORY.iter().copied(), name, lie_is_refused);
    cases.case("wrong_texture_is_refused", LIES).any_texture_each(ABOUT_TEXTURE.iter().copied(), name, lie_is_refused);
    cases.case("wrong_origin_is_refused", LIES).any_texture_each(ABOUT_ORIGIN.iter().copied(), name, lie_is_refused);
    cases.case("wrong_rows_are_refused", LIES).any_texture_each(ABOUT_ROWS.iter().copied(), name, wrong_rows_are_refused);
    cases
        .case("foreign_device_is_refused", &["memory.import_on_same_physical_device", "capability.uuids_decide_compatibility"])
        .any_texture(foreign_device_is_refused);
    cases
        .case("foreign_driver_is_refused", &["memory.import_from_compatible_driver", "capability.uuids_decide_compatibility"])
        .any_texture(foreign_driver_is_refused);
    cases
        .case("offset_is_honoured", &["memory.import_preserves_contents"])
        .textures(both_tilings(crate::case::ANY_TEXTURE.with_placement(Placement::Suballocated)), offset_is_honoured);
}

pub(super) fn lie_is_refused(cx: &Context<'_>, spec: TextureSpec, lie: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    consumer.import_is_refused(
        &shared.with(lie.tell),
        HandleSource::Held(shared.handle.0),
        ImportManner::Library,
        lie.refused_as,
    )?;
    // The handle is still there and good, and the device as well as before.
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

fn wrong_rows_are_refused(cx: &Context<'_>, spec: TextureSpec, lie: Lie) -> Outcome {
    lie_is_refused(cx, spec.with_tiling(Tiling::Linear), lie)
}

/// A `deviceUUID` that differs in one bit.
fn foreign_device_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let refused_as: &[Code] = &[Code::ForeignDevice];
    lie_is_refused(cx, spec, Lie { name: "", tell: |fields| flip(&mut fields.device_uuid), refused_as })
}

/// A `driverUUID` that differs in one bit.
fn foreign_driver_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let refused_as: &[Code] = &[Code::ForeignDriver];
    lie_is_refused(cx, spec, Lie { name: "", tell: |fields| flip(&mut fields.driver_uuid), refused_as })
}

/// Of two textures in one allocation, exchanging the offsets exchanges the pictures: the offset decides, not the handle.
fn offset_is_honoured(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let [one, two] = producer.create_neighbours(spec)?;
    producer.fill(one, cx.pattern(1))?;
    producer.fill(two, cx.pattern(2))?;
    let (first, second) = (producer.share(one, &consumer)?, producer.share(two, &consumer)?);
    let (offset_one, offset_two) = (first.descriptor.offset, second.descriptor.offset);
    let as_two = consumer.import(&first.with(|fields| fields.offset = offset_two))?;
    let as_one = consumer.import(&second.with(|fields| fields.offset = offset_one))?;
    consumer.verify(as_two, cx.pattern(2))?;
    consumer.verify(as_one, cx.pattern(1))
}
