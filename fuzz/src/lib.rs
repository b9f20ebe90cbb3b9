//! What the fuzz targets share with the test that writes their seeds.
//!
//! | module | holds |
//! | --- | --- |
//! | [`invariants`] | what an accepted descriptor must satisfy, reckoned a second time |
//! | [`input`] | one import: an object and a descriptor, drawn from the fuzzer's bytes |
//! | [`change`] | what may be wrong with a descriptor |
//! | [`object`] | the things a descriptor may come beside |
//! | [`holdings`] | what this process holds |
//! | [`import`] | the import itself and what must hold after it |

pub mod change;
pub mod holdings;
pub mod import;
pub mod input;
pub mod invariants;
pub mod object;
