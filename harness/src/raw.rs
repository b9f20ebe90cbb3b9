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
