//! A backend over any [`gpushare::Device`].

mod frames;
mod sync;

use std::collections::BTreeMap;

use gpushare::descriptor::DescriptorFields;
use gpushare::pattern::Mismatch;
use gpushare::{
    Batch, Device, Identity, Message, OwnedHandle, Pattern, Refused, Subresource, SyncKind, Synchronisation, TextureDescriptor,
    TextureError, TextureSpec,
};

use crate::backend::frames::FramesBackend;
use crate::backend::sync::{SyncBackend, SyncDevice};
use crate::backend::{Backend, ImportHandle, ImportRefused};
use crate::protocol::{Code, DeviceReport, Id, ImportManner, Problem};
use frames::Frames;
use sync::Numbered;

/// What a device offers beyond the contract of sharing, so that it can be tested.
pub trait SharingDevice: Device + SyncDevice + Sized {
    /// The backend's name.
    const NAME: &'static str;

    /// Every device of this kind, described without opening it.
    ///
    /// # Errors
    /// [`TextureError`] where the driver does not come up.
    fn reports() -> Result<Vec<DeviceReport>, TextureError>;

    /// Open one by its place.
    ///
    /// # Errors
    /// [`TextureError`] where there is none.
    fn open(place: u32) -> Result<Self, TextureError>;

    /// Export, and leave the handle as the driver made it.
    ///
    /// # Errors
    /// [`TextureError`].
    fn export_unguarded(&self, texture: &mut Self::Texture) -> Result<(TextureDescriptor, OwnedHandle), TextureError>;

    /// Import without looking at the object behind the handle, or from a bare number.
    ///
    /// # Errors
    /// [`Refused`].
    fn import_unguarded(&self, descriptor: &TextureDescriptor, handle: ImportHandle) -> Result<Self::Texture, Refused>;

    /// Import so that the texture can be exported again.
    ///
    /// # Errors
    /// [`Refused`].
    fn import_exportable(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<Self::Texture, Refused>;

    /// Bytes of device memory in use by this process.
    fn heap_usage(&self) -> Option<u64>;
}

/// Numbers what a device has.
pub struct DeviceBackend<D: SharingDevice> {
    // Declared before the device: freed before it is closed.
    frames: Frames<D>,
    textures: BTreeMap<Id, D::Texture>,
    semaphores: Numbered<D::Semaphore>,
    timelines: Numbered<D::Timeline>,
    fences: Numbered<D::Fence>,
    device: Option<D>,
}

impl<D: SharingDevice> Default for DeviceBackend<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: SharingDevice> DeviceBackend<D> {
    /// With no device open.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            frames: Frames::new(),
            textures: BTreeMap::new(),
            semaphores: Numbered::new(SyncKind::Semaphore),
            timelines: Numbered::new(SyncKind::Timeline),
            fences: Numbered::new(SyncKind::Fence),
            device: None,
        }
    }

    fn device(&self) -> Result<&D, Problem> {
        self.device.as_ref().ok_or_else(|| Problem::new(Code::Request, "no device is open"))
    }

    fn with_texture<T>(
        &mut self,
        texture: Id,
        then: impl FnOnce(&D, &mut D::Texture) -> Result<T, TextureError>,
    ) -> Result<T, Problem> {
        let device = self.device.as_ref().ok_or_else(|| Problem::new(Code::Request, "no device is open"))?;
        let texture = self.textures.get_mut(&texture).ok_or_else(|| unknown(texture))?;
        Ok(then(device, texture)?)
    }

    fn check_free(&self, texture: Id) -> Result<(), Problem> {
        if self.textures.contains_key(&texture) {
            return Err(Problem::new(Code::Request, format!("texture {texture} exists already")));
        }
        Ok(())
    }
}

fn unknown(texture: Id) -> Problem {
    Problem::new(Code::Request, format!("no texture {texture}"))
}

impl<D: SharingDevice> Backend for DeviceBackend<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn probe(&mut self) -> Result<Vec<DeviceReport>, Problem> {
        Ok(D::reports()?)
    }

    fn open(&mut self, device: u32) -> Result<Identity, Problem> {
        self.reset();
        self.device = None;
        let opened = D::open(device)?;
        let identity = opened.identity().clone();
        self.device = Some(opened);
        Ok(identity)
    }

    fn reopen(&mut self, device: u32) -> Result<Identity, Problem> {
        Ok(D::open(device)?.identity().clone())
    }

    fn create(&mut self, textures: &[Id], spec: &TextureSpec) -> Result<(), Problem> {
        textures.iter().try_for_each(|texture| self.check_free(*texture))?;
        let count = u32::try_from(textures.len()).unwrap_or(u32::MAX);
        let created = self.device()?.create_textures(spec, count)?;
        self.textures.extend(textures.iter().copied().zip(created));
        Ok(())
    }

    fn fill(&mut self, texture: Id, pattern: Pattern, only: Option<Subresource>) -> Result<(), Problem> {
        self.with_texture(texture, |device, texture| {
            let spec = *device.spec(texture);
            match only {
                None => device.write(texture, &mut |texels| pattern.fill(&spec, texels)),
                Some(part) => {
                    device.write_subresource(texture, part, &mut |texels| pattern.fill_subresource(&spec, part, texels))
                }
            }
        })
    }

    fn verify(&mut self, texture: Id, pattern: Pattern, only: Option<Subresource>) -> Result<Option<Box<Mismatch>>, Problem> {
        self.with_texture(texture, |device, texture| {
            let spec = *device.spec(texture);
            let mut difference = None;
            match only {
                None => device.read(texture, &mut |texels| difference = pattern.verify(&spec, texels).err())?,
                Some(part) => device.read_subresource(texture, part, &mut |texels| {
                    difference = pattern.verify_subresource(&spec, part, texels).err();
                })?,
            }
            Ok(difference)
        })
    }

    fn export(&mut self, texture: Id, guarded: bool) -> Result<(TextureDescriptor, OwnedHandle), Problem> {
        self.with_texture(
            texture,
            |device, texture| {
                if guarded { device.export_texture(texture) } else { device.export_unguarded(texture) }
            },
        )
    }

    fn import(
        &mut self,
        texture: Id,
        descriptor: &DescriptorFields,
        handle: ImportHandle,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        let validated = TextureDescriptor::new(descriptor.clone()).map_err(|error| Problem::from(TextureError::from(error)));
        let ready = self.check_free(texture).and(self.device()).and_then(|device| Ok((device, validated?)));
        let (device, descriptor, handle) = match (ready, handle) {
            (Ok((device, descriptor)), handle) => (device, descriptor, handle),
            (Err(problem), ImportHandle::Owned(handle)) => return Err((Some(handle), problem)),
            (Err(problem), ImportHandle::Number(_)) => return Err((None, problem)),
        };
        let imported = match (handle, manner) {
            (ImportHandle::Owned(handle), ImportManner::Library) => device.import_texture(&descriptor, handle),
            (ImportHandle::Owned(handle), ImportManner::Exportable) => device.import_exportable(&descriptor, handle),
            (handle, _) => device.import_unguarded(&descriptor, handle),
        };
        let imported = imported.map_err(|refused| (refused.handle, refused.error.into()))?;
        self.textures.insert(texture, imported);
        Ok(())
    }

    fn export_batch(&mut self, textures: &[Id]) -> Result<Batch, Problem> {
        let exported = textures.iter().map(|texture| self.export(*texture, true));
        Ok(Batch::from_exported(exported.collect::<Result<_, _>>()?)?)
    }

    fn import_batch(&mut self, textures: &[Id], message: Message) -> Result<(), Problem> {
        let batch = Batch::from_message(message).map_err(TextureError::from)?;
        textures.iter().try_for_each(|texture| self.check_free(*texture))?;
        if textures.len() != batch.len() {
            let text = format!("{} textures came for {} numbers", batch.len(), textures.len());
            return Err(Problem::new(Code::ChannelHandleCount, text));
        }
        let imported = batch.import(self.device()?).map_err(|refused| {
            let text = refused.to_string();
            Problem { message: text, ..Problem::from(refused.error) }
        })?;
        self.textures.extend(textures.iter().copied().zip(imported));
        Ok(())
    }

    fn free(&mut self, texture: Id) -> Result<(), Problem> {
        self.textures.remove(&texture).map(drop).ok_or_else(|| unknown(texture))
    }

    fn reset(&mut self) {
        // What is held back would keep what it refers to busy. A device that cannot let it go is not heard of again.
        let _ = self.device.as_ref().map(Synchronisation::open_gate);
        self.frames.clear();
        self.textures.clear();
        self.semaphores.clear();
        self.timelines.clear();
        self.fences.clear();
    }

    fn sync(&mut self) -> Result<&mut dyn SyncBackend, Problem> {
        Ok(self)
    }

    fn frames(&mut self) -> Result<&mut dyn FramesBackend, Problem> {
        Ok(self)
    }

    fn heap_usage(&self) -> Option<u64> {
        self.device.as_ref().and_then(SharingDevice::heap_usage)
    }
}
