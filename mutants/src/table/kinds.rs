//! For every case about a kind of texture, a fault that it must notice: the same for each kind.

use super::{Entry, fails, leaks};

/// The cases of one kind, each on that kind's first texture; where it has one with several subresources, on that, too.
macro_rules! kind {
    ($kind:literal, $texture:literal) => {
        &[
            fails(concat!("memory::shared_memory::", $kind, "_contents_preserved::", $texture), "import_cleared"),
            fails(
                concat!("memory::shared_memory::", $kind, "_contents_preserved_at_offset::", $texture, "_suballocated"),
                "offset_ignored",
            ),
            fails(concat!("memory::shared_memory::", $kind, "_importer_writes_exporter_reads::", $texture), "import_is_copy"),
            fails(concat!("memory::shared_memory::", $kind, "_writes_after_import_are_seen::", $texture), "import_is_copy"),
            fails(concat!("memory::shared_memory::", $kind, "_imported_twice::", $texture), "imported_once_only"),
            fails(
                concat!("memory::shared_memory::", $kind, "_survives_exporter_kill::", $texture),
                "payload_dies_with_exporter",
            ),
            fails(
                concat!("memory::shared_memory::", $kind, "_survives_exporter_free::", $texture),
                "payload_dies_with_exporter",
            ),
            fails(concat!("memory::shared_memory::", $kind, "_layout_same_in_every_process::", $texture), "size_of_process"),
            fails(concat!("memory::shared_memory::", $kind, "_told_otherwise_is_refused::", $texture), "trusts_descriptors"),
            leaks(concat!("memory::shared_memory::", $kind, "_shared_and_freed_16_times::", $texture), "export_leaks"),
        ]
    };
}

pub(super) const ENTRIES: &[&[Entry]] = &[
    kind!("lines", "rgba8_unorm_optimal_4096x1_1d"),
    kind!("mips", "rgba8_unorm_optimal_61x47_6_levels"),
    kind!("layers", "rgba8_unorm_optimal_61x47x5"),
    kind!("layered_mips", "rgba8_unorm_optimal_61x47x3_6_levels"),
    kind!("volume", "rgba8_unorm_optimal_31x17x9_3d"),
    kind!("volume_mips", "rgba8_unorm_optimal_32x16x8_3d_6_levels"),
    kind!("cube", "rgba8_unorm_optimal_32x32x6_cube_compatible"),
    kind!("multisample", "rgba8_unorm_optimal_61x47_4_samples_attachment"),
    kind!("depth_stencil", "d16_unorm_optimal_61x47"),
    kind!("compressed", "bc1_rgb_unorm_optimal_61x47"),
    kind!("planar", "g8b8g8r8_422_unorm_optimal_62x47"),
    kind!("packed", "r5g6b5_unorm_optimal_61x47"),
    kind!("large_texels", "rgba32_sfloat_optimal_128x96"),
    kind!("attachment", "rgba8_unorm_optimal_61x47_attachment"),
    kind!("input_attachment", "rgba8_unorm_optimal_61x47_attachment_input_attachment"),
    kind!("storage", "rgba8_unorm_optimal_61x47_storage"),
    kind!("all_usages", "rgba8_unorm_optimal_61x47_storage_attachment_input_attachment"),
    kind!("copied_only", "rgba8_unorm_optimal_61x47_copied_only"),
    kind!("mutable_format", "rgba8_unorm_optimal_61x47_mutable_format"),
    kind!("slices_as_layers", "rgba8_unorm_optimal_31x17x8_3d_slices_as_layers"),
];

macro_rules! subresources {
    ($kind:literal, $texture:literal) => {
        fails(concat!("memory::shared_memory::", $kind, "_subresources_stay_apart::", $texture), "subresource_is_first")
    };
}

pub(super) const SUBRESOURCES: &[Entry] = &[
    subresources!("lines", "rgba8_unorm_optimal_4096x1_1dx3"),
    subresources!("mips", "rgba8_unorm_optimal_61x47_6_levels"),
    subresources!("layers", "rgba8_unorm_optimal_61x47x5"),
    subresources!("layered_mips", "rgba8_unorm_optimal_61x47x3_6_levels"),
    subresources!("volume", "rgba8_unorm_optimal_31x17x9_3d"),
    subresources!("volume_mips", "rgba8_unorm_optimal_32x16x8_3d_6_levels"),
    subresources!("cube", "rgba8_unorm_optimal_32x32x6_cube_compatible"),
    subresources!("multisample", "rgba8_unorm_optimal_61x47x3_4_samples_attachment"),
    subresources!("depth_stencil", "d16_unorm_s8_uint_optimal_61x47"),
    subresources!("planar", "g8_b8_r8_420_unorm_optimal_62x48"),
    subresources!("attachment", "d24_unorm_s8_uint_optimal_61x47_attachment"),
    subresources!("input_attachment", "d24_unorm_s8_uint_optimal_61x47_attachment_input_attachment"),
    subresources!("copied_only", "d24_unorm_s8_uint_optimal_61x47_copied_only"),
    subresources!("slices_as_layers", "rgba8_unorm_optimal_31x17x8_3d_slices_as_layers"),
];
