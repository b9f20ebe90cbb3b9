//! The structures of the loader's layer interface, version 2 (LoaderLayerInterface.md and vk_layer.h of Vulkan-Loader).
#![expect(unsafe_code, reason = "walks chains that the Vulkan loader hands over")]

use std::ffi::c_void;

use ash::vk;

/// `VkNegotiateLayerInterface`.
#[repr(C)]
pub(crate) struct NegotiateLayerInterface {
    structure_type: i32,
    next: *mut c_void,
    version: u32,
    get_instance_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
    get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
    get_physical_device_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
}

/// `LAYER_NEGOTIATE_INTERFACE_STRUCT`.
const NEGOTIATE: i32 = 1;
const VERSION: u32 = 2;

/// `VkLayerInstanceLink`.
#[repr(C)]
pub(crate) struct InstanceLink {
    next: *mut InstanceLink,
    pub(crate) get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    get_physical_device_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
}

/// `VkLayerDeviceLink`.
#[repr(C)]
pub(crate) struct DeviceLink {
    next: *mut DeviceLink,
    pub(crate) get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    pub(crate) get_device_proc_addr: vk::PFN_vkGetDeviceProcAddr,
}

/// `VkLayerInstanceCreateInfo` or `VkLayerDeviceCreateInfo`, with the one member of its union that is read here.
#[repr(C)]
struct CreateInfo<Link> {
    structure_type: vk::StructureType,
    next: *const c_void,
    function: i32,
    link: *mut Link,
}

/// `VK_LAYER_LINK_INFO`.
const LINK: i32 = 0;

/// Fill in the answer to the loader; the loader speaks an older interface when this says no.
pub(crate) fn answer(
    asked: &mut NegotiateLayerInterface,
    instance: vk::PFN_vkGetInstanceProcAddr,
    device: vk::PFN_vkGetDeviceProcAddr,
) -> vk::Result {
    if asked.structure_type != NEGOTIATE || asked.version < VERSION {
        return vk::Result::ERROR_INITIALIZATION_FAILED;
    }
    asked.version = VERSION;
    asked.get_instance_proc_addr = Some(instance);
    asked.get_device_proc_addr = Some(device);
    asked.get_physical_device_proc_addr = None;
    vk::Result::SUCCESS
}

/// The link to what follows this layer in an instance; the layer after this one finds its own in its place.
///
/// # Safety
/// `info` is what the loader passed to this layer's `vkCreateInstance`, not looked at before.
pub(crate) unsafe fn instance_link(info: *const vk::InstanceCreateInfo<'_>) -> Option<&'static InstanceLink> {
    // SAFETY: the loader chains its structure, of this type, to `info`, for layers to advance.
    unsafe { advance((*info).p_next, vk::StructureType::LOADER_INSTANCE_CREATE_INFO, |link: &InstanceLink| link.next) }
}

/// As [`instance_link`], for a device.
///
/// # Safety
/// As [`instance_link`], of `vkCreateDevice`.
pub(crate) unsafe fn device_link(info: *const vk::DeviceCreateInfo<'_>) -> Option<&'static DeviceLink> {
    // SAFETY: as above.
    unsafe { advance((*info).p_next, vk::StructureType::LOADER_DEVICE_CREATE_INFO, |link: &DeviceLink| link.next) }
}

unsafe fn advance<Link: 'static>(
    chain: *const c_void,
    wanted: vk::StructureType,
    following: impl Fn(&Link) -> *mut Link,
) -> Option<&'static Link> {
    let mut at = chain.cast_mut().cast::<CreateInfo<Link>>();
    // SAFETY: every structure of a chain begins with its type and the next one; those of the wanted type and function hold a link,
    // which lives through the call that creates the instance or device, and is read only there.
    unsafe {
        while let Some(found) = at.as_mut() {
            if found.structure_type == wanted && found.function == LINK {
                let link = found.link.as_ref()?;
                found.link = following(link);
                return Some(link);
            }
            at = found.next.cast_mut().cast();
        }
    }
    None
}

/// The structure of this type in a chain of the application's.
///
/// # Safety
/// `chain` is a valid `pNext` chain, and lives as long as the result is used.
pub(crate) unsafe fn find<'chain, T: vk::TaggedStructure>(chain: *const c_void) -> Option<&'chain T> {
    let mut at = chain.cast::<vk::BaseInStructure<'_>>();
    // SAFETY: the caller's promise; a structure with this type has this layout.
    unsafe {
        while let Some(found) = at.as_ref() {
            if found.s_type == T::STRUCTURE_TYPE {
                return at.cast::<T>().as_ref();
            }
            at = found.p_next;
        }
    }
    None
}

/// As [`find`], for a structure that the driver has filled in.
///
/// # Safety
/// As [`find`]; nobody else refers to the chain meanwhile.
pub(crate) unsafe fn find_mut<'chain, T: vk::TaggedStructure>(chain: *mut c_void) -> Option<&'chain mut T> {
    // SAFETY: the caller's promise.
    let found = unsafe { find::<T>(chain) }?;
    // SAFETY: the chain is the application's own mutable memory, as the caller promises.
    unsafe { std::ptr::from_ref(found).cast_mut().as_mut() }
}
