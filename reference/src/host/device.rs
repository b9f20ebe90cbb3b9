//! The host device and its textures.

use std::sync::{Arc, Mutex, PoisonError};

use crate::descriptor::{DescriptorError, DescriptorFields, PlaneLayout, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::host::gate::Gate;
use crate::identity::{Api, Identity, Uuid};
use crate::shm::{SharedMemory, SharedMemoryError};
use crate::texture::{Device, Placement, Refused, TextureError, TextureSpec, Tiling};

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

/// A texture in shared memory: rows tightly packed, layer after layer, whatever its tiling.
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
        Ok(())
    }
}

fn planes(spec: &TextureSpec) -> Vec<PlaneLayout> {
    match spec.tiling {
        Tiling::Optimal => Vec::new(),
        Tiling::Linear => {
            vec![PlaneLayout { offset: 0, row_pitch: spec.row_bytes(), array_pitch: spec.row_bytes() * u64::from(spec.height) }]
        }
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
        let bytes = spec.packed_bytes();
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
            mip_levels: 1,
            samples: 1,
            drm_modifier: None,
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
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let texels = prefix(&mut staging, texture.spec.packed_bytes())?;
        fill(texels);
        Ok(texture.memory.write(texture.offset, texels)?)
    }

    fn read(&self, texture: &mut HostTexture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError> {
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let texels = prefix(&mut staging, texture.spec.packed_bytes())?;
        texture.memory.read(texture.offset, texels)?;
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
