//! Textures.

use gpushare::vulkan::VulkanDevice;
use gpushare::{Device, Format, Pattern, Placement, TextureDescriptor, TextureError, TextureSpec, Tiling};
use rstest::rstest;

use crate::on_each_driver;

/// What the device cannot do is no failure of this crate.
fn supported<T>(outcome: Result<T, TextureError>) -> Result<T, String> {
    match outcome {
        Ok(value) => Ok(value),
        Err(error @ TextureError::Unsupported { .. }) => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn fill(device: &VulkanDevice, texture: &mut <VulkanDevice as Device>::Texture, pattern: Pattern) {
    let spec = *device.spec(texture);
    device.write(texture, &mut |texels| pattern.fill(&spec, texels)).expect("written");
}

fn verify(device: &VulkanDevice, texture: &mut <VulkanDevice as Device>::Texture, pattern: Pattern) {
    let spec = *device.spec(texture);
    device
        .read(texture, &mut |texels| pattern.verify(&spec, texels).unwrap_or_else(|mismatch| panic!("{mismatch}")))
        .expect("read");
}

#[rstest]
fn a_texture_crosses_from_one_device_to_another(
    #[values(Tiling::Optimal, Tiling::Linear)] tiling: Tiling,
    #[values(Placement::Dedicated, Placement::Suballocated)] placement: Placement,
) {
    on_each_driver((tiling, placement), |(tiling, placement)| {
        // An odd width, so that a driver's row pitch is not the packed one.
        let spec = TextureSpec::new(Format::R8G8B8A8Unorm, 61, 43).with_tiling(tiling).with_placement(placement);
        let (here, there) = (supported(VulkanDevice::open(0))?, supported(VulkanDevice::open(0))?);
        let mut textures = supported(here.create_textures(&spec, if placement == Placement::Dedicated { 1 } else { 2 }))?;
        for (texture, seed) in textures.iter_mut().zip(1..) {
            fill(&here, texture, Pattern::seeded(seed));
            verify(&here, texture, Pattern::seeded(seed));
        }
        for (texture, seed) in textures.iter_mut().zip(1..) {
            let (descriptor, handle) = here.export_texture(texture).expect("exported");
            let descriptor = TextureDescriptor::parse(descriptor.to_text().as_bytes()).expect("it travels as text");
            let mut imported = there.import_texture(&descriptor, handle).expect("imported");
            verify(&there, &mut imported, Pattern::seeded(seed));
            fill(&there, &mut imported, Pattern::seeded(seed).at_frame(1));
            verify(&here, texture, Pattern::seeded(seed).at_frame(1));
        }
        Ok(())
    });
}

#[test]
fn an_imported_texture_outlives_its_exporter() {
    on_each_driver((), |()| {
        let there = supported(VulkanDevice::open(0))?;
        let mut imported = {
            let here = supported(VulkanDevice::open(0))?;
            let mut texture = supported(here.create_texture(&TextureSpec::new(Format::R8G8B8A8Unorm, 64, 64)))?;
            fill(&here, &mut texture, Pattern::seeded(5));
            let (descriptor, handle) = here.export_texture(&mut texture).expect("exported");
            there.import_texture(&descriptor, handle).expect("imported")
        };
        verify(&there, &mut imported, Pattern::seeded(5));
        Ok(())
    });
}

#[test]
fn a_short_object_is_refused_and_comes_back() {
    on_each_driver((), |()| {
        let device = supported(VulkanDevice::open(0))?;
        let mut texture = supported(device.create_texture(&TextureSpec::new(Format::R8G8B8A8Unorm, 64, 64)))?;
        let (descriptor, _) = device.export_texture(&mut texture).expect("exported");
        let short = gpushare::SharedMemory::create(16).and_then(|memory| memory.handle()).expect("shared memory");

        let refused = device.import_texture(&descriptor, short).map(|_| ()).expect_err("refused");

        assert!(matches!(refused.error, TextureError::ShortObject { found: 16, .. }), "{refused}");
        let handle = refused.handle.expect("the driver never saw it");
        gpushare::SharedMemory::attach(handle, 16).expect("it is still open");
        Ok(())
    });
}

#[test]
fn a_dedicated_allocation_holds_one_texture() {
    on_each_driver((), |()| {
        let device = supported(VulkanDevice::open(0))?;
        let dedicated = device.create_textures(&TextureSpec::new(Format::R8Unorm, 4, 4), 2).map(|_| ());

        assert!(matches!(dedicated, Err(TextureError::Unsupported { .. })), "{dedicated:?}");
        Ok(())
    });
}
