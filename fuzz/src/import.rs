//! The import itself, and what must hold after it.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use gpushare::host::{HostDevice, HostTexture};
use gpushare::{Device, Format, OwnedHandle, Pattern, Refused, TextureDescriptor, TextureSpec};

use crate::input::Input;
use crate::invariants::assert_sound;
use crate::object::Object;

/// What became of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The descriptor contradicts itself.
    NoDescriptor,
    /// The import was refused.
    Refused,
    /// There is a texture, and it works.
    Imported,
}

/// Try it. Panics where a promise is broken.
#[must_use]
pub fn try_import(input: &Input) -> Outcome {
    let device = HostDevice::new();
    let mut texture = device.create_texture(&input.texture).expect("a small texture");
    let (descriptor, exported) = device.export_texture(&mut texture).expect("it is exportable");
    let mut fields = descriptor.into();
    for change in &input.changes {
        change.apply(&mut fields);
    }
    let Ok(descriptor) = TextureDescriptor::new(fields) else { return Outcome::NoDescriptor };
    assert_sound(&descriptor);
    let handle = match input.object.make(descriptor.fields().allocation_size) {
        Some(made) => made.into(),
        None if input.object == Object::Exported => exported,
        None => of_another_texture(&device),
    };
    let (number, before) = (handle.as_fd().as_raw_fd(), stat(&handle));
    // A second look at the memory, past the library.
    let beside = handle.try_clone().expect("a duplicate");
    match device.import_texture(&descriptor, handle) {
        Ok(imported) => {
            assert_works(&device, imported, &descriptor, &beside.into(), Pattern::seeded(input.seed));
            Outcome::Imported
        }
        Err(Refused { handle, .. }) => {
            let returned = handle.expect("only a successful import consumes the handle");
            assert_eq!((returned.as_fd().as_raw_fd(), stat(&returned)), (number, before));
            Outcome::Refused
        }
    }
}

fn of_another_texture(device: &HostDevice) -> OwnedHandle {
    let mut other = device.create_texture(&TextureSpec::new(Format::R8G8B8A8Unorm, 16, 16)).expect("a small texture");
    device.export_texture(&mut other).expect("it is exportable").1
}

/// Device, inode and size of the object behind a handle.
fn stat(handle: &OwnedHandle) -> (u64, u64, i64) {
    let stat = rustix::fs::fstat(handle).expect("an open handle");
    (stat.st_dev, stat.st_ino, stat.st_size)
}

fn assert_works(
    device: &HostDevice,
    mut texture: HostTexture,
    descriptor: &TextureDescriptor,
    memory: &OwnedFd,
    pattern: Pattern,
) {
    let fields = descriptor.fields();
    assert_eq!(device.spec(&texture), &fields.texture);
    let size = rustix::fs::fstat(memory).expect("an open handle").st_size;
    let end = fields.offset + fields.texture.packed_bytes() * u64::from(fields.texture.samples);
    assert!(end <= u64::try_from(size).expect("a size"), "the texture ends at {end} of {size} bytes");
    device.write(&mut texture, &mut |texels| pattern.fill(&fields.texture, texels)).expect("it can be written");
    let verify = |texels: &[u8]| pattern.verify(&fields.texture, texels).unwrap_or_else(|wrong| panic!("{wrong}"));
    device.read(&mut texture, &mut |texels| verify(texels)).expect("it can be read");
    let mut bytes = vec![0; usize::try_from(fields.texture.packed_bytes()).expect("small")];
    assert_eq!(rustix::io::pread(memory, &mut bytes, fields.offset), Ok(bytes.len()));
    verify(&bytes);
}
