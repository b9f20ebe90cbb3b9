//! Making, copying and looking at descriptors.

use std::fs::File;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Duration;

use gpushare::OwnedHandle;
use rustix::fs::{MemfdFlags, OFlags, SealFlags};
use rustix::io::{DupFlags, FdFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::{Resource, Rlimit};

use crate::protocol::{DuplicateCall, HandleReport, Object};

/// The channel arrives as standard input; put `/dev/null` in its place, so that nothing else reads from it.
pub(crate) fn take_standard_input() -> io::Result<OwnedHandle> {
    let channel = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(channel.into())
}

/// The same under the lowest number that is free.
pub(crate) fn lowest_number(handle: OwnedHandle) -> io::Result<OwnedHandle> {
    Ok(handle.as_fd().try_clone_to_owned()?.into())
}

pub(crate) fn is_close_on_exec(handle: &OwnedHandle) -> bool {
    rustix::io::fcntl_getfd(handle).is_ok_and(|flags| flags.contains(FdFlags::CLOEXEC))
}

pub(crate) fn inspect(handle: &OwnedHandle) -> io::Result<HandleReport> {
    let stat = rustix::fs::fstat(handle)?;
    Ok(HandleReport {
        number: i64::from(handle.as_fd().as_raw_fd()),
        close_on_exec: is_close_on_exec(handle),
        object: (stat.st_dev, stat.st_ino),
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
    })
}

pub(crate) fn duplicate_with(handle: &OwnedHandle, call: DuplicateCall) -> io::Result<OwnedHandle> {
    // dup2 and dup3 replace an open descriptor: this one.
    let mut target: OwnedFd = File::open("/dev/null")?.into();
    match call {
        DuplicateCall::Dup => return Ok(rustix::io::dup(handle)?.into()),
        DuplicateCall::Dup2 => rustix::io::dup2(handle, &mut target)?,
        DuplicateCall::Dup3 => rustix::io::dup3(handle, &mut target, DupFlags::CLOEXEC)?,
    }
    Ok(target.into())
}

pub(crate) fn make(object: Object) -> io::Result<OwnedHandle> {
    let fd: OwnedFd = match object {
        Object::Pipe => pipe()?.0.into(),
        Object::Socket => gpushare::Channel::pair().map_err(io::Error::other)?.0.into_handle().into(),
        Object::File => unlinked_file()?,
        Object::Directory => File::open("/")?.into(),
        Object::DevNull => File::options().read(true).write(true).open("/dev/null")?.into(),
        Object::EventFd => rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC)?,
        Object::Epoll => rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC)?,
        Object::ThisProcess => return gpushare::Peer::this_process(),
        Object::Memory { len } => memory(len, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?,
        Object::UnsealedMemory { len } => memory(len, SealFlags::empty())?,
        Object::DmaBuf { len } => super::dma_buf::dma_buf(len)?,
        Object::SyncFile { after } => super::dma_buf::sync_file(Duration::from_millis(after))?,
    };
    Ok(fd.into())
}

/// Both ends, close-on-exec.
pub(crate) fn pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    Ok((read.into(), write.into()))
}

fn memory(len: u64, seals: SealFlags) -> io::Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("gpushare-test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&fd, len)?;
    rustix::fs::fcntl_add_seals(&fd, seals)?;
    Ok(fd)
}

/// `O_TMPFILE` where the file system has it, a file that is unlinked at once elsewhere.
fn unlinked_file() -> io::Result<OwnedFd> {
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::open(&folder, flags, mode).or_else(|_| {
        let path = folder.join(format!("gpushare-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file.into())
    })
}

/// A number that was open a moment ago and is not now.
pub(crate) fn closed_number() -> io::Result<i64> {
    Ok(i64::from(File::open("/dev/null")?.as_raw_fd()))
}

/// Allow so many descriptors above those open now, or as many as at the start.
pub(crate) fn limit_descriptors(spare: Option<u64>) -> io::Result<()> {
    static AT_START: OnceLock<Rlimit> = OnceLock::new();
    let start = *AT_START.get_or_init(|| rustix::process::getrlimit(Resource::Nofile));
    let current = match spare {
        None => start.current,
        // The limit bounds numbers, not counts: everything below the next free number is taken.
        Some(spare) => Some(u64::try_from(next_free_number()?).unwrap_or(0) + spare),
    };
    Ok(rustix::process::setrlimit(Resource::Nofile, Rlimit { current, maximum: start.maximum })?)
}

/// Let no memory object be made larger than this, or as large as at the start.
pub(crate) fn limit_memory(bytes: Option<u64>) -> io::Result<()> {
    static AT_START: OnceLock<Rlimit> = OnceLock::new();
    let start = *AT_START.get_or_init(|| rustix::process::getrlimit(Resource::Fsize));
    super::process::survive_size_limit()?;
    let current = bytes.or(start.current);
    Ok(rustix::process::setrlimit(Resource::Fsize, Rlimit { current, maximum: start.maximum })?)
}

fn next_free_number() -> io::Result<i32> {
    Ok(File::open("/dev/null")?.as_raw_fd())
}

/// `sendmsg` with `SCM_RIGHTS`, and nothing checked.
pub(crate) fn send_raw(socket: &OwnedHandle, bytes: &[u8], handles: &[OwnedHandle]) -> io::Result<()> {
    let borrowed: Vec<_> = handles.iter().map(AsFd::as_fd).collect();
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(borrowed.len()))];
    let mut sent = 0;
    while sent < bytes.len() {
        let mut control = SendAncillaryBuffer::new(&mut space);
        if sent == 0 && !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
            return Err(io::Error::other("too many handles for one message"));
        }
        sent += rustix::net::sendmsg(socket, &[IoSlice::new(&bytes[sent..])], &mut control, SendFlags::NOSIGNAL)?;
    }
    Ok(())
}
