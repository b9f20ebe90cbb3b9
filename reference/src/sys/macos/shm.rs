//! `shm_open(2)`: memory objects whose size can be set once.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags as FileFlags};
use rustix::shm::{self, OFlags};

pub(crate) use crate::sys::unix::mapping::Mapping;

/// Whether [`close_to_writers`] binds those who hold a handle already.
#[cfg(test)]
pub(crate) const CLOSING_BINDS_EVERYBODY: bool = false;

/// Bytes that an object created with `len` reports: whole pages.
pub(crate) fn object_len(len: u64) -> u64 {
    let page = rustix::param::page_size() as u64;
    len.saturating_add(page - 1) / page * page
}

/// Create an object of `len` bytes whose size nobody can change, and whose name is gone.
pub(crate) fn create(len: u64) -> io::Result<OwnedFd> {
    Ok(create_briefly_called(len)?.0)
}

/// The same, and a descriptor with which nobody can map the object for writing.
pub(crate) fn create_with_reader(len: u64) -> io::Result<(OwnedFd, OwnedFd)> {
    let (fd, name) = create_briefly_called(len)?;
    let reader = shm::open(name.0.as_str(), OFlags::RDONLY, Mode::empty())?;
    Ok((fd, reader))
}

fn create_briefly_called(len: u64) -> io::Result<(OwnedFd, Name)> {
    loop {
        // At most 31 characters fit.
        let name = format!("/gpushare-{:016x}", RandomState::new().build_hasher().finish());
        match create_called(len, &name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created,
        }
    }
}

/// An object with a name that nobody has (`AlreadyExists` otherwise).
pub(crate) fn create_named(len: u64, name: &str) -> io::Result<(OwnedFd, Name)> {
    create_called(len, &full(name))
}

fn create_called(len: u64, name: &str) -> io::Result<(OwnedFd, Name)> {
    let fd = shm::open(name, OFlags::CREATE | OFlags::EXCL | OFlags::RDWR, Mode::RUSR | Mode::WUSR)?;
    let name = Name(name.to_owned());
    rustix::fs::ftruncate(&fd, len)?;
    Ok((fd, name))
}

fn full(name: &str) -> String {
    format!("/{name}")
}

/// The name of an object, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Name(String);

impl Name {
    /// Open the object that has this name.
    pub(crate) fn open(name: &str) -> io::Result<OwnedFd> {
        Ok(shm::open(full(name), OFlags::RDWR, Mode::empty())?)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = shm::unlink(self.0.as_str());
    }
}

/// The size was set, and cannot be set again.
pub(crate) fn finish_seals(_: &OwnedFd) -> io::Result<()> {
    Ok(())
}

/// What descriptors allow is settled when they are opened; those that exist stay what they are.
pub(crate) fn close_to_writers(_: &OwnedFd) -> io::Result<()> {
    Ok(())
}

/// Write the first bytes, through a mapping of its own: these objects take no `write(2)`.
pub(crate) fn fill(fd: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    Mapping::new(fd, bytes.len(), true)?.write(0, bytes);
    Ok(())
}

/// What a descriptor is, as far as mapping it is concerned.
pub(crate) enum Object {
    /// A memory object.
    Memory {
        /// Its bytes, in whole pages.
        len: u64,
        /// Whether its size is fixed for ever, which it is once it has one.
        sealed: bool,
        /// Whether this descriptor lets nobody write.
        closed_to_writers: bool,
    },
    /// Anything else.
    Other {
        /// What.
        detail: String,
    },
}

pub(crate) fn inspect(fd: &OwnedFd) -> io::Result<Object> {
    const KIND: u32 = 0o170_000;
    let stat = rustix::fs::fstat(fd)?;
    // A memory object reports permissions and no kind.
    if u32::from(stat.st_mode) & KIND != 0 {
        return Ok(Object::Other { detail: "it is something else than a memory object".into() });
    }
    let len = u64::try_from(stat.st_size).unwrap_or(0);
    let mode = rustix::fs::fcntl_getfl(fd)? & FileFlags::RWMODE;
    Ok(Object::Memory { len, sealed: len != 0, closed_to_writers: mode == FileFlags::RDONLY })
}

impl Mapping {
    /// There are none to ask for on a mapping.
    pub(crate) fn ask_for_huge_pages(&self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "macOS gives no huge pages to shared memory objects"))
    }

    /// Have every page there before it is needed.
    pub(crate) fn touch(&self, _writable: bool) -> io::Result<()> {
        self.look_at_pages(rustix::param::page_size());
        Ok(())
    }
}
