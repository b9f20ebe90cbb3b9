//! The logical device and the [`Device`] contract over it.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ash::vk;

use crate::descriptor::{DescriptorError, DescriptorFields, TextureDescriptor};
use crate::handle::{HandleType, OwnedHandle};
use crate::identity::{Api, Identity};
use crate::sys::external_memory::{self, Exported};
use crate::texture::{Device, Placement, Refused, TextureError, TextureSpec};
use crate::vulkan::capability::{TextureCapability, texture_capability};
use crate::vulkan::error::{result_name, vulkan};
use crate::vulkan::image::{self, Requirements};
use crate::vulkan::instance::{PhysicalDevice, VulkanInstance};
use crate::vulkan::memory::{Block, Wanted, check_type, choose_type};
use crate::vulkan::transfer::{Ownership, Staging, Work, perform};

/// Textures inside one allocation start at least this far from its beginning, so that a dropped offset shows.
const LEAST_OFFSET: u64 = 4096;

/// The logical device with what every texture needs; destroyed with the last of them.
pub(crate) struct Logical {
    pub(crate) raw: ash::Device,
    pub(crate) queue: vk::Queue,
    pub(crate) queue_family: u32,
    pub(crate) commands: vk::CommandBuffer,
    pub(crate) fence: vk::Fence,
    pub(crate) memory_types: vk::PhysicalDeviceMemoryProperties,
    external: external_memory::Functions,
    pool: vk::CommandPool,
    /// Set once a copy did not finish: what it uses may never be destroyed.
    hung: AtomicBool,
    physical: PhysicalDevice,
}

impl Logical {
    fn usable(&self) -> Result<(), TextureError> {
        if self.hung.load(Ordering::Relaxed) {
            Err(TextureError::DeviceLost { what: "an earlier copy that never finished" })
        } else {
            Ok(())
        }
    }

    /// Whether objects of this device may be destroyed.
    pub(crate) fn idle(&self) -> bool {
        !self.hung.load(Ordering::Relaxed)
    }
}

impl Drop for Logical {
    fn drop(&mut self) {
        if !self.idle() {
            return;
        }
        // SAFETY: every texture, block and staging buffer holds an `Arc` of this device, so none is left; every submission was
        // waited for.
        unsafe {
            self.raw.destroy_fence(self.fence, None);
            self.raw.destroy_command_pool(self.pool, None);
            self.raw.destroy_device(None);
        }
    }
}

/// One Vulkan device that can share memory.
pub struct VulkanDevice {
    /// Dropped before `logical`; the lock also serialises the queue and the command buffer.
    staging: Mutex<Option<Staging>>,
    logical: Arc<Logical>,
}

/// A texture of a [`VulkanDevice`].
pub struct VulkanTexture {
    logical: Arc<Logical>,
    image: vk::Image,
    block: Arc<Block>,
    offset: u64,
    spec: TextureSpec,
    /// Whether export was declared for its memory.
    exportable: bool,
    ownership: Ownership,
}

impl Drop for VulkanTexture {
    fn drop(&mut self) {
        if self.logical.idle() {
            // SAFETY: the image was made by this device, every copy was waited for, and nobody else has its handle.
            unsafe { self.logical.raw.destroy_image(self.image, None) }
        }
    }
}

/// What [`VulkanDevice::import_unguarded`] passes to the driver.
pub enum RawImport {
    /// A handle of whatever kind.
    Handle(OwnedHandle),
    /// A bare number, which need not be an open descriptor.
    Number(i64),
}

impl VulkanDevice {
    /// The physical device with this index, through the loader as the environment configures it.
    ///
    /// # Errors
    /// [`TextureError::Unsupported`] without such a device or without its memory extension, [`TextureError::Vulkan`].
    pub fn open(index: usize) -> Result<Self, TextureError> {
        let mut devices = VulkanInstance::new()?.physical_devices()?;
        if index >= devices.len() {
            return Err(TextureError::Unsupported {
                what: format!("device {index}: the driver has {} devices", devices.len()),
            });
        }
        Self::new(devices.swap_remove(index))
    }

    /// A logical device on `physical`, with one queue that can copy.
    ///
    /// # Errors
    /// As [`VulkanDevice::open`].
    pub fn new(physical: PhysicalDevice) -> Result<Self, TextureError> {
        if !physical.has_extension(external_memory::EXTENSION) {
            let what = format!("sharing memory: {} is not offered", external_memory::EXTENSION.to_string_lossy());
            return Err(TextureError::Unsupported { what });
        }
        let instance = physical.instance.clone();
        let queue_family = copying_family(&physical)?;
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(queue_family).queue_priorities(&[1.0])];
        let extensions = [external_memory::EXTENSION.as_ptr()];
        let info = vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&extensions);
        // SAFETY: the queue family and the extension exist, `info` lives through the call.
        let raw = unsafe { instance.raw().create_device(physical.handle, &info, None) }.map_err(vulkan("vkCreateDevice"))?;
        let external = external_memory::functions(instance.raw(), &raw);
        // SAFETY: the physical device is of this instance.
        let memory_types = unsafe { instance.raw().get_physical_device_memory_properties(physical.handle) };
        match queue_objects(&raw, queue_family) {
            Ok((pool, commands, fence)) => {
                // SAFETY: the device was created with one queue of this family.
                let queue = unsafe { raw.get_device_queue(queue_family, 0) };
                let hung = AtomicBool::new(false);
                let logical =
                    Logical { raw, queue, queue_family, commands, fence, memory_types, external, pool, hung, physical };
                Ok(Self { staging: Mutex::new(None), logical: Arc::new(logical) })
            }
            Err(error) => {
                // SAFETY: nothing made from the device is left.
                unsafe { raw.destroy_device(None) };
                Err(error)
            }
        }
    }

    /// The physical device.
    #[must_use]
    pub fn physical(&self) -> &PhysicalDevice {
        &self.logical.physical
    }

    /// Import like [`Device::import_texture`], and declare export, so that the import can be exported again. Not the default: NVIDIA's
    /// driver (580.159.04) reports that it can, and then ignores the import and allocates new memory.
    ///
    /// # Errors
    /// [`Refused`], also where the driver reports no `exportFromImportedHandleTypes`.
    pub fn import_exportable(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<VulkanTexture, Refused> {
        self.import_from(descriptor, RawImport::Handle(handle), How { guarded: true, exportable: true })
    }

    /// Import like [`Device::import_texture`], but leave it to the driver to notice that the handle is no memory object or a
    /// short one. For conformance tests: a driver must refuse with `VK_ERROR_INVALID_EXTERNAL_HANDLE`
    /// (VkImportMemoryFdInfoKHR).
    ///
    /// # Errors
    /// [`Refused`], with the handle if there was one.
    ///
    /// # Safety
    /// On success the driver owns whatever descriptor has [`RawImport::Number`]. A driver that accepts a short object
    /// may fault when its texels are accessed.
    pub unsafe fn import_unguarded(&self, descriptor: &TextureDescriptor, source: RawImport) -> Result<VulkanTexture, Refused> {
        self.import_from(descriptor, source, How { guarded: false, exportable: false })
    }

    /// Export like [`Device::export_texture`], and leave the handle as the driver made it. For conformance tests: a driver must
    /// make it close-on-exec itself (vkGetMemoryFdKHR).
    ///
    /// # Errors
    /// As [`Device::export_texture`].
    pub fn export_unguarded(&self, texture: &mut VulkanTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        self.logical.usable()?;
        if !texture.exportable {
            return Err(TextureError::NotExportable);
        }
        let own = self.identity();
        let descriptor = TextureDescriptor::new(DescriptorFields {
            version: TextureDescriptor::VERSION,
            api: Api::Vulkan,
            device_uuid: own.device_uuid,
            driver_uuid: own.driver_uuid,
            handle_type: HandleType::OpaqueFd,
            allocation_size: texture.block.size,
            offset: texture.offset,
            memory_type_index: texture.block.type_index,
            texture: texture.spec,
            mip_levels: 1,
            samples: 1,
            drm_modifier: None,
            planes: image::planes(&self.logical.raw, texture.image, &texture.spec),
        })?;
        if texture.ownership != Ownership::Released {
            let _serialised = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
            self.transfer(texture, &Work::Release, Ownership::Released, None)?;
        }
        match external_memory::export(&self.logical.external, texture.block.memory).map_err(vulkan("vkGetMemoryFdKHR"))? {
            Exported::Handle(handle) => Ok((descriptor, handle)),
            Exported::NotADescriptor(number) => {
                Err(TextureError::Driver { what: format!("vkGetMemoryFdKHR answered SUCCESS with descriptor {number}") })
            }
        }
    }

    fn check_capability(&self, spec: &TextureSpec, importing: bool) -> Result<TextureCapability, TextureError> {
        let can = texture_capability(&self.logical.physical, spec.format, spec.tiling, HandleType::OpaqueFd);
        let unsupported = |what: String| Err(TextureError::Unsupported { what });
        if can.result != "SUCCESS" {
            return unsupported(format!("{} with {} tiling over opaque_fd: {}", spec.format, spec.tiling, can.result));
        }
        if (spec.exportable && !can.exportable) || (importing && !can.importable) {
            let direction = if importing { "import" } else { "export" };
            return unsupported(format!("{direction} of {} with {} tiling over opaque_fd", spec.format, spec.tiling));
        }
        if spec.placement == Placement::Suballocated && can.dedicated_only {
            return unsupported(format!("{} with {} tiling in shared allocations: dedicated only", spec.format, spec.tiling));
        }
        let (width, height) = can.max_extent;
        if spec.width > width || spec.height > height || spec.layers > can.max_layers {
            let (w, h, layers) = (spec.width, spec.height, spec.layers);
            return unsupported(format!("{w}×{h}×{layers}; at most {width}×{height}×{}", can.max_layers));
        }
        Ok(can)
    }

    /// An image that is destroyed unless a texture takes it over.
    fn new_image(&self, spec: &TextureSpec) -> Result<(UnboundImage<'_>, Requirements), TextureError> {
        let image = UnboundImage { device: &self.logical.raw, image: image::create(&self.logical.raw, spec)? };
        let needs = image::requirements(&self.logical.raw, image.image);
        Ok((image, needs))
    }

    fn bind(&self, image: UnboundImage<'_>, place: &Place, ownership: Ownership) -> Result<VulkanTexture, TextureError> {
        // SAFETY: size, alignment and memory type were checked against the image's requirements; the image is not bound yet.
        unsafe { self.logical.raw.bind_image_memory(image.image, place.block.memory, place.offset) }
            .map_err(vulkan("vkBindImageMemory"))?;
        let logical = Arc::clone(&self.logical);
        let block = Arc::clone(&place.block);
        let Place { offset, spec, exportable, .. } = *place;
        Ok(VulkanTexture { logical, image: image.keep(), block, offset, spec, exportable, ownership })
    }

    fn import_from(&self, descriptor: &TextureDescriptor, source: RawImport, how: How) -> Result<VulkanTexture, Refused> {
        let refuse = |source: RawImport, error: TextureError| {
            let handle = match source {
                RawImport::Handle(handle) => Some(handle),
                RawImport::Number(_) => None,
            };
            Refused { handle, error }
        };
        let fields = descriptor.fields();
        let (image, wanted) = match self.prepare_import(fields, how) {
            Ok(prepared) => prepared,
            Err(error) => return Err(refuse(source, error)),
        };
        if how.guarded
            && let RawImport::Handle(handle) = &source
            && let Some(found) = external_memory::object_bytes(handle)
            && found < fields.allocation_size
        {
            return Err(refuse(source, TextureError::ShortObject { found, expected: fields.allocation_size }));
        }
        let imported = match source {
            RawImport::Handle(handle) => wanted.import(&self.logical, handle, how.exportable),
            RawImport::Number(number) => {
                // SAFETY: whoever passes a number has promised this (`import_unguarded`).
                unsafe { wanted.import_number(&self.logical, number) }.map_err(|result| (None, result))
            }
        };
        let block = Arc::new(imported.map_err(|(handle, result)| Refused { handle, error: import_error(result) })?);
        let place = Place { block, offset: fields.offset, spec: fields.texture, exportable: how.exportable };
        self.bind(image, &place, Ownership::Released).map_err(|error| Refused { handle: None, error })
    }

    /// Everything that can be checked without the handle.
    fn prepare_import(&self, fields: &DescriptorFields, how: How) -> Result<(UnboundImage<'_>, Wanted), TextureError> {
        self.logical.usable()?;
        let own = self.identity();
        if fields.handle_type != HandleType::OpaqueFd {
            return Err(TextureError::WrongHandleType { found: fields.handle_type, expected: HandleType::OpaqueFd });
        }
        if fields.device_uuid != own.device_uuid {
            return Err(TextureError::ForeignDevice { found: fields.device_uuid, expected: own.device_uuid });
        }
        if fields.driver_uuid != own.driver_uuid {
            return Err(TextureError::ForeignDriver { found: fields.driver_uuid, expected: own.driver_uuid });
        }
        let can = self.check_capability(&fields.texture, true)?;
        if how.exportable && !can.export_from_imported.contains(&HandleType::OpaqueFd) {
            return Err(TextureError::Unsupported { what: "exporting imported memory (exportFromImportedHandleTypes)".into() });
        }
        let (image, needs) = self.new_image(&fields.texture)?;
        let dedicated = fields.texture.placement == Placement::Dedicated;
        let need = needs.memory;
        check_type(fields.memory_type_index, need.memory_type_bits, self.logical.memory_types.memory_type_count)?;
        let mismatch = |field, found: u64, expected: String| {
            TextureError::from(DescriptorError::Mismatch { field, found: found.to_string(), expected })
        };
        if !fields.offset.is_multiple_of(need.alignment) {
            return Err(mismatch("offset", fields.offset, format!("multiples of {}", need.alignment)));
        }
        let room = fields.allocation_size - fields.offset;
        if room < need.size || dedicated && room != need.size {
            return Err(mismatch("allocation_size", fields.allocation_size, format!("{} bytes for this texture", need.size)));
        }
        let planes = image::planes(&self.logical.raw, image.image, &fields.texture);
        if planes != fields.planes {
            let (found, expected) = (format!("{:?}", fields.planes), format!("{planes:?}"));
            return Err(DescriptorError::Mismatch { field: "planes", found, expected }.into());
        }
        let wanted = Wanted {
            size: fields.allocation_size,
            type_index: fields.memory_type_index,
            dedicated: dedicated.then_some(image.image),
        };
        Ok((image, wanted))
    }

    fn transfer(
        &self,
        texture: &mut VulkanTexture,
        work: &Work,
        after: Ownership,
        staging: Option<&Staging>,
    ) -> Result<(), TextureError> {
        let before = texture.ownership;
        let outcome = perform(&self.logical, texture.image, &texture.spec, work, (before, after), staging);
        match &outcome {
            Ok(()) => texture.ownership = after,
            Err(TextureError::Timeout { .. }) => self.logical.hung.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        outcome
    }

    /// Where a texture rests after an access by this process.
    fn resting(texture: &VulkanTexture) -> Ownership {
        if texture.ownership == Ownership::Released { Ownership::Released } else { Ownership::Local }
    }

    fn grow<'held>(&self, held: &'held mut Option<Staging>, bytes: u64) -> Result<&'held mut Staging, TextureError> {
        self.logical.usable()?;
        if !held.as_ref().is_some_and(|staging| staging.holds(bytes)) {
            *held = None;
            *held = Some(Staging::new(&self.logical, bytes)?);
        }
        held.as_mut().ok_or_else(|| TextureError::Driver { what: "no staging buffer".into() })
    }
}

/// Which kind of import.
#[derive(Clone, Copy)]
struct How {
    /// Look at the object behind the handle before the driver is asked.
    guarded: bool,
    /// Declare export, so that the import can be exported again.
    exportable: bool,
}

/// Where a texture goes.
struct Place {
    block: Arc<Block>,
    offset: u64,
    spec: TextureSpec,
    exportable: bool,
}

/// An image without memory.
struct UnboundImage<'device> {
    device: &'device ash::Device,
    image: vk::Image,
}

impl UnboundImage<'_> {
    /// From now on somebody else destroys it.
    fn keep(self) -> vk::Image {
        let image = self.image;
        std::mem::forget(self);
        image
    }
}

impl Drop for UnboundImage<'_> {
    fn drop(&mut self) {
        // SAFETY: the image was made by this device and nothing uses it.
        unsafe { self.device.destroy_image(self.image, None) }
    }
}

fn import_error(result: vk::Result) -> TextureError {
    match result {
        vk::Result::ERROR_INVALID_EXTERNAL_HANDLE => {
            TextureError::InvalidHandle { expected: HandleType::OpaqueFd, detail: result_name(result) }
        }
        other => vulkan("vkAllocateMemory")(other),
    }
}

fn copying_family(physical: &PhysicalDevice) -> Result<u32, TextureError> {
    // SAFETY: the physical device is of this instance.
    let families = unsafe { physical.instance.raw().get_physical_device_queue_family_properties(physical.handle) };
    // A graphics or compute queue can copy with any offset and granularity, a transfer queue need not.
    let wanted = vk::QueueFlags::GRAPHICS | vk::QueueFlags::COMPUTE;
    let mut listed = (0u32..).zip(&families);
    let found = listed.find(|(_, family)| family.queue_flags.intersects(wanted)).map(|(index, _)| index);
    found.ok_or_else(|| TextureError::Unsupported { what: "a graphics or compute queue".into() })
}

fn queue_objects(raw: &ash::Device, family: u32) -> Result<(vk::CommandPool, vk::CommandBuffer, vk::Fence), TextureError> {
    let flags = vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER;
    let pool_info = vk::CommandPoolCreateInfo::default().flags(flags).queue_family_index(family);
    // SAFETY: the device was created with this queue family; the infos live through the calls.
    unsafe {
        let pool = raw.create_command_pool(&pool_info, None).map_err(vulkan("vkCreateCommandPool"))?;
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        let made = raw.allocate_command_buffers(&info).map_err(vulkan("vkAllocateCommandBuffers")).and_then(|commands| {
            let fence = raw.create_fence(&vk::FenceCreateInfo::default(), None).map_err(vulkan("vkCreateFence"))?;
            let first = commands.first().copied();
            first
                .map(|commands| (pool, commands, fence))
                .ok_or_else(|| TextureError::Driver { what: "no command buffer".into() })
        });
        if made.is_err() {
            raw.destroy_command_pool(pool, None);
        }
        made
    }
}

impl Device for VulkanDevice {
    type Texture = VulkanTexture;

    fn identity(&self) -> &Identity {
        self.logical.physical.identity()
    }

    fn handle_type(&self) -> HandleType {
        HandleType::OpaqueFd
    }

    fn create_textures(&self, spec: &TextureSpec, count: u32) -> Result<Vec<VulkanTexture>, TextureError> {
        self.logical.usable()?;
        spec.validate()?;
        self.check_capability(spec, false)?;
        let images: Vec<_> = (0..count).map(|_| self.new_image(spec)).collect::<Result<_, _>>()?;
        let Some((first_image, needs)) = images.first() else { return Ok(Vec::new()) };
        let need = needs.memory;
        let stride = need.size.next_multiple_of(need.alignment.max(1));
        let (first, size, dedicated) = match spec.placement {
            Placement::Dedicated if count != 1 => {
                return Err(TextureError::Unsupported { what: format!("{count} textures in one dedicated allocation") });
            }
            Placement::Suballocated if needs.dedicated => {
                return Err(TextureError::Unsupported {
                    what: "this texture in a shared allocation: dedicated required".into(),
                });
            }
            Placement::Dedicated => (0, need.size, Some(first_image.image)),
            Placement::Suballocated => {
                let first = LEAST_OFFSET.next_multiple_of(need.alignment.max(1));
                let size = stride.saturating_mul(u64::from(count)).saturating_add(LEAST_OFFSET).saturating_add(first);
                (first, size, None)
            }
        };
        DescriptorError::range("allocation_size", size, 1, TextureDescriptor::MAX_ALLOCATION)?;
        // Device memory where there is some; it is never mapped, staging does the copying.
        let (must, wish) = (vk::MemoryPropertyFlags::empty(), vk::MemoryPropertyFlags::DEVICE_LOCAL);
        let type_index = choose_type(&self.logical.memory_types, need.memory_type_bits, must, wish)?;
        let block = Arc::new(Wanted { size, type_index, dedicated }.allocate(&self.logical, spec.exportable)?);
        let place = |index: u64| Place {
            block: Arc::clone(&block),
            offset: first + stride * index,
            spec: *spec,
            exportable: spec.exportable,
        };
        (0..).zip(images).map(|(index, (image, _))| self.bind(image, &place(index), Ownership::Fresh)).collect()
    }

    fn spec<'texture>(&self, texture: &'texture VulkanTexture) -> &'texture TextureSpec {
        &texture.spec
    }

    fn export_texture(&self, texture: &mut VulkanTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        let (descriptor, handle) = self.export_unguarded(texture)?;
        let what = "making an exported handle close-on-exec";
        external_memory::close_on_exec(&handle).map_err(|source| TextureError::Os { what, source })?;
        Ok((descriptor, handle))
    }

    fn import_texture(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<VulkanTexture, Refused> {
        self.import_from(descriptor, RawImport::Handle(handle), How { guarded: true, exportable: false })
    }

    fn write(&self, texture: &mut VulkanTexture, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), TextureError> {
        let mut held = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = texture.spec.packed_bytes();
        let staging = self.grow(&mut held, bytes)?;
        fill(staging.texels_mut(bytes));
        self.transfer(texture, &Work::Write, Self::resting(texture), Some(staging))
    }

    fn read(&self, texture: &mut VulkanTexture, look: &mut dyn FnMut(&[u8])) -> Result<(), TextureError> {
        let mut held = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = texture.spec.packed_bytes();
        let staging = self.grow(&mut held, bytes)?;
        self.transfer(texture, &Work::Read, Self::resting(texture), Some(staging))?;
        look(staging.texels(bytes));
        Ok(())
    }
}
