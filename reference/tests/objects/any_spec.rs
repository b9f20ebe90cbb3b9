//! Any texture that makes sense: every format, dimension, tiling and placement, with levels, layers and samples where they can be.

use gpushare::format::Class;
use gpushare::{Dimension, Format, Placement, TextureSpec, Tiling, Usage};
use proptest::prelude::*;

/// None larger than `side` in any direction.
pub(crate) fn any_spec(side: u32) -> impl Strategy<Value = TextureSpec> {
    let extent = (1..=side, 1..=side, 1..=side.min(9));
    let dimension = prop_oneof![1 => Just(Dimension::D1), 3 => Just(Dimension::D2), 1 => Just(Dimension::D3)];
    let counts = (1..=4u32, 1..=4u32, prop_oneof![4 => Just(1u32), 1 => Just(2), 1 => Just(4)]);
    let tiling = prop_oneof![Just(Tiling::Linear), Just(Tiling::Optimal)];
    let placement = prop_oneof![Just(Placement::Dedicated), Just(Placement::Suballocated)];
    let usage = prop_oneof![Just(Usage::SAMPLED), Just(Usage::empty()), Just(Usage::all())];
    let format = prop::sample::select(&Format::ALL[..]);
    (format, extent, dimension, counts, tiling, placement, usage).prop_map(
        |(format, (width, height, depth), dimension, (levels, layers, samples), tiling, placement, usage)| {
            let planar = format.class() == Class::Planar;
            let dimension =
                if format.class() == Class::Color || !planar && dimension == Dimension::D3 { dimension } else { Dimension::D2 };
            let flat = dimension == Dimension::D2;
            let (across, down) = format.granularity();
            let (width, height) = (width.next_multiple_of(across), height.next_multiple_of(down));
            let (height, depth) = match dimension {
                Dimension::D1 => (1, 1),
                Dimension::D2 => (height, 1),
                Dimension::D3 => (height, depth),
            };
            let samples = if flat && !planar && tiling == Tiling::Optimal { samples } else { 1 };
            let most_levels = width.max(height).max(depth).ilog2() + 1;
            TextureSpec {
                dimension,
                depth,
                mip_levels: if planar || samples > 1 { 1 } else { levels.min(most_levels) },
                layers: if planar || dimension == Dimension::D3 { 1 } else { layers },
                samples,
                ..TextureSpec::new(format, width, height)
            }
            .with_tiling(tiling)
            .with_placement(placement)
            .with_usage(usage)
        },
    )
}
