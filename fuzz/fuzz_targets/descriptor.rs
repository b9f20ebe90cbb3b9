//! A descriptor from a stranger: refused, or sound and the same after another round trip.
#![no_main]

use gpushare::TextureDescriptor;
use gpushare_fuzz::invariants::assert_sound;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(descriptor) = TextureDescriptor::parse(bytes) {
        assert_sound(&descriptor);
        let text = descriptor.to_text();
        assert!(text.len() <= TextureDescriptor::MAX_TEXT);
        assert_eq!(TextureDescriptor::parse(text.as_bytes()), Ok(descriptor));
    }
});
