//! Pictures: the same everywhere, different from each other, and safe to copy as floating-point numbers.

use std::fmt::Write as _;

use gpushare::format::Numbers;
use gpushare::{Format, Pattern, TextureSpec};
use proptest::prelude::*;
use rstest::rstest;

/// 24 × 6 texels in three layers.
fn spec(format: Format) -> TextureSpec {
    TextureSpec { layers: 3, ..TextureSpec::new(format, 24, 6) }
}

fn texels(pattern: Pattern, spec: &TextureSpec) -> Vec<u8> {
    let mut texels = vec![0; usize::try_from(spec.packed_bytes()).expect("small")];
    pattern.fill(spec, &mut texels);
    texels
}

const PATTERN: Pattern = Pattern { seed: 0x0123_4567_89ab_cdef, frame: 5 };

#[rstest]
#[case::seed(Pattern { seed: PATTERN.seed + 1, ..PATTERN })]
#[case::high_half_of_the_seed(Pattern { seed: PATTERN.seed ^ 1 << 63, ..PATTERN })]
#[case::halves_of_the_seed_exchanged(Pattern { seed: PATTERN.seed.rotate_left(32), ..PATTERN })]
#[case::frame(PATTERN.at_frame(6))]
#[case::much_later_frame(PATTERN.at_frame(u32::MAX))]
fn another_picture_differs_nearly_everywhere(#[case] other: Pattern) {
    for format in Format::ALL {
        let spec = spec(format);

        let difference = other.verify(&spec, &texels(PATTERN, &spec)).expect_err("they differ");

        // Texels of one byte agree by chance once in 256.
        assert!(difference.wrong * 10 > difference.total * 9, "{format}: {difference}");
    }
}

#[test]
fn no_two_rows_and_no_two_layers_are_alike() {
    for format in Format::ALL {
        let spec = spec(format);
        let texels = texels(PATTERN, &spec);

        let mut rows: Vec<&[u8]> = texels.chunks_exact(usize::try_from(spec.row_bytes()).expect("small")).collect();

        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 18, "{format}");
    }
}

#[test]
fn no_two_texels_of_four_bytes_are_alike() {
    let spec = TextureSpec::new(Format::R8G8B8A8Unorm, 64, 64);
    let texels = texels(PATTERN, &spec);

    let mut all: Vec<[u8; 4]> = texels.as_chunks().0.to_vec();

    all.sort_unstable();
    all.dedup();
    // Two of 4096 random words agree once in 500 pictures; not in this one.
    assert_eq!(all.len(), 4096);
}

#[test]
fn no_float_is_one_that_a_copy_may_change() {
    for format in Format::ALL {
        let texels = texels(PATTERN, &spec(format));
        match format.numbers() {
            Numbers::Integer => {}
            Numbers::Single => {
                let mut values = texels.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
                assert!(values.all(f32::is_normal), "{format}");
            }
            Numbers::Half => {
                // The exponent field: 0 is zero or denormal, 31 is infinite or no number.
                let mut exponents = texels.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes) >> 10 & 31);
                assert!(exponents.all(|exponent| (1..31).contains(&exponent)), "{format}");
            }
        }
    }
}

#[test]
fn integers_use_every_bit() {
    for format in Format::ALL.into_iter().filter(|format| format.numbers() == Numbers::Integer) {
        let texels = texels(PATTERN, &spec(format));

        assert_eq!(texels.iter().fold(0, |seen, byte| seen | byte), 0xff, "{format}");
        assert_eq!(texels.iter().fold(0xff, |seen, byte| seen & byte), 0, "{format}");
    }
}

/// A peer written by somebody else computes the same texels, so they never change.
#[test]
fn the_texels_stay_as_they_are() {
    let mut listing = String::new();
    for format in Format::ALL {
        let row = texels(Pattern::seeded(1), &TextureSpec::new(format, 2, 1));
        let hex: String = row.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(listing, "{format} {hex}").expect("a string takes everything");
    }

    insta::assert_snapshot!(listing);
}

#[test]
fn a_pattern_without_a_frame_is_frame_0() {
    assert_eq!(Pattern::seeded(9), Pattern { seed: 9, frame: 0 });
}

proptest! {
    #[test]
    fn a_filled_texture_verifies_and_one_changed_byte_is_found(
        format in prop::sample::select(&Format::ALL[..]),
        (width, height, layers) in (1..40u32, 1..20u32, 1..4u32),
        seed in any::<u64>(),
        place in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let spec = TextureSpec { layers, ..TextureSpec::new(format, width, height) };
        let pattern = Pattern::seeded(seed);
        let mut texels = texels(pattern, &spec);
        prop_assert_eq!(pattern.verify(&spec, &texels), Ok(()));
        let at = place.index(texels.len());
        texels[at] ^= flip;

        let mismatch = pattern.verify(&spec, &texels).expect_err("a byte is wrong");

        let texel = at as u64 / u64::from(format.texel_bytes());
        let (column, row) = (texel % u64::from(width), texel / u64::from(width));
        let expected = (column, row % u64::from(height), row / u64::from(height));
        let (x, y, layer) = mismatch.at;
        prop_assert_eq!((u64::from(x), u64::from(y), u64::from(layer)), expected);
        prop_assert_eq!((mismatch.wrong, mismatch.total), (1, u64::from(width * height * layers)));
        prop_assert_ne!(mismatch.found, mismatch.expected);
    }
}
