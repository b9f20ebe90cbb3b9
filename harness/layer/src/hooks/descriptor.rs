//! Descriptors by number, as a driver handles them.
#![expect(unsafe_code, reason = "descriptors whose ownership moves into and out of the driver")]

use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use rustix::fs::{FileType, Stat};
use rustix::io::FdFlags;

/// What is open under a number; nothing for a closed one.
pub(super) fn look(number: RawFd) -> Option<Stat> {
    borrow(number).and_then(|fd| rustix::fs::fstat(fd).ok())
}

fn borrow(number: RawFd) -> Option<BorrowedFd<'static>> {
    // SAFETY: a number that is not open makes the call that it is used for fail, which every caller here is ready for; nobody
    // else closes it meanwhile, because the application waits for this call.
    (number >= 0).then(|| unsafe { BorrowedFd::borrow_raw(number) })
}

/// Whether there is something to be read, which of a sync file says that it is signalled.
pub(super) fn is_ready(number: RawFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    borrow(number).is_some_and(|fd| poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0))
}

/// Another descriptor for the same object, close-on-exec.
pub(super) fn duplicate(number: RawFd) -> Option<OwnedFd> {
    borrow(number).and_then(|fd| rustix::io::fcntl_dupfd_cloexec(fd, 3).ok())
}

/// Close a number, whoever owns it.
pub(super) fn close(number: RawFd) {
    if look(number).is_some() {
        // SAFETY: it is open; a driver closes what it was given, a mutant also what it was not.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
}

/// Put `spare` where `number` was, and close `spare`.
pub(super) fn put_back(spare: OwnedFd, number: RawFd) {
    // SAFETY: the number is not open, and belongs to the application, which takes it back by what follows.
    let mut place = unsafe { OwnedFd::from_raw_fd(number) };
    // Cannot fail but for a lack of descriptors, of which `spare` is one too many; the number stays closed then.
    let _ = rustix::io::dup2(&spare, &mut place);
    let _ = place.into_raw_fd();
    set_close_on_exec(number, true);
}

/// Whether two looks saw one object.
pub(super) fn same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Set or clear close-on-exec.
pub(super) fn set_close_on_exec(number: RawFd, on: bool) {
    let flags = if on { FdFlags::CLOEXEC } else { FdFlags::empty() };
    if let Some(fd) = borrow(number) {
        // Fails only for a closed number, which the driver has just returned as an open one.
        let _ = rustix::io::fcntl_setfd(fd, flags);
    }
}

/// What a driver can tell of a descriptor that it is to import, before it does.
pub(super) enum Kind {
    /// Nothing speaks against it.
    Plausible,
    /// Memory, with fewer bytes than the import says.
    Short,
    /// No memory object at all.
    Other,
    /// The number is not open.
    Closed,
}

/// Look at what is to be imported as memory of so many bytes.
pub(super) fn kind(number: RawFd, bytes: u64) -> Kind {
    let Some(stat) = look(number) else { return Kind::Closed };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if u64::try_from(stat.st_size).is_ok_and(|size| size < bytes) => Kind::Short,
        FileType::RegularFile => Kind::Plausible,
        // A GPU's own node; /dev/null (1:3), which anybody has, is none.
        FileType::CharacterDevice if rustix::fs::major(stat.st_rdev) != 1 => Kind::Plausible,
        // A dma-buf has no type, and neither have the kernel's other objects, which name themselves.
        FileType::Unknown if !is_anonymous(number) => Kind::Plausible,
        _ => Kind::Other,
    }
}

fn is_anonymous(number: RawFd) -> bool {
    let target = std::fs::read_link(format!("/proc/self/fd/{number}"));
    target.is_ok_and(|target| target.to_string_lossy().starts_with("anon_inode:"))
}
