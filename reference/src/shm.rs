//! Shared memory whose size can never change again.

use std::io;

use crate::handle::OwnedHandle;
use crate::sys;

/// A mapped shared memory object, sealed against shrinking and growing, so that no process can make another's access
/// fault (an unsealed one that its peer shrinks raises `SIGBUS`).
///
/// The other processes that map it may change its bytes at any moment: this type copies in and out and hands out no reference.
/// On Linux a memfd ([memfd_create(2)](https://man7.org/linux/man-pages/man2/memfd_create.2.html)) with
/// `F_SEAL_SHRINK`, `F_SEAL_GROW` and `F_SEAL_SEAL`.
#[derive(Debug)]
pub struct SharedMemory {
    handle: OwnedHandle,
    mapping: sys::shm::Mapping,
}

/// Why shared memory could not be created, attached or accessed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SharedMemoryError {
    /// The handle is no shared memory object.
    #[error("the handle is not a shared memory object: {detail}")]
    NotSharedMemory {
        /// What it is, or what the system answered.
        detail: String,
    },
    /// The object can still change its size.
    #[error("the shared memory object is not sealed against shrinking and growing; its owner could make every access fault")]
    Unsealed,
    /// The object has another size than was said.
    #[error("the shared memory object has {found} bytes, expected {expected}")]
    Size {
        /// Bytes of the object.
        found: u64,
        /// Bytes that were expected.
        expected: u64,
    },
    /// An access past the end.
    #[error("access to bytes {start}..{end} of a shared memory object of {len}")]
    OutOfBounds {
        /// First byte.
        start: u64,
        /// Just behind the last.
        end: u64,
        /// The object's size.
        len: u64,
    },
    /// The operating system said no.
    #[error("{what}: {source}")]
    Os {
        /// What was attempted.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

/// An attach that was refused. The handle comes back.
#[derive(Debug, thiserror::Error)]
#[error("attach refused: {error}")]
pub struct AttachRefused {
    /// The caller's handle, still open.
    pub handle: OwnedHandle,
    /// Why.
    #[source]
    pub error: SharedMemoryError,
}

impl SharedMemory {
    /// Create an object of exactly `len` zero bytes, seal its size, and map it.
    ///
    /// # Errors
    /// [`SharedMemoryError::Size`] for zero bytes, [`SharedMemoryError::Os`] where the system has no memory, descriptor or
    /// address space left.
    pub fn create(len: u64) -> Result<Self, SharedMemoryError> {
        let size = mappable(len)?;
        let handle = sys::shm::create_sealed(len).map_err(os("creating a shared memory object"))?;
        let mapping = sys::shm::Mapping::new(&handle, size).map_err(os("mapping a shared memory object"))?;
        Ok(Self { handle: OwnedHandle(handle), mapping })
    }

    /// Map an object that another process created, after checking that it is one, is sealed, and has `len` bytes.
    ///
    /// # Errors
    /// [`AttachRefused`] holds the handle and the reason.
    pub fn attach(handle: OwnedHandle, len: u64) -> Result<Self, AttachRefused> {
        match Self::check_and_map(&handle, len) {
            Ok(mapping) => Ok(Self { handle, mapping }),
            Err(error) => Err(AttachRefused { handle, error }),
        }
    }

    fn check_and_map(handle: &OwnedHandle, len: u64) -> Result<sys::shm::Mapping, SharedMemoryError> {
        let size = mappable(len)?;
        match sys::shm::inspect(&handle.0).map_err(os("inspecting a shared memory object"))? {
            sys::shm::Object::Other { detail } => return Err(SharedMemoryError::NotSharedMemory { detail }),
            sys::shm::Object::Memory { sealed: false, .. } => return Err(SharedMemoryError::Unsealed),
            sys::shm::Object::Memory { len: found, .. } if found != len => {
                return Err(SharedMemoryError::Size { found, expected: len });
            }
            sys::shm::Object::Memory { .. } => {}
        }
        sys::shm::Mapping::new(&handle.0, size).map_err(os("mapping a shared memory object"))
    }

    /// A new handle to the same object, to send to another process.
    ///
    /// # Errors
    /// [`SharedMemoryError::Os`] when the process has no descriptor left.
    pub fn handle(&self) -> Result<OwnedHandle, SharedMemoryError> {
        self.handle.try_clone().map_err(os("duplicating a shared memory handle"))
    }

    /// Bytes of the object.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.mapping.len() as u64
    }

    /// Never true: an object has at least one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copy `bytes` into the object from `offset` on.
    ///
    /// # Errors
    /// [`SharedMemoryError::OutOfBounds`]; nothing is written then.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), SharedMemoryError> {
        let start = self.check(offset, bytes.len())?;
        self.mapping.write(start, bytes);
        Ok(())
    }

    /// Copy out of the object, from `offset` on.
    ///
    /// # Errors
    /// [`SharedMemoryError::OutOfBounds`]; nothing is read then.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), SharedMemoryError> {
        let start = self.check(offset, bytes.len())?;
        self.mapping.read(start, bytes);
        Ok(())
    }

    fn check(&self, offset: u64, count: usize) -> Result<usize, SharedMemoryError> {
        let end = offset.saturating_add(count as u64);
        match usize::try_from(offset) {
            Ok(start) if end <= self.len() => Ok(start),
            _ => Err(SharedMemoryError::OutOfBounds { start: offset, end, len: self.len() }),
        }
    }
}

/// A length that one mapping can have.
fn mappable(len: u64) -> Result<usize, SharedMemoryError> {
    let most = isize::MAX as u64;
    match usize::try_from(len) {
        Ok(size) if len > 0 && len <= most => Ok(size),
        _ => Err(SharedMemoryError::Size { found: len, expected: len.clamp(1, most) }),
    }
}

fn os(what: &'static str) -> impl FnOnce(io::Error) -> SharedMemoryError {
    move |source| SharedMemoryError::Os { what, source }
}
