//! Who owns a handle, and how often a driver is asked for one: a table of functions stands for the driver, on every system.
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::io::{PipeReader, Read};
use std::sync::mpsc;
use std::time::Duration;

use ash::khr::{external_fence_win32, external_semaphore_fd, external_semaphore_win32};

use super::*;

const NT: HandleType = HandleType::OpaqueWin32;
const BOTH: [Object; 2] = [Object::Semaphore(vk::Semaphore::null()), Object::Fence(vk::Fence::null())];

thread_local! {
    /// What the driver answers.
    static RESULT: Cell<vk::Result> = const { Cell::new(vk::Result::SUCCESS) };
    /// The numbers that it gives, the last one first.
    static GIVES: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
    /// The number that it was given, whether a handle has it, and whether the import is a temporary one.
    static GIVEN: Cell<Option<(i64, bool, bool)>> = const { Cell::new(None) };
}

fn is_open(number: i64) -> bool {
    // SAFETY: it is released at once.
    unsafe { sys::handle::claim(number) }.map(sys::handle::release).is_ok()
}

fn give(number: *mut vk::HANDLE) -> vk::Result {
    let next = GIVES.with_borrow_mut(Vec::pop).unwrap();
    // SAFETY: valid usage.
    unsafe { *number = next as vk::HANDLE };
    RESULT.get()
}

fn take(number: i64, temporary: bool) -> vk::Result {
    GIVEN.set(Some((number, is_open(number), temporary)));
    RESULT.get()
}

unsafe extern "system" fn get_semaphore(
    _: vk::Device,
    _: *const vk::SemaphoreGetWin32HandleInfoKHR<'_>,
    handle: *mut vk::HANDLE,
) -> vk::Result {
    give(handle)
}

unsafe extern "system" fn get_fence(
    _: vk::Device,
    _: *const vk::FenceGetWin32HandleInfoKHR<'_>,
    handle: *mut vk::HANDLE,
) -> vk::Result {
    give(handle)
}

unsafe extern "system" fn import_semaphore(
    _: vk::Device,
    info: *const vk::ImportSemaphoreWin32HandleInfoKHR<'_>,
) -> vk::Result {
    // SAFETY: valid usage.
    let info = unsafe { &*info };
    assert!(info.name.is_null() && info.handle_type == vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_WIN32);
    take(info.handle as i64, info.flags.contains(vk::SemaphoreImportFlags::TEMPORARY))
}

unsafe extern "system" fn import_fence(_: vk::Device, info: *const vk::ImportFenceWin32HandleInfoKHR<'_>) -> vk::Result {
    // SAFETY: valid usage.
    let info = unsafe { &*info };
    assert!(info.name.is_null() && info.handle_type == vk::ExternalFenceHandleTypeFlags::OPAQUE_WIN32);
    take(info.handle as i64, info.flags.contains(vk::FenceImportFlags::TEMPORARY))
}

unsafe extern "system" fn import_semaphore_fd(_: vk::Device, info: *const vk::ImportSemaphoreFdInfoKHR<'_>) -> vk::Result {
    // SAFETY: valid usage.
    let info = unsafe { &*info };
    take(info.fd.into(), info.flags.contains(vk::SemaphoreImportFlags::TEMPORARY))
}

unsafe extern "system" fn device_function(_: vk::Device, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: a name ends with a zero; the pointers are those of functions, which are called as what they are.
    unsafe {
        let pointer = match CStr::from_ptr(name).to_bytes() {
            b"vkGetSemaphoreWin32HandleKHR" => get_semaphore as *const (),
            b"vkGetFenceWin32HandleKHR" => get_fence as *const (),
            b"vkImportSemaphoreWin32HandleKHR" => import_semaphore as *const (),
            b"vkImportFenceWin32HandleKHR" => import_fence as *const (),
            b"vkImportSemaphoreFdKHR" => import_semaphore_fd as *const (),
            _ => return None,
        };
        Some(std::mem::transmute::<*const (), unsafe extern "system" fn()>(pointer))
    }
}

/// The functions of that driver, which answers so.
fn driver(answers: vk::Result) -> Extensions {
    RESULT.set(answers);
    GIVEN.set(None);
    let load = |name: &CStr| {
        if name == c"vkGetDeviceProcAddr" { device_function as *const c_void } else { std::ptr::null() }
    };
    // SAFETY: the table has what is called here, and no handle is looked behind.
    let (instance, device) = unsafe {
        let instance = ash::Instance::load_with(load, vk::Instance::null());
        let device = ash::Device::load(instance.fp_v1_0(), vk::Device::null());
        (instance, device)
    };
    Extensions {
        semaphore_fd: Some(external_semaphore_fd::Device::new(&instance, &device)),
        semaphore_win32: Some(external_semaphore_win32::Device::new(&instance, &device)),
        fence_win32: Some(external_fence_win32::Device::new(&instance, &device)),
        ..Extensions::default()
    }
}

/// A handle, and what tells whether all handles to its object are closed.
fn watched_handle() -> (OwnedHandle, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    (OwnedHandle(writer.into()), reader)
}

/// The driver will give a handle next: its number, and what tells whether it is closed.
fn driver_will_give() -> (i64, PipeReader) {
    let (handle, reader) = watched_handle();
    let number = sys::handle::number(&handle.0);
    sys::handle::release(handle.0);
    GIVES.with_borrow_mut(|gives| gives.insert(0, number));
    (number, reader)
}

fn is_closed(mut reader: PipeReader) -> bool {
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || say.send(reader.read(&mut [0]).is_ok_and(|bytes| bytes == 0)));
    said.recv_timeout(Duration::from_secs(3)).unwrap_or(false)
}

fn import_as(handle_type: HandleType, functions: &Extensions, object: Object, handle: OwnedHandle) -> Result<(), SyncRefused> {
    let source = RawSync::Payload(SyncHandle::Handle(handle));
    // SAFETY: no bare number.
    unsafe { import(functions, object, handle_type, source, true, Care::Unguarded) }
}

fn export_from(functions: &Extensions, object: Object, exported: (&mut Exports, Payload)) -> Result<OwnedHandle, SyncError> {
    match export(functions, object, NT, Care::Guarded, exported)? {
        SyncHandle::Handle(handle) => Ok(handle),
        SyncHandle::Signalled => panic!("a copy"),
    }
}

#[test]
fn an_nt_handle_is_closed_after_its_import() {
    for object in BOTH {
        let functions = driver(vk::Result::SUCCESS);
        let (handle, reader) = watched_handle();
        let number = sys::handle::number(&handle.0);

        import_as(NT, &functions, object, handle).unwrap();

        assert_eq!(GIVEN.get(), Some((number, true, true)), "open while the driver imports it");
        assert!(is_closed(reader));
    }
}

#[test]
fn an_nt_handle_comes_back_from_an_import_that_fails() {
    for object in BOTH {
        let functions = driver(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
        let (handle, reader) = watched_handle();
        let number = sys::handle::number(&handle.0);

        let refused = import_as(NT, &functions, object, handle).unwrap_err();

        assert!(matches!(refused.error, SyncError::InvalidHandle { expected: NT, .. }), "{}", refused.error);
        let Some(SyncHandle::Handle(back)) = refused.handle else { panic!("the handle is lost") };
        assert_eq!(sys::handle::number(&back.0), number);
        drop(back);
        assert!(is_closed(reader));
    }
}

#[test]
fn a_file_descriptor_is_the_drivers_after_its_import() {
    let functions = driver(vk::Result::SUCCESS);
    let (handle, reader) = watched_handle();
    let number = sys::handle::number(&handle.0);

    import_as(HandleType::OpaqueFd, &functions, BOTH[0], handle).unwrap();

    assert_eq!(GIVEN.get(), Some((number, true, true)));
    // SAFETY: it is nobody's: the driver forgets it.
    let left_open = unsafe { OwnedHandle::from_number(number) }.unwrap();
    drop(left_open);
    assert!(is_closed(reader));
}

#[test]
fn a_driver_is_asked_once_however_often_an_nt_handle_is_exported() {
    for object in BOTH {
        let functions = driver(vk::Result::SUCCESS);
        let (number, reader) = driver_will_give();
        let mut exports = Exports::default();

        let first = export_from(&functions, object, (&mut exports, Payload::default())).unwrap();
        assert_eq!(sys::handle::number(&first.0), number, "the driver's own");
        // A second call of the driver would find nothing to give.
        let second = export_from(&functions, object, (&mut exports, Payload::default())).unwrap();
        drop(first);
        let third = export_from(&functions, object, (&mut exports, Payload::default())).unwrap();

        drop((second, third));
        drop(exports);
        assert!(is_closed(reader), "with the object goes what was kept");
    }
}

#[test]
fn a_payload_that_was_imported_after_an_export_cannot_be_exported() {
    let rules =
        ["VUID-VkSemaphoreGetWin32HandleInfoKHR-handleType-01127", "VUID-VkFenceGetWin32HandleInfoKHR-handleType-01449"];
    for (object, expected) in BOTH.into_iter().zip(rules) {
        let functions = driver(vk::Result::SUCCESS);
        let (_, reader) = driver_will_give();
        let mut exports = Exports::default();
        drop(export_from(&functions, object, (&mut exports, Payload::default())).unwrap());
        let imported = exports.new_payload();
        exports.lost(Payload::default());
        assert!(is_closed(reader), "nothing is kept of what was lost");

        let refused = export_from(&functions, object, (&mut exports, imported));

        assert!(matches!(refused, Err(SyncError::InvalidUse { rule, .. }) if rule == expected));
    }
}

#[test]
fn success_without_a_handle_is_the_drivers_error() {
    for object in BOTH {
        let functions = driver(vk::Result::SUCCESS);
        let mut exports = Exports::default();
        GIVES.with_borrow_mut(|gives| gives.push(-1));

        let refused = export_from(&functions, object, (&mut exports, Payload::default()));

        let Err(SyncError::Driver { what }) = refused else { panic!("{refused:?}") };
        assert!(what.ends_with("Win32HandleKHR answered SUCCESS with handle -1"), "{what}");
    }
}
