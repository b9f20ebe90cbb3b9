//! Names of devices and drivers as text.

use gpushare::Uuid;
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case::lower_case("0123456789abcdef0123456789abcdef")]
#[case::upper_case("0123456789ABCDEF0123456789ABCDEF")]
fn thirty_two_digits_are_a_uuid(#[case] text: &str) {
    let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

    assert_eq!(text.parse(), Ok(Uuid(bytes)));
}

#[rstest]
#[case::empty("")]
#[case::too_short("0123456789abcdef0123456789abcde")]
#[case::too_long("0123456789abcdef0123456789abcdef0")]
#[case::dashes("01234567-89ab-cdef-0123-456789abcdef")]
#[case::prefix("0x23456789abcdef0123456789abcdef")]
#[case::another_letter("0123456789abcdef0123456789abcdeg")]
#[case::space("0123456789abcdef0123456789abcde ")]
#[case::sign("+123456789abcdef0123456789abcdef")]
#[case::wide_digits("０123456789abcdef0123456789abcdef")]
fn other_text_is_none(#[case] text: &str) {
    let error = text.parse::<Uuid>().expect_err("refused");

    assert_eq!(error.to_string(), format!("a UUID is 32 hexadecimal digits, found {text:?}"));
}

#[test]
fn a_long_text_is_not_repeated_whole_in_the_error() {
    let error = "x".repeat(1 << 16).parse::<Uuid>().expect_err("refused");

    assert!(error.to_string().len() < 128);
}

#[test]
fn debug_shows_the_digits() {
    assert_eq!(format!("{:?}", Uuid([0xa5; 16])), "Uuid(a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5)");
}

proptest! {
    #[test]
    fn text_carries_every_uuid(bytes in any::<[u8; 16]>()) {
        let text = Uuid(bytes).to_string();

        prop_assert_eq!(text.parse(), Ok(Uuid(bytes)));
        prop_assert_eq!(text.len(), 32);
    }
}
