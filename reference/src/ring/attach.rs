//! How a ring comes to be, and how the other side gets in.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::layout::{self, Header, Role, SIGNALS, Shape};
use super::memory::Shared;
use super::{Consumer, Producer, RingError};
use crate::handle::OwnedHandle;
use crate::shm::{AttachRefused, SharedMemory, SharedMemoryError};
use crate::sys::wait::{self, WakePath};

/// What the attaching side has to know beside the handles. Send it through the same [`Channel`](crate::Channel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The role that is to be had.
    pub role: Role,
    /// Bytes for messages and their headers: a power of two. Of a ring for messages of one size, their number.
    pub capacity: u64,
    /// A number that belongs to this ring alone, so that handles of different rings cannot be mixed.
    pub generation: u64,
}

/// The other side's role in a ring: sent to another process, and attached there once.
#[derive(Debug)]
#[must_use]
pub struct Offer {
    terms: Terms,
    /// The object that the attaching side writes, the one that it reads, and what carries wake-ups.
    pub(super) handles: Vec<OwnedHandle>,
}

impl Offer {
    /// Handles of an offer: two memory objects, and on Windows two events.
    pub const HANDLES: usize = 2 + WakePath::HANDLES;

    /// What to send: the terms, and [`Offer::HANDLES`] handles in this order.
    #[must_use]
    pub fn into_parts(self) -> (Terms, Vec<OwnedHandle>) {
        (self.terms, self.handles)
    }

    /// What arrived. Checked when it is attached.
    pub fn from_parts(terms: Terms, handles: Vec<OwnedHandle>) -> Self {
        Self { terms, handles }
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.terms
    }
}

/// An attach that was refused. The offer comes back.
#[derive(Debug, thiserror::Error)]
#[error("attach refused: {error}")]
pub struct Refused {
    /// The caller's offer, its handles still open.
    pub offer: Offer,
    /// Why.
    #[source]
    pub error: RingError,
}

/// Two new objects, and this side's view of them.
pub(super) fn create(role: Role, shape: Shape) -> Result<(Shared, Offer), RingError> {
    let (generation, capacity) = (generation(), shape.capacity);
    let other = role.other();
    let own = SharedMemory::create_owned(shape.object_bytes(role), &shape.header(role, generation, true))?;
    let peer = SharedMemory::create_lent(shape.object_bytes(other), &shape.header(other, generation, false))?;
    let mut handles = vec![peer.handle()?, own.handle()?];
    let path = WakePath::create(&handles[0].0, SIGNALS as u64).map_err(wake_path)?;
    handles.extend(path.for_peer().map_err(wake_path)?);
    Ok((Shared::new(own, peer, path), Offer { terms: Terms { role: other, capacity, generation }, handles }))
}

/// A number that no other ring has: a hash of nothing under keys that are random for each process and new for each call.
fn generation() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn wake_path(source: io::Error) -> RingError {
    RingError::Os { what: "setting up wake-ups", source }
}

/// `shape`: what the terms' capacity means to the caller, or why there can be no such ring.
pub(super) fn attach(
    role: Role,
    offer: Offer,
    shape: fn(u64) -> Result<Shape, RingError>,
) -> Result<(Shared, Shape), Box<Refused>> {
    let Offer { terms, handles } = offer;
    let checked = shape(terms.capacity).and_then(|shape| {
        if terms.role == role { Ok(shape) } else { Err(RingError::WrongRole { offered: terms.role, attached: role }) }
    });
    let shape = match checked {
        Ok(shape) => shape,
        Err(error) => return Err(Box::new(Refused { offer: Offer { terms, handles }, error })),
    };
    let [own, peer, wakes @ ..] = match <[OwnedHandle; Offer::HANDLES]>::try_from(handles) {
        Ok(handles) => handles,
        Err(handles) => {
            let error = RingError::HandleCount { found: handles.len(), expected: Offer::HANDLES };
            return Err(Box::new(Refused { offer: Offer { terms, handles }, error }));
        }
    };
    let path = WakePath::attach(&wakes);
    let refuse = |own, peer, error| {
        let handles = [own, peer].into_iter().chain(wakes).collect();
        Box::new(Refused { offer: Offer { terms, handles }, error })
    };
    let path = match path {
        Ok(path) => path,
        Err(error) => return Err(refuse(own, peer, wake_path(error))),
    };
    let peer = match SharedMemory::attach_reader(peer, shape.object_bytes(role.other())) {
        Ok(memory) => memory,
        Err(AttachRefused { handle, error }) => return Err(refuse(own, handle, error.into())),
    };
    let own = match SharedMemory::attach_owned(own, shape.object_bytes(role)) {
        Ok(memory) => memory,
        Err(AttachRefused { handle, error }) => {
            let (handle, error) = why_read_only(handle, error, role, shape);
            return Err(refuse(handle, peer.into_handle(), error));
        }
    };
    let checked = check_headers(role, terms.generation, shape, &own, &peer);
    let shared = Shared::new(own, peer, path);
    match checked.and_then(|()| claim(role, &shared)) {
        Ok(()) => Ok((shared, shape)),
        Err(error) => {
            let (own, peer) = shared.give_back();
            Err(refuse(own.into_handle(), peer.into_handle(), error))
        }
    }
}

/// An object that can only be read was claimed before, or the wrong handle came: its header tells.
fn why_read_only(handle: OwnedHandle, error: SharedMemoryError, role: Role, shape: Shape) -> (OwnedHandle, RingError) {
    let SharedMemoryError::ReadOnly { .. } = error else { return (handle, error.into()) };
    match SharedMemory::attach_reader(handle, shape.object_bytes(role)) {
        Ok(memory) => {
            let claimed = read_header(&memory).is_ok_and(|header| layout::is_claimed(&header));
            (memory.into_handle(), if claimed { RingError::Taken(role) } else { error.into() })
        }
        Err(AttachRefused { handle, .. }) => (handle, error.into()),
    }
}

fn read_header(memory: &SharedMemory) -> Result<Header, SharedMemoryError> {
    let mut header = [0; size_of::<Header>()];
    memory.read(0, &mut header)?;
    Ok(header)
}

fn check_headers(role: Role, generation: u64, shape: Shape, own: &SharedMemory, peer: &SharedMemory) -> Result<(), RingError> {
    for (role, memory) in [(role, own), (role.other(), peer)] {
        shape.check(&read_header(memory)?, role, generation)?;
    }
    Ok(())
}

/// Take the role, unless somebody has it. Whoever comes later cannot even map the object for writing.
fn claim(role: Role, shared: &Shared) -> Result<(), RingError> {
    let claimed = &shared.control().claimed;
    claimed.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire).map_err(|_| RingError::Taken(role))?;
    shared.close_to_writers()?;
    Ok(())
}

impl Producer {
    /// Create a ring and take the producer's side; the offer is for the consumer. `capacity`: bytes for messages and their
    /// headers, a power of two; every page is touched at once.
    ///
    /// # Errors
    /// [`RingError::Capacity`], or [`RingError::Memory`] where the system has none left.
    pub fn create(capacity: u64) -> Result<(Self, Offer), RingError> {
        let (shared, offer) = create(Role::Producer, Shape::bytes(capacity)?)?;
        Ok((Self::over(shared, capacity, wait::register_barrier()), offer))
    }

    /// Take the producer's side of a ring that the consumer created.
    ///
    /// # Errors
    /// [`Refused`] holds the offer and the reason.
    pub fn attach(offer: Offer) -> Result<Self, Box<Refused>> {
        let (shared, shape) = attach(Role::Producer, offer, Shape::bytes)?;
        Ok(Self::over(shared, shape.capacity, wait::register_barrier()))
    }
}

impl Consumer {
    /// Create a ring and take the consumer's side; the offer is for the producer.
    ///
    /// # Errors
    /// As [`Producer::create`].
    pub fn create(capacity: u64) -> Result<(Self, Offer), RingError> {
        let (shared, offer) = create(Role::Consumer, Shape::bytes(capacity)?)?;
        Ok((Self::over(shared, capacity, wait::register_barrier()), offer))
    }

    /// Take the consumer's side of a ring that the producer created.
    ///
    /// # Errors
    /// [`Refused`] holds the offer and the reason.
    pub fn attach(offer: Offer) -> Result<Self, Box<Refused>> {
        let (shared, shape) = attach(Role::Consumer, offer, Shape::bytes)?;
        Ok(Self::over(shared, shape.capacity, wait::register_barrier()))
    }
}
