//! The table of formats: one line each.

use crate::format::{Numbers, Plane};

/// A line is the variant, the `VkFormat` without its prefix, the name in case ids, and the planes.
macro_rules! formats {
    ($($variant:ident $vulkan:ident $short:literal [$($plane:expr),+];)+) => {
        /// A texel format, named after its `VkFormat`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Format {
            $(#[doc = concat!("`VK_FORMAT_", stringify!($vulkan), "`.")] $variant,)+
        }

        impl Format {
            /// Every format, smallest texel first within a class.
            pub const ALL: [Self; [$($short),+].len()] = [$(Self::$variant),+];

            /// The `VkFormat` without its prefix, in capitals.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($vulkan)),+ }
            }

            /// The name used in case ids, e.g. `rgba8_unorm`.
            #[must_use]
            pub const fn short_name(self) -> &'static str {
                match self { $(Self::$variant => $short),+ }
            }

            /// Its planes; at least one.
            #[must_use]
            pub const fn planes(self) -> &'static [Plane] {
                match self { $(Self::$variant => const { &[$($plane),+] }),+ }
            }

            /// The format with this `VkFormat`'s name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|format| format.name() == name)
            }

            pub(crate) const fn vulkan(self) -> ash::vk::Format {
                match self { $(Self::$variant => ash::vk::Format::$vulkan),+ }
            }
        }
    };
}

formats! {
    // Colour, 1 byte a texel.
    R8Unorm R8_UNORM "r8_unorm" [Plane::color(1)];
    R8Snorm R8_SNORM "r8_snorm" [Plane::color(1)];
    R8Uint R8_UINT "r8_uint" [Plane::color(1)];
    R8Sint R8_SINT "r8_sint" [Plane::color(1)];
    R8Srgb R8_SRGB "r8_srgb" [Plane::color(1)];
    // 2 bytes.
    R8G8Unorm R8G8_UNORM "rg8_unorm" [Plane::color(2)];
    R8G8Snorm R8G8_SNORM "rg8_snorm" [Plane::color(2)];
    R8G8Uint R8G8_UINT "rg8_uint" [Plane::color(2)];
    R5G6B5Unorm R5G6B5_UNORM_PACK16 "r5g6b5_unorm" [Plane::color(2)];
    A1R5G5B5Unorm A1R5G5B5_UNORM_PACK16 "a1rgb5_unorm" [Plane::color(2)];
    R4G4B4A4Unorm R4G4B4A4_UNORM_PACK16 "rgba4_unorm" [Plane::color(2)];
    R16Unorm R16_UNORM "r16_unorm" [Plane::color(2)];
    R16Uint R16_UINT "r16_uint" [Plane::color(2)];
    R16Sfloat R16_SFLOAT "r16_sfloat" [Plane::color_of(2, Numbers::Half)];
    // 3 bytes.
    R8G8B8Unorm R8G8B8_UNORM "rgb8_unorm" [Plane::color(3)];
    // 4 bytes.
    R8G8B8A8Unorm R8G8B8A8_UNORM "rgba8_unorm" [Plane::color(4)];
    R8G8B8A8Snorm R8G8B8A8_SNORM "rgba8_snorm" [Plane::color(4)];
    R8G8B8A8Uint R8G8B8A8_UINT "rgba8_uint" [Plane::color(4)];
    R8G8B8A8Sint R8G8B8A8_SINT "rgba8_sint" [Plane::color(4)];
    R8G8B8A8Srgb R8G8B8A8_SRGB "rgba8_srgb" [Plane::color(4)];
    B8G8R8A8Unorm B8G8R8A8_UNORM "bgra8_unorm" [Plane::color(4)];
    B8G8R8A8Srgb B8G8R8A8_SRGB "bgra8_srgb" [Plane::color(4)];
    A8B8G8R8Unorm A8B8G8R8_UNORM_PACK32 "abgr8_unorm" [Plane::color(4)];
    A2B10G10R10Unorm A2B10G10R10_UNORM_PACK32 "rgb10a2_unorm" [Plane::color(4)];
    A2B10G10R10Uint A2B10G10R10_UINT_PACK32 "rgb10a2_uint" [Plane::color(4)];
    A2R10G10B10Unorm A2R10G10B10_UNORM_PACK32 "bgr10a2_unorm" [Plane::color(4)];
    R16G16Unorm R16G16_UNORM "rg16_unorm" [Plane::color(4)];
    R16G16Sfloat R16G16_SFLOAT "rg16_sfloat" [Plane::color_of(4, Numbers::Half)];
    R32Uint R32_UINT "r32_uint" [Plane::color(4)];
    R32Sint R32_SINT "r32_sint" [Plane::color(4)];
    R32Sfloat R32_SFLOAT "r32_sfloat" [Plane::color_of(4, Numbers::Single)];
    B10G11R11Ufloat B10G11R11_UFLOAT_PACK32 "r11g11b10_ufloat" [Plane::color_of(4, Numbers::PackedFloat)];
    E5B9G9R9Ufloat E5B9G9R9_UFLOAT_PACK32 "rgb9e5_ufloat" [Plane::color(4)];
    // 6 bytes.
    R16G16B16Sfloat R16G16B16_SFLOAT "rgb16_sfloat" [Plane::color_of(6, Numbers::Half)];
    // 8 bytes.
    R16G16B16A16Unorm R16G16B16A16_UNORM "rgba16_unorm" [Plane::color(8)];
    R16G16B16A16Uint R16G16B16A16_UINT "rgba16_uint" [Plane::color(8)];
    R16G16B16A16Sfloat R16G16B16A16_SFLOAT "rgba16_sfloat" [Plane::color_of(8, Numbers::Half)];
    R32G32Uint R32G32_UINT "rg32_uint" [Plane::color(8)];
    R32G32Sfloat R32G32_SFLOAT "rg32_sfloat" [Plane::color_of(8, Numbers::Single)];
    R64Uint R64_UINT "r64_uint" [Plane::color(8)];
    R64Sfloat R64_SFLOAT "r64_sfloat" [Plane::color_of(8, Numbers::Double)];
    // 12 and 16 bytes.
    R32G32B32Sfloat R32G32B32_SFLOAT "rgb32_sfloat" [Plane::color_of(12, Numbers::Single)];
    R32G32B32A32Uint R32G32B32A32_UINT "rgba32_uint" [Plane::color(16)];
    R32G32B32A32Sint R32G32B32A32_SINT "rgba32_sint" [Plane::color(16)];
    R32G32B32A32Sfloat R32G32B32A32_SFLOAT "rgba32_sfloat" [Plane::color_of(16, Numbers::Single)];
    // Depth and stencil.
    D16Unorm D16_UNORM "d16_unorm" [Plane::depth(2, Numbers::Integer)];
    X8D24Unorm X8_D24_UNORM_PACK32 "x8d24_unorm" [Plane::depth(4, Numbers::Low24)];
    D32Sfloat D32_SFLOAT "d32_sfloat" [Plane::depth(4, Numbers::UnitSingle)];
    S8Uint S8_UINT "s8_uint" [Plane::STENCIL];
    D16UnormS8Uint D16_UNORM_S8_UINT "d16_unorm_s8_uint" [Plane::depth(2, Numbers::Integer), Plane::STENCIL];
    D24UnormS8Uint D24_UNORM_S8_UINT "d24_unorm_s8_uint" [Plane::depth(4, Numbers::Low24), Plane::STENCIL];
    D32SfloatS8Uint D32_SFLOAT_S8_UINT "d32_sfloat_s8_uint" [Plane::depth(4, Numbers::UnitSingle), Plane::STENCIL];
    // Compressed in blocks of 4×4: BC, ETC2, EAC.
    Bc1RgbUnorm BC1_RGB_UNORM_BLOCK "bc1_rgb_unorm" [Plane::blocks(4, 4, 8)];
    Bc1RgbaUnorm BC1_RGBA_UNORM_BLOCK "bc1_rgba_unorm" [Plane::blocks(4, 4, 8)];
    Bc2Unorm BC2_UNORM_BLOCK "bc2_unorm" [Plane::blocks(4, 4, 16)];
    Bc3Unorm BC3_UNORM_BLOCK "bc3_unorm" [Plane::blocks(4, 4, 16)];
    Bc3Srgb BC3_SRGB_BLOCK "bc3_srgb" [Plane::blocks(4, 4, 16)];
    Bc4Unorm BC4_UNORM_BLOCK "bc4_unorm" [Plane::blocks(4, 4, 8)];
    Bc5Snorm BC5_SNORM_BLOCK "bc5_snorm" [Plane::blocks(4, 4, 16)];
    Bc6hUfloat BC6H_UFLOAT_BLOCK "bc6h_ufloat" [Plane::blocks(4, 4, 16)];
    Bc7Unorm BC7_UNORM_BLOCK "bc7_unorm" [Plane::blocks(4, 4, 16)];
    Bc7Srgb BC7_SRGB_BLOCK "bc7_srgb" [Plane::blocks(4, 4, 16)];
    Etc2R8G8B8Unorm ETC2_R8G8B8_UNORM_BLOCK "etc2_rgb8_unorm" [Plane::blocks(4, 4, 8)];
    Etc2R8G8B8A1Unorm ETC2_R8G8B8A1_UNORM_BLOCK "etc2_rgb8a1_unorm" [Plane::blocks(4, 4, 8)];
    Etc2R8G8B8A8Unorm ETC2_R8G8B8A8_UNORM_BLOCK "etc2_rgba8_unorm" [Plane::blocks(4, 4, 16)];
    EacR11Unorm EAC_R11_UNORM_BLOCK "eac_r11_unorm" [Plane::blocks(4, 4, 8)];
    EacR11G11Unorm EAC_R11G11_UNORM_BLOCK "eac_rg11_unorm" [Plane::blocks(4, 4, 16)];
    // Compressed in blocks of other sizes: ASTC.
    Astc4x4Unorm ASTC_4X4_UNORM_BLOCK "astc_4x4_unorm" [Plane::blocks(4, 4, 16)];
    Astc5x4Unorm ASTC_5X4_UNORM_BLOCK "astc_5x4_unorm" [Plane::blocks(5, 4, 16)];
    Astc6x6Unorm ASTC_6X6_UNORM_BLOCK "astc_6x6_unorm" [Plane::blocks(6, 6, 16)];
    Astc8x5Unorm ASTC_8X5_UNORM_BLOCK "astc_8x5_unorm" [Plane::blocks(8, 5, 16)];
    Astc10x8Unorm ASTC_10X8_UNORM_BLOCK "astc_10x8_unorm" [Plane::blocks(10, 8, 16)];
    Astc12x12Unorm ASTC_12X12_UNORM_BLOCK "astc_12x12_unorm" [Plane::blocks(12, 12, 16)];
    // Luma and chroma: pairs of texels, and planes.
    G8B8G8R8 G8B8G8R8_422_UNORM "g8b8g8r8_422_unorm" [Plane::blocks(2, 1, 4)];
    B8G8R8G8 B8G8R8G8_422_UNORM "b8g8r8g8_422_unorm" [Plane::blocks(2, 1, 4)];
    G8B8R8Planes3Every2x2 G8_B8_R8_3PLANE_420_UNORM "g8_b8_r8_420_unorm" [Plane::luma(1), Plane::chroma(1).every(2, 2), Plane::chroma2(1).every(2, 2)];
    G8B8R8Planes2Every2x2 G8_B8R8_2PLANE_420_UNORM "g8_b8r8_420_unorm" [Plane::luma(1), Plane::chroma(2).every(2, 2)];
    G8B8R8Planes3Every2x1 G8_B8_R8_3PLANE_422_UNORM "g8_b8_r8_422_unorm" [Plane::luma(1), Plane::chroma(1).every(2, 1), Plane::chroma2(1).every(2, 1)];
    G8B8R8Planes2Every2x1 G8_B8R8_2PLANE_422_UNORM "g8_b8r8_422_unorm" [Plane::luma(1), Plane::chroma(2).every(2, 1)];
    G8B8R8Planes3 G8_B8_R8_3PLANE_444_UNORM "g8_b8_r8_444_unorm" [Plane::luma(1), Plane::chroma(1), Plane::chroma2(1)];
    G10B10R10Planes2Every2x2 G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16 "g10_b10r10_420_unorm" [Plane::luma(2).of_10_bits(), Plane::chroma(4).of_10_bits().every(2, 2)];
    G16B16R16Planes2Every2x2 G16_B16R16_2PLANE_420_UNORM "g16_b16r16_420_unorm" [Plane::luma(2), Plane::chroma(4).every(2, 2)];
}
