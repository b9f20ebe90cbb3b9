//! Creating: what is refused, and that no count of textures overflows a size.

use gpushare::host::HostDevice;
use gpushare::{Device, Format, HandleType, Placement, TextureError, TextureSpec};
use rstest::rstest;

use crate::census::Census;

fn spec() -> TextureSpec {
    TextureSpec::new(Format::R8G8B8A8Unorm, 8, 8)
}

#[rstest]
#[case::no_width(TextureSpec { width: 0, ..spec() }, 1, "descriptor: width is 0, allowed is 1 to 65536")]
#[case::too_many_layers(TextureSpec { layers: 5000, ..spec() }, 1, "descriptor: layers is 5000, allowed is 1 to 4096")]
#[case::two_in_a_dedicated_allocation(spec(), 2, "the device does not support 2 textures in one dedicated allocation")]
#[case::none_in_a_dedicated_allocation(spec(), 0, "the device does not support 0 textures in one dedicated allocation")]
#[case::more_than_an_allocation_may_have(
    TextureSpec { width: 65_536, height: 65_536, ..spec() }.with_placement(Placement::Suballocated),
    64,
    "descriptor: allocation_size is 1099511635968, allowed is 1 to 1099511627776"
)]
#[case::more_than_a_number_can_count(
    TextureSpec { width: 65_536, height: 65_536, ..spec() }.with_placement(Placement::Suballocated),
    u32::MAX,
    "descriptor: allocation_size is 18446744073709551615, allowed is 1 to 1099511627776"
)]
fn what_cannot_be_created(#[case] spec: TextureSpec, #[case] count: u32, #[case] expected: &str) {
    let _census = Census::take();

    let error = HostDevice::new().create_textures(&spec, count).expect_err("refused");

    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_texture_not_declared_exportable_stays_here() {
    let _census = Census::take();
    let device = HostDevice::default();
    let mut texture = device.create_texture(&TextureSpec { exportable: false, ..spec() }).expect("created");

    let error = device.export_texture(&mut texture).expect_err("refused");

    assert!(matches!(error, TextureError::NotExportable), "{error:?}");
}

#[test]
fn textures_of_one_allocation_do_not_overlap() {
    let _census = Census::take();
    let device = HostDevice::new();
    let mut textures = device.create_textures(&spec().with_placement(Placement::Suballocated), 3).expect("created");

    let places: Vec<(u64, u64)> = textures
        .iter_mut()
        .map(|texture| device.export_texture(texture).expect("exported").0)
        .map(|descriptor| (descriptor.fields().offset, descriptor.fields().allocation_size))
        .collect();

    // An offset above zero for each, so that an importer that drops it reads another texture or none.
    assert_eq!(places, [(4096, 20_480), (8192, 20_480), (12_288, 20_480)]);
}

#[test]
fn the_identity_is_that_of_the_layout() {
    let device = HostDevice::new();

    assert_eq!(device.handle_type(), HandleType::SharedMemory);
    assert_eq!(device.identity(), HostDevice::new().identity());
}
