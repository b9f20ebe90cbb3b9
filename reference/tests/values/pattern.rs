//! Pictures: the same everywhere, different from each other, and safe to copy as floating-point numbers.

use std::fmt::Write as _;

use gpushare::format::Numbers;
use gpushare::{Format, Part, Pattern, TextureSpec};
use proptest::prelude::*;
use rstest::rstest;

use crate::any_spec::any_spec;

/// 24 × 6 texels in three layers, and one level more.
fn spec(format: Format) -> TextureSpec {
    TextureSpec::new(format, 24, 6).with_layers(3).with_levels(2)
}

/// The bytes of each part, and what they mean.
fn parts<'texels>(spec: &TextureSpec, texels: &'texels [u8]) -> impl Iterator<Item = (Part, Numbers, &'texels [u8])> {
    let planes = spec.format.planes();
    spec.parts()
        .map(move |part| (part, planes[part.plane as usize].numbers, &texels[part.offset as usize..part.end() as usize]))
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
fn no_two_rows_layers_levels_or_planes_are_alike() {
    for format in Format::ALL {
        let spec = spec(format);
        let texels = texels(PATTERN, &spec);

        let all = parts(&spec, &texels).flat_map(|(part, _, bytes)| bytes.chunks_exact(part.row_bytes() as usize));
        let mut rows: Vec<&[u8]> = all.collect();

        let count = rows.len();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), count, "{format}");
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
        let spec = spec(format);
        for (_, numbers, bytes) in parts(&spec, &texels(PATTERN, &spec)) {
            let words = || bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
            let allowed = match numbers {
                Numbers::Integer => true,
                Numbers::Single => words().all(|word| f32::from_bits(word).is_normal()),
                Numbers::Double => bytes.as_chunks::<8>().0.iter().all(|bytes| f64::from_le_bytes(*bytes).is_normal()),
                // The exponent field: 0 is zero or denormal, 31 is infinite or no number.
                Numbers::Half => {
                    let mut exponents = bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes) >> 10 & 31);
                    exponents.all(|exponent| (1..31).contains(&exponent))
                }
                Numbers::PackedFloat => {
                    words().all(|word| [word >> 6, word >> 17, word >> 27].iter().all(|bits| (1..31).contains(&(bits & 31))))
                }
                Numbers::UnitSingle => {
                    words().map(f32::from_bits).all(|value| value.is_normal() && (0.0..=1.0).contains(&value))
                }
                Numbers::Low24 => words().all(|word| word >> 24 == 0),
                Numbers::High10 => bytes.as_chunks::<2>().0.iter().all(|bytes| bytes[0] & 0x3f == 0),
            };
            assert!(allowed, "{format}");
        }
    }
}

#[test]
fn integers_use_every_bit() {
    for format in Format::ALL {
        let spec = spec(format);
        for (_, _, bytes) in parts(&spec, &texels(PATTERN, &spec)).filter(|(_, numbers, _)| *numbers == Numbers::Integer) {
            assert_eq!(bytes.iter().fold(0, |seen, byte| seen | byte), 0xff, "{format}");
            assert_eq!(bytes.iter().fold(0xff, |seen, byte| seen & byte), 0, "{format}");
        }
    }
}

#[test]
fn bits_that_mean_nothing_are_not_compared() {
    for (format, byte) in [(Format::X8D24Unorm, 3), (Format::G10B10R10Planes2Every2x2, 0)] {
        let spec = TextureSpec::new(format, 8, 8);
        let mut texels = texels(PATTERN, &spec);
        texels[byte] ^= 0x3f;

        assert_eq!(PATTERN.verify(&spec, &texels), Ok(()), "{format}");
        texels[byte ^ 1] ^= 0xff;
        assert!(PATTERN.verify(&spec, &texels).is_err(), "{format}");
    }
}

#[test]
fn a_multisampled_texture_has_one_texel_a_layer() {
    let spec = TextureSpec { samples: 4, ..TextureSpec::new(Format::R8G8B8A8Unorm, 8, 8).with_layers(2) };

    let texels = texels(PATTERN, &spec);

    let (first, second) = texels.split_at(256);
    assert!([first, second].iter().all(|layer| layer.chunks(4).all(|texel| *texel == layer[..4])));
    assert_ne!(first, second);
    assert_eq!(PATTERN.verify(&spec, &texels), Ok(()));
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
        spec in any_spec(40).prop_map(|spec| TextureSpec { samples: 1, ..spec }),
        seed in any::<u64>(),
        place in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let pattern = Pattern::seeded(seed);
        let mut texels = texels(pattern, &spec);
        prop_assert_eq!(pattern.verify(&spec, &texels), Ok(()));
        let at = place.index(texels.len());
        texels[at] ^= flip;

        let verified = pattern.verify(&spec, &texels);

        let found = parts(&spec, &texels).find(|(part, ..)| (part.offset..part.end()).contains(&(at as u64)));
        // Between two parts nothing is looked at, and neither are bits that mean nothing.
        let Some((part, ..)) = found.filter(|(_, numbers, _)| numbers.unused_bits() == 0) else { return Ok(()) };
        let mismatch = verified.expect_err("a byte is wrong");
        let block = (at as u64 - part.offset) / u64::from(part.block_bytes);
        let (column, row) = (block % u64::from(part.columns), block / u64::from(part.columns));
        let expected = (column, row % u64::from(part.rows), row / u64::from(part.rows));
        let (x, y, slice) = mismatch.at;
        prop_assert_eq!((u64::from(x), u64::from(y), u64::from(slice)), expected);
        prop_assert_eq!((mismatch.level, mismatch.plane, mismatch.wrong), (part.level, part.plane, 1));
        let blocks = spec.parts().map(|part| u64::from(part.columns) * u64::from(part.rows) * u64::from(part.slices));
        prop_assert_eq!(mismatch.total, blocks.sum::<u64>());
        prop_assert_ne!(mismatch.found, mismatch.expected);
    }

    #[test]
    fn a_subresource_holds_what_it_holds_in_the_whole(spec in any_spec(40), seed in any::<u64>(), place in any::<prop::sample::Index>()) {
        let pattern = Pattern::seeded(seed);
        let whole = texels(pattern, &spec);
        let all: Vec<_> = spec.parts().flat_map(|part| part.subresources()).collect();
        let one = all[place.index(all.len())];
        let part = spec.part(one).expect("it is one of its own");
        let bytes = usize::try_from(part.slice_bytes()).expect("small");
        let mut alone = vec![0; bytes];

        pattern.fill_subresource(&spec, one, &mut alone);

        let start = part.offset as usize + bytes * one.slice as usize;
        prop_assert_eq!(&whole[start..start + bytes], &alone[..]);
        prop_assert_eq!(pattern.verify_subresource(&spec, one, &alone), Ok(()));
        alone[0] ^= 0x80;
        let mismatch = pattern.verify_subresource(&spec, one, &alone).expect_err("a byte is wrong");
        prop_assert_eq!((mismatch.plane, mismatch.level, mismatch.at.2), (one.plane, one.level, one.slice));
    }

    #[test]
    fn parts_lie_behind_each_other_and_where_a_copy_may_begin(spec in any_spec(40)) {
        let mut end = 0;
        for part in spec.parts() {
            prop_assert!(part.offset >= end && part.offset.is_multiple_of(4) && part.offset.is_multiple_of(part.block_bytes.into()));
            prop_assert!(part.offset - end < 4 * u64::from(part.block_bytes));
            end = part.end();
        }
        prop_assert_eq!(end, spec.packed_bytes());
    }
}
