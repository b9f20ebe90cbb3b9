//! What travels beside a handle.

use gpushare::sync::SyncFields;
use gpushare::{Api, HandleType, SyncDescriptor, SyncKind, Uuid};
use rstest::rstest;

fn fields() -> SyncFields {
    SyncFields {
        version: SyncDescriptor::VERSION,
        kind: SyncKind::Semaphore,
        api: Api::Vulkan,
        device_uuid: Uuid([0xd0; 16]),
        driver_uuid: Uuid([0x0d; 16]),
        handle_type: HandleType::OpaqueFd,
    }
}

#[test]
fn the_text_form_stays_as_it_is_and_is_read_as_it_is_written() {
    let descriptor = SyncDescriptor::new(fields()).expect("valid");

    let text = descriptor.to_text();

    insta::assert_snapshot!(text, @r#"{"version":1,"kind":"semaphore","api":"vulkan","device_uuid":"d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0","driver_uuid":"0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d","handle_type":"opaque_fd"}"#);
    assert_eq!(SyncDescriptor::parse(text.as_bytes()).expect("valid"), descriptor);
}

#[rstest]
#[case::version(|fields: &mut SyncFields| fields.version = 2, "version is 2, expected 1")]
#[case::memory(|fields: &mut SyncFields| fields.handle_type = HandleType::DmaBuf, "dma_buf carries no semaphore")]
#[case::interface(|fields: &mut SyncFields| fields.api = Api::Host, "opaque_fd carries no semaphore of the host")]
#[case::copy_of_timeline(
    |fields: &mut SyncFields| (fields.kind, fields.handle_type) = (SyncKind::Timeline, HandleType::SyncFd),
    "sync_fd carries no timeline"
)]
fn what_makes_no_sense_is_refused(#[case] spoil: fn(&mut SyncFields), #[case] says: &str) {
    let mut spoilt = fields();
    spoil(&mut spoilt);

    let error = SyncDescriptor::new(spoilt).expect_err("refused");

    assert!(error.to_string().contains(says), "{error}");
}

#[rstest]
#[case::empty("")]
#[case::other_json("[1]")]
#[case::unknown_field(r#"{"version":1,"kind":"fence","colour":1}"#)]
fn what_is_no_descriptor_is_refused(#[case] text: &str) {
    assert!(SyncDescriptor::parse(text.as_bytes()).is_err());
}

#[test]
fn a_long_text_is_not_read() {
    let text = vec![b' '; SyncDescriptor::MAX_TEXT + 1];

    let error = SyncDescriptor::parse(&text).expect_err("refused");

    assert!(error.to_string().contains("at most 4096"), "{error}");
}
