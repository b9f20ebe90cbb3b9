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
    writable: bool,
}

/// Who may write to an object. What is said here is the kernel's to enforce, whatever a peer tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Everybody who has the handle.
    Everybody,
    /// This process alone.
    Owner,
    /// Somebody else; here it is read.
    Reader,
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
    /// Somebody can write to it who should not be able to.
    #[error("the shared memory object is open to other writers; its owner has to close it to them before sending it")]
    OpenToWriters,
    /// It can be read only.
    #[error("the shared memory object can be read only: {detail}; ask its owner for one to write to")]
    ReadOnly {
        /// What the system answered.
        detail: String,
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
        let handle = sys::shm::create(len).map_err(os("creating a shared memory object"))?;
        sys::shm::finish_seals(&handle).map_err(os("sealing a shared memory object"))?;
        let mapping = sys::shm::Mapping::new(&handle, size, true).map_err(os("mapping a shared memory object"))?;
        Ok(Self { handle: OwnedHandle(handle), mapping, writable: true })
    }

    /// Create an object that begins with `initial` and that nobody but this process will ever be able to write to; every page
    /// is touched.
    ///
    /// # Errors
    /// As [`SharedMemory::create`].
    pub(crate) fn create_owned(len: u64, initial: &[u8]) -> Result<Self, SharedMemoryError> {
        let (handle, size) = Self::create_filled(len, initial)?;
        let mapping = sys::shm::Mapping::new(&handle, size, true).map_err(os("mapping a shared memory object"))?;
        mapping.prepare(true);
        sys::shm::close_to_writers(&handle).map_err(os("sealing a shared memory object"))?;
        Ok(Self { handle: OwnedHandle(handle), mapping, writable: true })
    }

    /// Create an object that begins with `initial`, is read here, and is written by whoever attaches to it with
    /// [`SharedMemory::attach_owned`].
    ///
    /// # Errors
    /// As [`SharedMemory::create`].
    pub(crate) fn create_lent(len: u64, initial: &[u8]) -> Result<Self, SharedMemoryError> {
        let (handle, size) = Self::create_filled(len, initial)?;
        let mapping = sys::shm::Mapping::new(&handle, size, false).map_err(os("mapping a shared memory object"))?;
        mapping.prepare(false);
        Ok(Self { handle: OwnedHandle(handle), mapping, writable: false })
    }

    fn create_filled(len: u64, initial: &[u8]) -> Result<(sys::RawOwned, usize), SharedMemoryError> {
        let size = mappable(len)?;
        let handle = sys::shm::create(len).map_err(os("creating a shared memory object"))?;
        sys::shm::fill(&handle, initial).map_err(os("writing to a shared memory object"))?;
        Ok((handle, size))
    }

    /// Map an object that another process created, after checking that it is one, is sealed, and has `len` bytes.
    ///
    /// # Errors
    /// [`AttachRefused`] holds the handle and the reason.
    pub fn attach(handle: OwnedHandle, len: u64) -> Result<Self, AttachRefused> {
        Self::attach_with(handle, len, Access::Everybody)
    }

    /// Map an object of another process to write to it, which works once: call [`SharedMemory::close_to_writers`] then.
    ///
    /// # Errors
    /// [`SharedMemoryError::ReadOnly`] when it can only be read, for instance because somebody else came first.
    pub(crate) fn attach_owned(handle: OwnedHandle, len: u64) -> Result<Self, AttachRefused> {
        let memory = Self::attach_with(handle, len, Access::Owner)?;
        memory.mapping.prepare(true);
        Ok(memory)
    }

    /// Map an object of another process that this one only reads, and to which nobody can become a writer any more.
    ///
    /// # Errors
    /// [`SharedMemoryError::OpenToWriters`] where somebody still could.
    pub(crate) fn attach_reader(handle: OwnedHandle, len: u64) -> Result<Self, AttachRefused> {
        let memory = Self::attach_with(handle, len, Access::Reader)?;
        memory.mapping.prepare(false);
        Ok(memory)
    }

    /// From here on nobody, this process included, can map the object writable once more.
    ///
    /// # Errors
    /// [`SharedMemoryError::Os`] where the object's seals were closed by somebody else.
    pub(crate) fn close_to_writers(&self) -> Result<(), SharedMemoryError> {
        sys::shm::close_to_writers(&self.handle.0).map_err(os("sealing a shared memory object"))
    }

    fn attach_with(handle: OwnedHandle, len: u64, access: Access) -> Result<Self, AttachRefused> {
        match Self::check_and_map(&handle, len, access) {
            Ok(mapping) => Ok(Self { handle, mapping, writable: access != Access::Reader }),
            Err(error) => Err(AttachRefused { handle, error }),
        }
    }

    fn check_and_map(handle: &OwnedHandle, len: u64, access: Access) -> Result<sys::shm::Mapping, SharedMemoryError> {
        let size = mappable(len)?;
        match sys::shm::inspect(&handle.0).map_err(os("inspecting a shared memory object"))? {
            sys::shm::Object::Other { detail } => return Err(SharedMemoryError::NotSharedMemory { detail }),
            sys::shm::Object::Memory { sealed: false, .. } => return Err(SharedMemoryError::Unsealed),
            sys::shm::Object::Memory { len: found, .. } if found != len => {
                return Err(SharedMemoryError::Size { found, expected: len });
            }
            sys::shm::Object::Memory { closed_to_writers: false, .. } if access == Access::Reader => {
                return Err(SharedMemoryError::OpenToWriters);
            }
            sys::shm::Object::Memory { .. } => {}
        }
        match sys::shm::Mapping::new(&handle.0, size, access != Access::Reader) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(SharedMemoryError::ReadOnly { detail: error.to_string() })
            }
            mapped => mapped.map_err(os("mapping a shared memory object")),
        }
    }

    /// Whether this process has it mapped for writing.
    pub(crate) const fn is_writable(&self) -> bool {
        self.writable
    }

    /// Give the handle back, and unmap.
    pub(crate) fn into_handle(self) -> OwnedHandle {
        self.handle
    }

    /// Where the mapping begins; page-aligned, and valid for as long as `self`.
    pub(crate) fn start(&self) -> std::ptr::NonNull<u8> {
        self.mapping.start()
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
    /// [`SharedMemoryError::OutOfBounds`] or [`SharedMemoryError::ReadOnly`]; nothing is written then.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), SharedMemoryError> {
        let start = self.check(offset, bytes.len())?;
        if !self.writable {
            return Err(SharedMemoryError::ReadOnly { detail: "it is the peer's to write".into() });
        }
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
