//! What a peer drives. The backends here are thin: they number the textures of a [`gpushare::Device`].

mod device;
mod fixed_ring;
pub mod frames;
mod host;
pub mod questions;
mod ring;
mod stream;
pub mod sync;
mod vulkan;

pub use device::{DeviceBackend, SharingDevice};
pub use ring::RingSide;
pub use stream::StreamEnd;

use gpushare::channel::Limits;
use gpushare::descriptor::DescriptorFields;
use gpushare::host::HostDevice;
use gpushare::ring::{Consumer, Offer, Producer, Role};
use gpushare::vulkan::VulkanDevice;
use gpushare::{
    Batch, Channel, ChannelError, Deadline, Identity, Message, OwnedHandle, Pattern, Stream, StreamOffer, Subresource,
    TextureDescriptor, TextureSpec,
};

use crate::backend::frames::FramesBackend;
use crate::backend::sync::SyncBackend;
use crate::protocol::{Code, DeviceReport, Id, ImportManner, Problem};
use gpushare::pattern::Mismatch;

/// A handle on its way into an import.
#[derive(Debug)]
pub enum ImportHandle {
    /// An open handle.
    Owned(OwnedHandle),
    /// A number that is no open descriptor.
    Number(i64),
}

/// A refused import: the handle, unless the driver used it up, and why.
pub type ImportRefused = (Option<OwnedHandle>, Problem);

/// A sharing library as a peer drives it. Implement it to put another library or engine under the same cases.
pub trait Backend {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Every device and what it can share, without opening one.
    ///
    /// # Errors
    /// A [`Problem`] where the driver does not come up.
    fn probe(&mut self) -> Result<Vec<DeviceReport>, Problem>;

    /// Open a device by its place in the list. What was open before is closed.
    ///
    /// # Errors
    /// A [`Problem`] where there is no such device or it does not come up.
    fn open(&mut self, device: u32) -> Result<Identity, Problem>;

    /// Open a second device object, and close it again.
    ///
    /// # Errors
    /// As [`Backend::open`].
    fn reopen(&mut self, device: u32) -> Result<Identity, Problem>;

    /// Create textures in one allocation, one for each number.
    ///
    /// # Errors
    /// A [`Problem`]; no texture exists then.
    fn create(&mut self, textures: &[Id], spec: &TextureSpec) -> Result<(), Problem>;

    /// Fill a texture, or one subresource of it.
    ///
    /// # Errors
    /// A [`Problem`].
    fn fill(&mut self, texture: Id, pattern: Pattern, only: Option<Subresource>) -> Result<(), Problem>;

    /// Compare a texture, or one subresource of it, with a pattern: `Some` tells how it differs.
    ///
    /// # Errors
    /// A [`Problem`].
    fn verify(&mut self, texture: Id, pattern: Pattern, only: Option<Subresource>) -> Result<Option<Box<Mismatch>>, Problem>;

    /// Export a texture; see [`crate::Request::Export`] for `guarded`.
    ///
    /// # Errors
    /// A [`Problem`].
    fn export(&mut self, texture: Id, guarded: bool) -> Result<(TextureDescriptor, OwnedHandle), Problem>;

    /// Import a texture; see [`crate::Request::Import`] for `guarded`.
    ///
    /// # Errors
    /// [`ImportRefused`] gives the handle back.
    fn import(
        &mut self,
        texture: Id,
        descriptor: &DescriptorFields,
        handle: ImportHandle,
        manner: ImportManner,
    ) -> Result<(), ImportRefused>;

    /// Export textures into one batch, in order.
    ///
    /// # Errors
    /// A [`Problem`].
    fn export_batch(&mut self, textures: &[Id]) -> Result<Batch, Problem>;

    /// Import the textures of a batch as it was received, one for each number, or none.
    ///
    /// # Errors
    /// A [`Problem`]; no texture exists then, and every handle is closed.
    fn import_batch(&mut self, textures: &[Id], message: Message) -> Result<(), Problem>;

    /// Free a texture.
    ///
    /// # Errors
    /// A [`Problem`] for a number that names none.
    fn free(&mut self, texture: Id) -> Result<(), Problem>;

    /// Free everything, and open the gate of the queue.
    fn reset(&mut self);

    /// Bytes of device memory in use by this process, where the driver tells.
    fn heap_usage(&self) -> Option<u64>;

    /// Its semaphores, timelines and fences, where it has any.
    ///
    /// # Errors
    /// A [`Problem`] where it has none.
    fn sync(&mut self) -> Result<&mut dyn SyncBackend, Problem> {
        Err(Problem::new(Code::Unsupported, "this backend has no semaphores, timelines or fences"))
    }

    /// Its frames, where it has any.
    ///
    /// # Errors
    /// A [`Problem`] where it has none.
    fn frames(&mut self) -> Result<&mut dyn FramesBackend, Problem> {
        Err(Problem::new(Code::Unsupported, "this backend has no frames"))
    }

    /// Turn a socket into the library's channel; this crate's own, unless the library brings another.
    ///
    /// # Errors
    /// A [`Problem`] for a handle that is no socket.
    fn open_channel(&mut self, handle: OwnedHandle, limits: Limits) -> Result<Box<dyn MessageChannel>, Problem> {
        let channel = Channel::from_handle(handle).map_err(|(_, error)| Problem::from(error))?;
        Ok(Box::new(channel.with_limits(limits)))
    }

    /// Create a ring, take one side, and offer the other; this crate's own, unless the library brings another.
    ///
    /// # Errors
    /// A [`Problem`].
    fn create_ring(&mut self, role: Role, capacity: u64) -> Result<(Box<dyn RingSide>, Offer), Problem> {
        Ok(match role {
            Role::Producer => Producer::create(capacity).map(|(side, offer)| (Box::new(side) as Box<dyn RingSide>, offer))?,
            Role::Consumer => Consumer::create(capacity).map(|(side, offer)| (Box::new(side) as Box<dyn RingSide>, offer))?,
        })
    }

    /// Take one side of a ring that another peer created.
    ///
    /// # Errors
    /// The offer comes back, with a [`Problem`].
    fn attach_ring(&mut self, role: Role, offer: Offer) -> Result<Box<dyn RingSide>, (Offer, Problem)> {
        let attached = match role {
            Role::Producer => Producer::attach(offer).map(|side| Box::new(side) as Box<dyn RingSide>),
            Role::Consumer => Consumer::attach(offer).map(|side| Box::new(side) as Box<dyn RingSide>),
        };
        attached.map_err(|refused| (refused.offer, refused.error.into()))
    }

    /// Create a ring for messages that all have `size` bytes, with room for at least so many; likewise.
    ///
    /// # Errors
    /// A [`Problem`]; [`Code::Unsupported`] for a size that the library was not built for.
    fn create_fixed_ring(&mut self, role: Role, size: usize, messages: u64) -> Result<(Box<dyn RingSide>, Offer), Problem> {
        fixed_ring::create(role, size, messages)
    }

    /// Take one side of a ring for messages of `size` bytes that another peer created.
    ///
    /// # Errors
    /// The offer comes back, with a [`Problem`].
    fn attach_fixed_ring(&mut self, role: Role, size: usize, offer: Offer) -> Result<Box<dyn RingSide>, (Offer, Problem)> {
        fixed_ring::attach(role, size, offer)
    }

    /// Create a stream and offer its other end.
    ///
    /// # Errors
    /// A [`Problem`].
    fn create_stream(&mut self, capacity: u64) -> Result<(Box<dyn StreamEnd>, StreamOffer), Problem> {
        let (stream, offer) = Stream::create(capacity)?;
        Ok((Box::new(stream), offer))
    }

    /// Take the other end of a stream.
    ///
    /// # Errors
    /// A [`Problem`]; the offer is used up.
    fn attach_stream(&mut self, offer: StreamOffer) -> Result<Box<dyn StreamEnd>, Problem> {
        Ok(Box::new(Stream::attach(offer)?))
    }
}

/// A channel of a sharing library: messages with handles beside them.
pub trait MessageChannel {
    /// Send a message; the handles stay the caller's.
    ///
    /// # Errors
    /// As [`Channel::send`].
    fn send(&mut self, bytes: &[u8], handles: &[&OwnedHandle], deadline: Deadline) -> Result<(), ChannelError>;

    /// Receive the next message.
    ///
    /// # Errors
    /// As [`Channel::receive`].
    fn receive(&mut self, deadline: Deadline) -> Result<Message, ChannelError>;
}

impl MessageChannel for Channel {
    fn send(&mut self, bytes: &[u8], handles: &[&OwnedHandle], deadline: Deadline) -> Result<(), ChannelError> {
        Self::send(self, bytes, handles, deadline)
    }

    fn receive(&mut self, deadline: Deadline) -> Result<Message, ChannelError> {
        Self::receive(self, deadline)
    }
}

/// The backend with this name: `host` or `vulkan`.
///
/// # Errors
/// The names that there are.
pub fn by_name(name: &str) -> Result<Box<dyn Backend>, Problem> {
    match name {
        "host" => Ok(Box::new(DeviceBackend::<HostDevice>::new())),
        "vulkan" => Ok(Box::new(DeviceBackend::<VulkanDevice>::new())),
        _ => Err(Problem::new(Code::Request, format!("no backend {name:?}; there are host and vulkan"))),
    }
}
