//! How a producer and a consumer come together: rings, timelines and textures change hands over a channel.

use super::link::Link;
use super::wire::{ACCEPTANCE_HANDLES, Acceptance, Filled, INVITATION_HANDLES, Invitation, Returned, VERSION};
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
    let (rendered, descriptor, handle) = own_timeline(device)?;
    let (frames_terms, mut handles) = frames_offer.into_parts();
    let (returns_terms, more) = returns_offer.into_parts();
    handles.extend(more);
    handles.extend([handle, this_process()?]);
    let invitation =
        Invitation { version: VERSION, policy, generation, frames: frames_terms, returns: returns_terms, rendered: descriptor };
    let beside: Vec<_> = handles.iter().collect();
    channel.send(&to_text(&invitation), &beside, deadline)?;
    drop(handles);
    announce(&mut channel, batch, deadline)?;
    let Message { bytes, handles } = channel.receive(deadline)?;
    let descriptor = match from_text(&bytes, "an acceptance")? {
        Acceptance::Accepted { read } => read,
        Acceptance::Refused { reason } => return Err(FrameError::Refused { reason }),
    };
    let [timeline, process] = exactly::<ACCEPTANCE_HANDLES>(handles)?;
    let read = their_timeline(device, &descriptor, timeline)?;
    let peer = Peer::from_handle(process).map_err(os("watching the consumer's process"))?;
    frames.watch(&peer);
    returns.watch(&peer);
    Ok(Link::new(channel, frames, returns, rendered, read, peer))
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
            channel.send(&to_text(&answer), &[&handles[0], &handles[1]], deadline)?;
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
) -> Result<(Met<D>, Acceptance, [OwnedHandle; ACCEPTANCE_HANDLES]), FrameError> {
    let Invitation { version, policy, generation, frames, returns, rendered } = from_text(&message.bytes, "an invitation")?;
    if version != VERSION {
        return Err(FrameError::malformed(format!("the producer speaks version {version}, this is version {VERSION}")));
    }
    let mut handles = exactly::<INVITATION_HANDLES>(message.handles)?.into_iter();
    let mut take = |count: usize| -> Vec<_> { handles.by_ref().take(count).collect() };
    let (of_frames, of_returns) = (take(Offer::HANDLES), take(Offer::HANDLES));
    let [timeline, process] = exactly(take(2))?;
    let frames = fixed::Consumer::attach(Offer::from_parts(frames, of_frames)).map_err(|refused| refused.error)?;
    let returns = fixed::Producer::attach(Offer::from_parts(returns, of_returns)).map_err(|refused| refused.error)?;
    let rendered = their_timeline(device, &rendered, timeline)?;
    let peer = Peer::from_handle(process).map_err(os("watching the producer's process"))?;
    let textures = import(device, channel.receive(deadline)?)?;
    let (read, descriptor, handle) = own_timeline(device)?;
    let answer = Acceptance::Accepted { read: descriptor };
    let met = Met { policy, generation, textures, frames, returns, rendered, read, peer };
    Ok((met, answer, [handle, this_process()?]))
}

/// The textures of a generation, as they were announced.
pub(super) fn import<D: Device>(device: &D, message: Message) -> Result<Vec<D::Texture>, FrameError> {
    let batch = Batch::from_message(message).map_err(crate::texture::TextureError::from)?;
    Ok(batch.import(device)?)
}

/// A timeline that this side signals: the driver's own where it exports one, else a number that this process alone can move on.
fn own_timeline<D: Device + Timelines>(device: &D) -> Result<(D::Timeline, SyncDescriptor, OwnedHandle), FrameError> {
    let memory = HandleType::SharedMemory;
    let mut types = device.capabilities(SyncKind::Timeline).into_iter();
    let own = types.find(|can| can.handle_type != memory && can.shareable()).map(|can| can.handle_type);
    let mut timeline = match own {
        Some(handle_type) => device.create_timeline(0, &[handle_type])?,
        None => device.adopt_timeline(SharedTimeline::create_owned(0)?),
    };
    match device.export_timeline(&mut timeline, own.unwrap_or(memory))? {
        (descriptor, SyncHandle::Handle(handle)) => Ok((timeline, descriptor, handle)),
        (_, SyncHandle::Signalled) => {
            Err(SyncError::Driver { what: "a timeline was exported without an object".into() }.into())
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
