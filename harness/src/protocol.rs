//! Requests and replies of a peer, as they travel.
//!
//! Each is one message of a [`gpushare::Channel`]: JSON, with handles beside it. `docs/protocol.md` tells it to authors of foreign
//! peers. Textures, handles, channels, semaphores, timelines, fences, rings, streams and frames have numbers that the orchestrator chooses.

pub mod fence;
pub mod frames;
mod problem;
pub mod ring;
pub mod semaphore;
pub mod stream;
pub mod sync;
pub mod timeline;

pub use problem::{Code, Problem};

use fence::FenceRequest;
use frames::{FramesReply, FramesRequest};
use ring::{RingReply, RingRequest};
use semaphore::SemaphoreRequest;
use stream::{StreamReply, StreamRequest};
use sync::SyncReply;
use timeline::TimelineRequest;

use std::path::PathBuf;

use gpushare::descriptor::DescriptorFields;
use gpushare::pattern::Mismatch;
use gpushare::sync::SyncCapability;
use gpushare::vulkan::capability::TextureCapability;
use gpushare::{HandleType, Identity, Pattern, Subresource, TextureDescriptor, TextureSpec};
use serde::{Deserialize, Serialize};

/// Version of these messages. A peer that speaks another one is refused at the handshake.
pub const VERSION: u32 = 1;

/// A number that names something that one peer holds: a texture, a handle, a channel.
pub type Id = u32;

/// A request with its number; the reply carries the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbered<T> {
    /// Counts up from 1.
    pub id: u64,
    /// The request or reply.
    pub body: T,
}

/// What an orchestrator asks of a peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// First of all. Answer: [`Reply::Hello`].
    Hello {
        /// [`VERSION`] of the orchestrator.
        protocol: u32,
    },
    /// List the devices and what they can share, without opening one. Answer: [`Reply::Devices`].
    Probe,
    /// Open a device by its place in the list. Answer: [`Reply::Opened`].
    Open {
        /// Its place.
        device: u32,
    },
    /// Open a second device object beside the first one, ask for its identity, and close it. Answer: [`Reply::Opened`].
    Reopen {
        /// Its place.
        device: u32,
    },
    /// Create textures of one kind in one allocation. Answer: [`Reply::Done`].
    Create {
        /// One number for each texture.
        textures: Vec<Id>,
        /// What they are.
        spec: TextureSpec,
    },
    /// Fill a texture with a pattern. Answer: [`Reply::Done`].
    Fill {
        /// Which.
        texture: Id,
        /// With what.
        pattern: Pattern,
        /// This subresource of it alone; absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Subresource>,
    },
    /// Compare a texture with a pattern. Answer: [`Reply::Done`] or [`Reply::Mismatch`].
    Verify {
        /// Which.
        texture: Id,
        /// With what.
        pattern: Pattern,
        /// This subresource of it alone; absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Subresource>,
    },
    /// Export a texture; its handle stays with the peer under a number. Answer: [`Reply::Exported`].
    Export {
        /// Which.
        texture: Id,
        /// The handle's number.
        handle: Id,
        /// Whether the sharing library corrects what the driver made (close-on-exec). Without, the handle is as the driver made it.
        guarded: bool,
    },
    /// Import a texture from a handle the peer holds. The handle is used up by success and only then. Answer: [`Reply::Done`].
    Import {
        /// The new texture's number.
        texture: Id,
        /// What travels beside the handle; not validated yet.
        descriptor: DescriptorFields,
        /// The handle.
        handle: HandleSource,
        /// How.
        manner: ImportManner,
    },
    /// Free textures. Answer: [`Reply::Done`].
    Free {
        /// Which.
        textures: Vec<Id>,
    },
    /// Hand over handles: they come beside the answer and are no longer the peer's. Answer: [`Reply::Done`].
    Give {
        /// Which.
        handles: Vec<Id>,
    },
    /// Keep the handles beside this request. Answer: [`Reply::Done`].
    Keep {
        /// Their numbers.
        handles: Vec<Id>,
    },
    /// Make a second handle to the same object. Answer: [`Reply::Done`].
    Duplicate {
        /// Of which.
        handle: Id,
        /// Its number.
        into: Id,
        /// With which call.
        call: DuplicateCall,
    },
    /// Make a handle of some kind. Answer: [`Reply::Done`].
    Make {
        /// Its number.
        handle: Id,
        /// Of which kind.
        object: Object,
    },
    /// Close handles. Answer: [`Reply::Done`].
    Close {
        /// Which.
        handles: Vec<Id>,
    },
    /// Look at a handle. Answer: [`Reply::Handle`].
    Inspect {
        /// Which.
        handle: Id,
    },
    /// Start a program by `execve` and list what it inherited. Answer: [`Reply::Inherited`].
    Exec,
    /// Set the limit of open descriptors to so many above those open now, or back to where it was. Answer: [`Reply::Done`].
    LimitDescriptors {
        /// How many more can be opened; absent: the limit at the start.
        spare: Option<u64>,
    },
    /// Set the limit of the size to which shared-memory objects and files can grow, or put it back to where it was. Answer:
    /// [`Reply::Done`].
    LimitMemory {
        /// Bytes; absent: the limit at the start.
        bytes: Option<u64>,
    },
    /// Bytes of device memory in use by this process. Answer: [`Reply::HeapUsage`].
    HeapUsage,
    /// Turn a handle into a channel. Answer: [`Reply::Done`].
    OpenChannel {
        /// The handle, used up.
        handle: Id,
        /// The channel's number.
        channel: Id,
        /// [`gpushare::channel::Limits::message_bytes`].
        message_bytes: usize,
        /// [`gpushare::channel::Limits::handles`].
        handles: usize,
    },
    /// Send a message over a channel. Answer: [`Reply::Done`].
    Send {
        /// Over which.
        channel: Id,
        /// The bytes.
        payload: Payload,
        /// The handles beside it; they stay.
        handles: Vec<Id>,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Receive a message from a channel. Its handles are kept under numbers counting up from `handles`. Answer:
    /// [`Reply::Received`].
    Receive {
        /// From which.
        channel: Id,
        /// The first handle's number.
        handles: Id,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Leave channels. Answer: [`Reply::Done`].
    CloseChannels {
        /// Which.
        channels: Vec<Id>,
    },
    /// About a binary semaphore. Answer: [`Reply::Sync`] or [`Reply::Done`].
    Semaphore(SemaphoreRequest),
    /// About a timeline. Answer: [`Reply::Sync`] or [`Reply::Done`].
    Timeline(TimelineRequest),
    /// About a fence. Answer: [`Reply::Sync`] or [`Reply::Done`].
    Fence(FenceRequest),
    /// Hold back all that is submitted to the device's queue from now on, or let it go on. Answer: [`Reply::Done`].
    Gate {
        /// Whether to let it go on.
        open: bool,
    },
    /// Do these one after the other, without being asked in between; what is refused ends it. Answer: that of the last one done.
    Sequence(Vec<Self>),
    /// Export textures and send them over a channel in one message (a [`gpushare::Batch`]). Answer: [`Reply::Done`].
    SendTextures {
        /// Over which.
        channel: Id,
        /// Which textures; they stay.
        textures: Vec<Id>,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// Receive textures from a channel and import them: all or none. Answer: [`Reply::Done`].
    ReceiveTextures {
        /// From which.
        channel: Id,
        /// One number for each.
        textures: Vec<Id>,
        /// How long it may take, in milliseconds.
        within: u64,
    },
    /// About a ring. Answer: [`Reply::Ring`] or [`Reply::Done`].
    Ring(RingRequest),
    /// About a stream. Answer: [`Reply::Stream`] or [`Reply::Done`].
    Stream(StreamRequest),
    /// About frames. Answer: [`Reply::Frames`], [`Reply::Done`] or [`Reply::Mismatch`].
    Frames(FramesRequest),
    /// Load a driver's library and keep it, so that copies of this process have it already. Answer: [`Reply::Done`].
    Load {
        /// Its path, or its name alone.
        library: PathBuf,
    },
    /// Become two processes: the other one answers requests over the first handle beside this request, and has the second for its standard
    /// output and standard error. Only where no device is open and nothing is held. Answer: [`Reply::Copied`].
    Copy {
        /// Copies that have ended, and whose end is known: nobody asks for them any more.
        ended: Vec<u32>,
    },
    /// Free everything, close all handles, channels, rings and streams, open the gate, restore limits. Answer: [`Reply::Done`].
    Reset,
    /// End the process. No answer.
    Exit {
        /// Its exit status.
        status: i32,
    },
}

/// How a texture is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportManner {
    /// As the sharing library's users import: it looks at the object behind the handle first.
    Library,
    /// The driver alone decides whether the handle is good.
    Driver,
    /// As [`ImportManner::Library`], with export declared, so that the import can be exported again.
    Exportable,
}

/// Where an import takes its handle from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandleSource {
    /// A handle that the peer holds.
    Held(Id),
    /// The number of a descriptor that was closed a moment ago.
    ClosedNumber,
    /// `-1`.
    MinusOne,
}

/// The ways to duplicate a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateCall {
    /// `dup(2)`: not close-on-exec.
    Dup,
    /// `dup2(2)` onto another open descriptor.
    Dup2,
    /// `dup3(2)` with `O_CLOEXEC`.
    Dup3,
}

/// Objects that are not what an import expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// The read end of a pipe.
    Pipe,
    /// A Unix stream socket; its other end is closed.
    Socket,
    /// An empty regular file, already unlinked.
    File,
    /// A directory.
    Directory,
    /// `/dev/null`.
    DevNull,
    /// An `eventfd(2)`.
    EventFd,
    /// An `epoll(7)` instance.
    Epoll,
    /// A handle to the process that makes it, by which others notice its death (Linux: a pidfd).
    ThisProcess,
    /// A memfd of so many bytes, its size sealed.
    Memory {
        /// Bytes.
        len: u64,
    },
    /// A memfd of so many bytes without seals: whoever holds it can shrink it.
    UnsealedMemory {
        /// Bytes.
        len: u64,
    },
    /// A dma-buf that no driver has made, of so many bytes (Linux: `/dev/dma_heap/system`).
    DmaBuf {
        /// Bytes.
        len: u64,
    },
    /// A sync file that no Vulkan driver has made (Linux: of a dma-buf; one that is not signalled at once needs the module vgem).
    SyncFile {
        /// Milliseconds until it is signalled.
        after: u64,
    },
}

/// Bytes that both sides can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// How many.
    pub len: usize,
    /// Which.
    pub seed: u64,
}

impl Payload {
    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        // A picture one texel high: the same generator that fills textures.
        let spec = TextureSpec::new(gpushare::Format::R8Unorm, u32::try_from(self.len.max(1)).unwrap_or(u32::MAX), 1);
        Pattern::seeded(self.seed).fill(&spec, &mut bytes);
        bytes
    }
}

/// A digest of received bytes (64-bit FNV-1a), to compare with [`Payload::bytes`].
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a peer answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::Hello`].
    Hello {
        /// The peer's [`VERSION`].
        protocol: u32,
        /// The name of its backend.
        backend: String,
    },
    /// To [`Request::Probe`].
    Devices(Vec<DeviceReport>),
    /// To [`Request::Open`].
    Opened(Identity),
    /// It was done.
    Done,
    /// The texture differs.
    Mismatch(Box<Mismatch>),
    /// To [`Request::Export`].
    Exported(Box<TextureDescriptor>),
    /// To [`Request::Inspect`].
    Handle(HandleReport),
    /// To [`Request::Exec`]: the descriptors open in the new program, above the standard three.
    Inherited(Vec<InheritedDescriptor>),
    /// To [`Request::HeapUsage`]: bytes, absent where the driver does not tell.
    HeapUsage(Option<u64>),
    /// To [`Request::Copy`].
    Copied {
        /// The number of the new process.
        pid: u32,
    },
    /// To [`Request::Receive`].
    Received {
        /// Bytes received.
        len: usize,
        /// Their [`digest`].
        digest: u64,
        /// Handles received and kept.
        handles: u32,
        /// Whether each of them is close-on-exec.
        close_on_exec: bool,
    },
    /// To a request about a semaphore, timeline or fence.
    Sync(SyncReply),
    /// To [`Request::Ring`].
    Ring(RingReply),
    /// To [`Request::Stream`].
    Stream(StreamReply),
    /// To [`Request::Frames`].
    Frames(FramesReply),
    /// It was not done.
    Refused(Problem),
}

/// What one device says it can share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Who it is.
    pub identity: Identity,
    /// Whether its memory is the process's own (a software driver).
    pub cpu: bool,
    /// The type of handle that this backend exports and imports on it.
    pub handle_type: HandleType,
    /// Why nothing can be shared on it at all, if so.
    pub unusable: Option<String>,
    /// Whether it tells its heap usage.
    pub memory_budget: bool,
    /// Its answer for each format, tiling and handle type.
    pub textures: Vec<TextureCapability>,
    /// Its answer for each handle type that binary semaphores can be asked about.
    #[serde(default)]
    pub semaphores: Vec<SyncCapability>,
    /// … timelines …
    #[serde(default)]
    pub timelines: Vec<SyncCapability>,
    /// … fences.
    #[serde(default)]
    pub fences: Vec<SyncCapability>,
    /// `maxTimelineSemaphoreValueDifference`; absent where the device has no timelines of its own.
    #[serde(default)]
    pub max_timeline_difference: Option<u64>,
    /// Whether the library has frames.
    #[serde(default)]
    pub frames: bool,
}

/// What a peer sees of a handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandleReport {
    /// The descriptor's number.
    pub number: i64,
    /// `FD_CLOEXEC`.
    pub close_on_exec: bool,
    /// Device and inode of the object behind it. Objects without an inode of their own share one.
    pub object: (u64, u64),
    /// Bytes of the object, 0 where it has none.
    pub bytes: u64,
}

/// A descriptor that a new program found open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InheritedDescriptor {
    /// Its number.
    pub number: i64,
    /// What it is, as `/proc/self/fd` shows it.
    pub target: String,
}
