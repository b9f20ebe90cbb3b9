//! Copies of this process, as peers of their own: a driver's library that takes long to load is loaded once for all of them.
#![expect(unsafe_code, reason = "a library's initialisers run when it is loaded")]

use std::path::Path;

use gpushare::OwnedHandle;

use crate::protocol::{Code, Problem};
use crate::sys;

/// Which of the two processes goes on.
pub(super) enum Copied {
    /// The one that was asked; the other has this number.
    Original(u32),
    /// The other one, whose channel this is.
    Copy(OwnedHandle),
}

/// Load a driver's library as the Vulkan loader does, and never let it go.
pub(super) fn load(library: &Path) -> Result<(), Problem> {
    // SAFETY: its initialisers would run when a device is opened: whoever asks for this driver means them to.
    let loaded = unsafe { libloading::Library::new(library) };
    loaded.map(std::mem::forget).map_err(|error| Problem::new(Code::System, format!("loading {}: {error}", library.display())))
}

/// Copy this process. `beside`: the copy's channel, and where its standard output and standard error go.
pub(super) fn copy(ended: &[u32], beside: Vec<OwnedHandle>) -> Result<Copied, Problem> {
    let Ok([channel, words]) = <[OwnedHandle; 2]>::try_from(beside) else {
        return Err(Problem::new(Code::Request, "a copy takes two handles, its channel and a place for its words"));
    };
    ended.iter().for_each(|pid| sys::reap_copy(*pid));
    let copied =
        sys::copy_process(&words).map_err(|error| Problem::new(Code::System, format!("copying this process: {error}")))?;
    Ok(copied.map_or(Copied::Copy(channel), Copied::Original))
}
