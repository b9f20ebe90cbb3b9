//! The calls that sharing comes down to, straight through ash: what the reference's own work is measured against.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};

use ash::vk;

/// A result, or what Vulkan answered.
pub type Answer<T = ()> = Result<T, vk::Result>;

const MEMORY: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
/// So many queries of a timeline take seconds.
const QUERIES: u32 = 1 << 27;
/// Nanoseconds, for what comes within microseconds.
const LIMIT: u64 = 10_000_000_000;
const SEMAPHORE: vk::ExternalSemaphoreHandleTypeFlags = vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;

/// The loader's first device, with the extensions for descriptors that it has. A bench ends with its process: nothing is torn down.
pub struct Raw {
    _entry: ash::Entry,
    device: ash::Device,
    /// Memory types in the device's own memory, a bit each.
    local: u32,
    queue: vk::Queue,
    fence: vk::Fence,
    memory_fd: ash::khr::external_memory_fd::Device,
    semaphore_fd: ash::khr::external_semaphore_fd::Device,
}

/// An exportable texture.
#[derive(Clone, Copy, Debug)]
pub struct Texture {
    extent: vk::Extent3D,
    format: vk::Format,
    image: vk::Image,
    memory: vk::DeviceMemory,
}

impl Raw {
    /// Open it.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn open() -> Result<Self, String> {
        let words = |error: vk::Result| error.to_string();
        // SAFETY: the loader is a library that may be loaded.
        let entry = unsafe { ash::Entry::load() }.map_err(|error| error.to_string())?;
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_2);
        let info = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: `info` is valid and lives through the call.
        let instance = unsafe { entry.create_instance(&info, None) }.map_err(words)?;
        // SAFETY: the instance was just created.
        let physical = unsafe { instance.enumerate_physical_devices() }.map_err(words)?;
        let physical = *physical.first().ok_or("the driver has no device")?;
        // SAFETY: the device is of this instance.
        let offered = unsafe { instance.enumerate_device_extension_properties(physical) }.map_err(words)?;
        let wanted = [ash::khr::external_memory_fd::NAME, ash::khr::external_semaphore_fd::NAME];
        let has = |name: &std::ffi::CStr| offered.iter().any(|one| one.extension_name_as_c_str() == Ok(name));
        let names: Vec<_> = wanted.iter().filter(|name| has(name)).map(|name| name.as_ptr()).collect();
        // SAFETY: the device is of this instance.
        let memory = unsafe { instance.get_physical_device_memory_properties(physical) };
        let is_local = |kind: &vk::MemoryType| kind.property_flags.contains(vk::MemoryPropertyFlags::DEVICE_LOCAL);
        let types = (0..).zip(memory.memory_types_as_slice());
        let local = types.filter(|(_, kind)| is_local(kind)).fold(0, |bits, (index, _)| bits | 1_u32 << index);
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
        let mut timeline = vk::PhysicalDeviceTimelineSemaphoreFeatures::default().timeline_semaphore(true);
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&names)
            .push_next(&mut timeline);
        // SAFETY: every device has a queue family 0, and the extensions are offered.
        let device = unsafe { instance.create_device(physical, &info, None) }.map_err(words)?;
        // SAFETY: the queue was asked for above.
        let queue = unsafe { device.get_device_queue(0, 0) };
        // SAFETY: the device was just created.
        let fence = unsafe { device.create_fence(&vk::FenceCreateInfo::default(), None) }.map_err(words)?;
        let memory_fd = ash::khr::external_memory_fd::Device::new(&instance, &device);
        let semaphore_fd = ash::khr::external_semaphore_fd::Device::new(&instance, &device);
        Ok(Self { _entry: entry, device, local, queue, fence, memory_fd, semaphore_fd })
    }

    fn image(&self, format: vk::Format, extent: vk::Extent3D) -> Answer<vk::Image> {
        let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(MEMORY);
        let usage = vk::ImageUsageFlags::TRANSFER_SRC | vk::ImageUsageFlags::TRANSFER_DST | vk::ImageUsageFlags::SAMPLED;
        let info = vk::ImageCreateInfo::default()
            .image_type(vk::ImageType::TYPE_2D)
            .format(format)
            .extent(extent)
            .mip_levels(1)
            .array_layers(1)
            .samples(vk::SampleCountFlags::TYPE_1)
            .tiling(vk::ImageTiling::OPTIMAL)
            .usage(usage)
            .push_next(&mut external);
        // SAFETY: the bench asks only for formats that every device shares.
        unsafe { self.device.create_image(&info, None) }
    }

    /// Bytes, and the memory type that the reference takes as well: the first of the device's own.
    fn needs(&self, image: vk::Image) -> (u64, u32) {
        let mut dedicated = vk::MemoryDedicatedRequirements::default();
        let mut needs = vk::MemoryRequirements2::default().push_next(&mut dedicated);
        let info = vk::ImageMemoryRequirementsInfo2::default().image(image);
        // SAFETY: the image is of this device.
        unsafe { self.device.get_image_memory_requirements2(&info, &mut needs) };
        let (bytes, types) = (needs.memory_requirements.size, needs.memory_requirements.memory_type_bits);
        let wished = if types & self.local == 0 { types } else { types & self.local };
        (bytes, wished.trailing_zeros())
    }

    /// Create an exportable texture with memory of its own.
    ///
    /// # Errors
    /// The driver's.
    pub fn create(&self, format: vk::Format, size: u32) -> Answer<Texture> {
        let extent = vk::Extent3D { width: size, height: size, depth: 1 };
        let image = self.image(format, extent)?;
        let (bytes, memory_type) = self.needs(image);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(MEMORY);
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(bytes)
            .memory_type_index(memory_type)
            .push_next(&mut dedicated)
            .push_next(&mut export);
        // SAFETY: size and memory type are the image's own; the image is bound once.
        unsafe {
            let memory = self.device.allocate_memory(&info, None)?;
            self.device.bind_image_memory(image, memory, 0)?;
            Ok(Texture { extent, format, image, memory })
        }
    }

    /// Free a texture.
    pub fn free(&self, texture: Texture) {
        // SAFETY: nothing uses it: the bench submits no work with it.
        unsafe {
            self.device.destroy_image(texture.image, None);
            self.device.free_memory(texture.memory, None);
        }
    }

    /// Export a descriptor; dropping it closes it.
    ///
    /// # Errors
    /// The driver's.
    pub fn export(&self, texture: &Texture) -> Answer<OwnedFd> {
        let info = vk::MemoryGetFdInfoKHR::default().memory(texture.memory).handle_type(MEMORY);
        // SAFETY: the memory was allocated for export, and the descriptor is new.
        unsafe { Ok(OwnedFd::from_raw_fd(self.memory_fd.get_memory_fd(&info)?)) }
    }

    /// Export, import and free the import.
    ///
    /// # Errors
    /// The driver's.
    pub fn export_import_free(&self, texture: &Texture) -> Answer {
        let fd = self.export(texture)?.into_raw_fd();
        self.import_and_free(texture, fd)
    }

    /// The same, and in between the system closes the descriptor on exec and says what is behind it: the least that makes the
    /// calls safe.
    ///
    /// # Errors
    /// The driver's; [`vk::Result::ERROR_INVALID_EXTERNAL_HANDLE`] for what is no descriptor.
    pub fn export_guard_import_free(&self, texture: &Texture) -> Answer {
        let fd = self.export(texture)?.into_raw_fd();
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: the descriptor is open, and there is room for what the system says of it.
        let (set, told) = unsafe { (libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC), libc::fstat(fd, stat.as_mut_ptr())) };
        if set != 0 || told != 0 {
            return Err(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
        }
        self.import_and_free(texture, fd)
    }

    fn import_and_free(&self, texture: &Texture, fd: RawFd) -> Answer {
        let image = self.image(texture.format, texture.extent)?;
        let (bytes, memory_type) = self.needs(image);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
        let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(MEMORY).fd(fd);
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(bytes)
            .memory_type_index(memory_type)
            .push_next(&mut dedicated)
            .push_next(&mut import);
        // SAFETY: size, type and image are as the exporter's; success takes the descriptor; nothing uses the image.
        unsafe {
            let memory = self.device.allocate_memory(&info, None)?;
            self.device.bind_image_memory(image, memory, 0)?;
            self.device.destroy_image(image, None);
            self.device.free_memory(memory, None);
        }
        Ok(())
    }

    /// A semaphore, exportable if that is wanted.
    ///
    /// # Errors
    /// The driver's.
    pub fn semaphore(&self, kind: vk::SemaphoreType, exportable: bool) -> Answer<vk::Semaphore> {
        let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(kind);
        let mut export = vk::ExportSemaphoreCreateInfo::default().handle_types(SEMAPHORE);
        let mut info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        if exportable {
            info = info.push_next(&mut export);
        }
        // SAFETY: timelines are of Vulkan 1.2, and the bench asks first whether such a semaphore can be exported.
        unsafe { self.device.create_semaphore(&info, None) }
    }

    /// Destroy a semaphore.
    pub fn destroy(&self, semaphore: vk::Semaphore) {
        // SAFETY: it is of this device, and what used it was waited for.
        unsafe { self.device.destroy_semaphore(semaphore, None) }
    }

    /// Export a semaphore, create another, import into it, destroy it.
    ///
    /// # Errors
    /// The driver's.
    pub fn share_semaphore(&self, kind: vk::SemaphoreType, from: vk::Semaphore) -> Answer {
        let info = vk::SemaphoreGetFdInfoKHR::default().semaphore(from).handle_type(SEMAPHORE);
        // SAFETY: it was created for export.
        let fd = unsafe { self.semaphore_fd.get_semaphore_fd(&info) }?;
        let into = self.semaphore(kind, false)?;
        let info = vk::ImportSemaphoreFdInfoKHR::default().semaphore(into).handle_type(SEMAPHORE).fd(fd);
        // SAFETY: the descriptor is of a semaphore of this kind and device; success takes it.
        unsafe { self.semaphore_fd.import_semaphore_fd(&info) }?;
        self.destroy(into);
        Ok(())
    }

    /// Let the queue signal it, let the queue wait for it, and wait for the queue.
    ///
    /// # Errors
    /// The driver's.
    pub fn signal_and_wait(&self, semaphore: vk::Semaphore) -> Answer {
        let (all, stages) = ([semaphore], [vk::PipelineStageFlags::ALL_COMMANDS]);
        let signal = vk::SubmitInfo::default().signal_semaphores(&all);
        let wait = vk::SubmitInfo::default().wait_semaphores(&all).wait_dst_stage_mask(&stages);
        // SAFETY: the signal comes before its wait; the fence is unsignalled and used by nobody else.
        unsafe {
            self.device.queue_submit(self.queue, &[signal], vk::Fence::null())?;
            self.device.queue_submit(self.queue, &[wait], self.fence)?;
            self.device.wait_for_fences(&[self.fence], true, u64::MAX)?;
            self.device.reset_fences(&[self.fence])
        }
    }

    /// Signal a timeline from the host and wait for it there.
    ///
    /// # Errors
    /// The driver's.
    pub fn signal_and_wait_timeline(&self, timeline: vk::Semaphore, value: u64) -> Answer {
        self.signal(timeline, value)?;
        self.wait(timeline, value)
    }

    /// Signal a timeline from the host.
    ///
    /// # Errors
    /// The driver's.
    pub fn signal(&self, timeline: vk::Semaphore, value: u64) -> Answer {
        let signal = vk::SemaphoreSignalInfo::default().semaphore(timeline).value(value);
        // SAFETY: it is a timeline of this device, and the bench signals growing values.
        unsafe { self.device.signal_semaphore(&signal) }
    }

    /// Wait for a timeline on the host.
    ///
    /// # Errors
    /// The driver's; [`vk::Result::TIMEOUT`] after ten seconds.
    pub fn wait(&self, timeline: vk::Semaphore, value: u64) -> Answer {
        let (all, values) = ([timeline], [value]);
        let wait = vk::SemaphoreWaitInfo::default().semaphores(&all).values(&values);
        // SAFETY: it is a timeline of this device.
        unsafe { self.device.wait_semaphores(&wait, LIMIT) }
    }

    /// Export a semaphore's descriptor.
    ///
    /// # Errors
    /// The driver's.
    pub fn export_semaphore(&self, semaphore: vk::Semaphore) -> Answer<OwnedFd> {
        let info = vk::SemaphoreGetFdInfoKHR::default().semaphore(semaphore).handle_type(SEMAPHORE);
        // SAFETY: it was created for export, and the descriptor is new.
        unsafe { Ok(OwnedFd::from_raw_fd(self.semaphore_fd.get_semaphore_fd(&info)?)) }
    }

    /// A timeline over the payload of another process.
    ///
    /// # Errors
    /// The driver's.
    pub fn import_timeline(&self, fd: OwnedFd) -> Answer<vk::Semaphore> {
        let into = self.semaphore(vk::SemaphoreType::TIMELINE, false)?;
        let info = vk::ImportSemaphoreFdInfoKHR::default().semaphore(into).handle_type(SEMAPHORE).fd(fd.into_raw_fd());
        // SAFETY: the other process exported it from a timeline of this device; success takes the descriptor.
        unsafe { self.semaphore_fd.import_semaphore_fd(&info) }?;
        Ok(into)
    }

    /// Query a timeline.
    ///
    /// # Errors
    /// The driver's.
    pub fn value(&self, timeline: vk::Semaphore) -> Answer<u64> {
        // SAFETY: it is a timeline of this device.
        unsafe { self.device.get_semaphore_counter_value(timeline) }
    }

    /// Query a timeline until it has reached a value.
    ///
    /// # Errors
    /// The driver's; [`vk::Result::TIMEOUT`] after some seconds.
    pub fn poll(&self, timeline: vk::Semaphore, value: u64) -> Answer {
        for _ in 0..QUERIES {
            if self.value(timeline)? >= value {
                return Ok(());
            }
            std::hint::spin_loop();
        }
        Err(vk::Result::TIMEOUT)
    }
}
