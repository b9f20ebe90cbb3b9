//! Problems: each error of the reference becomes a code for programs and a text for people.

use std::io;

use gpushare::frames::FrameError;
use gpushare::ring::{Corruption, RingError, Role};
use gpushare::{
    BatchRefused, ChannelError, DescriptorError, HandleType, SharedMemoryError, StreamError, SyncError, SyncKind, TextureError,
    Uuid,
};
use gpushare_harness::Problem;

fn os() -> io::Error {
    io::Error::from_raw_os_error(24)
}

#[test]
fn errors_of_textures() {
    let (found, expected) = (Uuid([0xaa; 16]), Uuid([0xbb; 16]));
    let errors = [
        TextureError::Unsupported { what: "textures of one texel".into() },
        TextureError::NotExportable,
        TextureError::Descriptor(DescriptorError::OutOfRange { field: "width", found: 0, least: 1, most: 65_536 }),
        TextureError::ForeignDevice { found, expected },
        TextureError::ForeignDriver { found, expected },
        TextureError::WrongHandleType { found: HandleType::DmaBuf, expected: HandleType::OpaqueFd },
        TextureError::InvalidHandle { expected: HandleType::OpaqueFd, detail: "it is a pipe".into() },
        TextureError::ShortObject { found: 1, expected: 2 },
        TextureError::Timeout { what: "a copy", millis: 20_000 },
        TextureError::DeviceLost { what: "vkQueueSubmit" },
        TextureError::SharedMemory(SharedMemoryError::Unsealed),
        TextureError::Vulkan { call: "vkAllocateMemory", result: "ERROR_OUT_OF_DEVICE_MEMORY".into() },
        TextureError::Driver { what: "no command buffer".into() },
        TextureError::Os { what: "duplicating a handle", source: os() },
    ];

    let problems: Vec<Problem> = errors.into_iter().map(Problem::from).collect();

    insta::assert_json_snapshot!(problems);
}

#[test]
fn errors_of_synchronisation() {
    let (found, expected) = (Uuid([0xaa; 16]), Uuid([0xbb; 16]));
    let (kind, handle_type) = (SyncKind::Semaphore, HandleType::SyncFd);
    let errors = [
        SyncError::Unsupported { what: "timeline semaphores".into() },
        SyncError::NotExportable { kind, handle_type, rule: "VUID-VkSemaphoreGetFdInfoKHR-handleType-01132" },
        SyncError::InvalidUse { what: "a queue is waiting for it", rule: "VUID-VkSemaphoreGetFdInfoKHR-handleType-01134" },
        SyncError::NotIncreasing { found: 3, current: 3 },
        SyncError::TooFarAhead { found: 9, current: 3, most: 5 },
        SyncError::Descriptor { detail: "version is 2, expected 1".into() },
        SyncError::ForeignDevice { found, expected },
        SyncError::ForeignDriver { found, expected },
        SyncError::WrongHandleType { kind, found: HandleType::OpaqueFd },
        SyncError::InvalidHandle { expected: handle_type, detail: "it is a pipe".into() },
        SyncError::Timeout { what: kind },
        SyncError::PeerGone { what: kind },
        SyncError::DeviceLost { what: "vkQueueSubmit" },
        SyncError::Corrupt { what: SyncKind::Timeline, detail: "it changed all the time".into() },
        SyncError::SharedMemory(SharedMemoryError::Unsealed),
        SyncError::Vulkan { call: "vkGetSemaphoreFdKHR", result: "ERROR_TOO_MANY_OBJECTS".into() },
        SyncError::Driver { what: "vkGetSemaphoreFdKHR answered SUCCESS with handle -1".into() },
        SyncError::Os { what: "sleeping on shared memory", source: os() },
    ];

    let problems: Vec<Problem> = errors.into_iter().map(Problem::from).collect();

    insta::assert_json_snapshot!(problems);
}

#[test]
fn errors_of_channels() {
    let errors = [
        ChannelError::Closed,
        ChannelError::CutOff { received: 7, announced: 8 },
        ChannelError::TimedOut,
        ChannelError::TooLarge { what: "handles", count: 3, limit: 2 },
        ChannelError::NotAMessage { found: *b"HTTP/1.1" },
        ChannelError::HandlesLost { arrived: 2, bytes: Vec::new() },
        ChannelError::HandleCount { arrived: 1, announced: 2 },
        ChannelError::Broken,
        ChannelError::Os { what: "sending", source: os() },
    ];

    let problems: Vec<Problem> = errors.into_iter().map(Problem::from).collect();

    insta::assert_json_snapshot!(problems);
}

#[test]
fn errors_of_rings() {
    let memory = [
        SharedMemoryError::NotSharedMemory { detail: "it is a pipe".into() },
        SharedMemoryError::Unsealed,
        SharedMemoryError::Size { found: 4096, expected: 8192 },
        SharedMemoryError::OpenToWriters,
        SharedMemoryError::ReadOnly { detail: "Permission denied".into() },
        SharedMemoryError::Os { what: "mapping", source: os() },
    ];
    let errors = [
        RingError::TimedOut,
        RingError::Closed,
        RingError::PeerGone,
        RingError::Corrupt(Corruption::Position { found: 7, least: 0, most: 64 }),
        RingError::GivenUp,
        RingError::TooLarge { found: 100, most: 56 },
        RingError::BufferTooSmall { needed: 100, room: 10 },
        RingError::Capacity { found: 100, least: 16, most: 1 << 31 },
        RingError::Mismatch { role: Role::Producer, field: "version", found: 2, expected: 1 },
        RingError::WrongRole { offered: Role::Producer, attached: Role::Consumer },
        RingError::Taken(Role::Consumer),
        RingError::Os { what: "waiting for a message", source: os() },
    ];

    let errors = errors.into_iter().chain(memory.map(RingError::from));
    let problems: Vec<Problem> = errors.map(Problem::from).collect();

    insta::assert_json_snapshot!(problems);
}

#[test]
fn errors_of_frames() {
    let errors = [
        FrameError::TimedOut,
        FrameError::Full,
        FrameError::AllAcquired,
        FrameError::Retired,
        FrameError::Slots { found: 33 },
        FrameError::NotHeld,
        FrameError::ProducerLeft,
        FrameError::ProducerDied,
        FrameError::Hostile { detail: "frame 3 is in slot 9 of 2".into() },
        FrameError::Refused { reason: "no room".into() },
        FrameError::Malformed { detail: "not an invitation".into() },
        FrameError::Texture(TextureError::NotExportable),
        FrameError::Import(BatchRefused { index: 1, count: 3, error: TextureError::NotExportable }),
        FrameError::Sync(SyncError::Timeout { what: SyncKind::Timeline }),
        FrameError::Ring(RingError::GivenUp),
        FrameError::Channel(ChannelError::Closed),
        FrameError::Os { what: "watching a process", source: os() },
    ];

    let problems: Vec<Problem> = errors.into_iter().map(Problem::from).collect();

    insta::assert_json_snapshot!(problems);
}

#[test]
fn errors_of_streams() {
    let errors = [
        StreamError::Ended { filled: 1, wanted: 2 },
        StreamError::ClosedHere("writing"),
        StreamError::Ring(RingError::PeerGone),
    ];

    let problems: Vec<Problem> = errors.into_iter().map(Problem::from).collect();

    insta::assert_json_snapshot!(problems);
}
