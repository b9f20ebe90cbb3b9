//! How a producer and a consumer come together: rings, timelines and textures change hands over a channel.

use super::link::Link;
use super::wire::{Acceptance, Filled, Invitation, Returned, VERSION};
use super::{FrameError, Policy, RING};
use crate::batch::Batch;
use crate::channel::{Channel, Message};
use crate::deadline::Deadline;
use crate::handle::{HandleType, OwnedHandle};
use crate::ring::{Offer, fixed};
use crate::sync::{SyncDescriptor, SyncError, SyncHandle, SyncKind};
use crate::texture::Device;
use crate::timeline::{SharedTimeline, Timelines};
use crate::waiter::Peer;

/// What a consumer has once it was let in.
pub(super) struct Met<D: Device + Timelines> {
    pub(super) policy: Policy,
    pub(super) generation: u32,
    pub(super) textures: Vec<D::Texture>,
    pub(super) frames: fixed::Consumer<{ Filled::BYTES }>,
    pub(super) returns: fixed::Producer<{ Returned::BYTES }>,
    pub(super) rendered: D::Timeline,
    pub(super) read: D::Timeline,
    pub(super) peer: Peer,
}

/// The producer's side.
pub(super) fn invite<D: Device + Timelines>(
    device: &D,
    mut channel: Channel,
    policy: Policy,
    (generation, batch): (u32, &Batch),
    deadline: Deadline,
) -> Result<Link<D>, FrameError> {
    let (mut frames, frames_offer) = fixed::Producer::create(RING)?;
    let (mut returns, returns_offer) = fixed::Consumer::create(RING)?;
    let carrier = Carrier::of(device);
    let rendered = carrier.make(device)?;
    let read = if carrier == Carrier::Memory { None } else { Some(carrier.make(device)?) };
    let (frames_terms, mut handles) = frames_offer.into_parts();
    let (returns_terms, more) = returns_offer.into_parts();
    let (read, read_descriptor, read_handle) =
        read.map_or((None, None, None), |it| (Some(it.timeline), Some(it.descriptor), Some(it.handle)));
    handles.extend(more);
    handles.push(rendered.handle);
    handles.extend(read_handle);
    handles.push(this_process()?);
    let invitation = Invitation {
        version: VERSION,
        policy,
        generation,
        frames: frames_terms,
        returns: returns_terms,
        rendered: rendered.descriptor,
        read: read_descriptor,
    };
    let beside: Vec<_> = handles.iter().collect();
    channel.send(&to_text(&invitation), &beside, deadline)?;
    drop(handles);
    announce(&mut channel, batch, deadline)?;
    let Message { bytes, handles } = channel.receive(deadline)?;
    let theirs = match from_text(&bytes, "an acceptance")? {
        Acceptance::Accepted { read } => read,
        Acceptance::Refused { reason } => return Err(FrameError::Refused { reason }),
    };
    let (read, process) = match (theirs, read) {
        (Some(descriptor), _) => {
            let [timeline, process] = exactly(handles)?;
            (their_timeline(device, &descriptor, timeline)?, process)
        }
        (None, Some(read)) => {
            let [process] = exactly(handles)?;
            (read, process)
        }
        (None, None) => return Err(FrameError::malformed("the consumer names no timeline, and was given none")),
    };
    let peer = Peer::from_handle(process).map_err(os("watching the consumer's process"))?;
    frames.watch(&peer);
    returns.watch(&peer);
    Ok(Link::new(channel, frames, returns, rendered.timeline, read, peer))
}

/// Tell a consumer of the textures that the frames from now on are in.
pub(super) fn announce(channel: &mut Channel, batch: &Batch, deadline: Deadline) -> Result<(), FrameError> {
    let (bytes, handles) = batch.message();
    Ok(channel.send(&bytes, &handles, deadline)?)
}

/// The consumer's side. What it refuses, the producer is told.
pub(super) fn join<D: Device + Timelines>(device: &D, channel: &mut Channel, deadline: Deadline) -> Result<Met<D>, FrameError> {
    let message = channel.receive(deadline)?;
    match accept(device, channel, message, deadline) {
        Ok((mut met, answer, handles)) => {
            channel.send(&to_text(&answer), &handles.iter().collect::<Vec<_>>(), deadline)?;
            met.frames.watch(&met.peer);
            met.returns.watch(&met.peer);
            Ok(met)
        }
        Err(error) => {
            let refusal = Acceptance::Refused { reason: error.to_string() };
            // Where the producer is gone nobody is left to be told.
            let _ = channel.send(&to_text(&refusal), &[], deadline);
            Err(error)
        }
    }
}

/// What the producer offers, and what to answer.
fn accept<D: Device + Timelines>(
    device: &D,
    channel: &mut Channel,
    message: Message,
    deadline: Deadline,
) -> Result<(Met<D>, Acceptance, Vec<OwnedHandle>), FrameError> {
    let invitation: Invitation = from_text(&message.bytes, "an invitation")?;
    let beside = invitation.handles();
    let Invitation { version, policy, generation, frames, returns, rendered, read } = invitation;
    if version != VERSION {
        return Err(FrameError::malformed(format!("the producer speaks version {version}, this is version {VERSION}")));
    }
    let mut handles = counted(message.handles, beside)?.into_iter();
    let mut take = |count: usize| -> Vec<_> { handles.by_ref().take(count).collect() };
    let (of_frames, of_returns) = (take(Offer::HANDLES), take(Offer::HANDLES));
    let [timeline] = exactly(take(1))?;
    let reading = read.map(|descriptor| exactly(take(1)).map(|[handle]| (descriptor, handle))).transpose()?;
    let [process] = exactly(take(1))?;
    let frames = fixed::Consumer::attach(Offer::from_parts(frames, of_frames)).map_err(|refused| refused.error)?;
    let returns = fixed::Producer::attach(Offer::from_parts(returns, of_returns)).map_err(|refused| refused.error)?;
    let rendered = their_timeline(device, &rendered, timeline)?;
    let peer = Peer::from_handle(process).map_err(os("watching the producer's process"))?;
    let textures = import(device, channel.receive(deadline)?)?;
    let (read, descriptor, handle) = match reading {
        Some((descriptor, handle)) => (their_timeline(device, &descriptor, handle)?, None, None),
        None => {
            let read = Carrier::Memory.make(device)?;
            (read.timeline, Some(read.descriptor), Some(read.handle))
        }
    };
    let handles = handle.into_iter().chain([this_process()?]).collect();
    let met = Met { policy, generation, textures, frames, returns, rendered, read, peer };
    Ok((met, Acceptance::Accepted { read: descriptor }, handles))
}

/// The textures of a generation, as they were announced.
pub(super) fn import<D: Device>(device: &D, message: Message) -> Result<Vec<D::Texture>, FrameError> {
    let batch = Batch::from_message(message).map_err(crate::texture::TextureError::from)?;
    Ok(batch.import(device)?)
}

/// What carries the signals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// The driver's own timelines.
    Driver(HandleType),
    /// Numbers that the process which made them alone can move on.
    Memory,
}

/// A new timeline, and what another process imports it with.
struct Made<T> {
    timeline: T,
    descriptor: SyncDescriptor,
    handle: OwnedHandle,
}

impl Carrier {
    /// The driver's where it exports and imports them.
    fn of(device: &impl Timelines) -> Self {
        let mut types = device.capabilities(SyncKind::Timeline).into_iter();
        let own = types.find(|can| can.handle_type != HandleType::SharedMemory && can.shareable());
        own.map_or(Self::Memory, |can| Self::Driver(can.handle_type))
    }

    fn make<D: Timelines>(self, device: &D) -> Result<Made<D::Timeline>, FrameError> {
        let (mut timeline, handle_type) = match self {
            Self::Driver(handle_type) => (device.create_timeline(0, &[handle_type])?, handle_type),
            Self::Memory => (device.adopt_timeline(SharedTimeline::create_owned(0)?), HandleType::SharedMemory),
        };
        match device.export_timeline(&mut timeline, handle_type)? {
            (descriptor, SyncHandle::Handle(handle)) => Ok(Made { timeline, descriptor, handle }),
            (_, SyncHandle::Signalled) => {
                Err(SyncError::Driver { what: "a timeline was exported without an object".into() }.into())
            }
        }
    }
}

fn their_timeline<D: Timelines>(
    device: &D,
    descriptor: &SyncDescriptor,
    handle: OwnedHandle,
) -> Result<D::Timeline, FrameError> {
    Ok(device.import_timeline(descriptor, SyncHandle::Handle(handle)).map_err(|refused| refused.error)?)
}

fn this_process() -> Result<OwnedHandle, FrameError> {
    Peer::this_process().map_err(os("opening a handle to this process"))
}

fn counted(handles: Vec<OwnedHandle>, count: usize) -> Result<Vec<OwnedHandle>, FrameError> {
    let came = handles.len();
    if came == count {
        Ok(handles)
    } else {
        Err(FrameError::malformed(format!("{came} handles came beside a message that has {count}")))
    }
}

fn exactly<const COUNT: usize>(handles: Vec<OwnedHandle>) -> Result<[OwnedHandle; COUNT], FrameError> {
    handles.try_into().map_err(|handles: Vec<_>| {
        FrameError::malformed(format!("{} handles came beside a message that has {COUNT}", handles.len()))
    })
}

fn to_text(message: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("numbers and texts always serialise")
}

fn from_text<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, FrameError> {
    serde_json::from_slice(bytes).map_err(|error| FrameError::malformed(format!("not {what}: {error}")))
}

fn os(what: &'static str) -> impl FnOnce(std::io::Error) -> FrameError {
    move |source| FrameError::Os { what, source }
}
