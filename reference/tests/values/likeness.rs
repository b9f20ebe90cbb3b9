//! What a wrong picture looks like: each mistake of a copy has a name of its own.

use gpushare::pattern::Likeness;
use gpushare::{Format, Pattern, TextureSpec};
use rstest::rstest;

const PATTERN: Pattern = Pattern { seed: 77, frame: 10 };

fn spec() -> TextureSpec {
    TextureSpec { layers: 2, ..TextureSpec::new(Format::R8G8B8A8Unorm, 16, 8) }
}

const ROW: usize = 64;

fn texels(pattern: Pattern) -> Vec<u8> {
    let mut texels = vec![0; usize::try_from(spec().packed_bytes()).expect("small")];
    pattern.fill(&spec(), &mut texels);
    texels
}

type Damage = fn(&mut Vec<u8>);

fn swap_red_and_blue(texels: &mut [u8]) {
    texels.as_chunks_mut::<4>().0.iter_mut().for_each(|texel| texel.swap(0, 2));
}

#[rstest]
#[case::never_written(|t: &mut Vec<u8>| t.fill(0), Likeness::Zero)]
#[case::one_frame_late(|t: &mut Vec<u8>| *t = texels(PATTERN.at_frame(9)), Likeness::Frame(9))]
#[case::one_frame_early(|t: &mut Vec<u8>| *t = texels(PATTERN.at_frame(11)), Likeness::Frame(11))]
#[case::four_frames_late(|t: &mut Vec<u8>| *t = texels(PATTERN.at_frame(6)), Likeness::Frame(6))]
#[case::four_frames_early(|t: &mut Vec<u8>| *t = texels(PATTERN.at_frame(14)), Likeness::Frame(14))]
#[case::another_frame_long_ago(|t: &mut Vec<u8>| *t = texels(PATTERN.at_frame(5)), Likeness::Unrelated)]
#[case::another_texture(|t: &mut Vec<u8>| *t = texels(Pattern { seed: 78, ..PATTERN }), Likeness::Unrelated)]
#[case::swapped(|t: &mut Vec<u8>| swap_red_and_blue(t), Likeness::RedAndBlueSwapped)]
#[case::one_texel_to_the_left(|t: &mut Vec<u8>| t.rotate_left(4), Likeness::Shifted(1))]
#[case::one_texel_to_the_right(|t: &mut Vec<u8>| { t.rotate_right(4); t.copy_within(ROW..2 * ROW, 0) }, Likeness::Shifted(15))]
#[case::one_row_up(|t: &mut Vec<u8>| t.rotate_left(ROW), Likeness::Shifted(16))]
#[case::two_rows_up(|t: &mut Vec<u8>| t.rotate_left(2 * ROW), Likeness::Shifted(32))]
#[case::row_pitch_too_long(|t: &mut Vec<u8>| t.copy_within(3 * ROW..4 * ROW, 4 * ROW), Likeness::Shifted(-16))]
#[case::two_rows_down(|t: &mut Vec<u8>| t.copy_within(3 * ROW..4 * ROW, 5 * ROW), Likeness::Shifted(-32))]
#[case::torn(|t: &mut Vec<u8>| t[5 * ROW..].fill(9), Likeness::Partly)]
#[case::torn_between_frames(|t: &mut Vec<u8>| { t.truncate(8 * ROW); t.extend_from_slice(&texels(PATTERN.at_frame(9))[8 * ROW..]) }, Likeness::Frame(9))]
#[case::noise(|t: &mut Vec<u8>| t.fill(9), Likeness::Unrelated)]
fn a_mistake_is_named(#[case] damage: Damage, #[case] expected: Likeness) {
    let mut wrong = texels(PATTERN);
    damage(&mut wrong);

    let mismatch = PATTERN.verify(&spec(), &wrong).expect_err("the picture is wrong");

    assert_eq!(mismatch.looks_like, expected, "{mismatch}");
}

#[test]
fn frames_near_0_and_near_the_last_do_not_wrap() {
    let first = PATTERN.at_frame(0);
    let last = PATTERN.at_frame(u32::MAX);

    let mismatch = first.verify(&spec(), &texels(last)).expect_err("another frame");
    let reverse = last.verify(&spec(), &texels(first)).expect_err("another frame");

    assert_eq!((mismatch.looks_like, reverse.looks_like), (Likeness::Unrelated, Likeness::Unrelated));
}

#[test]
fn short_rows_are_not_judged_by_chance() {
    // One byte a row agrees with one of eight other frames too often to say so.
    let spec = TextureSpec::new(Format::R8Unorm, 1, 64);
    for seed in 0..64 {
        let mut wrong = vec![0; 64];
        Pattern { seed, frame: 11 }.fill(&spec, &mut wrong);

        let mismatch = Pattern { seed, frame: 10 }.verify(&spec, &wrong).expect_err("another frame");

        assert!(matches!(mismatch.looks_like, Likeness::Unrelated | Likeness::Partly), "{mismatch}");
    }
}

#[rstest]
#[case::nothing(0, 256)]
#[case::the_last_row_is_missing(15 * ROW, 16)]
#[case::half_a_row_is_missing(16 * ROW - ROW / 2, 8)]
#[case::a_byte_is_missing(16 * ROW - 1, 1)]
fn missing_texels_are_wrong_texels(#[case] len: usize, #[case] wrong: u64) {
    let short = &texels(PATTERN)[..len];

    let mismatch = PATTERN.verify(&spec(), short).expect_err("texels are missing");

    assert_eq!((mismatch.wrong, mismatch.total), (wrong, 256));
}

#[test]
fn the_texts_say_where_and_what() {
    let say = |damage: Damage| {
        let mut wrong = texels(PATTERN);
        damage(&mut wrong);
        PATTERN.verify(&spec(), &wrong).expect_err("the picture is wrong").to_string()
    };

    let texts = [
        say(|t| t.fill(0)),
        say(|t| *t = texels(PATTERN.at_frame(9))),
        say(|t| swap_red_and_blue(t)),
        say(|t| t.rotate_left(ROW)),
        say(|t| t[13 * ROW + 8..].fill(9)),
        say(|t| t.fill(9)),
    ];

    insta::assert_snapshot!(texts.join("\n"));
}
