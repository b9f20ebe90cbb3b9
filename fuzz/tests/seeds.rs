//! The seeds of both targets: few, and each for a reason. `GPUSHARE_WRITE_SEEDS=1 cargo test` writes them again.

use std::collections::BTreeMap;
use std::path::Path;

use arbitrary::{Arbitrary as _, Unstructured};
use gpushare::host::HostDevice;
use gpushare::{Device as _, Format, Placement, TextureDescriptor, TextureSpec, Tiling, Usage};
use gpushare_fuzz::change::Change;
use gpushare_fuzz::import::{Outcome, try_import};
use gpushare_fuzz::input::Input;
use gpushare_fuzz::object::{Len, Object};

type Seeds = BTreeMap<String, Vec<u8>>;

/// Write the seeds where asked to, then compare.
fn write_and_compare(target: &str, seeds: &Seeds) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    if std::env::var_os("GPUSHARE_WRITE_SEEDS").is_some() {
        for (name, bytes) in seeds {
            std::fs::write(folder.join(name), bytes).expect("the corpus can be written");
        }
    }
    assert!(seeds.len() < 20);
    for (name, bytes) in seeds {
        assert!(bytes.len() < 1024, "{name} has {} bytes", bytes.len());
        assert_eq!(&std::fs::read(folder.join(name)).expect("run with GPUSHARE_WRITE_SEEDS=1"), bytes, "{name}");
    }
}

fn text(spec: &TextureSpec, change: impl FnOnce(&mut gpushare::descriptor::DescriptorFields)) -> Vec<u8> {
    let device = HostDevice::new();
    let mut texture = device.create_texture(spec).expect("a small texture");
    let (descriptor, _) = device.export_texture(&mut texture).expect("it is exportable");
    let mut fields = descriptor.into();
    change(&mut fields);
    TextureDescriptor::new(fields).expect("it makes sense").to_text().into_bytes()
}

#[test]
fn descriptors() {
    let optimal = TextureSpec::new(Format::R8G8B8A8Unorm, 64, 32);
    let linear = optimal.with_tiling(Tiling::Linear);
    let vulkan = |spec: &TextureSpec, handle_type| {
        text(spec, |fields| {
            fields.api = gpushare::Api::Vulkan;
            fields.handle_type = handle_type;
        })
    };
    let dma_buf = text(&linear, |fields| {
        (fields.api, fields.handle_type) = (gpushare::Api::Vulkan, gpushare::HandleType::DmaBuf);
        (fields.texture.tiling, fields.texture.modifier) = (Tiling::Modifier, Some(72_057_594_037_927_937));
        fields.texture.handle_type = Some(gpushare::HandleType::DmaBuf);
    });
    let pitched = text(&TextureSpec { layers: 3, ..linear }.with_placement(Placement::Suballocated), |fields| {
        let plane = &mut fields.planes[0];
        (plane.offset, plane.row_pitch, plane.array_pitch) = (16, 512, 20_000);
        fields.allocation_size = 1 << 20;
    });

    let seeds = Seeds::from([
        ("host-optimal".into(), text(&optimal, |_| ())),
        ("host-linear".into(), text(&linear, |_| ())),
        ("host-suballocated".into(), text(&optimal.with_placement(Placement::Suballocated), |_| ())),
        ("host-pitched-layers".into(), pitched),
        ("host-levels".into(), text(&linear.with_levels(7).with_layers(6), |_| ())),
        ("host-3d".into(), text(&TextureSpec::new(Format::R8Unorm, 8, 8).with_depth(8).with_levels(4), |_| ())),
        ("host-samples".into(), text(&TextureSpec { samples: 4, ..optimal }, |_| ())),
        (
            "host-planar".into(),
            text(&TextureSpec::new(Format::G8B8R8Planes2Every2x2, 16, 16).with_tiling(Tiling::Linear), |_| ()),
        ),
        ("host-depth-stencil".into(), text(&TextureSpec::new(Format::D24UnormS8Uint, 16, 16).with_usage(Usage::all()), |_| ())),
        ("vulkan-optimal".into(), vulkan(&optimal, gpushare::HandleType::OpaqueFd)),
        ("vulkan-linear".into(), vulkan(&linear, gpushare::HandleType::OpaqueFd)),
        ("vulkan-dma-buf".into(), dma_buf),
        ("not-a-descriptor".into(), b"{\"version\":1}".to_vec()),
    ]);

    for (name, seed) in &seeds {
        assert_eq!(TextureDescriptor::parse(seed).is_ok(), name != "not-a-descriptor", "{name}");
    }
    write_and_compare("descriptor", &seeds);
}

/// The first pseudo-random bytes that decode into an input as wanted: `arbitrary` decodes and cannot encode.
fn search(wanted: impl Fn(&Input) -> bool) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for _ in 0..5_000_000 {
        let len = 16 + usize::from(next() % 24);
        let bytes: Vec<u8> = (0..len).map(|_| next()).collect();
        if Input::arbitrary_take_rest(Unstructured::new(&bytes)).is_ok_and(|input| wanted(&input)) {
            return bytes;
        }
    }
    panic!("no bytes decode into what is wanted");
}

#[test]
fn imports() {
    let mut seeds = Seeds::new();
    for object in [
        Object::Exported,
        Object::OfAnotherTexture,
        Object::ReadOnlyMemory,
        Object::Pipe,
        Object::Socket,
        Object::File,
        Object::Directory,
        Object::Null,
        Object::Event,
    ] {
        let name = format!("{object:?}").to_lowercase();
        seeds.insert(name, search(|input| input.object == object && input.changes.is_empty()));
    }
    let memory = |wanted: fn(Len, u8) -> bool| {
        search(move |input| {
            matches!(input.object, Object::Memory { len, seals } if wanted(len, seals & 15)) && input.changes.is_empty()
        })
    };
    seeds.insert("memory-sealed".into(), memory(|len, seals| len == Len::Same && seals == 3));
    seeds.insert("memory-unsealed".into(), memory(|len, seals| len == Len::Same && seals == 0));
    seeds.insert("memory-shrinkable".into(), memory(|len, seals| len == Len::Same && seals == 2));
    seeds.insert("memory-short".into(), memory(|len, seals| matches!(len, Len::Less(1..)) && seals == 3));
    seeds.insert("memory-long".into(), memory(|len, seals| matches!(len, Len::More(1..)) && seals == 3));
    let larger = |input: &Input| {
        input.object == Object::Exported && matches!(input.changes[..], [Change::AllocationSizeBy(by)] if by > 0)
    };
    seeds.insert("exported-told-larger".into(), search(larger));
    let changed = |input: &Input| input.object == Object::Exported && !input.changes.is_empty();
    seeds.insert(
        "exported-changed-and-imported".into(),
        search(|input| changed(input) && try_import(input) == Outcome::Imported),
    );

    write_and_compare("import", &seeds);
}
