//! Bytes and objects below every contract, for tests that play a hostile peer.

use std::io;

use gpushare::OwnedHandle;

use crate::protocol::Object;
use crate::sys;

/// Write all of `bytes` to a Unix stream socket, with duplicates of `handles` beside the first byte.
///
/// # Errors
/// The system's.
pub fn send(socket: &OwnedHandle, bytes: &[u8], handles: &[OwnedHandle]) -> io::Result<()> {
    sys::send_raw(socket, bytes, handles)
}

/// The read end and the write end of a pipe.
///
/// # Errors
/// The system's.
pub fn pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    sys::pipe()
}

/// Make an object of some kind.
///
/// # Errors
/// The system's.
pub fn make(object: Object) -> io::Result<OwnedHandle> {
    sys::make(object)
}

/// Make an object shorter, as whoever holds a handle to it can unless it is sealed.
///
/// # Errors
/// The system's: the object is sealed, or has no length that could change.
pub fn shrink(memory: &OwnedHandle, len: u64) -> io::Result<()> {
    sys::shrink(memory, len)
}

/// A copy of a memory object, `len` bytes long, with changes (an offset, and the bytes there) and without seals.
///
/// # Errors
/// The system's.
pub fn copy_memory(of: &OwnedHandle, len: u64, changes: &[(u64, &[u8])]) -> io::Result<OwnedHandle> {
    sys::copy_memory(of, len, changes)
}

/// Fix a memory object's size.
///
/// # Errors
/// The system's.
pub fn seal_size(memory: &OwnedHandle) -> io::Result<()> {
    sys::seal_size(memory)
}

/// Let nobody become a writer of a memory object any more, but for the mappings that there are.
///
/// # Errors
/// The system's.
pub fn seal_writing(memory: &OwnedHandle) -> io::Result<()> {
    sys::seal_writing(memory)
}

/// A handle to the same memory object that does not allow writing.
///
/// # Errors
/// The system's.
pub fn read_only(memory: &OwnedHandle) -> io::Result<OwnedHandle> {
    sys::read_only(memory)
}

/// Bytes of a memory object.
///
/// # Errors
/// The system's.
pub fn memory_len(memory: &OwnedHandle) -> io::Result<u64> {
    sys::memory_len(memory)
}
