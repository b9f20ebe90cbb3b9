//! Many textures in one message: what travels beside each handle is in the bytes, and the handles are beside them, in order.
//!
//! A frame of several planes, a ring of frames or a whole atlas changes hands at once, or not at all.

use serde::{Deserialize, Serialize};

use crate::channel::{Limits, Message};
use crate::descriptor::{DescriptorError, DescriptorFields, TextureDescriptor};
use crate::handle::OwnedHandle;
use crate::texture::{Device, TextureError};

/// Exported textures on their way to another process.
#[derive(Debug, Default)]
pub struct Batch {
    items: Vec<(TextureDescriptor, OwnedHandle)>,
}

/// Why a batch was not imported. No texture of it is left, and every handle is closed: the sender still has its own.
#[derive(Debug, thiserror::Error)]
#[error("texture {index} of {count}: {error}")]
pub struct BatchRefused {
    /// Which one was refused, counting from 0.
    pub index: usize,
    /// How many there are.
    pub count: usize,
    /// Why.
    #[source]
    pub error: TextureError,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<Fields> {
    textures: Vec<Fields>,
}

impl Batch {
    /// Textures in one batch at most: the handles that one message carries.
    pub const MAX: usize = Limits::MOST_HANDLES;

    /// Export textures, in order.
    ///
    /// # Errors
    /// As [`Device::export_texture`]; [`TextureError::Unsupported`] for more than [`Batch::MAX`]. No handle is left then.
    pub fn export<'texture, D: Device>(
        device: &D,
        textures: impl IntoIterator<Item = &'texture mut D::Texture>,
    ) -> Result<Self, TextureError>
    where
        D::Texture: 'texture,
    {
        let exported = textures.into_iter().map(|texture| device.export_texture(texture));
        Self::from_exported(exported.collect::<Result<_, _>>()?)
    }

    /// A batch of what was exported before.
    ///
    /// # Errors
    /// [`TextureError::Unsupported`] for more than [`Batch::MAX`].
    pub fn from_exported(items: Vec<(TextureDescriptor, OwnedHandle)>) -> Result<Self, TextureError> {
        if items.len() > Self::MAX {
            let what = format!("{} textures in one message; at most {}", items.len(), Self::MAX);
            return Err(TextureError::Unsupported { what });
        }
        Ok(Self { items })
    }

    /// How many textures it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What to send: bytes, and the handles beside them.
    #[must_use]
    pub fn message(&self) -> (Vec<u8>, Vec<&OwnedHandle>) {
        let textures = self.items.iter().map(|(descriptor, _)| descriptor.fields()).collect();
        let bytes = serde_json::to_vec(&Body { textures }).expect("a struct of numbers and strings always serialises");
        (bytes, self.items.iter().map(|(_, handle)| handle).collect())
    }

    /// The batch in a message that was received. Every descriptor is validated before any handle is looked at.
    ///
    /// # Errors
    /// [`DescriptorError`] for bytes that are no batch, a descriptor that makes no sense, or another number of handles. They are closed
    /// then.
    pub fn from_message(message: Message) -> Result<Self, DescriptorError> {
        let malformed = |detail: String| DescriptorError::Malformed { detail };
        let body: Body<DescriptorFields> =
            serde_json::from_slice(&message.bytes).map_err(|error| malformed(error.to_string()))?;
        let (told, came) = (body.textures.len(), message.handles.len());
        if told != came {
            return Err(malformed(format!("{told} descriptors beside {came} handles")));
        }
        let descriptors: Vec<_> = body.textures.into_iter().map(TextureDescriptor::new).collect::<Result<_, _>>()?;
        Ok(Self { items: descriptors.into_iter().zip(message.handles).collect() })
    }

    /// Import all textures, in order, or none.
    ///
    /// # Errors
    /// [`BatchRefused`] names the first that was refused.
    pub fn import<D: Device>(self, device: &D) -> Result<Vec<D::Texture>, BatchRefused> {
        let count = self.items.len();
        let import = |(index, (descriptor, handle)): (usize, (TextureDescriptor, OwnedHandle))| {
            device.import_texture(&descriptor, handle).map_err(|refused| BatchRefused { index, count, error: refused.error })
        };
        self.items.into_iter().enumerate().map(import).collect()
    }
}
