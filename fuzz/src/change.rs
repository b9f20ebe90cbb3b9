//! What may be wrong with a descriptor: any field, set or moved a little.

use arbitrary::Arbitrary;
use gpushare::descriptor::{DescriptorFields, PlaneLayout};
use gpushare::{Api, Creation, Dimension, Format, HandleType, Part, Placement, Tiling, Usage, Uuid};

/// One change of a descriptor.
#[derive(Arbitrary, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its field")]
pub enum Change {
    Version(u32),
    MadeByHost(bool),
    Device([u8; 16]),
    Driver([u8; 16]),
    HandleType(u8),
    AllocationSize(u64),
    AllocationSizeBy(i16),
    Offset(u64),
    OffsetBy(i16),
    MemoryType(u32),
    Format(u8),
    Width(u32),
    WidthBy(i8),
    Height(u32),
    HeightBy(i8),
    Layers(u32),
    LayersBy(i8),
    Linear(bool),
    Dedicated(bool),
    Exportable(bool),
    Deep(bool),
    Depth(u32),
    MipLevels(u32),
    MipLevelsBy(i8),
    Samples(u32),
    Usage(u32),
    Creation(u32),
    ExportedAs(Option<u8>),
    Modifier(Option<u64>),
    PlaneOffset(u64),
    RowPitch(u64),
    ArrayPitch(u64),
    DepthPitch(u64),
    OnePlaneLess,
    OnePlaneMore(u64, u64, u64, u64),
    /// The planes that belong to what the texture is now: without it, most changes of its extent are noticed at once.
    FittingPlanes,
}

impl Change {
    /// Make it.
    pub fn apply(&self, fields: &mut DescriptorFields) {
        let texture = &mut fields.texture;
        let plane = fields.planes.first_mut();
        match *self {
            Self::Version(version) => fields.version = version,
            Self::MadeByHost(host) => fields.api = if host { Api::Host } else { Api::Vulkan },
            Self::Device(bytes) => fields.device_uuid = Uuid(bytes),
            Self::Driver(bytes) => fields.driver_uuid = Uuid(bytes),
            Self::HandleType(index) => fields.handle_type = HandleType::ALL[usize::from(index) % HandleType::ALL.len()],
            Self::AllocationSize(bytes) => fields.allocation_size = bytes,
            Self::AllocationSizeBy(by) => fields.allocation_size = fields.allocation_size.wrapping_add_signed(by.into()),
            Self::Offset(bytes) => fields.offset = bytes,
            Self::OffsetBy(by) => fields.offset = fields.offset.wrapping_add_signed(by.into()),
            Self::MemoryType(index) => fields.memory_type_index = index,
            Self::Format(index) => texture.format = Format::ALL[usize::from(index) % Format::ALL.len()],
            Self::Width(width) => texture.width = width,
            Self::WidthBy(by) => texture.width = texture.width.wrapping_add_signed(by.into()),
            Self::Height(height) => texture.height = height,
            Self::HeightBy(by) => texture.height = texture.height.wrapping_add_signed(by.into()),
            Self::Layers(layers) => texture.layers = layers,
            Self::LayersBy(by) => texture.layers = texture.layers.wrapping_add_signed(by.into()),
            Self::Linear(linear) => texture.tiling = if linear { Tiling::Linear } else { Tiling::Optimal },
            Self::Dedicated(dedicated) => {
                texture.placement = if dedicated { Placement::Dedicated } else { Placement::Suballocated };
            }
            Self::Exportable(exportable) => texture.exportable = exportable,
            Self::Deep(deep) => texture.dimension = if deep { Dimension::D3 } else { Dimension::D2 },
            Self::Depth(depth) => texture.depth = depth,
            Self::MipLevels(levels) => texture.mip_levels = levels,
            Self::MipLevelsBy(by) => texture.mip_levels = texture.mip_levels.wrapping_add_signed(by.into()),
            Self::Samples(samples) => texture.samples = samples,
            Self::Usage(bits) => texture.usage = Usage::from_bits_retain(bits),
            Self::Creation(bits) => texture.creation = Creation::from_bits_retain(bits),
            Self::ExportedAs(index) => {
                texture.handle_type = index.map(|index| HandleType::ALL[usize::from(index) % HandleType::ALL.len()]);
            }
            Self::Modifier(modifier) => {
                texture.modifier = modifier;
                texture.tiling = if modifier.is_some() { Tiling::Modifier } else { texture.tiling };
            }
            Self::PlaneOffset(offset) => plane.into_iter().for_each(|plane| plane.offset = offset),
            Self::RowPitch(pitch) => plane.into_iter().for_each(|plane| plane.row_pitch = pitch),
            Self::ArrayPitch(pitch) => plane.into_iter().for_each(|plane| plane.array_pitch = pitch),
            Self::OnePlaneLess => drop(fields.planes.pop()),
            Self::DepthPitch(pitch) => plane.into_iter().for_each(|plane| plane.depth_pitch = pitch),
            Self::OnePlaneMore(offset, row_pitch, array_pitch, depth_pitch) => {
                fields.planes.push(PlaneLayout { offset, row_pitch, array_pitch, depth_pitch });
            }
            Self::FittingPlanes => {
                let deep = texture.dimension == Dimension::D3;
                let fitting = |part: Part| {
                    let pitch = part.slice_bytes();
                    let (array_pitch, depth_pitch) = if deep { (0, pitch) } else { (pitch, 0) };
                    PlaneLayout { offset: part.offset, row_pitch: part.row_bytes(), array_pitch, depth_pitch }
                };
                let linear = texture.tiling == Tiling::Linear;
                fields.planes = if linear { texture.parts().map(fitting).collect() } else { Vec::new() };
            }
        }
    }
}
