//! Dma-bufs and sync files that no Vulkan driver has made: from the system's heap, and from vgem, the kernel's device without
//! hardware.
#![expect(unsafe_code, reason = "ioctls that rustix has no function for")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

/// `struct dma_heap_allocation_data` of linux/dma-heap.h.
#[repr(C)]
#[derive(Default)]
struct Allocation {
    len: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

/// `struct dma_buf_export_sync_file` of linux/dma-buf.h.
#[repr(C)]
struct SyncFile {
    flags: u32,
    fd: i32,
}

/// `struct drm_mode_create_dumb` of drm_mode.h.
#[repr(C)]
#[derive(Default)]
struct DumbBuffer {
    height: u32,
    width: u32,
    bits_per_pixel: u32,
    flags: u32,
    handle: u32,
    pitch: u32,
    size: u64,
}

/// `struct drm_prime_handle` of drm.h.
#[repr(C)]
struct PrimeHandle {
    handle: u32,
    flags: u32,
    fd: i32,
}

/// `struct drm_vgem_fence_attach` of vgem_drm.h.
#[repr(C)]
#[derive(Default)]
struct FenceAttach {
    handle: u32,
    flags: u32,
    fence: u32,
    pad: u32,
}

/// `struct drm_vgem_fence_signal` of vgem_drm.h; it is only read, and an updater reads.
#[repr(C)]
#[derive(Default)]
struct FenceSignal {
    fence: u32,
    flags: u32,
}

const HEAP_ALLOCATE: Opcode = opcode::read_write::<Allocation>(b'H', 0);
const EXPORT_SYNC_FILE: Opcode = opcode::read_write::<SyncFile>(b'b', 2);
const CREATE_DUMB: Opcode = opcode::read_write::<DumbBuffer>(b'd', 0xb2);
const PRIME_HANDLE_TO_FD: Opcode = opcode::read_write::<PrimeHandle>(b'd', 0x2d);
const FENCE_ATTACH: Opcode = opcode::read_write::<FenceAttach>(b'd', 0x41);
const FENCE_SIGNAL: Opcode = opcode::write::<FenceSignal>(b'd', 0x42);

/// A dma-buf of the system's heap.
pub(super) fn dma_buf(len: u64) -> io::Result<OwnedFd> {
    let heap = open("/dev/dma_heap/system")?;
    let mut wanted = Allocation { len, fd_flags: (OFlags::RDWR | OFlags::CLOEXEC).bits(), ..Allocation::default() };
    // SAFETY: the structure is the one that this request reads and writes.
    unsafe { ioctl(&heap, Updater::<HEAP_ALLOCATE, Allocation>::new(&mut wanted)) }?;
    // SAFETY: a successful request made this descriptor for its caller.
    unsafe { owned(RawFd::try_from(wanted.fd).unwrap_or(-1)) }
}

/// A sync file that is signalled so long after it was made.
pub(super) fn sync_file(after: Duration) -> io::Result<OwnedFd> {
    if after.is_zero() {
        // Of memory that nobody works on.
        return sync_file_of(&dma_buf(4096)?);
    }
    let device = vgem()?;
    let mut buffer = DumbBuffer { height: 16, width: 16, bits_per_pixel: 32, ..DumbBuffer::default() };
    // SAFETY: here and below: the structure is the one that this request reads and writes.
    unsafe { ioctl(&device, Updater::<CREATE_DUMB, DumbBuffer>::new(&mut buffer)) }?;
    let mut prime = PrimeHandle { handle: buffer.handle, flags: OFlags::CLOEXEC.bits(), fd: -1 };
    // SAFETY: as above.
    unsafe { ioctl(&device, Updater::<PRIME_HANDLE_TO_FD, PrimeHandle>::new(&mut prime)) }?;
    // SAFETY: a successful request made this descriptor for its caller.
    let shared = unsafe { owned(prime.fd) }?;
    // As one who writes.
    let mut fence = FenceAttach { handle: buffer.handle, flags: 1, ..FenceAttach::default() };
    // SAFETY: as above.
    unsafe { ioctl(&device, Updater::<FENCE_ATTACH, FenceAttach>::new(&mut fence)) }?;
    let file = sync_file_of(&shared)?;
    thread::spawn(move || {
        thread::sleep(after);
        let mut signal = FenceSignal { fence: fence.fence, flags: 0 };
        // SAFETY: as above. Where it fails, the kernel signals after ten seconds.
        unsafe { ioctl(&device, Updater::<FENCE_SIGNAL, FenceSignal>::new(&mut signal)) }
    });
    Ok(file)
}

/// What all who work on a dma-buf now have to finish (`DMA_BUF_IOCTL_EXPORT_SYNC_FILE`, to read and to write).
fn sync_file_of(dma_buf: &OwnedFd) -> io::Result<OwnedFd> {
    let mut wanted = SyncFile { flags: 3, fd: -1 };
    // SAFETY: the structure is the one that this request reads and writes.
    unsafe { ioctl(dma_buf.as_fd(), Updater::<EXPORT_SYNC_FILE, SyncFile>::new(&mut wanted)) }?;
    // SAFETY: a successful request made this descriptor for its caller.
    unsafe { owned(wanted.fd) }
}

fn vgem() -> io::Result<File> {
    let folder = "/sys/devices/platform/vgem/drm";
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{folder} (the kernel's module vgem): {error}"));
    for entry in std::fs::read_dir(folder).map_err(named)? {
        let name = entry?.file_name();
        if let Some(card) = name.to_str().filter(|name| name.starts_with("card")) {
            return open(&format!("/dev/dri/{card}"));
        }
    }
    Err(named(io::ErrorKind::NotFound.into()))
}

fn open(path: &str) -> io::Result<File> {
    let opened = File::options().read(true).write(true).open(path);
    opened.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// # Safety
/// Nobody else owns the descriptor.
unsafe fn owned(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::other(format!("the kernel made descriptor {fd}")));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
