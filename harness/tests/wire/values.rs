//! The values that the examples are made of.

use gpushare::descriptor::{DescriptorFields, PlaneLayout};
use gpushare::pattern::{Likeness, Mismatch};
use gpushare::sync::SyncFields;
use gpushare::{
    Api, Format, HandleType, Identity, Pattern, Placement, SyncDescriptor, SyncKind, TextureDescriptor, TextureSpec, Tiling,
    Uuid,
};

pub(crate) const PATTERN: Pattern = Pattern { seed: 42, frame: 3 };

pub(crate) fn spec() -> TextureSpec {
    TextureSpec::new(Format::R8G8B8A8Unorm, 64, 32).with_tiling(Tiling::Linear).with_placement(Placement::Suballocated)
}

pub(crate) fn fields() -> DescriptorFields {
    DescriptorFields {
        version: TextureDescriptor::VERSION,
        api: Api::Vulkan,
        device_uuid: Uuid([0xd0; 16]),
        driver_uuid: Uuid([0x0d; 16]),
        handle_type: HandleType::OpaqueFd,
        allocation_size: 65_536,
        offset: 4096,
        memory_type_index: 1,
        texture: spec(),
        planes: vec![PlaneLayout { offset: 0, row_pitch: 256, array_pitch: 8192, depth_pitch: 0 }],
    }
}

pub(crate) fn identity() -> Identity {
    Identity {
        api: Api::Vulkan,
        device_name: "a device".into(),
        driver_name: "a driver".into(),
        driver_info: "1.2.3".into(),
        driver_version: 4_198_403,
        api_version: "1.3.0".into(),
        device_uuid: Uuid([0xd0; 16]),
        driver_uuid: Uuid([0x0d; 16]),
    }
}

pub(crate) fn sync_fields() -> SyncFields {
    SyncFields {
        version: SyncDescriptor::VERSION,
        kind: SyncKind::Semaphore,
        api: Api::Vulkan,
        device_uuid: Uuid([0xd0; 16]),
        driver_uuid: Uuid([0x0d; 16]),
        handle_type: HandleType::SyncFd,
    }
}

pub(crate) fn mismatch() -> Mismatch {
    Mismatch {
        wrong: 2048,
        total: 2048,
        at: (0, 0, 0),
        level: 0,
        plane: 0,
        found: "00000000".into(),
        expected: "0f76abb2".into(),
        looks_like: Likeness::Zero,
    }
}

/// What is read is what was written.
pub(crate) fn read_as_written<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = serde_json::to_string(value).expect("it serialises");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("it is read"), value);
}
