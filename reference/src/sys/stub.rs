//! A system that nothing is written for yet: everything compiles, and says so when it is called.

use std::io;

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "not written for this operating system yet"))
}

/// What cannot exist. The types of this file hide it in a private field: where the rest of the crate could see it, the compiler
/// would call all that comes after a handle unreachable.
#[derive(Debug)]
enum Never {}

impl From<crate::handle::OwnedHandle> for std::process::Stdio {
    fn from(handle: crate::handle::OwnedHandle) -> Self {
        match handle.0.0 {}
    }
}

impl Drop for Never {
    /// As on other systems, to drop a handle means something.
    fn drop(&mut self) {
        match *self {}
    }
}

pub(crate) use super::no_external_memory as external_memory;

/// A handle that cannot exist.
#[derive(Debug)]
pub(crate) struct RawOwned(Never);

pub(crate) mod handle {
    use super::{RawOwned, io, unsupported};
    use crate::handle::HandleType;

    pub(crate) fn duplicate(handle: &RawOwned) -> io::Result<RawOwned> {
        match handle.0 {}
    }

    pub(crate) fn number(handle: &RawOwned) -> i64 {
        match handle.0 {}
    }

    pub(crate) fn release(handle: RawOwned) {
        match handle.0 {}
    }

    #[derive(PartialEq, Eq)]
    pub(crate) struct ObjectId;

    pub(crate) fn object(_number: i64) -> Option<ObjectId> {
        None
    }

    pub(crate) fn close_on_exec(handle: &RawOwned) -> io::Result<()> {
        match handle.0 {}
    }

    pub(crate) const fn carries_signals(_handle_type: HandleType) -> bool {
        false
    }

    pub(crate) struct Signals {
        pub(crate) id: Option<ObjectId>,
        pub(crate) never: Option<&'static str>,
    }

    pub(crate) fn look_for_signals(handle: &RawOwned) -> Signals {
        match handle.0 {}
    }

    pub(crate) fn standard_input() -> io::Result<RawOwned> {
        unsupported()
    }

    #[expect(unsafe_code, reason = "the same signature as on other systems")]
    pub(crate) unsafe fn claim(_number: i64) -> io::Result<RawOwned> {
        unsupported()
    }
}

pub(crate) mod shm {
    use super::{Never, RawOwned, io, unsupported};

    #[cfg(test)]
    pub(crate) const CLOSING_BINDS_EVERYBODY: bool = false;

    pub(crate) fn object_len(len: u64) -> u64 {
        len
    }

    pub(crate) fn create(_len: u64) -> io::Result<RawOwned> {
        unsupported()
    }

    pub(crate) fn create_with_reader(_len: u64) -> io::Result<(RawOwned, RawOwned)> {
        unsupported()
    }

    pub(crate) fn create_named(_len: u64, _name: &str) -> io::Result<(RawOwned, Name)> {
        unsupported()
    }

    pub(crate) fn finish_seals(handle: &RawOwned) -> io::Result<()> {
        match handle.0 {}
    }

    pub(crate) fn close_to_writers(handle: &RawOwned) -> io::Result<()> {
        match handle.0 {}
    }

    pub(crate) fn fill(handle: &RawOwned, _bytes: &[u8]) -> io::Result<()> {
        match handle.0 {}
    }

    #[derive(Debug)]
    pub(crate) struct Name(Never);

    impl Name {
        pub(crate) fn open(_name: &str) -> io::Result<RawOwned> {
            unsupported()
        }
    }

    #[expect(dead_code, reason = "the same variants as on other systems")]
    pub(crate) enum Object {
        Memory { len: u64, sealed: bool, closed_to_writers: bool },
        Other { detail: String },
    }

    pub(crate) fn inspect(handle: &RawOwned) -> io::Result<Object> {
        match handle.0 {}
    }

    #[derive(Debug)]
    pub(crate) struct Mapping(Never);

    impl Mapping {
        pub(crate) fn new(handle: &RawOwned, _len: usize, _writable: bool) -> io::Result<Self> {
            match handle.0 {}
        }

        pub(crate) fn ask_for_huge_pages(&self) -> io::Result<()> {
            match self.0 {}
        }

        pub(crate) fn touch(&self, _writable: bool) -> io::Result<()> {
            match self.0 {}
        }

        pub(crate) fn start(&self) -> std::ptr::NonNull<u8> {
            match self.0 {}
        }

        pub(crate) fn len(&self) -> usize {
            match self.0 {}
        }

        pub(crate) fn write(&self, _offset: usize, _bytes: &[u8]) {
            match self.0 {}
        }

        pub(crate) fn read(&self, _offset: usize, _bytes: &mut [u8]) {
            match self.0 {}
        }
    }
}

pub(crate) mod wait {
    use std::sync::atomic::AtomicU32;

    use super::process::Watch;
    use super::{io, unsupported};
    use crate::deadline::Deadline;
    use crate::handle::OwnedHandle;
    use crate::waiter::Parked;

    #[derive(Debug)]
    pub(crate) struct WakePath;

    impl WakePath {
        pub(crate) const HANDLES: usize = 0;

        pub(crate) fn create(_: &super::RawOwned, _: u64) -> io::Result<Self> {
            unsupported()
        }

        pub(crate) const fn lends() -> bool {
            false
        }

        pub(crate) fn lent(&self) -> Option<std::ptr::NonNull<u8>> {
            None
        }

        pub(crate) fn for_peer(&self) -> io::Result<[OwnedHandle; Self::HANDLES]> {
            unsupported()
        }

        pub(crate) fn attach(_: &[OwnedHandle; Self::HANDLES]) -> io::Result<Self> {
            unsupported()
        }

        pub(crate) fn park(&self, _: &AtomicU32, _: u32, _: Option<&Watch>, _: Deadline) -> io::Result<Parked> {
            unsupported()
        }

        pub(crate) fn wake(&self, _word: &AtomicU32) {}
    }

    pub(crate) fn park_any(_: &[(&AtomicU32, u32)], _: Option<&Watch>, _: Deadline) -> io::Result<Parked> {
        unsupported()
    }

    pub(crate) fn wake_all(_word: &AtomicU32) {}

    pub(crate) fn register_barrier() -> bool {
        false
    }

    pub(crate) fn barrier() -> bool {
        false
    }
}

pub(crate) mod process {
    use super::{Never, RawOwned, io, unsupported};

    pub(crate) fn open(_pid: u32) -> io::Result<RawOwned> {
        unsupported()
    }

    pub(crate) fn open_self() -> io::Result<RawOwned> {
        unsupported()
    }

    pub(crate) fn open_parent() -> io::Result<RawOwned> {
        unsupported()
    }

    pub(crate) fn is_process(handle: &RawOwned) -> bool {
        match handle.0 {}
    }

    #[derive(Debug)]
    pub(crate) struct Watch(Never);

    impl Watch {
        pub(crate) fn start(process: RawOwned) -> io::Result<Self> {
            match process.0 {}
        }

        pub(crate) fn is_dead(&self) -> bool {
            match self.0 {}
        }
    }
}

pub(crate) mod socket {
    use std::path::Path;

    use super::{Never, io, unsupported};
    use crate::deadline::Deadline;
    use crate::handle::OwnedHandle;

    pub(crate) const MAX_HANDLES: usize = 253;

    #[derive(Debug)]
    pub(crate) struct Socket(Never);

    pub(crate) struct Received {
        pub(crate) bytes: usize,
        pub(crate) truncated: bool,
    }

    impl Socket {
        pub(crate) fn pair() -> io::Result<(Self, Self)> {
            unsupported()
        }

        pub(crate) fn from_handle(handle: OwnedHandle) -> Result<Self, (OwnedHandle, io::Error)> {
            match handle.0.0 {}
        }

        pub(crate) fn into_handle(self) -> OwnedHandle {
            match self.0 {}
        }

        pub(crate) fn connect(_path: &Path, _deadline: Deadline) -> io::Result<Option<Self>> {
            unsupported()
        }

        pub(crate) fn receive(
            &mut self,
            _bytes: &mut [u8],
            _room: usize,
            _handles: &mut Vec<OwnedHandle>,
            _deadline: Deadline,
        ) -> io::Result<Option<Received>> {
            match self.0 {}
        }

        pub(crate) fn send(&mut self, _: &[u8], _: &[&OwnedHandle], _: Deadline) -> io::Result<Option<usize>> {
            match self.0 {}
        }
    }

    #[derive(Debug)]
    pub(crate) struct Listening(Never);

    impl Listening {
        pub(crate) fn bind(_path: &Path) -> io::Result<Self> {
            unsupported()
        }

        pub(crate) fn accept(&self, _deadline: Deadline) -> io::Result<Option<Socket>> {
            match self.0 {}
        }
    }
}
