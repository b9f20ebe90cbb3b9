//! The things that a descriptor may come beside.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use arbitrary::Arbitrary;
use rustix::fs::{MemfdFlags, SealFlags};

/// Bytes of the largest object.
pub const MOST_BYTES: u64 = 4 << 20;

/// An object to import.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// The handle that belongs to the descriptor.
    Exported,
    /// The handle of another texture.
    OfAnotherTexture,
    /// A memory object made here.
    Memory {
        /// Its size.
        len: Len,
        /// Which of [`SEALS`], bit by bit.
        seals: u8,
    },
    /// One of the right size and with the right seals, opened for reading only.
    ReadOnlyMemory,
    /// The read end of a pipe.
    Pipe,
    /// A Unix stream socket.
    Socket,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// `/dev/null`.
    Null,
    /// An event counter.
    Event,
}

/// The size of a memory object beside the size that the descriptor tells.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Len {
    /// The same.
    Same,
    /// Less by so much.
    Less(u16),
    /// More by so much.
    More(u16),
    /// Any, up to [`MOST_BYTES`].
    Any(u32),
}

/// The seals that can be set.
pub const SEALS: [SealFlags; 4] = [SealFlags::SHRINK, SealFlags::GROW, SealFlags::WRITE, SealFlags::SEAL];

impl Len {
    fn bytes(self, told: u64) -> u64 {
        let bytes = match self {
            Self::Same => told,
            Self::Less(by) => told.saturating_sub(u64::from(by)),
            Self::More(by) => told.saturating_add(u64::from(by)),
            Self::Any(bytes) => u64::from(bytes),
        };
        bytes.min(MOST_BYTES)
    }
}

impl Object {
    /// Make it; `None` for those that a device has to make. `told` is the size in the descriptor.
    #[must_use]
    pub fn make(self, told: u64) -> Option<OwnedFd> {
        Some(match self {
            Self::Exported | Self::OfAnotherTexture => return None,
            Self::Memory { len, seals } => {
                let chosen = SEALS.iter().enumerate().filter(|(bit, _)| seals >> bit & 1 == 1);
                memory(len.bytes(told), chosen.fold(SealFlags::empty(), |all, (_, seal)| all | *seal))
            }
            Self::ReadOnlyMemory => {
                let whole = memory(told.min(MOST_BYTES), SealFlags::SHRINK | SealFlags::GROW);
                let path = format!("/proc/self/fd/{}", whole.as_raw_fd());
                OpenOptions::new().read(true).open(path).expect("it can be opened again").into()
            }
            Self::Pipe => std::io::pipe().expect("a pipe").0.into(),
            Self::Socket => UnixStream::pair().expect("a socket pair").0.into(),
            Self::File => File::open("/proc/self/status").expect("/proc is mounted").into(),
            Self::Directory => File::open("/").expect("it is always there").into(),
            Self::Null => File::open("/dev/null").expect("it is always there").into(),
            Self::Event => rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).expect("an event counter"),
        })
    }
}

fn memory(len: u64, seals: SealFlags) -> OwnedFd {
    let fd = rustix::fs::memfd_create("fuzz", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a memfd");
    rustix::fs::ftruncate(&fd, len).expect("it can be given a size");
    rustix::fs::fcntl_add_seals(&fd, seals).expect("it can be sealed");
    fd
}
