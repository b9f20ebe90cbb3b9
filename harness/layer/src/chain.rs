//! The functions of what follows this layer: the next layer, or the driver.
#![expect(unsafe_code, reason = "Vulkan handles and function pointers")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::vk;

/// What follows for one instance.
pub(crate) struct Instance {
    pub(crate) raw: ash::Instance,
    pub(crate) get: vk::PFN_vkGetInstanceProcAddr,
}

/// What follows for one device.
pub(crate) struct Device {
    pub(crate) raw: ash::Device,
    pub(crate) get: vk::PFN_vkGetDeviceProcAddr,
}

impl Device {
    /// A function by any of its names.
    pub(crate) fn function(&self, names: &[&CStr]) -> vk::PFN_vkVoidFunction {
        // SAFETY: the device is live, the names end with a zero.
        names.iter().find_map(|name| unsafe { (self.get)(self.raw.handle(), name.as_ptr()) })
    }
}

type Table<T> = Mutex<BTreeMap<usize, Arc<T>>>;

static INSTANCES: Table<Instance> = Mutex::new(BTreeMap::new());
static DEVICES: Table<Device> = Mutex::new(BTreeMap::new());

/// Nothing panics while one of these is held; a panic elsewhere leaves it whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A dispatchable handle begins with a pointer to its dispatch table, which all objects of one instance, or of one device, share.
///
/// # Safety
/// `handle` is a live dispatchable handle.
unsafe fn key(handle: impl vk::Handle) -> usize {
    // SAFETY: the caller's promise; the loader puts the pointer there.
    unsafe { *(handle.as_raw() as usize as *const usize) }
}

/// Remember what follows for a new instance.
///
/// # Safety
/// `instance` was made by the function that `get` returned.
pub(crate) unsafe fn add_instance(instance: vk::Instance, get: vk::PFN_vkGetInstanceProcAddr) {
    // SAFETY: the caller's promise; what `get` returns for a name has that name's signature.
    let made = unsafe {
        let raw = ash::Instance::load_with(|name| pointer(get(instance, name.as_ptr())), instance);
        (key(instance), Arc::new(Instance { raw, get }))
    };
    lock(&INSTANCES).insert(made.0, made.1);
}

/// As [`add_instance`], for a device.
///
/// # Safety
/// As [`add_instance`].
pub(crate) unsafe fn add_device(device: vk::Device, get: vk::PFN_vkGetDeviceProcAddr) {
    // SAFETY: as above.
    let made = unsafe {
        let raw = ash::Device::load_with(|name| pointer(get(device, name.as_ptr())), device);
        (key(device), Arc::new(Device { raw, get }))
    };
    lock(&DEVICES).insert(made.0, made.1);
}

fn pointer(function: vk::PFN_vkVoidFunction) -> *const c_void {
    function.map_or(std::ptr::null(), |function| function as *const c_void)
}

/// What follows for an instance or a physical device.
///
/// # Safety
/// `handle` is a live instance, or a physical device of one.
pub(crate) unsafe fn instance(handle: impl vk::Handle) -> Option<Arc<Instance>> {
    // SAFETY: the caller's promise.
    let key = unsafe { key(handle) };
    lock(&INSTANCES).get(&key).cloned()
}

/// What follows for a device, a queue or a command buffer.
///
/// # Safety
/// `handle` is a live device, or a queue or command buffer of one.
pub(crate) unsafe fn device(handle: impl vk::Handle) -> Option<Arc<Device>> {
    // SAFETY: the caller's promise.
    let key = unsafe { key(handle) };
    lock(&DEVICES).get(&key).cloned()
}

/// Forget an instance that is about to be destroyed.
///
/// # Safety
/// As [`instance`].
pub(crate) unsafe fn remove_instance(handle: vk::Instance) -> Option<Arc<Instance>> {
    // SAFETY: the caller's promise.
    let key = unsafe { key(handle) };
    lock(&INSTANCES).remove(&key)
}

/// Forget a device that is about to be destroyed.
///
/// # Safety
/// As [`device`].
pub(crate) unsafe fn remove_device(handle: vk::Device) -> Option<Arc<Device>> {
    // SAFETY: the caller's promise.
    let key = unsafe { key(handle) };
    lock(&DEVICES).remove(&key)
}
