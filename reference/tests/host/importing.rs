//! Importing: each descriptor and each handle that does not fit is refused, and the handle comes back.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use gpushare::descriptor::{DescriptorFields as Fields, PlaneLayout};
use gpushare::host::HostDevice;
use gpushare::{
    Api, Device, Format, HandleType, OwnedHandle, Placement, TextureDescriptor, TextureError, TextureSpec, Tiling, Uuid,
};
use rstest::rstest;
use rustix::fs::SealFlags;

use crate::census::Census;
use crate::objects;

/// 16 × 4 texels of four bytes: 256 bytes.
fn exported() -> (Fields, OwnedHandle) {
    let device = HostDevice::new();
    let spec = TextureSpec::new(Format::R8G8B8A8Unorm, 16, 4).with_tiling(Tiling::Linear);
    let mut texture = device.create_texture(&spec).expect("created");
    let (descriptor, handle) = device.export_texture(&mut texture).expect("exported");
    (descriptor.into(), handle)
}

fn refuse(fields: Fields, handle: OwnedHandle) -> TextureError {
    let number = handle.as_fd().as_raw_fd();
    let descriptor = TextureDescriptor::new(fields).expect("it makes sense in itself");

    let refused = HostDevice::new().import_texture(&descriptor, handle).expect_err("refused");

    assert_eq!(refused.to_string(), format!("import refused: {}", refused.error));
    let returned = refused.handle.expect("only a successful import consumes the handle");
    assert_eq!(returned.as_fd().as_raw_fd(), number);
    assert!(rustix::fs::fstat(&returned).is_ok(), "it is still open");
    refused.error
}

fn of_vulkan(fields: &mut Fields) {
    fields.api = Api::Vulkan;
    fields.handle_type = HandleType::OpaqueFd;
}

#[rstest]
#[case::made_by_vulkan(of_vulkan, "cannot import a handle of type opaque_fd, this device imports shared_memory")]
#[case::another_device(|f: &mut Fields| f.device_uuid = Uuid([0; 16]), "the texture was exported by device 00000000000000000000000000000000, this is device 67707573686172652d686f73742d3030; an opaque handle crosses only within one device")]
#[case::another_driver(|f: &mut Fields| f.driver_uuid = Uuid([0; 16]), "the texture was exported by driver 00000000000000000000000000000000, this is driver 686f73742d6c61796f75742d30303031; an opaque handle crosses only within one driver build")]
#[case::another_memory_type(|f: &mut Fields| f.memory_type_index = 1, "descriptor: memory_type_index is 1, this device has 0")]
#[case::rows_further_apart(|f: &mut Fields| { f.planes[0].row_pitch = 128; f.allocation_size = 512 }, "descriptor: planes is [PlaneLayout { offset: 0, row_pitch: 128, array_pitch: 256, depth_pitch: 0 }], this device has [PlaneLayout { offset: 0, row_pitch: 64, array_pitch: 256, depth_pitch: 0 }]")]
#[case::later_plane(|f: &mut Fields| { f.planes[0] = PlaneLayout { offset: 64, ..f.planes[0] }; f.allocation_size = 512 }, "descriptor: planes is [PlaneLayout { offset: 64, row_pitch: 64, array_pitch: 256, depth_pitch: 0 }], this device has [PlaneLayout { offset: 0, row_pitch: 64, array_pitch: 256, depth_pitch: 0 }]")]
#[case::more_memory_than_it_needs(|f: &mut Fields| f.allocation_size = 257, "descriptor: allocation_size is 257, this device has 256 bytes for this texture")]
#[case::more_memory_than_there_is(|f: &mut Fields| (f.texture.placement, f.allocation_size) = (Placement::Suballocated, 257), "the object behind the handle has 256 bytes, the descriptor says 257")]
#[case::a_larger_texture(|f: &mut Fields| { f.texture.height = 8; f.allocation_size = 512; f.planes[0].array_pitch = 512 }, "the object behind the handle has 256 bytes, the descriptor says 512")]
#[case::less_memory_than_there_is(|f: &mut Fields| { f.texture.height = 2; f.allocation_size = 128; f.planes[0].array_pitch = 128 }, "the shared memory object has 256 bytes, expected 128")]
fn a_descriptor_that_does_not_fit(#[case] spoil: fn(&mut Fields), #[case] expected: &str) {
    let _census = Census::take();
    let (mut fields, handle) = exported();
    spoil(&mut fields);

    assert_eq!(refuse(fields, handle).to_string(), expected);
}

#[rstest]
#[case::pipe(objects::pipe, "the handle is not valid as shared_memory: it is a pipe")]
#[case::socket(objects::socket, "the handle is not valid as shared_memory: it is a socket")]
#[case::file(objects::file, "the handle is not valid as shared_memory: it is a file")]
#[case::directory(objects::directory, "the handle is not valid as shared_memory: it is a directory")]
#[case::null(objects::null, "the handle is not valid as shared_memory: it is a character device")]
#[case::event(objects::event, "the handle is not valid as shared_memory: it is a special file")]
#[case::unsealed(|| objects::memory(256, SealFlags::empty()), "the handle is not valid as shared_memory: the shared memory object is not sealed against shrinking and growing; its owner could make every access fault")]
#[case::short(|| objects::sealed(255), "the object behind the handle has 255 bytes, the descriptor says 256")]
#[case::long(|| objects::sealed(4096), "the shared memory object has 4096 bytes, expected 256")]
#[case::sealed_against_writing(|| objects::memory(256, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE), "the shared memory object can be read only: Operation not permitted (os error 1); ask its owner for one to write to")]
fn a_handle_of_another_object(#[case] make: fn() -> OwnedFd, #[case] expected: &str) {
    let _census = Census::take();
    let (fields, _) = exported();

    assert_eq!(refuse(fields, make().into()).to_string(), expected);
}

#[test]
fn somebody_elses_sealed_memory_is_as_good() {
    let _census = Census::take();
    let (fields, _) = exported();
    let descriptor = TextureDescriptor::new(fields).expect("valid");

    let imported = HostDevice::new().import_texture(&descriptor, objects::sealed(256).into());

    assert!(imported.is_ok(), "{imported:?}");
}
