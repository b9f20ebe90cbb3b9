//! One import, drawn from the fuzzer's bytes.

use arbitrary::{Arbitrary, Unstructured};
use gpushare::format::Class;
use gpushare::{Format, Placement, TextureSpec, Tiling};

use crate::change::Change;
use crate::object::Object;

/// An object, and a descriptor that told the truth before it was changed.
#[derive(Arbitrary, Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What the handle is.
    pub object: Object,
    /// The texture that is exported. At most 4 MiB.
    #[arbitrary(with = small_texture)]
    pub texture: TextureSpec,
    /// What is changed in its descriptor.
    pub changes: Vec<Change>,
    /// The pictures that are written into it.
    pub seed: u64,
}

fn small_texture(bytes: &mut Unstructured<'_>) -> arbitrary::Result<TextureSpec> {
    let format = *bytes.choose(&Format::ALL)?;
    let (width, height) = (bytes.int_in_range(1..=128u32)?, bytes.int_in_range(1..=64u32)?);
    let layers = bytes.int_in_range(1..=4)?;
    let tiling = if bytes.arbitrary()? { Tiling::Linear } else { Tiling::Optimal };
    let placement = if bytes.arbitrary()? { Placement::Suballocated } else { Placement::Dedicated };
    let (across, down) = format.granularity();
    let flat = TextureSpec::new(format, width.next_multiple_of(across), height.next_multiple_of(down));
    let kind = match bytes.int_in_range(0..=3)? {
        _ if format.class() == Class::Planar => flat,
        0 => flat.with_layers(layers).with_levels(1 + flat.width.max(flat.height).ilog2().min(3)),
        1 if format.class() == Class::Color => flat.with_depth(layers),
        2 if tiling == Tiling::Optimal => TextureSpec { samples: 4, ..flat },
        _ => flat.with_layers(layers),
    };
    Ok(kind.with_tiling(tiling).with_placement(placement))
}
