//! What the mutants do, by kind. A hook is looked up only for the functions that the chosen mutant names.

mod barrier;
mod descriptor;
mod export;
mod identity;
mod image;
mod import;
mod memory;
mod semaphore;
mod signals;
mod submit;
mod wait;

use std::ffi::CStr;

use ash::vk;

/// This layer's function of this name.
pub(crate) fn find(name: &CStr) -> vk::PFN_vkVoidFunction {
    let by_kind =
        [identity::find, memory::find, export::find, image::find, barrier::find, semaphore::find, submit::find, wait::find];
    by_kind.into_iter().find_map(|find| find(name.to_bytes()))
}
