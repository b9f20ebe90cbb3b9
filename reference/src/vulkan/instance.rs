//! The loader, the instance and its physical devices.
//!
//! Which driver answers is for the loader to choose: set `VK_DRIVER_FILES` to one manifest to choose it.
#![expect(unsafe_code, reason = "Vulkan calls; loading the Vulkan loader")]

use std::ffi::CStr;
use std::sync::Arc;

use ash::vk;

use crate::identity::{Api, Identity, Uuid};
use crate::texture::TextureError;
use crate::vulkan::error::vulkan;

/// A Vulkan instance; destroyed when the last device and physical device that refer to it are gone.
#[derive(Clone)]
pub struct VulkanInstance(Arc<Loaded>);

struct Loaded {
    instance: ash::Instance,
    // Dropped after the instance: unloads the loader.
    _entry: ash::Entry,
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: every object made from this instance holds an `Arc` of it, so none is left.
        unsafe { self.instance.destroy_instance(None) }
    }
}

/// A physical device and who it says it is.
#[derive(Clone)]
pub struct PhysicalDevice {
    pub(crate) instance: VulkanInstance,
    pub(crate) handle: vk::PhysicalDevice,
    identity: Identity,
    extensions: Vec<String>,
    kind: vk::PhysicalDeviceType,
    /// `maxTimelineSemaphoreValueDifference`, where there are timelines.
    timelines: Option<u64>,
}

/// What it offers of the features that formats ask for.
pub(crate) struct Features {
    pub(crate) compression: vk::PhysicalDeviceFeatures,
    pub(crate) ycbcr_conversion: bool,
}

impl VulkanInstance {
    /// Load the Vulkan loader and create an instance of Vulkan 1.1 with no layers and no extensions.
    ///
    /// # Errors
    /// [`TextureError::Unsupported`] without a loader, [`TextureError::Vulkan`] without a driver
    /// (`ERROR_INCOMPATIBLE_DRIVER`).
    pub fn new() -> Result<Self, TextureError> {
        // SAFETY: loads the system's Vulkan loader, whose initialisation has no preconditions.
        let entry = unsafe { ash::Entry::load() }
            .map_err(|error| TextureError::Unsupported { what: format!("Vulkan: no loader ({error}); install libvulkan1") })?;
        let application = vk::ApplicationInfo::default().application_name(c"gpushare").api_version(vk::API_VERSION_1_1);
        let info = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: `info` and what it points to live through the call.
        let instance = unsafe { entry.create_instance(&info, None) }.map_err(vulkan("vkCreateInstance"))?;
        Ok(Self(Arc::new(Loaded { instance, _entry: entry })))
    }

    pub(crate) fn raw(&self) -> &ash::Instance {
        &self.0.instance
    }

    /// The physical devices with Vulkan 1.1, in the driver's order.
    ///
    /// # Errors
    /// [`TextureError::Vulkan`].
    pub fn physical_devices(&self) -> Result<Vec<PhysicalDevice>, TextureError> {
        // SAFETY: the instance is live.
        let handles = unsafe { self.raw().enumerate_physical_devices() }.map_err(vulkan("vkEnumeratePhysicalDevices"))?;
        let described = handles.into_iter().map(|handle| PhysicalDevice::describe(self.clone(), handle));
        Ok(described.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

impl PhysicalDevice {
    /// `None` for a device below Vulkan 1.1, which can share nothing with core functions.
    fn describe(instance: VulkanInstance, handle: vk::PhysicalDevice) -> Result<Option<Self>, TextureError> {
        let raw = instance.raw();
        // SAFETY: `handle` was enumerated from this instance.
        let properties = unsafe { raw.get_physical_device_properties(handle) };
        if properties.api_version < vk::API_VERSION_1_1 {
            return Ok(None);
        }
        // SAFETY: as above.
        let listed = unsafe { raw.enumerate_device_extension_properties(handle) }
            .map_err(vulkan("vkEnumerateDeviceExtensionProperties"))?;
        let extensions: Vec<String> = listed.iter().map(|entry| text(entry.extension_name_as_c_str().ok())).collect();
        let tells_driver = properties.api_version >= vk::API_VERSION_1_2
            || extensions.iter().any(|name| name.as_bytes() == ash::khr::driver_properties::NAME.to_bytes());

        let mut ids = vk::PhysicalDeviceIDProperties::default();
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut chain = vk::PhysicalDeviceProperties2::default().push_next(&mut ids);
        if tells_driver {
            chain = chain.push_next(&mut driver);
        }
        // SAFETY: each chained structure is allowed here: the IDs by Vulkan 1.1, the driver by 1.2 or its extension.
        unsafe { raw.get_physical_device_properties2(handle, &mut chain) };
        let version = properties.api_version;
        let identity = Identity {
            api: Api::Vulkan,
            device_name: text(properties.device_name_as_c_str().ok()),
            driver_name: text(driver.driver_name_as_c_str().ok()),
            driver_info: text(driver.driver_info_as_c_str().ok()),
            driver_version: properties.driver_version,
            api_version: format!(
                "{}.{}.{}",
                vk::api_version_major(version),
                vk::api_version_minor(version),
                vk::api_version_patch(version)
            ),
            device_uuid: Uuid(ids.device_uuid),
            driver_uuid: Uuid(ids.driver_uuid),
        };
        let mut device = Self { instance, handle, identity, extensions, kind: properties.device_type, timelines: None };
        device.timelines = device.ask_for_timelines();
        Ok(Some(device))
    }

    fn ask_for_timelines(&self) -> Option<u64> {
        if !self.has_extension(ash::khr::timeline_semaphore::NAME) {
            return None;
        }
        let mut timelines = vk::PhysicalDeviceTimelineSemaphoreFeatures::default();
        let mut features = vk::PhysicalDeviceFeatures2::default().push_next(&mut timelines);
        // SAFETY: the extension is offered, so the structure may be chained.
        unsafe { self.instance.raw().get_physical_device_features2(self.handle, &mut features) };
        if timelines.timeline_semaphore == vk::FALSE {
            return None;
        }
        let mut limits = vk::PhysicalDeviceTimelineSemaphoreProperties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut limits);
        // SAFETY: as above.
        unsafe { self.instance.raw().get_physical_device_properties2(self.handle, &mut properties) };
        Some(limits.max_timeline_semaphore_value_difference)
    }

    /// `maxTimelineSemaphoreValueDifference`; `None` where the device has no timeline semaphores.
    #[must_use]
    pub const fn timelines(&self) -> Option<u64> {
        self.timelines
    }

    /// Who it says it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether it offers a device extension.
    #[must_use]
    pub fn has_extension(&self, name: &CStr) -> bool {
        self.extensions.iter().any(|offered| offered.as_bytes() == name.to_bytes())
    }

    /// The device extensions it offers.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    pub(crate) fn features(&self) -> Features {
        let mut ycbcr = vk::PhysicalDeviceSamplerYcbcrConversionFeatures::default();
        let mut chain = vk::PhysicalDeviceFeatures2::default().push_next(&mut ycbcr);
        // SAFETY: the structures are of Vulkan 1.1.
        unsafe { self.instance.raw().get_physical_device_features2(self.handle, &mut chain) };
        let offered = chain.features;
        let compression = vk::PhysicalDeviceFeatures::default()
            .texture_compression_bc(offered.texture_compression_bc == vk::TRUE)
            .texture_compression_etc2(offered.texture_compression_etc2 == vk::TRUE)
            .texture_compression_astc_ldr(offered.texture_compression_astc_ldr == vk::TRUE);
        Features { compression, ycbcr_conversion: ycbcr.sampler_ycbcr_conversion == vk::TRUE }
    }

    /// Whether it runs on the CPU (`VK_PHYSICAL_DEVICE_TYPE_CPU`), so that device memory is the process's memory.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.kind == vk::PhysicalDeviceType::CPU
    }

    /// Bytes in use by this process as VK_EXT_memory_budget tells, all heaps together; `None` without the extension.
    #[must_use]
    pub fn heap_usage(&self) -> Option<u64> {
        if !self.has_extension(ash::ext::memory_budget::NAME) {
            return None;
        }
        let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
        let mut chain = vk::PhysicalDeviceMemoryProperties2::default().push_next(&mut budget);
        // SAFETY: the extension is offered, so the structure may be chained.
        unsafe { self.instance.raw().get_physical_device_memory_properties2(self.handle, &mut chain) };
        let heaps = chain.memory_properties.memory_heap_count as usize;
        Some(budget.heap_usage.iter().take(heaps).sum())
    }
}

fn text(found: Option<&CStr>) -> String {
    found.map(|found| found.to_string_lossy().into_owned()).unwrap_or_default()
}
