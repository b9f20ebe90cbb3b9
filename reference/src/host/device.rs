//! The host device and its textures.

use std::sync::{Arc, Mutex, PoisonError};

use crate::descriptor::{DescriptorError, DescriptorFields, PlaneLayout, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::host::gate::Gate;
use crate::identity::{Api, Identity, Uuid};
use crate::shm::{SharedMemory, SharedMemoryError};
use crate::spec::{Dimension, Part, Placement, Subresource, TextureSpec, Tiling};
use crate::texture::{Device, Refused, TextureError, check_copy};

/// Textures inside one allocation start at multiples of this many bytes, as on common GPUs.
const ALIGNMENT: u64 = 4096;

/// A device made of shared memory.
#[derive(Debug)]
pub struct HostDevice {
    identity: Identity,
    /// Private memory between the caller's closures and the shared texels; kept, so that pages are touched once.
    staging: Mutex<Vec<u8>>,
    pub(super) gate: Gate,
}

/// A texture in shared memory: packed as [`Part`] tells, whatever its tiling, and once for each sample.
#[derive(Debug)]
pub struct HostTexture {
    memory: Arc<SharedMemory>,
    spec: TextureSpec,
    offset: u64,
}

impl Default for HostDevice {
    fn default() -> Self {
        Self::new()
    }
}

impl HostDevice {
    /// Needs nothing and cannot fail.
    #[must_use]
    pub fn new() -> Self {
        let identity = Identity {
            api: Api::Host,
            device_name: "shared memory".into(),
            driver_name: "gpushare host".into(),
            driver_info: env!("CARGO_PKG_VERSION").into(),
            driver_version: 1,
            api_version: env!("CARGO_PKG_VERSION").into(),
            device_uuid: Uuid(*b"gpushare-host-00"),
            // Any two builds that lay out textures alike may share them.
            driver_uuid: Uuid(*b"host-layout-0001"),
        };
        Self { identity, staging: Mutex::default(), gate: Gate::default() }
    }

    fn check(&self, descriptor: &TextureDescriptor) -> Result<(), TextureError> {
        let fields = descriptor.fields();
        if fields.handle_type != HandleType::SharedMemory {
            return Err(TextureError::WrongHandleType { found: fields.handle_type, expected: HandleType::SharedMemory });
        }
        if fields.device_uuid != self.identity.device_uuid {
            return Err(TextureError::ForeignDevice { found: fields.device_uuid, expected: self.identity.device_uuid });
        }
        if fields.driver_uuid != self.identity.driver_uuid {
            return Err(TextureError::ForeignDriver { found: fields.driver_uuid, expected: self.identity.driver_uuid });
        }
        if fields.memory_type_index != 0 {
            let found = fields.memory_type_index.to_string();
            return Err(DescriptorError::Mismatch { field: "memory_type_index", found, expected: "0".into() }.into());
        }
        let expected = planes(&fields.texture);
        if fields.planes != expected {
            let (found, expected) = (format!("{:?}", fields.planes), format!("{expected:?}"));
            return Err(DescriptorError::Mismatch { field: "planes", found, expected }.into());
        }
        let bytes = fields.texture.packed_bytes().saturating_mul(u64::from(fields.texture.samples));
        if fields.texture.placement == Placement::Dedicated && fields.allocation_size != bytes {
            let (found, expected) = (fields.allocation_size.to_string(), format!("{bytes} bytes for this texture"));
            return Err(DescriptorError::Mismatch { field: "allocation_size", found, expected }.into());
        }
        Ok(())
    }
}

fn planes(spec: &TextureSpec) -> Vec<PlaneLayout> {
    let deep = spec.dimension == Dimension::D3;
    let layout = |part: Part| {
        let pitch = part.slice_bytes();
        let (array_pitch, depth_pitch) = if deep { (0, pitch) } else { (pitch, 0) };
        PlaneLayout { offset: part.offset, row_pitch: part.row_bytes(), array_pitch, depth_pitch }
    };
    if spec.tiling == Tiling::Linear { spec.parts().map(layout).collect() } else { Vec::new() }
}

/// What only a driver can do.
fn check_possible(spec: &TextureSpec) -> Result<(), TextureError> {
    match spec.handle_type {
        Some(other) if other != HandleType::SharedMemory => {
            return Err(TextureError::WrongHandleType { found: other, expected: HandleType::SharedMemory });
        }
        _ => {}
    }
    if spec.tiling == Tiling::Modifier {
        return Err(TextureError::Unsupported { what: "DRM format modifiers without a driver".into() });
    }
    Ok(())
}

impl HostTexture {
    /// Where the subresource's texels begin, from the allocation's start, and how many bytes they have.
    fn place(&self, subresource: Subresource) -> Result<(u64, u64), TextureError> {
        let part = self.spec.part(subresource).ok_or_else(|| TextureError::no_subresource(subresource))?;
        let bytes = part.slice_bytes();
        Ok((self.offset + part.offset + bytes * u64::from(subresource.slice), bytes))
    }

    /// From one sample's texels to the next one's.
    fn samples(&self) -> impl Iterator<Item = u64> + use<> {
        let bytes = self.spec.packed_bytes();
        (0..u64::from(self.spec.samples)).map(move |sample| sample * bytes)
    }
}

impl Device for HostDevice {
    type Texture = HostTexture;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn handle_type(&self) -> HandleType {
        HandleType::SharedMemory
    }

    fn create_textures(&self, spec: &TextureSpec, count: u32) -> Result<Vec<HostTexture>, TextureError> {
        spec.validate()?;
        check_possible(spec)?;
        let bytes = spec.packed_bytes().saturating_mul(u64::from(spec.samples));
        let stride = bytes.next_multiple_of(ALIGNMENT);
        let (first, size) = match spec.placement {
            Placement::Dedicated if count != 1 => {
                return Err(TextureError::Unsupported { what: format!("{count} textures in one dedicated allocation") });
            }
            Placement::Dedicated => (0, bytes),
            Placement::Suballocated => (ALIGNMENT, stride.saturating_mul(u64::from(count)).saturating_add(2 * ALIGNMENT)),
        };
        DescriptorError::range("allocation_size", size, 1, TextureDescriptor::MAX_ALLOCATION)?;
        let memory = Arc::new(SharedMemory::create(size)?);
        let place = |index| HostTexture { memory: Arc::clone(&memory), spec: *spec, offset: first + stride * u64::from(index) };
        Ok((0..count).map(place).collect())
    }

    fn spec<'texture>(&self, texture: &'texture HostTexture) -> &'texture TextureSpec {
        &texture.spec
    }

    fn export_texture(&self, texture: &mut HostTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        if !texture.spec.exportable {
            return Err(TextureError::NotExportable);
        }
        let descriptor = TextureDescriptor::new(DescriptorFields {
            version: TextureDescriptor::VERSION,
            api: Api::Host,
            device_uuid: self.identity.device_uuid,
            driver_uuid: self.identity.driver_uuid,
            handle_type: HandleType::SharedMemory,
            allocation_size: texture.memory.len(),
            offset: texture.offset,
            memory_type_index: 0,
            texture: texture.spec,
            planes: planes(&texture.spec),
        })?;
        Ok((descriptor, texture.memory.handle()?))
    }

    fn import_texture(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<HostTexture, Refused> {
        if let Err(error) = self.check(descriptor) {
            return Err(Refused { handle: Some(handle), error });
        }
        let fields = descriptor.fields();
        let memory = SharedMemory::attach(handle, fields.allocation_size).map_err(|refused| {
            let error = match refused.error {
                SharedMemoryError::Size { found, expected } if found < expected => {
                    TextureError::ShortObject { found, expected }
                }
                SharedMemoryError::NotSharedMemory { detail } => {
                    TextureError::InvalidHandle { expected: HandleType::SharedMemory, detail }
                }
                SharedMemoryError::Unsealed => {
                    let detail = SharedMemoryError::Unsealed.to_string();
                    TextureError::InvalidHandle { expected: HandleType::SharedMemory, detail }
                }
                other => other.into(),
            };
            Refused { handle: Some(refused.handle), error }
        })?;
        Ok(HostTexture { memory: Arc::new(memory), spec: fields.texture, offset: fields.offset })
    }

    fn write(&self, texture: &mut HostTexture, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), TextureError> {
        let bytes = check_copy(texture.spec.packed_bytes())?;
        // Part by part: what staging holds between them is of another texture, and none of the other side's business.
        let parts = texture.spec.parts().map(|part| (part.offset, part.end()));
        self.copy_in(texture, texture.offset, bytes, parts, fill)
    }

    fn read(&self, texture: &mut HostTexture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError> {
        let bytes = check_copy(texture.spec.packed_bytes())?;
        self.copy_out(texture, texture.offset, bytes, look)
    }

    fn write_subresource(
        &self,
        texture: &mut HostTexture,
        subresource: Subresource,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), TextureError> {
        let (offset, bytes) = texture.place(subresource)?;
        let bytes = check_copy(bytes)?;
        self.copy_in(texture, offset, bytes, std::iter::once((0, bytes)), fill)
    }

    fn read_subresource(
        &self,
        texture: &mut HostTexture,
        subresource: Subresource,
        look: &mut dyn FnMut(&[u8]),
    ) -> Result<(), TextureError> {
        let (offset, bytes) = texture.place(subresource)?;
        self.copy_out(texture, offset, check_copy(bytes)?, look)
    }
}

impl HostDevice {
    fn copy_in(
        &self,
        texture: &HostTexture,
        offset: u64,
        bytes: u64,
        mut stretches: impl Iterator<Item = (u64, u64)>,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), TextureError> {
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let texels = prefix(&mut staging, bytes)?;
        fill(texels);
        stretches.try_for_each(|(from, to)| {
            let stretch = &texels[from as usize..to as usize];
            texture.samples().try_for_each(|sample| Ok(texture.memory.write(offset + from + sample, stretch)?))
        })
    }

    /// All samples of a texel are alike, as long as both sides only write whole texels: the first one is the resolved one.
    fn copy_out(
        &self,
        texture: &HostTexture,
        offset: u64,
        bytes: u64,
        look: &mut dyn FnMut(&[u8]),
    ) -> Result<(), TextureError> {
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let texels = prefix(&mut staging, bytes)?;
        texture.memory.read(offset, texels)?;
        look(texels);
        Ok(())
    }
}

/// The first `bytes` of the staging memory, grown where it is too short; running out of memory is an error, not an abort.
fn prefix(staging: &mut Vec<u8>, bytes: u64) -> Result<&mut [u8], TextureError> {
    let what = || TextureError::Unsupported { what: format!("a staging buffer of {bytes} bytes") };
    let len = usize::try_from(bytes).map_err(|_| what())?;
    if staging.len() < len {
        staging.try_reserve_exact(len - staging.len()).map_err(|_| what())?;
        staging.resize(len, 0);
    }
    Ok(&mut staging[..len])
}
