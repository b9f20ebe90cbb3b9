//! What one device writes, another reads: through export and import, in both directions.

use gpushare::host::HostDevice;
use gpushare::pattern::Mismatch;
use gpushare::{Device, Format, Pattern, Placement, TextureDescriptor, TextureSpec};
use proptest::prelude::*;

use crate::any_spec::any_spec;
use crate::census::Census;

fn fill<D: Device>(device: &D, texture: &mut D::Texture, pattern: Pattern) {
    let spec = *device.spec(texture);
    device.write(texture, &mut |texels| pattern.fill(&spec, texels)).expect("written");
}

fn verify<D: Device>(device: &D, texture: &mut D::Texture, pattern: Pattern) -> Result<(), Box<Mismatch>> {
    let spec = *device.spec(texture);
    let mut outcome = Ok(());
    device.read(texture, &mut |texels| outcome = pattern.verify(&spec, texels)).expect("read");
    outcome
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_texture_crosses(spec in any_spec(70), seed in any::<u64>(), in_one_allocation in 1..4u32) {
        let _census = Census::take();
        let (here, there) = (HostDevice::new(), HostDevice::new());
        let count = if spec.placement == Placement::Dedicated { 1 } else { in_one_allocation };
        let mut textures = here.create_textures(&spec, count).expect("created");
        assert_eq!(textures.len() as u32, count);
        let pattern = |index: usize| Pattern::seeded(seed ^ index as u64);
        for (index, texture) in textures.iter_mut().enumerate() {
            fill(&here, texture, pattern(index));
        }

        let mut imported = Vec::new();
        for texture in &mut textures {
            let (descriptor, handle) = here.export_texture(texture).expect("exported");
            let text = descriptor.to_text();
            let descriptor = TextureDescriptor::parse(text.as_bytes()).expect("it travels as text");
            imported.push(there.import_texture(&descriptor, handle).expect("imported"));
        }

        for (index, texture) in imported.iter_mut().enumerate() {
            assert_eq!(there.spec(texture), &spec);
            assert_eq!(verify(&there, texture, pattern(index)), Ok(()), "texture {index} on its way there");
            fill(&there, texture, pattern(index).at_frame(1));
        }
        for (index, texture) in textures.iter_mut().enumerate() {
            assert_eq!(verify(&here, texture, pattern(index).at_frame(1)), Ok(()), "texture {index} on its way back");
        }
    }
}

#[test]
fn an_imported_texture_can_be_exported_again_and_outlives_the_first() {
    let _census = Census::take();
    let device = HostDevice::new();
    let mut first = device.create_texture(&TextureSpec::new(Format::R8G8B8A8Unorm, 33, 9)).expect("created");
    fill(&device, &mut first, Pattern::seeded(3));
    let (descriptor, handle) = device.export_texture(&mut first).expect("exported");
    let mut second = device.import_texture(&descriptor, handle).expect("imported");
    drop(first);
    let (again, handle) = device.export_texture(&mut second).expect("exported again");
    drop(second);

    let mut third = device.import_texture(&again, handle).expect("imported again");

    assert_eq!(again, descriptor);
    assert_eq!(verify(&device, &mut third, Pattern::seeded(3)), Ok(()));
}

#[test]
fn staging_of_a_larger_texture_does_not_leak_into_a_smaller_one() {
    let _census = Census::take();
    let device = HostDevice::new();
    let mut large = device.create_texture(&TextureSpec::new(Format::R8Unorm, 64, 64)).expect("created");
    let mut small = device.create_texture(&TextureSpec::new(Format::R8Unorm, 3, 3)).expect("created");
    fill(&device, &mut large, Pattern::seeded(1));
    fill(&device, &mut small, Pattern::seeded(2));

    device.write(&mut small, &mut |texels| assert_eq!(texels.len(), 9)).expect("written");
    device.read(&mut small, &mut |texels| assert_eq!(texels.len(), 9)).expect("read");

    assert_eq!(verify(&device, &mut large, Pattern::seeded(1)), Ok(()));
}
