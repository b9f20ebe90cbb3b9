//! Which rule of valid usage an operation would break: Vulkan states each once for file descriptors and once for Win32 handles.

use crate::handle::HandleType;
use crate::sync::SyncKind;

/// The rules about exports and imports over one type of handle.
pub(super) struct Rules {
    /// A type is exported that was not declared when the payload was created.
    pub(super) undeclared: &'static str,
    /// An import is exported as a type that the device does not export it as.
    pub(super) not_exported_again: &'static str,
    /// An import into an object that a queue refers to. Of semaphores and Win32 handles no rule of its own says so; the one about
    /// file descriptors holds for the same reason.
    pub(super) import_in_use: &'static str,
}

const SEMAPHORE_FD: Rules = Rules {
    undeclared: "VUID-VkSemaphoreGetFdInfoKHR-handleType-01132",
    not_exported_again: "VUID-VkSemaphoreGetFdInfoKHR-semaphore-01133",
    import_in_use: "VUID-vkImportSemaphoreFdKHR-semaphore-01142",
};

const SEMAPHORE_WIN32: Rules = Rules {
    undeclared: "VUID-VkSemaphoreGetWin32HandleInfoKHR-handleType-01126",
    not_exported_again: "VUID-VkSemaphoreGetWin32HandleInfoKHR-semaphore-01128",
    import_in_use: SEMAPHORE_FD.import_in_use,
};

const FENCE_FD: Rules = Rules {
    undeclared: "VUID-VkFenceGetFdInfoKHR-handleType-01453",
    not_exported_again: "VUID-VkFenceGetFdInfoKHR-fence-01455",
    import_in_use: "VUID-vkImportFenceFdKHR-fence-01463",
};

const FENCE_WIN32: Rules = Rules {
    undeclared: "VUID-VkFenceGetWin32HandleInfoKHR-handleType-01448",
    not_exported_again: "VUID-VkFenceGetWin32HandleInfoKHR-fence-01450",
    import_in_use: "VUID-vkImportFenceWin32HandleKHR-fence-04448",
};

/// The rules about this kind of object and type of handle.
pub(super) const fn about(kind: SyncKind, handle_type: HandleType) -> &'static Rules {
    match (kind, handle_type.is_win32()) {
        (SyncKind::Fence, false) => &FENCE_FD,
        (SyncKind::Fence, true) => &FENCE_WIN32,
        (SyncKind::Semaphore | SyncKind::Timeline, false) => &SEMAPHORE_FD,
        (SyncKind::Semaphore | SyncKind::Timeline, true) => &SEMAPHORE_WIN32,
    }
}

/// An NT handle is asked for once for each object and type.
pub(super) const fn exported_once(kind: SyncKind) -> &'static str {
    match kind {
        SyncKind::Fence => "VUID-VkFenceGetWin32HandleInfoKHR-handleType-01449",
        SyncKind::Semaphore | SyncKind::Timeline => "VUID-VkSemaphoreGetWin32HandleInfoKHR-handleType-01127",
    }
}
