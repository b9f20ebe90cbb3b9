//! Under Wine, whose Vulkan has no such extension: a table of functions stands for the driver.
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::os::windows::io::OwnedHandle as Owned;

use ash::vk::Handle;
use windows_sys::Win32::Foundation::{HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::System::Threading::CreateEventW;

use super::*;
use crate::sys::windows::process;

const BIT: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_WIN32;
const MEMORY: u64 = 7;

thread_local! {
    /// What the driver answers.
    static RESULT: Cell<vk::Result> = const { Cell::new(vk::Result::SUCCESS) };
    /// The handle that it gives.
    static GIVES: Cell<vk::HANDLE> = const { Cell::new(0) };
    /// The handle that it was given, and whether that was open.
    static GIVEN: Cell<Option<(vk::HANDLE, bool)>> = const { Cell::new(None) };
}

fn is_open(number: vk::HANDLE) -> bool {
    let mut flags = 0;
    // SAFETY: this only looks at the handle table.
    unsafe { windows_sys::Win32::Foundation::GetHandleInformation(number as HANDLE, &mut flags) != 0 }
}

unsafe extern "system" fn get_handle(
    _: vk::Device,
    info: *const vk::MemoryGetWin32HandleInfoKHR<'_>,
    handle: *mut vk::HANDLE,
) -> vk::Result {
    // SAFETY: valid usage.
    unsafe {
        assert_eq!(((*info).memory, (*info).handle_type), (vk::DeviceMemory::from_raw(MEMORY), BIT));
        *handle = GIVES.get();
    }
    RESULT.get()
}

unsafe extern "system" fn get_properties(
    _: vk::Device,
    _: vk::ExternalMemoryHandleTypeFlags,
    handle: vk::HANDLE,
    properties: *mut vk::MemoryWin32HandlePropertiesKHR<'_>,
) -> vk::Result {
    GIVEN.set(Some((handle, is_open(handle))));
    // SAFETY: valid usage.
    unsafe { (*properties).memory_type_bits = 0b101 };
    RESULT.get()
}

unsafe extern "system" fn allocate(
    _: vk::Device,
    info: *const vk::MemoryAllocateInfo<'_>,
    _: *const vk::AllocationCallbacks<'_>,
    memory: *mut vk::DeviceMemory,
) -> vk::Result {
    // SAFETY: valid usage, and what is tested chains this structure first.
    unsafe {
        let import = &*(*info).p_next.cast::<vk::ImportMemoryWin32HandleInfoKHR<'_>>();
        assert_eq!(import.s_type, vk::StructureType::IMPORT_MEMORY_WIN32_HANDLE_INFO_KHR);
        assert!(import.handle_type == BIT && import.name.is_null());
        GIVEN.set(Some((import.handle, is_open(import.handle))));
        *memory = vk::DeviceMemory::from_raw(MEMORY);
    }
    RESULT.get()
}

unsafe extern "system" fn device_function(_: vk::Device, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: a name ends with a zero; the pointers are those of functions, which are called as what they are.
    unsafe {
        let pointer = match CStr::from_ptr(name).to_bytes() {
            b"vkGetMemoryWin32HandleKHR" => get_handle as *const (),
            b"vkGetMemoryWin32HandlePropertiesKHR" => get_properties as *const (),
            b"vkAllocateMemory" => allocate as *const (),
            _ => return None,
        };
        Some(std::mem::transmute::<*const (), unsafe extern "system" fn()>(pointer))
    }
}

/// A device of that driver, which answers so.
fn driver(answers: vk::Result) -> (ash::Device, Functions) {
    RESULT.set(answers);
    GIVEN.set(None);
    let load = |name: &CStr| {
        if name == c"vkGetDeviceProcAddr" { device_function as *const std::ffi::c_void } else { std::ptr::null() }
    };
    // SAFETY: the table has what is called here, and no handle is looked behind.
    unsafe {
        let instance = ash::Instance::load_with(load, vk::Instance::null());
        let device = ash::Device::load(instance.fp_v1_0(), vk::Device::null());
        let functions = functions(&instance, &device);
        (device, functions)
    }
}

fn section(len: u64) -> OwnedHandle {
    shm::create(len).unwrap().into()
}

fn event() -> Owned {
    // SAFETY: a new handle is ours alone.
    unsafe { handle::new(CreateEventW(std::ptr::null(), 0, 0, std::ptr::null())) }.unwrap()
}

fn import(answers: vk::Result, handle: OwnedHandle) -> Result<vk::DeviceMemory, (Option<OwnedHandle>, vk::Result)> {
    let (device, _) = driver(answers);
    let looked = look(&handle);
    // SAFETY: the driver of these tests asks for nothing.
    unsafe { allocate_imported(&device, vk::MemoryAllocateInfo::default(), handle, &looked, BIT) }
}

#[test]
fn an_import_that_succeeds_leaves_the_handle_to_be_closed_by_us() {
    let handle = section(64);
    let number = handle::number(&handle.0) as vk::HANDLE;

    let memory = import(vk::Result::SUCCESS, handle).unwrap();

    assert_eq!(memory, vk::DeviceMemory::from_raw(MEMORY));
    assert_eq!(GIVEN.get(), Some((number, true)), "open while the driver imports it");
    assert!(!is_open(number));
}

#[test]
fn an_import_that_fails_gives_the_handle_back() {
    let handle = section(64);
    let number = handle::number(&handle.0);

    let (back, result) = import(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE, handle).unwrap_err();

    assert_eq!(result, vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
    let back = back.unwrap();
    assert_eq!(handle::number(&back.0), number);
    assert!(is_open(number as vk::HANDLE));
}

#[test]
fn an_imported_number_stays_whose_it_was() {
    let handle = section(64);
    let number = handle::number(&handle.0);
    let (device, _) = driver(vk::Result::SUCCESS);

    // SAFETY: the driver of these tests asks for nothing.
    unsafe { allocate_number(&device, vk::MemoryAllocateInfo::default(), number, BIT) }.unwrap();

    assert!(is_open(number as vk::HANDLE));
}

#[test]
fn an_exported_handle_is_ours() {
    let given = shm::create(64).unwrap();
    let number = handle::number(&given);
    GIVES.set(number as vk::HANDLE);
    handle::release(given);
    let (_, functions) = driver(vk::Result::SUCCESS);

    let exported = export(&functions, vk::DeviceMemory::from_raw(MEMORY), BIT).unwrap();

    let Exported::Handle(handle) = exported else { panic!("a handle was given") };
    assert_eq!(handle::number(&handle.0), number);
    drop(handle);
    assert!(!is_open(number as vk::HANDLE));
}

#[test]
fn success_without_a_handle_is_told_from_a_handle() {
    let closed = handle::number(&shm::create(64).unwrap());
    // NULL, INVALID_HANDLE_VALUE, which is also the pseudo-handle of this process, that of this thread, and one that is closed.
    for number in [0, -1, -2, closed] {
        GIVES.set(number as vk::HANDLE);
        let (_, functions) = driver(vk::Result::SUCCESS);

        let exported = export(&functions, vk::DeviceMemory::from_raw(MEMORY), BIT).unwrap();

        assert!(matches!(exported, Exported::NoHandle(told) if told == number), "{number}");
    }
}

#[test]
fn a_driver_that_refuses_to_export_is_quoted() {
    GIVES.set(0);
    let (_, functions) = driver(vk::Result::ERROR_TOO_MANY_OBJECTS);
    let refused = export(&functions, vk::DeviceMemory::from_raw(MEMORY), BIT);
    assert_eq!(refused.err(), Some(vk::Result::ERROR_TOO_MANY_OBJECTS));
}

#[test]
fn a_driver_is_asked_what_a_foreign_handle_can_become() {
    let handle = section(64);
    let (_, functions) = driver(vk::Result::SUCCESS);

    let types = importable_types(&functions, &handle, vk::ExternalMemoryHandleTypeFlags::D3D12_RESOURCE);

    assert_eq!(types, Ok(0b101));
    assert_eq!(GIVEN.get(), Some((handle::number(&handle.0) as vk::HANDLE, true)));
}

#[test]
fn a_section_tells_its_size() {
    assert_eq!(look(&section(5000)).object, Object::Bytes(8192));
    let readable = handle::reduce(section(64).as_handle(), windows_sys::Win32::System::Memory::SECTION_MAP_READ).unwrap();
    assert_eq!(look(&readable.into()).object, Object::Opaque, "a handle that may not ask");
}

#[test]
fn what_is_never_memory_is_told() {
    let file: Owned = std::fs::File::open(std::env::current_exe().unwrap()).unwrap().into();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let expected: [(OwnedHandle, &str); 4] = [
        (file.into(), "file, pipe or device"),
        (Owned::from(pipe).into(), "file, pipe or device"),
        (process::open_self().unwrap().into(), "process"),
        (event().into(), "event"),
    ];
    for (handle, name) in expected {
        assert_eq!(look(&handle).object, Object::NeverMemory(name));
    }
}

#[test]
fn what_never_carries_a_signal_is_told() {
    let never = |handle: &Owned| handle::look_for_signals(handle).never;
    assert_eq!(never(&process::open_self().unwrap()), Some("process"));
    let (pipe, _writer) = std::io::pipe().unwrap();
    assert_eq!(never(&pipe.into()), Some("file, pipe or device"));
    // A software driver may well use these.
    assert_eq!(never(&event()), None);
    assert_eq!(never(&section(64).into()), None);
}

#[test]
fn an_exported_handle_is_made_one_that_no_child_inherits() {
    let event = event();
    let raw = event.as_raw_handle() as HANDLE;
    let inherited = || {
        let mut flags = 0;
        // SAFETY: the handle is open.
        assert_ne!(unsafe { windows_sys::Win32::Foundation::GetHandleInformation(raw, &mut flags) }, 0);
        flags & HANDLE_FLAG_INHERIT != 0
    };
    // SAFETY: as above.
    assert_ne!(unsafe { SetHandleInformation(raw, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) }, 0);
    assert!(inherited());

    handle::close_on_exec(&event).unwrap();
    assert!(!inherited());

    handle::close_on_exec(&event).unwrap();
    assert!(!inherited());
}
