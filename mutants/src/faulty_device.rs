//! The host device, broken on purpose in one way.
#![expect(unsafe_code, reason = "a driver that returns one number twice, or closes a number that is not its own")]

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use gpushare::host::{HostDevice, HostTexture};
use gpushare::{
    Device, HandleType, Identity, OwnedHandle, Placement, Refused, Subresource, TextureDescriptor, TextureError, TextureSpec,
    Uuid,
};
use gpushare_harness::backend::{ImportHandle, SharingDevice};
use gpushare_harness::protocol::DeviceReport;
use rustix::fs::{FlockOperation, Mode};

use crate::{fault, left_name};

pub(crate) struct FaultyDevice {
    pub(crate) inner: HostDevice,
    identity: Identity,
    /// Contents of the texture that was freed last.
    freed: &'static Mutex<Vec<u8>>,
    /// The handle that was imported first.
    first_import: Mutex<Option<OwnedHandle>>,
    /// Handles that were imported, under the numbers that they had.
    by_number: Mutex<BTreeMap<i32, OwnedHandle>>,
    last_number: Mutex<Option<i32>>,
    imports: &'static AtomicU32,
    exports: AtomicU32,
    failed: AtomicU32,
}

static FREED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static IMPORTS: AtomicU32 = AtomicU32::new(0);

pub(crate) struct FaultyTexture {
    inner: Option<HostTexture>,
    imported: bool,
    exported: bool,
    /// A second view that reaches beyond the texture.
    beyond: Option<HostTexture>,
    /// Contents that stand for the object's own.
    copy: Option<Vec<u8>>,
    /// Our end of a lock that tells whether the other side lives.
    watch: Option<File>,
    /// A number that we closed, and close again.
    close_again: Option<i32>,
}

impl FaultyTexture {
    fn healthy(inner: HostTexture, imported: bool) -> Self {
        let (beyond, copy, watch, close_again) = (None, None, None, None);
        Self { inner: Some(inner), imported, exported: false, beyond, copy, watch, close_again }
    }

    fn inner(&mut self) -> Result<&mut HostTexture, TextureError> {
        self.inner.as_mut().ok_or_else(|| TextureError::Driver { what: "freed".into() })
    }
}

impl Drop for FaultyTexture {
    fn drop(&mut self) {
        let device = HostDevice::new();
        let Some(mut inner) = self.inner.take() else { return };
        if fault::is("memory_recycled_unwiped") {
            let kept = device.read(&mut inner, &mut |texels| *FREED.lock().expect("unpoisoned") = texels.to_vec());
            assert!(kept.is_ok());
        }
        if fault::is("import_free_clears") && self.imported {
            assert!(device.write(&mut inner, &mut |texels| texels.fill(0)).is_ok());
        }
        if self.imported {
            IMPORTS.fetch_sub(1, Ordering::Relaxed);
        }
        if fault::is("drop_frees_nothing") {
            std::mem::forget(inner);
        } else {
            drop(inner);
        }
        if let Some(number) = self.close_again {
            // SAFETY: none; this is the fault: the number belongs to somebody else by now.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
    }
}

/// A file description of our own on the object behind a handle.
fn own_description(handle: &OwnedHandle) -> File {
    File::open(format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd())).expect("a memory object can be opened anew")
}

/// Whether nobody holds the lock on the object any more.
fn is_abandoned(watch: &File) -> bool {
    let taken = rustix::fs::flock(watch, FlockOperation::NonBlockingLockExclusive).is_ok();
    if taken {
        rustix::fs::flock(watch, FlockOperation::Unlock).expect("unlocking what was locked");
    }
    taken
}

fn refused(handle: Option<OwnedHandle>) -> Refused {
    let error = TextureError::InvalidHandle { expected: HandleType::SharedMemory, detail: "fault".into() };
    Refused { handle, error }
}

impl FaultyDevice {
    fn new() -> Self {
        let inner = HostDevice::new();
        let mut identity = inner.identity().clone();
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let opened = OPENED.fetch_add(1, Ordering::Relaxed);
        match () {
            () if fault::is("uuid_of_process") => {
                identity.device_uuid.0[..4].copy_from_slice(&std::process::id().to_le_bytes());
            }
            () if fault::is("uuid_of_instance") => identity.device_uuid.0[..4].copy_from_slice(&opened.to_le_bytes()),
            () if fault::is("uuid_unset") => identity.device_uuid = Uuid::default(),
            () => {}
        }
        let (first_import, last_number) = (Mutex::new(None), Mutex::new(None));
        let (exports, failed) = (AtomicU32::new(0), AtomicU32::new(0));
        let by_number = Mutex::default();
        Self { inner, identity, freed: &FREED, first_import, by_number, last_number, imports: &IMPORTS, exports, failed }
    }

    fn import(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<FaultyTexture, Refused> {
        let alive = self.imports.fetch_add(1, Ordering::Relaxed) + 1;
        let imported = self.import_counted(descriptor, handle, alive);
        if imported.is_err() {
            self.imports.fetch_sub(1, Ordering::Relaxed);
        }
        imported
    }

    fn import_counted(
        &self,
        descriptor: &TextureDescriptor,
        handle: OwnedHandle,
        alive: u32,
    ) -> Result<FaultyTexture, Refused> {
        if fault::is("import_refused") || (fault::is("import_limit") && alive > 32) {
            return Err(refused(Some(handle)));
        }
        if fault::is("broken_after_refusal") && self.failed.load(Ordering::Relaxed) > 0 {
            return Err(refused(Some(handle)));
        }
        if fault::is("imported_once_only") {
            let mode = rustix::fs::fstat(&handle).map_or(0, |stat| stat.st_mode & 0o7777);
            if mode & Mode::XOTH.bits() != 0 && mode & Mode::SVTX.bits() != 0 {
                return Err(refused(Some(handle)));
            }
            // Sealed memory keeps its mode changeable: a mark that every process sees.
            let _ = rustix::fs::fchmod(&handle, Mode::from_bits_truncate(mode) | Mode::XOTH | Mode::SVTX);
        }
        let mut changed = descriptor.clone();
        if fault::is("offset_ignored") {
            let mut fields = descriptor.fields().clone();
            fields.offset = 0;
            changed = TextureDescriptor::new(fields).unwrap_or(changed);
        }
        let handle = self.swapped_for_first(handle);
        let handle = self.kept_under_number(handle);
        let second = handle.try_clone().ok();
        let watch = is_lock_fault().then(|| own_description(&handle));
        let number = handle.as_fd().as_raw_fd();
        let (handle, close_again) = match &second {
            Some(copy) if fault::is("import_closes_twice") => {
                // Duplicated first: the number has to be free for somebody else when it is closed.
                let kept = copy.try_clone().map_err(|_| refused(None))?;
                drop(handle);
                (kept, Some(number))
            }
            _ => (handle, None),
        };
        let inner = self.inner.import_texture(&changed, handle);
        let inner = inner.map_err(|refusal| self.faulty_refusal(refusal, second.as_ref()))?;
        let mut texture = FaultyTexture::healthy(inner, true);
        (texture.watch, texture.close_again) = (watch, close_again);
        self.spoil(&mut texture, descriptor, second)?;
        Ok(texture)
    }

    /// A driver that keys what it imported by size.
    fn swapped_for_first(&self, handle: OwnedHandle) -> OwnedHandle {
        if !fault::is("import_keyed_by_size") {
            return handle;
        }
        let mut first = self.first_import.lock().expect("unpoisoned");
        let kept = first.get_or_insert_with(|| handle.try_clone().expect("a descriptor is free"));
        kept.try_clone().expect("a descriptor is free")
    }

    /// A library that keeps what it imported under the descriptor's number, and looks there first.
    fn kept_under_number(&self, handle: OwnedHandle) -> OwnedHandle {
        if !fault::is("import_keyed_by_number") {
            return handle;
        }
        let mut kept = self.by_number.lock().expect("unpoisoned");
        let number = handle.as_fd().as_raw_fd();
        let copy = || handle.try_clone().expect("a descriptor is free");
        let first = kept.entry(number).or_insert_with(copy);
        first.try_clone().expect("a descriptor is free")
    }

    fn faulty_refusal(&self, refusal: Refused, second: Option<&OwnedHandle>) -> Refused {
        self.failed.fetch_add(1, Ordering::Relaxed);
        if fault::is("refusal_leaks")
            && let Some(copy) = second.and_then(|handle| handle.try_clone().ok())
        {
            std::mem::forget(copy);
        }
        if fault::is("refusal_takes_handle") { Refused { handle: None, ..refusal } } else { refusal }
    }

    /// What goes wrong once the import has succeeded.
    fn spoil(
        &self,
        texture: &mut FaultyTexture,
        descriptor: &TextureDescriptor,
        second: Option<OwnedHandle>,
    ) -> Result<(), Refused> {
        let failed = |error| Refused { handle: None, error };
        if fault::is("import_cleared") {
            self.inner.write(texture.inner().map_err(failed)?, &mut |texels| texels.fill(0)).map_err(failed)?;
        }
        if fault::is("import_is_copy") {
            let mut copy = Vec::new();
            self.inner.read(texture.inner().map_err(failed)?, &mut |texels| copy = texels.to_vec()).map_err(failed)?;
            texture.copy = Some(copy);
        }
        if fault::is("payload_dies_with_importer")
            && let Some(watch) = &texture.watch
        {
            rustix::fs::flock(watch, FlockOperation::NonBlockingLockShared).expect("nobody locks exclusively for long");
        }
        if fault::is("import_leaks")
            && let Some(copy) = &second
        {
            std::mem::forget(copy.try_clone());
        }
        if fault::is("write_spills")
            && let Some(copy) = second
        {
            let mut fields = descriptor.fields().clone();
            fields.texture.height += 8;
            let taller = TextureDescriptor::new(fields).ok();
            texture.beyond = taller.and_then(|taller| self.inner.import_texture(&taller, copy).ok());
        }
        Ok(())
    }

    fn is_lost(&self, texture: &FaultyTexture) -> bool {
        let Some(watch) = &texture.watch else { return false };
        let watches = (fault::is("payload_dies_with_exporter") && texture.imported)
            || (fault::is("payload_dies_with_importer") && texture.exported && !texture.imported);
        watches && is_abandoned(watch)
    }
}

fn is_lock_fault() -> bool {
    fault::is("payload_dies_with_exporter") || fault::is("payload_dies_with_importer")
}

impl Device for FaultyDevice {
    type Texture = FaultyTexture;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn handle_type(&self) -> HandleType {
        self.inner.handle_type()
    }

    fn create_textures(&self, spec: &TextureSpec, count: u32) -> Result<Vec<FaultyTexture>, TextureError> {
        let declared = spec.exportable && !fault::is("export_not_declared") || fault::is("export_undeclared");
        let declared = TextureSpec { exportable: declared, ..*spec };
        if fault::is("broken_after_failed_create") && self.failed.load(Ordering::Relaxed) > 0 {
            return Err(TextureError::Driver { what: "fault".into() });
        }
        if fault::is("name_left_behind") {
            left_name::leave();
        }
        let created = self.inner.create_textures(&declared, count);
        let mut created = created.inspect_err(|_| {
            self.failed.fetch_add(1, Ordering::Relaxed);
        })?;
        if fault::is("memory_recycled_unwiped") {
            let old = self.freed.lock().expect("unpoisoned").clone();
            for texture in &mut created {
                self.inner.write(texture, &mut |texels| {
                    let count = texels.len().min(old.len());
                    texels[..count].copy_from_slice(&old[..count]);
                })?;
            }
        }
        if fault::is("slots_share_memory") {
            crate::faulty_frames::in_one_memory(&self.inner, &mut created);
        }
        Ok(created.into_iter().map(|texture| FaultyTexture::healthy(texture, false)).collect())
    }

    fn spec<'texture>(&self, texture: &'texture FaultyTexture) -> &'texture TextureSpec {
        self.inner.spec(texture.inner.as_ref().expect("a texture in use is not freed"))
    }

    fn export_texture(&self, texture: &mut FaultyTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        let count = self.exports.fetch_add(1, Ordering::Relaxed);
        if (fault::is("export_limit") && count > 500)
            || (fault::is("broken_after_failed_export") && self.failed.load(Ordering::Relaxed) > 0)
        {
            return Err(TextureError::Driver { what: "fault".into() });
        }
        let exported = self.inner.export_texture(texture.inner()?);
        let (descriptor, handle) = exported.inspect_err(|_| {
            self.failed.fetch_add(1, Ordering::Relaxed);
        })?;
        texture.exported = true;
        if fault::is("size_of_process") {
            let mut fields: gpushare::descriptor::DescriptorFields = descriptor.into();
            fields.allocation_size += u64::from(std::process::id());
            let told = TextureDescriptor::new(fields)?;
            return Ok((told, handle));
        }
        if fault::is("second_export_is_another_object") && count > 0 {
            let other = self.inner.create_texture(self.spec(texture))?;
            let mut other = FaultyTexture::healthy(other, false);
            return self.inner.export_texture(other.inner()?);
        }
        if fault::is("reexport_is_copy") && texture.imported {
            let mut other = self.inner.create_texture(self.spec(texture))?;
            return self.inner.export_texture(&mut other);
        }
        if fault::is("payload_dies_with_exporter") {
            let watch = own_description(&handle);
            rustix::fs::flock(&watch, FlockOperation::NonBlockingLockShared).map_err(|error| os(error.into()))?;
            texture.watch = Some(watch);
        }
        if fault::is("payload_dies_with_importer") {
            texture.watch = Some(own_description(&handle));
        }
        if fault::is("export_leaks") {
            std::mem::forget(handle.try_clone());
        }
        if fault::is("export_inheritable") {
            rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::empty()).map_err(|error| os(error.into()))?;
        }
        Ok((descriptor, self.same_number(handle)))
    }

    fn import_texture(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<FaultyTexture, Refused> {
        self.import(descriptor, handle)
    }

    fn write(&self, texture: &mut FaultyTexture, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), TextureError> {
        if let Some(copy) = &mut texture.copy {
            fill(copy);
            return Ok(());
        }
        self.inner.write(texture.inner()?, fill)?;
        if let Some(mut beyond) = texture.beyond.take() {
            let mut right = Vec::new();
            self.inner.read(texture.inner()?, &mut |texels| right = texels.to_vec())?;
            self.inner.write(&mut beyond, &mut |texels| {
                texels.fill(0xee);
                texels[..right.len()].copy_from_slice(&right);
            })?;
            texture.beyond = Some(beyond);
        }
        Ok(())
    }

    fn read(&self, texture: &mut FaultyTexture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError> {
        let lost = self.is_lost(texture);
        let swapped = fault::is("channels_swapped") && texture.imported;
        let layers = self.spec(texture).layers as usize;
        if let Some(copy) = &texture.copy {
            look(copy);
            return Ok(());
        }
        self.inner.read(texture.inner()?, &mut |texels| {
            let mut seen = texels.to_vec();
            if lost {
                seen.fill(0);
            }
            if swapped {
                seen.chunks_exact_mut(4).for_each(|texel| texel.swap(0, 2));
            }
            if fault::is("later_layers_dropped") {
                let first = seen.len() / layers;
                seen[first..].fill(0);
            }
            look(&seen);
        })
    }

    fn write_subresource(
        &self,
        texture: &mut FaultyTexture,
        subresource: Subresource,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), TextureError> {
        if fault::is("subresource_is_first") && texture.imported {
            // As many bytes as the right one has, as far as the first one has them.
            let spec = *self.spec(texture);
            let bytes = spec.part(subresource).map_or(0, |part| part.slice_bytes());
            let mut texels = vec![0; usize::try_from(bytes).unwrap_or(0)];
            fill(&mut texels);
            return self.inner.write_subresource(texture.inner()?, Subresource::default(), &mut |first| {
                let count = first.len().min(texels.len());
                first[..count].copy_from_slice(&texels[..count]);
            });
        }
        self.inner.write_subresource(texture.inner()?, subresource, fill)
    }

    fn read_subresource(
        &self,
        texture: &mut FaultyTexture,
        subresource: Subresource,
        look: &mut dyn FnMut(&[u8]),
    ) -> Result<(), TextureError> {
        self.inner.read_subresource(texture.inner()?, subresource, look)
    }
}

impl FaultyDevice {
    /// A driver that returns the number of its last export again.
    fn same_number(&self, handle: OwnedHandle) -> OwnedHandle {
        if !fault::is("export_returns_same_number") {
            return handle;
        }
        let mut last = self.last_number.lock().expect("unpoisoned");
        let number = handle.as_fd().as_raw_fd();
        match *last {
            None => {
                *last = Some(number);
                handle
            }
            // SAFETY: none; this is the fault: two owners of one number.
            Some(number) => unsafe { OwnedHandle::from_number(i64::from(number)) }.unwrap_or(handle),
        }
    }
}

fn os(source: std::io::Error) -> TextureError {
    TextureError::Os { what: "fault", source }
}

impl SharingDevice for FaultyDevice {
    const NAME: &'static str = "faulty host";

    fn reports() -> Result<Vec<DeviceReport>, TextureError> {
        let mut reports = <HostDevice as SharingDevice>::reports()?;
        for report in &mut reports {
            report.identity = Self::new().identity;
            report.memory_budget = fault::is("heap_never_shrinks");
        }
        Ok(reports)
    }

    fn open(_place: u32) -> Result<Self, TextureError> {
        Ok(Self::new())
    }

    fn export_unguarded(&self, texture: &mut FaultyTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        self.export_texture(texture)
    }

    fn import_exportable(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<FaultyTexture, Refused> {
        self.import(descriptor, handle)
    }

    fn import_unguarded(&self, descriptor: &TextureDescriptor, handle: ImportHandle) -> Result<FaultyTexture, Refused> {
        match handle {
            ImportHandle::Owned(handle) => self.import(descriptor, handle),
            ImportHandle::Number(_) => Err(refused(None)),
        }
    }

    fn heap_usage(&self) -> Option<u64> {
        static EVER: AtomicU32 = AtomicU32::new(0);
        // Each look costs as much as an import that was never given back.
        fault::is("heap_never_shrinks").then(|| u64::from(EVER.fetch_add(64, Ordering::Relaxed)) << 22)
    }
}

/// A texture that stands for one whose import should have been refused.
pub(crate) fn any_spec() -> TextureSpec {
    TextureSpec::new(gpushare::Format::R8G8B8A8Unorm, 61, 47).with_placement(Placement::Dedicated)
}
