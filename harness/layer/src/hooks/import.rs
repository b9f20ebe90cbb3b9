//! Imports of memory: the defects of an import, on a driver that is healed of those it has of itself.
//!
//! A healthy driver leaves the descriptor alone when it refuses, and refuses with `VK_ERROR_INVALID_EXTERNAL_HANDLE` what is no
//! memory or too short (VkImportMemoryFdInfoKHR; VkMemoryAllocateInfo).

use std::os::fd::{IntoRawFd, RawFd};

use ash::vk;

use crate::chain::Device;
use crate::choice::{acts, is};
use crate::hooks::descriptor::{self, Kind};
use crate::hooks::memory::{Wanted, with_bytes};

const REFUSED: vk::Result = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;

pub(super) fn import(device: &Device, wanted: &Wanted, number: RawFd) -> Result<vk::DeviceMemory, vk::Result> {
    if acts("D14") {
        return Err(REFUSED);
    }
    match descriptor::kind(number, wanted.bytes) {
        Kind::Plausible => {}
        Kind::Short if acts("D9") => return instead(device, wanted, number),
        Kind::Other if acts("D16") => return instead(device, wanted, number),
        Kind::Closed if acts("D17-crash") => std::process::abort(),
        Kind::Closed if acts("D17-hang") => loop {
            std::thread::park();
        },
        Kind::Short | Kind::Other | Kind::Closed => return Err(refuse(number)),
    }
    // A driver that closes the descriptor upon failure is healed by the spare one.
    let spare = descriptor::duplicate(number);
    let before = descriptor::look(number);
    // A driver that does not take the descriptor works on another one, and the application's stays open. Nor does one that takes
    // it keep it open: only then has somebody else its number by the time that it is closed again, when the memory is freed.
    let another = is("D6") || is("D7");
    let given = if another { descriptor::duplicate(number).map_or(number, IntoRawFd::into_raw_fd) } else { number };
    match wanted.allocate(device, Some(given)) {
        Ok(memory) => {
            if given != number && !acts("D6") {
                descriptor::close(number);
            }
            succeeded(device, wanted, memory)
        }
        Err(_) => {
            let closed = descriptor::look(number).zip(before).is_none_or(|(now, before)| !descriptor::same(&now, &before));
            if closed && let Some(spare) = spare {
                descriptor::put_back(spare, number);
            }
            Err(refuse(number))
        }
    }
}

fn refuse(number: RawFd) -> vk::Result {
    if descriptor::look(number).is_some() && acts("D5") {
        descriptor::close(number);
    }
    REFUSED
}

/// Take the descriptor and give memory that has nothing to do with it.
fn instead(device: &Device, wanted: &Wanted, number: RawFd) -> Result<vk::DeviceMemory, vk::Result> {
    let memory = wanted.allocate(device, None)?;
    descriptor::close(number);
    Ok(memory)
}

fn succeeded(device: &Device, wanted: &Wanted, memory: vk::DeviceMemory) -> Result<vk::DeviceMemory, vk::Result> {
    if acts("D11") {
        with_bytes(device, memory, wanted.bytes, |texels| texels.fill(0));
    }
    if !acts("D10") {
        return Ok(memory);
    }
    let copy = wanted.allocate(device, None)?;
    with_bytes(device, memory, wanted.bytes, |from| {
        with_bytes(device, copy, wanted.bytes, |to| to.copy_from_slice(from));
    });
    free(device, memory);
    Ok(copy)
}

#[expect(unsafe_code, reason = "a Vulkan call")]
fn free(device: &Device, memory: vk::DeviceMemory) {
    // SAFETY: imported a moment ago and used by nobody.
    unsafe { device.raw.free_memory(memory, None) }
}
