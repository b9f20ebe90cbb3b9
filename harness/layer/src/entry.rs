//! Where the loader comes in: instances and devices made and destroyed, functions looked up.
#![expect(unsafe_code, reason = "functions that the Vulkan loader calls")]

use std::ffi::{CStr, c_char};

use ash::vk;

use crate::chain;
use crate::choice;
use crate::hooks;
use crate::loader::{self, NegotiateLayerInterface};

/// `vkNegotiateLoaderLayerInterfaceVersion`: the one function that the loader looks up by its exported name.
///
/// # Safety
/// Called by a Vulkan loader.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn vkNegotiateLoaderLayerInterfaceVersion(asked: *mut NegotiateLayerInterface) -> vk::Result {
    // SAFETY: the loader passes a structure of its own, or nothing.
    match unsafe { asked.as_mut() } {
        Some(asked) => {
            choice::loaded();
            loader::answer(asked, get_instance_proc_addr, get_device_proc_addr)
        }
        None => vk::Result::ERROR_INITIALIZATION_FAILED,
    }
}

/// A function of this layer as the loader takes it.
macro_rules! function {
    ($function:expr, $kind:ty) => {{
        let function: $kind = $function;
        // SAFETY: function pointers are of one size; whoever looked up the name calls it with that name's signature.
        Some(unsafe { std::mem::transmute::<$kind, unsafe extern "system" fn()>(function) })
    }};
}
pub(crate) use function;

/// The functions that a layer has to have, whatever it does.
fn own(name: &CStr) -> vk::PFN_vkVoidFunction {
    match name.to_bytes() {
        b"vkGetInstanceProcAddr" => function!(get_instance_proc_addr, vk::PFN_vkGetInstanceProcAddr),
        b"vkCreateInstance" => function!(create_instance, vk::PFN_vkCreateInstance),
        b"vkDestroyInstance" => function!(destroy_instance, vk::PFN_vkDestroyInstance),
        b"vkCreateDevice" => function!(create_device, vk::PFN_vkCreateDevice),
        _ => own_of_device(name),
    }
}

fn own_of_device(name: &CStr) -> vk::PFN_vkVoidFunction {
    match name.to_bytes() {
        b"vkGetDeviceProcAddr" => function!(get_device_proc_addr, vk::PFN_vkGetDeviceProcAddr),
        b"vkDestroyDevice" => function!(destroy_device, vk::PFN_vkDestroyDevice),
        _ => None,
    }
}

/// What the chosen mutant puts in the place of a function that exists further down.
fn replaced(name: &CStr, next: vk::PFN_vkVoidFunction) -> vk::PFN_vkVoidFunction {
    let wanted = next.is_some() && name.to_str().is_ok_and(choice::intercepts);
    if wanted { hooks::find(name).or(next) } else { next }
}

unsafe extern "system" fn get_instance_proc_addr(instance: vk::Instance, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: the caller passes a name that ends with a zero, and a live instance or none.
    unsafe {
        let name = CStr::from_ptr(name);
        let own = own(name);
        if own.is_some() || instance == vk::Instance::null() {
            return own;
        }
        let next = chain::instance(instance)?;
        replaced(name, (next.get)(instance, name.as_ptr()))
    }
}

unsafe extern "system" fn get_device_proc_addr(device: vk::Device, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: as above, with a live device.
    unsafe {
        let name = CStr::from_ptr(name);
        let own = own_of_device(name);
        if own.is_some() {
            return own;
        }
        let next = chain::device(device)?;
        replaced(name, (next.get)(device, name.as_ptr()))
    }
}

unsafe extern "system" fn create_instance(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    instance: *mut vk::Instance,
) -> vk::Result {
    // SAFETY: the loader passes valid pointers, and its link in the chain; what is looked up by this name has this signature.
    unsafe {
        let Some(link) = loader::instance_link(info) else { return vk::Result::ERROR_INITIALIZATION_FAILED };
        let get = link.get_instance_proc_addr;
        let Some(next) = get(vk::Instance::null(), c"vkCreateInstance".as_ptr()) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let create: vk::PFN_vkCreateInstance = std::mem::transmute(next);
        let result = create(info, allocator, instance);
        if result == vk::Result::SUCCESS {
            chain::add_instance(*instance, get);
        }
        result
    }
}

unsafe extern "system" fn destroy_instance(instance: vk::Instance, allocator: *const vk::AllocationCallbacks<'_>) {
    if instance == vk::Instance::null() {
        return;
    }
    // SAFETY: the instance is live and made by this layer.
    if let Some(next) = unsafe { chain::remove_instance(instance) } {
        // SAFETY: as the application promises to `vkDestroyInstance`.
        unsafe { (next.raw.fp_v1_0().destroy_instance)(instance, allocator) }
    }
}

unsafe extern "system" fn create_device(
    physical: vk::PhysicalDevice,
    info: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    device: *mut vk::Device,
) -> vk::Result {
    // SAFETY: as in `create_instance`.
    unsafe {
        let (Some(link), Some(instance)) = (loader::device_link(info), chain::instance(physical)) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let (get_instance, get) = (link.get_instance_proc_addr, link.get_device_proc_addr);
        let Some(next) = get_instance(instance.raw.handle(), c"vkCreateDevice".as_ptr()) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let create: vk::PFN_vkCreateDevice = std::mem::transmute(next);
        let result = create(physical, info, allocator, device);
        if result == vk::Result::SUCCESS {
            chain::add_device(*device, get);
        }
        result
    }
}

unsafe extern "system" fn destroy_device(device: vk::Device, allocator: *const vk::AllocationCallbacks<'_>) {
    if device == vk::Device::null() {
        return;
    }
    // SAFETY: the device is live and made by this layer.
    if let Some(next) = unsafe { chain::remove_device(device) } {
        // SAFETY: as the application promises to `vkDestroyDevice`.
        unsafe { (next.raw.fp_v1_0().destroy_device)(device, allocator) }
    }
}
