//! The text form: what is no descriptor, however near it comes.

use gpushare::{DescriptorError, TextureDescriptor};
use rstest::rstest;
use serde_json::{Value, json};

use crate::fields;

fn valid() -> Value {
    serde_json::to_value(fields::host()).expect("fields serialise")
}

fn parse(value: &Value) -> Result<TextureDescriptor, DescriptorError> {
    TextureDescriptor::parse(value.to_string().as_bytes())
}

fn malformed(error: &DescriptorError) -> &str {
    let DescriptorError::Malformed { detail } = error else { panic!("another error: {error:?}") };
    detail
}

#[rstest]
#[case::nothing(b"")]
#[case::space(b"   ")]
#[case::null(b"null")]
#[case::number(b"1")]
#[case::list(b"[]")]
#[case::empty_object(b"{}")]
#[case::not_utf8(b"{\"version\": \"\xff\"}")]
#[case::cut_off(b"{\"version\": 1")]
#[case::deeply_nested(&[b'['; 16 << 10])]
fn what_is_no_descriptor(#[case] text: &[u8]) {
    let error = TextureDescriptor::parse(text).expect_err("refused");

    assert!(!malformed(&error).is_empty());
}

#[rstest]
fn each_field_must_be_there(
    #[values(
        "version",
        "api",
        "device_uuid",
        "driver_uuid",
        "handle_type",
        "allocation_size",
        "offset",
        "memory_type_index",
        "texture",
        "planes"
    )]
    field: &str,
    #[values(false, true)] of_the_wrong_type: bool,
) {
    let mut text = valid();
    if of_the_wrong_type {
        text[field] = json!({ "no": "such thing" });
    } else {
        text.as_object_mut().expect("an object").remove(field);
    }

    let error = parse(&text).expect_err("refused");

    let detail = malformed(&error);
    assert!(of_the_wrong_type || detail.contains(field), "{detail}");
}

#[rstest]
#[case::at_the_top("", "colour")]
#[case::in_the_texture("/texture", "mips")]
#[case::in_a_plane("/planes/0", "size")]
fn unknown_fields_are_refused(#[case] place: &str, #[case] name: &str) {
    let mut text = valid();
    text.pointer_mut(place).expect("the place exists")[name] = json!(1);

    let error = parse(&text).expect_err("refused");

    assert!(malformed(&error).contains(name), "{error}");
}

#[test]
fn a_field_that_comes_twice_is_refused() {
    let text = valid().to_string().replacen('{', r#"{"version":1,"#, 1);

    let error = TextureDescriptor::parse(text.as_bytes()).expect_err("refused");

    assert!(malformed(&error).contains("duplicate field"), "{error}");
}

#[rstest]
#[case::negative(json!(-1))]
#[case::past_64_bits(serde_json::from_str("18446744073709551616").expect("a number"))]
#[case::fraction(json!(1.5))]
#[case::text(json!("4096"))]
fn sizes_are_whole_numbers(#[case] value: Value) {
    let mut text = valid();
    text["allocation_size"] = value;

    let error = parse(&text).expect_err("refused");

    malformed(&error);
}

#[test]
fn a_text_longer_than_the_limit_is_not_read() {
    let text = valid().to_string();
    let padded = |len: usize| format!("{text}{}", " ".repeat(len - text.len()));

    let fits = TextureDescriptor::parse(padded(TextureDescriptor::MAX_TEXT).as_bytes());
    let too_long = TextureDescriptor::parse(padded(TextureDescriptor::MAX_TEXT + 1).as_bytes());

    assert!(fits.is_ok(), "{fits:?}");
    insta::assert_snapshot!(too_long.expect_err("refused"), @"malformed descriptor: 16385 bytes, at most 16384 are read");
}

#[test]
fn deserialising_validates() {
    let mut text = valid();
    text["texture"]["width"] = json!(0);

    let outcome = serde_json::from_value::<TextureDescriptor>(text);

    insta::assert_snapshot!(outcome.expect_err("refused"), @"descriptor: width is 0, allowed is 1 to 65536");
}

#[test]
fn the_text_form_stays_as_it_is() {
    let descriptor = TextureDescriptor::new(fields::host()).expect("valid");

    let text: Value = serde_json::from_str(&descriptor.to_text()).expect("JSON");

    insta::assert_json_snapshot!(text);
}
