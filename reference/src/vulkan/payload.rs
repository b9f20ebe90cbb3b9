//! Payloads of semaphores and fences on their way into handles and out of them, and who owns the handle then.
#![expect(unsafe_code, reason = "Vulkan calls, and handles whose ownership moves into and out of the driver")]

use ash::vk;

use crate::handle::{HandleType, OwnedHandle};
use crate::sync::{SyncCapability, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, Transference};
use crate::sys;
use crate::texture::Device;
use crate::vulkan::device::VulkanDevice;
use crate::vulkan::error::{result_name, vulkan};
use crate::vulkan::exports::{Exports, Payload};
use crate::vulkan::extensions::Extensions;
use crate::vulkan::sync_capability::{fence_bit, semaphore_bit};
use crate::vulkan::valid_usage;

/// What has a payload.
#[derive(Clone, Copy)]
pub(super) enum Object {
    Semaphore(vk::Semaphore),
    Fence(vk::Fence),
}

impl Object {
    /// Of the rules about semaphores, none tells a timeline from a binary one.
    const fn kind(self) -> SyncKind {
        match self {
            Self::Semaphore(_) => SyncKind::Semaphore,
            Self::Fence(_) => SyncKind::Fence,
        }
    }
}

/// What an import passes to the driver.
#[derive(Debug)]
pub enum RawSync {
    /// What another process exported.
    Payload(SyncHandle),
    /// A bare number, which need not be an open handle.
    Number(i64),
}

impl RawSync {
    /// A refusal with what can be given back.
    pub(super) fn refuse(self, error: SyncError) -> SyncRefused {
        let handle = match self {
            Self::Payload(handle) => Some(handle),
            Self::Number(_) => None,
        };
        SyncRefused { handle, error }
    }
}

/// How careful the library is with a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Looks at the object behind a handle before the driver does, and corrects what the driver made.
    Guarded,
    /// Leaves that to the driver.
    Unguarded,
}

impl VulkanDevice {
    pub(super) fn can(&self, kind: SyncKind, handle_type: HandleType) -> Option<&SyncCapability> {
        self.logical.answers.about_handle(&self.logical.physical, kind, handle_type)
    }

    /// Everything about an import that can be decided without the handle.
    pub(super) fn check_import(&self, descriptor: &SyncDescriptor, kind: SyncKind) -> Result<HandleType, SyncError> {
        self.logical.usable()?;
        descriptor.check(self.identity(), kind)?;
        let found = descriptor.fields().handle_type;
        let none = SyncCapability::none(found);
        let can = self.can(kind, found).unwrap_or(&none);
        if let Some(reason) = &can.unusable {
            return Err(SyncError::Unsupported { what: format!("import of a {kind} from {found}: {reason}") });
        }
        if !can.importable {
            return Err(SyncError::WrongHandleType { kind, found });
        }
        Ok(found)
    }

    /// Whether the device exports an import of one type as another (VUID-VkSemaphoreGetFdInfoKHR-semaphore-01133,
    /// VUID-VkFenceGetFdInfoKHR-fence-01455, and the same for Win32 handles).
    pub(super) fn check_export_again(
        &self,
        kind: SyncKind,
        imported: Option<HandleType>,
        handle_type: HandleType,
    ) -> Result<(), SyncError> {
        match imported {
            Some(from) if !self.can(kind, handle_type).is_some_and(|can| can.export_from_imported.contains(&from)) => {
                let what = "the device does not export what was imported from such a handle (exportFromImportedHandleTypes)";
                let rule = valid_usage::about(kind, handle_type).not_exported_again;
                Err(SyncError::InvalidUse { what, rule })
            }
            _ => Ok(()),
        }
    }
}

fn not_loaded() -> vk::Result {
    vk::Result::ERROR_EXTENSION_NOT_PRESENT
}

/// Export. The caller has checked that the object was created with this type declared and that its state allows it. `exports` are
/// those of the object, and `payload` is the one that it has.
pub(super) fn export(
    functions: &Extensions,
    object: Object,
    handle_type: HandleType,
    care: Care,
    (exports, payload): (&mut Exports, Payload),
) -> Result<SyncHandle, SyncError> {
    let duplicating = |source| SyncError::Os { what: "duplicating an exported handle", source };
    if !exports.allow(handle_type, payload) {
        let what =
            "an import has replaced its payload since it was exported, and a driver gives one such handle for each object";
        return Err(SyncError::InvalidUse { what, rule: valid_usage::exported_once(object.kind()) });
    }
    if let Some(handle) = exports.again(handle_type, payload) {
        return handle.map(SyncHandle::Handle).map_err(duplicating);
    }
    let (call, number) = get(functions, object, handle_type);
    let number = number.map_err(|error| SyncError::from(vulkan(call)(error)))?;
    if number == -1 && Transference::of(handle_type) == Transference::Copy {
        return Ok(SyncHandle::Signalled);
    }
    // SAFETY: a successful call returned a new handle that the application owns.
    let claimed = unsafe { OwnedHandle::from_number(number) };
    let handle = claimed.map_err(|_| SyncError::Driver { what: format!("{call} answered SUCCESS with handle {number}") })?;
    let handle = exports.keep(handle_type, payload, handle).map_err(duplicating)?;
    if care == Care::Guarded {
        let what = "making an exported handle close-on-exec";
        sys::handle::close_on_exec(&handle.0).map_err(|source| SyncError::Os { what, source })?;
    }
    Ok(SyncHandle::Handle(handle))
}

fn get(functions: &Extensions, object: Object, handle_type: HandleType) -> (&'static str, Result<i64, vk::Result>) {
    let file = matches!(handle_type, HandleType::OpaqueFd | HandleType::SyncFd);
    // SAFETY (all four calls): the object is live and of this device, and its type and state are as the caller checked.
    match (object, file) {
        (Object::Semaphore(semaphore), true) => ("vkGetSemaphoreFdKHR", {
            let bit = semaphore_bit(handle_type).unwrap_or_default();
            let info = vk::SemaphoreGetFdInfoKHR::default().semaphore(semaphore).handle_type(bit);
            let loaded = functions.semaphore_fd.as_ref().ok_or_else(not_loaded);
            // SAFETY: as said above.
            loaded.and_then(|functions| unsafe { functions.get_semaphore_fd(&info) }).map(i64::from)
        }),
        (Object::Semaphore(semaphore), false) => ("vkGetSemaphoreWin32HandleKHR", {
            let bit = semaphore_bit(handle_type).unwrap_or_default();
            let info = vk::SemaphoreGetWin32HandleInfoKHR::default().semaphore(semaphore).handle_type(bit);
            let loaded = functions.semaphore_win32.as_ref().ok_or_else(not_loaded);
            // SAFETY: as said above.
            loaded.and_then(|functions| unsafe { functions.get_semaphore_win32_handle(&info) }).map(|handle| handle as i64)
        }),
        (Object::Fence(fence), true) => ("vkGetFenceFdKHR", {
            let bit = fence_bit(handle_type).unwrap_or_default();
            let info = vk::FenceGetFdInfoKHR::default().fence(fence).handle_type(bit);
            let loaded = functions.fence_fd.as_ref().ok_or_else(not_loaded);
            // SAFETY: as said above.
            loaded.and_then(|functions| unsafe { functions.get_fence_fd(&info) }).map(i64::from)
        }),
        (Object::Fence(fence), false) => ("vkGetFenceWin32HandleKHR", {
            let bit = fence_bit(handle_type).unwrap_or_default();
            let info = vk::FenceGetWin32HandleInfoKHR::default().fence(fence).handle_type(bit);
            let loaded = functions.fence_win32.as_ref().ok_or_else(not_loaded);
            // SAFETY: as said above.
            loaded.and_then(|functions| unsafe { functions.get_fence_win32_handle(&info) }).map(|handle| handle as i64)
        }),
    }
}

/// Import. The caller has checked that the object is idle, and that the device imports this type for it.
///
/// # Safety
/// On success the driver owns whatever file descriptor has [`RawSync::Number`].
pub(super) unsafe fn import(
    functions: &Extensions,
    object: Object,
    handle_type: HandleType,
    source: RawSync,
    temporary: bool,
    care: Care,
) -> Result<(), SyncRefused> {
    let refuse = |call, result| match result {
        vk::Result::ERROR_INVALID_EXTERNAL_HANDLE => {
            SyncError::InvalidHandle { expected: handle_type, detail: result_name(result) }
        }
        other => vulkan(call)(other).into(),
    };
    match source {
        RawSync::Payload(SyncHandle::Signalled) if Transference::of(handle_type) == Transference::Reference => {
            let detail = "only a copy can be signalled without an object".into();
            let error = SyncError::InvalidHandle { expected: handle_type, detail };
            Err(SyncRefused { handle: Some(SyncHandle::Signalled), error })
        }
        RawSync::Payload(SyncHandle::Handle(handle)) => {
            let looked = sys::handle::look_for_signals(&handle.0);
            if care == Care::Guarded
                && let Some(kind) = looked.never
            {
                let error = SyncError::InvalidHandle { expected: handle_type, detail: format!("it is a {kind}") };
                return Err(SyncRefused { handle: Some(SyncHandle::Handle(handle)), error });
            }
            let number = sys::handle::number(&handle.0);
            let (call, outcome) = put(functions, object, handle_type, number, temporary);
            // A file descriptor is the driver's after success; one that was closed by a refusal is nobody's. Closing either would
            // close what somebody else has opened since. A Win32 handle stays ours, and is closed by being dropped.
            let file = matches!(handle_type, HandleType::OpaqueFd | HandleType::SyncFd);
            let taken = file && (outcome.is_ok() || sys::handle::object(number) != looked.id);
            let kept = if taken {
                sys::handle::release(handle.0);
                None
            } else {
                Some(SyncHandle::Handle(handle))
            };
            outcome.map_err(|result| SyncRefused { handle: kept, error: refuse(call, result) })
        }
        RawSync::Payload(SyncHandle::Signalled) => {
            let (call, outcome) = put(functions, object, handle_type, -1, temporary);
            outcome.map_err(|result| SyncRefused { handle: Some(SyncHandle::Signalled), error: refuse(call, result) })
        }
        RawSync::Number(number) => {
            let (call, outcome) = put(functions, object, handle_type, number, temporary);
            outcome.map_err(|result| SyncRefused { handle: None, error: refuse(call, result) })
        }
    }
}

fn put(
    functions: &Extensions,
    object: Object,
    handle_type: HandleType,
    number: i64,
    temporary: bool,
) -> (&'static str, Result<(), vk::Result>) {
    let file = matches!(handle_type, HandleType::OpaqueFd | HandleType::SyncFd);
    let fd = i32::try_from(number).unwrap_or(-1);
    match object {
        Object::Semaphore(semaphore) => {
            let bit = semaphore_bit(handle_type).unwrap_or_default();
            let flags = if temporary { vk::SemaphoreImportFlags::TEMPORARY } else { vk::SemaphoreImportFlags::empty() };
            if file {
                let info = vk::ImportSemaphoreFdInfoKHR::default().semaphore(semaphore).handle_type(bit).flags(flags).fd(fd);
                let loaded = functions.semaphore_fd.as_ref().ok_or_else(not_loaded);
                // SAFETY: the semaphore is live, of this device and idle, as the caller checked.
                ("vkImportSemaphoreFdKHR", loaded.and_then(|functions| unsafe { functions.import_semaphore_fd(&info) }))
            } else {
                let info = vk::ImportSemaphoreWin32HandleInfoKHR::default().semaphore(semaphore).handle_type(bit);
                let info = info.flags(flags).handle(number as vk::HANDLE);
                let loaded = functions.semaphore_win32.as_ref().ok_or_else(not_loaded);
                // SAFETY: as above.
                let outcome = loaded.and_then(|functions| unsafe { functions.import_semaphore_win32_handle(&info) });
                ("vkImportSemaphoreWin32HandleKHR", outcome)
            }
        }
        Object::Fence(fence) => {
            let bit = fence_bit(handle_type).unwrap_or_default();
            let flags = if temporary { vk::FenceImportFlags::TEMPORARY } else { vk::FenceImportFlags::empty() };
            if file {
                let info = vk::ImportFenceFdInfoKHR::default().fence(fence).handle_type(bit).flags(flags).fd(fd);
                let loaded = functions.fence_fd.as_ref().ok_or_else(not_loaded);
                // SAFETY: as above, of the fence.
                ("vkImportFenceFdKHR", loaded.and_then(|functions| unsafe { functions.import_fence_fd(&info) }))
            } else {
                let info = vk::ImportFenceWin32HandleInfoKHR::default().fence(fence).handle_type(bit);
                let info = info.flags(flags).handle(number as vk::HANDLE);
                let loaded = functions.fence_win32.as_ref().ok_or_else(not_loaded);
                // SAFETY: as above.
                let outcome = loaded.and_then(|functions| unsafe { functions.import_fence_win32_handle(&info) });
                ("vkImportFenceWin32HandleKHR", outcome)
            }
        }
    }
}

#[cfg(test)]
mod tests;
