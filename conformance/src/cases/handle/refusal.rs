//! Handles that are no texture memory: an import must answer with an error, and with the right one.

use std::time::Duration;

use gpushare::{Api, Channel, TextureSpec};
use gpushare_harness::protocol::{Code, HandleSource, ImportManner, Object};
use gpushare_harness::raw;

use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, Handle, Party, Shared};

/// What a driver must answer to a handle that is no memory of its own: `VK_ERROR_INVALID_EXTERNAL_HANDLE`. The host
/// backend is its own driver and tells a short object apart.
const REFUSALS: &[Code] = &[Code::InvalidHandle, Code::ShortObject];

/// Any error, where the case is about what comes after it.
pub(super) const ANY_REFUSAL: &[Code] = &[Code::InvalidHandle, Code::ShortObject, Code::Driver, Code::System];

const REFUSED: &[&str] = &["memory.invalid_handle_is_refused", "memory.import_is_validated"];

pub(super) fn define(cases: &mut Cases<'_>) {
    let mut objects =
        vec![Object::Pipe, Object::Socket, Object::File, Object::Directory, Object::DevNull, Object::EventFd, Object::Epoll];
    if cases.report().identity.api == Api::Host {
        // A driver keeps its memory objects as it likes; the host backend's are sealed, or another process could shrink them.
        objects.push(Object::UnsealedMemory { len: 1 << 20 });
    }
    kinds(cases, objects, &["library.handle_kind_is_checked", "memory.import_handle_is_valid"]);
    cases.case("short_memory_is_refused", REFUSED).upsets().any_texture_each(
        [1_u64, 512, 4096],
        |len| format!("{len}_bytes"),
        short_memory_is_refused,
    );
    cases
        .case("short_memory_is_refused_by_library", &["memory.fd_import_matches_export"])
        .any_texture(short_memory_is_refused_by_library);
}

/// Those about objects that a driver has made, which the host backend's tests know better.
pub(in crate::cases) fn define_of_driver(cases: &mut Cases<'_>) {
    cases
        .case("shrunk_memory_ends_no_importer", &["memory.import_is_validated"])
        .upsets()
        .any_texture(shrunk_memory_ends_no_importer);
}

/// Those over dma-bufs: a memory object is none.
pub(super) fn define_dma_buf(cases: &mut Cases<'_>) {
    kinds(
        cases,
        vec![
            Object::Pipe,
            Object::Socket,
            Object::File,
            Object::Directory,
            Object::DevNull,
            Object::EventFd,
            Object::Epoll,
            Object::Memory { len: 1 << 20 },
        ],
        &["library.handle_kind_is_checked", "memory.import_handle_is_valid", "memory.fd_properties_of_valid_fd"],
    );
    let no_heap = raw::make(Object::DmaBuf { len: 4096 }).err().map(|error| format!("no dma-buf can be made here: {error}"));
    cases.case("short_memory_is_refused", REFUSED).skip_if(no_heap.clone()).upsets().any_texture(short_dma_buf_is_refused);
    cases
        .case("short_memory_is_refused_by_library", &["memory.import_is_validated"])
        .skip_if(no_heap)
        .any_texture(short_dma_buf_is_refused_by_library);
}

/// Objects that are no memory of the driver's.
fn kinds(cases: &mut Cases<'_>, objects: Vec<Object>, by_library: &'static [&'static str]) {
    let memory = objects.iter().copied().filter(|object| matches!(object, Object::Memory { .. })).map(Held::Object);
    let held =
        [Held::Pipe, Held::Socket, Held::Object(Object::Directory), Held::Object(Object::EventFd), Held::Object(Object::Epoll)];
    let held: Vec<_> = held.into_iter().chain(memory).collect();
    // The import has to fail; one that blocks on a strange descriptor never does.
    cases.case("kind_is_refused", REFUSED).upsets().patience(Duration::from_secs(3)).any_texture_each(
        objects,
        object_name,
        kind_is_refused,
    );
    cases.case("kind_is_refused_by_library", by_library).patience(Duration::from_secs(3)).any_texture_each(
        held,
        held_name,
        kind_is_refused_by_library,
    );
    cases.case("closed_number_is_refused", REFUSED).upsets().any_texture(closed_number_is_refused);
    cases.case("minus_one_is_refused", REFUSED).upsets().any_texture(minus_one_is_refused);
}

pub(in crate::cases) fn object_name(object: &Object) -> String {
    match object {
        Object::Pipe => "pipe",
        Object::Socket => "socket",
        Object::File => "file",
        Object::Directory => "directory",
        Object::DevNull => "dev_null",
        Object::EventFd => "eventfd",
        Object::Epoll => "epoll",
        Object::ThisProcess => "process",
        Object::Memory { .. } => "memory",
        Object::UnsealedMemory { .. } => "unsealed_memory",
        Object::DmaBuf { .. } => "dma_buf",
        Object::SyncFile { .. } => "sync_file",
    }
    .into()
}

/// The driver alone has to refuse. One that accepts is asked to write the texture, so that the finding says what comes of it.
fn driver_refuses(cx: &Context<'_>, consumer: &Party<'_, '_>, shared: &Shared, handle: Handle) -> Outcome {
    match consumer.try_import(shared, HandleSource::Held(handle.0), ImportManner::Driver)? {
        Err(problem) if REFUSALS.contains(&problem.code) => Ok(()),
        Err(problem) => {
            Err(Stop::Fail(format!("refused, but as {}; VK_ERROR_INVALID_EXTERNAL_HANDLE is due", problem.message)))
        }
        Ok(texture) => {
            let consequence = match consumer.fill(texture, cx.pattern(0)) {
                Ok(()) => "writing the texture succeeded".into(),
                Err(Stop::Crash { exit, .. }) => format!("writing the texture then killed the process ({exit})"),
                Err(other) => format!("writing the texture then ended in {other:?}"),
            };
            Err(Stop::Fail(format!("the driver accepted the import; {consequence}")))
        }
    }
}

/// A descriptor of another kind beside a descriptor of a real texture, straight to the driver.
fn kind_is_refused(cx: &Context<'_>, spec: TextureSpec, object: Object) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    let wrong = consumer.make(object)?;
    driver_refuses(cx, &consumer, &shared, wrong)?;
    // The device has to be as well as before.
    let imported = consumer.import(&shared)?;
    producer.fill(texture, cx.pattern(0))?;
    consumer.verify(imported, cx.pattern(0))
}

/// A handle that a reader could wait on for ever: somebody holds the other end.
#[derive(Clone, Copy)]
enum Held {
    Pipe,
    Socket,
    Object(Object),
}

fn held_name(held: &Held) -> String {
    match held {
        Held::Pipe => "pipe_held_open".into(),
        Held::Socket => "socket_held_open".into(),
        Held::Object(object) => object_name(object),
    }
}

/// What can never be memory, the sharing library refuses before a driver can block on it.
fn kind_is_refused_by_library(cx: &Context<'_>, spec: TextureSpec, held: Held) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    let system = |error: &dyn std::fmt::Display| Stop::Inconclusive(format!("making {}: {error}", held_name(&held)));
    let (given, other_end) = match held {
        Held::Pipe => raw::pipe().map(|(read, write)| (read, Some(write))).map_err(|error| system(&error))?,
        Held::Socket => {
            let (one, other) = Channel::pair().map_err(|error| system(&error))?;
            (one.into_handle(), Some(other.into_handle()))
        }
        Held::Object(object) => (raw::make(object).map_err(|error| system(&error))?, None),
    };
    let wrong = consumer.keep(&[given])?[0];
    consumer.import_is_refused(&shared, HandleSource::Held(wrong.0), ImportManner::Library, &[Code::InvalidHandle])?;
    drop(other_end);
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

/// A number that was closed a moment ago.
fn closed_number_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    consumer.import_is_refused(&shared, HandleSource::ClosedNumber, ImportManner::Driver, REFUSALS).map(drop)
}

/// The number -1.
fn minus_one_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    consumer.import_is_refused(&shared, HandleSource::MinusOne, ImportManner::Driver, REFUSALS).map(drop)
}

/// A memory object that is shorter than the texture, straight to the driver: accepting it would fault at the first access.
fn short_memory_is_refused(cx: &Context<'_>, spec: TextureSpec, len: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    let short = consumer.make(Object::Memory { len })?;
    driver_refuses(cx, &consumer, &shared, short)
}

/// The same through the sharing library, which looks before it asks the driver.
fn short_memory_is_refused_by_library(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    let short = consumer.make(Object::Memory { len: shared.descriptor.allocation_size - 1 })?;
    consumer.import_is_refused(&shared, HandleSource::Held(short.0), ImportManner::Library, &[Code::ShortObject]).map(drop)
}

/// Whoever holds an exported handle tries to take the memory away below an import. What the texels are then is open, as with any
/// memory that somebody else may write; that the importer reads them and lives is not.
fn shrunk_memory_ends_no_importer(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.export(texture)?;
    let held = producer.give(&[shared.handle])?;
    let handle = consumer.keep(&held)?[0];
    let imported = consumer.import(&Shared { handle, ..shared })?;
    if held.iter().try_for_each(|handle| raw::shrink(handle, 0)).is_err() {
        return consumer.verify(imported, cx.pattern(0));
    }
    consumer.compare(imported, cx.pattern(0)).map(drop)
}

/// A dma-buf of one page beside a descriptor of a larger texture, straight to the driver.
fn short_dma_buf_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    let short = consumer.make(Object::DmaBuf { len: 4096 })?;
    driver_refuses(cx, &consumer, &shared, short)
}

/// The same through the sharing library, which asks the dma-buf where it ends.
fn short_dma_buf_is_refused_by_library(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    let short = consumer.make(Object::DmaBuf { len: 4096 })?;
    consumer.import_is_refused(&shared, HandleSource::Held(short.0), ImportManner::Library, &[Code::ShortObject]).map(drop)
}
