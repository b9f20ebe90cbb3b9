//! Shared memory whose size can never change again.

use std::io;

use crate::handle::OwnedHandle;
use crate::sys;

/// A mapped shared memory object, sealed against shrinking and growing, so that no process can make another's access
/// fault (an unsealed one that its peer shrinks raises `SIGBUS`).
///
/// The other processes that map it may change its bytes at any moment: this type copies in and out and hands out no reference.
///
/// - Linux: a memfd ([memfd_create(2)](https://man7.org/linux/man-pages/man2/memfd_create.2.html)) with
///   `F_SEAL_SHRINK`, `F_SEAL_GROW` and `F_SEAL_SEAL`.
/// - Windows: a section backed by the paging file, whose size never changes. It reports its size in whole pages.
/// - macOS: a `shm_open(2)` object without a name, whose size can be set once. Type-checked, and never run.
#[derive(Debug)]
pub struct SharedMemory {
    // The creator's; dropped first, so that nobody finds what is about to go.
    _name: Option<sys::shm::Name>,
    handle: OwnedHandle,
    mapping: sys::shm::Mapping,
    writable: bool,
}

/// Who may write to an object. What is said here is the kernel's to enforce, whatever a peer tries.
/// Of an object that this process reads, Linux says that nobody can become a writer any more; Windows and macOS, that nobody can
/// through this handle.
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
    /// No object can have this name.
    #[error("no shared memory object can be called {0:?}; a name has 1 to 200 letters, digits, '-', '_' and '.', no '.' first")]
    Name(String),
    /// An object has this name already.
    #[error("a shared memory object called {0:?} exists already; choose another name, or remove what an earlier process left")]
    NameTaken(String),
    /// No object has this name.
    #[error("there is no shared memory object called {0:?}; its creator is gone, or has yet to come")]
    NoSuchName(String),
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
        Self::finish(handle, size, None)
    }

    /// The same, with a name by which this user's other processes can [open](SharedMemory::open_named) it.
    ///
    /// The name is taken exclusively, and no other user's processes may open it (Linux: mode 0600). It goes when this value is
    /// dropped, on Windows when everybody who has attached has gone too; whoever attached by then keeps the object. On Linux it
    /// is a link in `/dev/shm`, which stays there if this process is killed; on Windows it belongs to the session.
    ///
    /// # Errors
    /// [`SharedMemoryError::Name`] and [`SharedMemoryError::NameTaken`]; and those of [`SharedMemory::create`].
    pub fn create_named(name: &str, len: u64) -> Result<Self, SharedMemoryError> {
        check_name(name)?;
        let size = mappable(len)?;
        match sys::shm::create_named(len, name) {
            Ok((handle, name)) => Self::finish(handle, size, Some(name)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SharedMemoryError::NameTaken(name.into())),
            Err(error) => Err(os("creating a named shared memory object")(error)),
        }
    }

    fn finish(handle: sys::RawOwned, size: usize, name: Option<sys::shm::Name>) -> Result<Self, SharedMemoryError> {
        sys::shm::finish_seals(&handle).map_err(os("sealing a shared memory object"))?;
        let mapping = sys::shm::Mapping::new(&handle, size, true).map_err(os("mapping a shared memory object"))?;
        Ok(Self { _name: name, handle: OwnedHandle(handle), mapping, writable: true })
    }

    /// Map an object by the name that its living creator gave it, after the checks of [`SharedMemory::attach`]. Dropping what
    /// this returns leaves the name alone.
    ///
    /// # Errors
    /// [`SharedMemoryError::Name`], [`SharedMemoryError::NoSuchName`], and the reasons of [`SharedMemory::attach`].
    pub fn open_named(name: &str, len: u64) -> Result<Self, SharedMemoryError> {
        check_name(name)?;
        match sys::shm::Name::open(name) {
            Ok(handle) => Self::attach(OwnedHandle(handle), len).map_err(|refused| refused.error),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SharedMemoryError::NoSuchName(name.into())),
            Err(error) => Err(os("opening a shared memory object")(error)),
        }
    }

    /// Create an object that begins with `initial`, that this process alone writes, and that others can only read.
    ///
    /// # Errors
    /// As [`SharedMemory::create`].
    pub(crate) fn create_owned(len: u64, initial: &[u8]) -> Result<Self, SharedMemoryError> {
        let size = mappable(len)?;
        let (writer, reader) = sys::shm::create_with_reader(len).map_err(os("creating a shared memory object"))?;
        sys::shm::fill(&writer, initial).map_err(os("writing to a shared memory object"))?;
        let mapping = sys::shm::Mapping::new(&writer, size, true).map_err(os("mapping a shared memory object"))?;
        sys::shm::close_to_writers(&reader).map_err(os("sealing a shared memory object"))?;
        Ok(Self::ready(reader, mapping, true))
    }

    /// Create an object that begins with `initial`, is read here, and is written by whoever attaches to it with
    /// [`SharedMemory::attach_owned`].
    ///
    /// # Errors
    /// As [`SharedMemory::create`].
    pub(crate) fn create_lent(len: u64, initial: &[u8]) -> Result<Self, SharedMemoryError> {
        let size = mappable(len)?;
        let handle = sys::shm::create(len).map_err(os("creating a shared memory object"))?;
        sys::shm::fill(&handle, initial).map_err(os("writing to a shared memory object"))?;
        let mapping = sys::shm::Mapping::new(&handle, size, false).map_err(os("mapping a shared memory object"))?;
        Ok(Self::ready(handle, mapping, false))
    }

    fn ready(handle: sys::RawOwned, mapping: sys::shm::Mapping, writable: bool) -> Self {
        let memory = Self { _name: None, handle: OwnedHandle(handle), mapping, writable };
        memory.prepare();
        memory
    }

    /// Ask for huge pages where one would fit, and touch every page. Neither is owed: without them the memory is as right, and
    /// its first use slower.
    fn prepare(&self) {
        const HUGE: u64 = 2 << 20;
        if self.len() >= HUGE {
            let _ = self.ask_for_huge_pages();
        }
        let _ = self.touch_pages();
    }

    /// Ask for huge pages, where the object is large enough for some: fewer misses in the processor's address cache. To be
    /// called before [`SharedMemory::touch_pages`].
    ///
    /// # Errors
    /// [`SharedMemoryError::Os`] where the system has none to give: Windows and macOS, and Linux built without. The memory is
    /// usable all the same.
    pub fn ask_for_huge_pages(&self) -> Result<(), SharedMemoryError> {
        self.mapping.ask_for_huge_pages().map_err(os("asking for huge pages"))
    }

    /// Have every page there, so that no later access waits for one.
    ///
    /// # Errors
    /// [`SharedMemoryError::Os`] where memory ran out on the way.
    pub fn touch_pages(&self) -> Result<(), SharedMemoryError> {
        self.mapping.touch(self.writable).map_err(os("touching the pages of a shared memory object"))
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
        memory.prepare();
        Ok(memory)
    }

    /// Map an object of another process that this one only reads, and to which nobody can become a writer any more.
    ///
    /// # Errors
    /// [`SharedMemoryError::OpenToWriters`] where somebody still could.
    pub(crate) fn attach_reader(handle: OwnedHandle, len: u64) -> Result<Self, AttachRefused> {
        let memory = Self::attach_with(handle, len, Access::Reader)?;
        memory.prepare();
        Ok(memory)
    }

    /// From here on nobody, this process included, can map the object writable once more. On Linux alone: elsewhere it is the
    /// handle that says what can be done with it, and those that others hold stay what they are.
    ///
    /// # Errors
    /// [`SharedMemoryError::Os`] where the object's seals were closed by somebody else.
    pub(crate) fn close_to_writers(&self) -> Result<(), SharedMemoryError> {
        sys::shm::close_to_writers(&self.handle.0).map_err(os("sealing a shared memory object"))
    }

    fn attach_with(handle: OwnedHandle, len: u64, access: Access) -> Result<Self, AttachRefused> {
        match Self::check_and_map(&handle, len, access) {
            Ok(mapping) => Ok(Self { _name: None, handle, mapping, writable: access != Access::Reader }),
            Err(error) => Err(AttachRefused { handle, error }),
        }
    }

    fn check_and_map(handle: &OwnedHandle, len: u64, access: Access) -> Result<sys::shm::Mapping, SharedMemoryError> {
        let size = mappable(len)?;
        match sys::shm::inspect(&handle.0).map_err(os("inspecting a shared memory object"))? {
            sys::shm::Object::Other { detail } => return Err(SharedMemoryError::NotSharedMemory { detail }),
            sys::shm::Object::Memory { sealed: false, .. } => return Err(SharedMemoryError::Unsealed),
            sys::shm::Object::Memory { len: found, .. } if found != sys::shm::object_len(len) => {
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

/// The same names everywhere: one component of a path, visible, and none that the file system reads differently.
fn check_name(name: &str) -> Result<(), SharedMemoryError> {
    let fits = (1..=200).contains(&name.len()) && !name.starts_with('.');
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        Ok(())
    } else {
        Err(SharedMemoryError::Name(name.chars().take(201).collect()))
    }
}

fn os(what: &'static str) -> impl FnOnce(io::Error) -> SharedMemoryError {
    move |source| SharedMemoryError::Os { what, source }
}
