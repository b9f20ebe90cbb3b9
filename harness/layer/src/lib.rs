//! A Vulkan layer that gives a healthy driver one defect, so that a conformance suite can show that it notices.
//!
//! The environment says which ([`MUTANT_VARIABLE`]); [`table::MUTANTS`] says which there are. Without the variable, the layer
//! intercepts nothing and passes all on. No driver is quite healthy: with [`table::HEALED`], and under every mutant, the layer first
//! corrects what the known software drivers do wrong (`hooks/memory.rs`), so that a defect which a driver has of itself can be
//! taken away and given back.
//!
//! | module | holds |
//! | --- | --- |
//! | [`table`] | every mutant: its name, the defect's sentence, the functions that it intercepts |
//! | `choice` | the mutant of this process, and whether it has done anything yet |
//! | `loader` | the structures of the loader's layer interface, version 2 |
//! | `chain` | the functions of the next layer, or of the driver |
//! | `entry` | instances and devices made and destroyed, functions looked up |
//! | `hooks` | what the mutants do, by kind |
#![cfg(unix)]

mod chain;
mod choice;
mod entry;
mod hooks;
mod loader;
pub mod table;

pub use choice::{DIARY_VARIABLE, LOADED, MUTANT_VARIABLE};

/// The layer's name, as its manifest and `VK_INSTANCE_LAYERS` have it.
pub const LAYER_NAME: &str = "VK_LAYER_GPUSHARE_mutant";
