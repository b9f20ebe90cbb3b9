//! Handles: the operating system's objects that carry a resource from one process to another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sys;

/// An operating-system handle that is closed exactly once, when it is dropped.
///
/// On Unix a file descriptor; `-1` cannot be held. It converts from and into `OwnedFd` there, and lends itself
/// as `AsFd`. On Windows a `HANDLE`, with the same for `std::os::windows::io::OwnedHandle` and `AsHandle`.
#[derive(Debug)]
pub struct OwnedHandle(pub(crate) sys::RawOwned);

impl OwnedHandle {
    /// A second handle to the same object, close-on-exec like every handle here.
    ///
    /// # Errors
    /// The operating system's, for instance `EMFILE` when the process has no descriptor left.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        sys::handle::duplicate(&self.0).map(Self)
    }

    /// A duplicate of this process's standard input: how a child takes up a channel that it was given there. For the parent's
    /// side, a handle converts into [`Stdio`](std::process::Stdio).
    ///
    /// # Errors
    /// The operating system's.
    pub fn standard_input() -> std::io::Result<Self> {
        sys::handle::standard_input().map(Self)
    }

    /// Take over an open handle that came as a number, for instance from C.
    ///
    /// # Errors
    /// `EBADF` for a number that is not open, `-1` among them.
    ///
    /// # Safety
    /// Nobody else owns the handle with this number.
    #[expect(unsafe_code, reason = "ownership of a bare number is the caller's promise")]
    pub unsafe fn from_number(number: i64) -> std::io::Result<Self> {
        // SAFETY: the caller's promise.
        unsafe { sys::handle::claim(number) }.map(Self)
    }
}

/// What kind of resource a handle carries, after `VkExternalMemoryHandleTypeFlagBits` and its siblings for
/// semaphores and fences. [`HandleType::SharedMemory`] is the host backend's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandleType {
    /// A sealed shared memory object (Linux: memfd). Needs no GPU.
    SharedMemory,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT`: meaningful only to the driver that made it.
    OpaqueFd,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT`: an NT handle.
    OpaqueWin32,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_KMT_BIT`: a global share handle; holds no reference.
    OpaqueWin32Kmt,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_D3D11_TEXTURE_BIT`.
    D3d11Texture,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_D3D11_TEXTURE_KMT_BIT`.
    D3d11TextureKmt,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_D3D12_HEAP_BIT`.
    D3d12Heap,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_D3D12_RESOURCE_BIT`.
    D3d12Resource,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT`: a Linux dma-buf.
    DmaBuf,
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT`: a host pointer, importable only.
    HostAllocation,
    /// `VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT` and the fence's: a Linux sync file. A copy of a signal.
    SyncFd,
    /// `VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_D3D12_FENCE_BIT`: an NT handle.
    D3d12Fence,
    /// A signal in sealed shared memory that comes once: the host backend's counterpart of [`HandleType::SyncFd`].
    SharedSignal,
}

impl HandleType {
    /// Every type: those of memory in the order of their Vulkan bits, then those that only order work.
    pub const ALL: [Self; 13] = [
        Self::SharedMemory,
        Self::OpaqueFd,
        Self::OpaqueWin32,
        Self::OpaqueWin32Kmt,
        Self::D3d11Texture,
        Self::D3d11TextureKmt,
        Self::D3d12Heap,
        Self::D3d12Resource,
        Self::DmaBuf,
        Self::HostAllocation,
        Self::SyncFd,
        Self::D3d12Fence,
        Self::SharedSignal,
    ];

    /// Whether it is an NT handle: one that holds a reference, that can be duplicated, and that whoever has it closes.
    pub(crate) const fn is_nt_handle(self) -> bool {
        matches!(self, Self::OpaqueWin32 | Self::D3d11Texture | Self::D3d12Heap | Self::D3d12Resource | Self::D3d12Fence)
    }

    /// Whether it is a handle of Windows, one that holds no reference among them.
    pub(crate) const fn is_win32(self) -> bool {
        self.is_nt_handle() || matches!(self, Self::OpaqueWin32Kmt | Self::D3d11TextureKmt)
    }

    /// The name used in case ids and on the wire, e.g. `opaque_fd`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SharedMemory => "shared_memory",
            Self::OpaqueFd => "opaque_fd",
            Self::OpaqueWin32 => "opaque_win32",
            Self::OpaqueWin32Kmt => "opaque_win32_kmt",
            Self::D3d11Texture => "d3d11_texture",
            Self::D3d11TextureKmt => "d3d11_texture_kmt",
            Self::D3d12Heap => "d3d12_heap",
            Self::D3d12Resource => "d3d12_resource",
            Self::DmaBuf => "dma_buf",
            Self::HostAllocation => "host_allocation",
            Self::SyncFd => "sync_fd",
            Self::D3d12Fence => "d3d12_fence",
            Self::SharedSignal => "shared_signal",
        }
    }
}

impl fmt::Display for HandleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
