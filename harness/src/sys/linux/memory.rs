//! Memory objects that no honest peer makes.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use gpushare::OwnedHandle;
use rustix::fs::{MemfdFlags, OFlags, SealFlags};

/// A memfd of `len` bytes that begins with those of another, with changes, and without any seal.
pub(crate) fn copy_memory(of: &OwnedHandle, len: u64, changes: &[(u64, &[u8])]) -> io::Result<OwnedHandle> {
    let source = File::from(of.as_fd().try_clone_to_owned()?);
    let mut bytes = vec![0; usize::try_from(source.metadata()?.len().min(len)).map_err(io::Error::other)?];
    source.read_exact_at(&mut bytes, 0)?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let copy = File::from(rustix::fs::memfd_create("gpushare-test", flags)?);
    copy.set_len(len)?;
    copy.write_all_at(&bytes, 0)?;
    for (offset, change) in changes {
        copy.write_all_at(change, *offset)?;
    }
    Ok(OwnedFd::from(copy).into())
}

/// Cut an object off.
pub(crate) fn shrink(memory: &OwnedHandle, len: u64) -> io::Result<()> {
    Ok(rustix::fs::ftruncate(memory, len)?)
}

/// Fix an object's size.
pub(crate) fn seal_size(memory: &OwnedHandle) -> io::Result<()> {
    Ok(rustix::fs::fcntl_add_seals(memory, SealFlags::SHRINK | SealFlags::GROW)?)
}

/// Let nobody become a writer any more; mappings that exist stay.
pub(crate) fn seal_writing(memory: &OwnedHandle) -> io::Result<()> {
    Ok(rustix::fs::fcntl_add_seals(memory, SealFlags::FUTURE_WRITE | SealFlags::SEAL)?)
}

/// A handle to the same object that does not allow writing.
pub(crate) fn read_only(memory: &OwnedHandle) -> io::Result<OwnedHandle> {
    let path = format!("/proc/self/fd/{}", memory.as_fd().as_raw_fd());
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, rustix::fs::Mode::empty())?.into())
}

/// Bytes of an object.
pub(crate) fn memory_len(memory: &OwnedHandle) -> io::Result<u64> {
    u64::try_from(rustix::fs::fstat(memory)?.st_size).map_err(io::Error::other)
}
