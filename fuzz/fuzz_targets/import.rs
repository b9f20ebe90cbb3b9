//! Any object with any descriptor into the host backend: an error, or a texture that works; and nothing is left behind.
#![no_main]

use gpushare_fuzz::holdings::Holdings;
use gpushare_fuzz::import::try_import;
use gpushare_fuzz::input::Input;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Input| {
    let before = Holdings::count();
    let outcome = try_import(&input);
    assert_eq!(before, Holdings::count(), "something was left behind by {outcome:?} of {input:?}");
});
