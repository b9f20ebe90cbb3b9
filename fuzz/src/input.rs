//! One import, drawn from the fuzzer's bytes.

use arbitrary::{Arbitrary, Unstructured};
use gpushare::{Format, Placement, TextureSpec, Tiling};

use crate::change::Change;
use crate::object::Object;

/// An object, and a descriptor that told the truth before it was changed.
#[derive(Arbitrary, Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What the handle is.
    pub object: Object,
    /// The texture that is exported. At most 512 KiB.
    #[arbitrary(with = small_texture)]
    pub texture: TextureSpec,
    /// What is changed in its descriptor.
    pub changes: Vec<Change>,
    /// The pictures that are written into it.
    pub seed: u64,
}

fn small_texture(bytes: &mut Unstructured<'_>) -> arbitrary::Result<TextureSpec> {
    let format = *bytes.choose(&Format::ALL)?;
    let (width, height, layers) = (bytes.int_in_range(1..=128)?, bytes.int_in_range(1..=64)?, bytes.int_in_range(1..=4)?);
    let tiling = if bytes.arbitrary()? { Tiling::Linear } else { Tiling::Optimal };
    let placement = if bytes.arbitrary()? { Placement::Suballocated } else { Placement::Dedicated };
    Ok(TextureSpec { layers, ..TextureSpec::new(format, width, height) }.with_tiling(tiling).with_placement(placement))
}
