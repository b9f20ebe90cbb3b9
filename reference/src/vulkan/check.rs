//! Whether the device can share such a texture, by its own report.

use std::sync::Arc;

use crate::format::Class;
use crate::handle::HandleType;
use crate::spec::{Placement, TextureSpec, Tiling};
use crate::texture::{Device, TextureError};
use crate::vulkan::capability::{TextureCapability, TextureQuestion, modifiers, queryable_types};
use crate::vulkan::device::VulkanDevice;

/// What the device can do with a texture that passed.
pub(super) struct Checked {
    /// Its answer; of several modifiers, to the first.
    pub(super) can: Arc<TextureCapability>,
    /// The DRM format modifiers that it can be created with, each with the number of its memory planes.
    pub(super) modifiers: Vec<(u64, u32)>,
}

impl VulkanDevice {
    pub(super) fn check_capability(
        &self,
        spec: &TextureSpec,
        handle_type: HandleType,
        importing: bool,
    ) -> Result<Checked, TextureError> {
        let dma_buf = handle_type == HandleType::DmaBuf && queryable_types(self.physical()).contains(&handle_type);
        if handle_type != self.handle_type() && !dma_buf {
            return Err(TextureError::WrongHandleType { found: handle_type, expected: self.handle_type() });
        }
        let needs_graphics = spec.samples > 1 || spec.format.class() == Class::DepthStencil;
        if needs_graphics && !self.logical.graphics {
            return Err(TextureError::Unsupported {
                what: format!("{}, {} samples: no graphics queue", spec.format, spec.samples),
            });
        }
        let asked = TextureQuestion::about(spec, handle_type);
        if spec.tiling != Tiling::Modifier {
            let can = self.logical.answers.about_texture(self.physical(), &asked);
            check(spec, &can, importing)?;
            return Ok(Checked { can, modifiers: Vec::new() });
        }
        let wanted = modifiers(self.physical(), spec.format).into_iter();
        let wanted = wanted.filter(|(modifier, _)| spec.modifier.is_none_or(|only| only == *modifier));
        let what = format!("{} with any modifier over {handle_type}", spec.format);
        let (mut possible, mut refused) = (Vec::new(), TextureError::Unsupported { what });
        let mut first = None;
        for (modifier, planes) in wanted {
            let asked = TextureQuestion { modifier: Some(modifier), ..asked };
            let can = self.logical.answers.about_texture(self.physical(), &asked);
            match check(spec, &can, importing) {
                Ok(()) => {
                    possible.push((modifier, planes));
                    first = first.or(Some(can));
                }
                Err(error) => refused = error,
            }
        }
        first.map(|can| Checked { can, modifiers: possible }).ok_or(refused)
    }
}

fn check(spec: &TextureSpec, can: &TextureCapability, importing: bool) -> Result<(), TextureError> {
    let unsupported = |what: String| Err(TextureError::Unsupported { what });
    let what = || format!("{} with {} tiling over {}", spec.format, spec.tiling, can.asked.handle_type);
    if can.result != "SUCCESS" {
        return unsupported(format!("{}: {}", what(), can.result));
    }
    if (!importing && spec.exportable && !can.exportable) || (importing && !can.importable) {
        let direction = if importing { "import" } else { "export" };
        return unsupported(format!("{direction} of {}", what()));
    }
    if spec.placement == Placement::Suballocated && can.dedicated_only {
        return unsupported(format!("{} in shared allocations: dedicated only", what()));
    }
    can.exceeded(spec).map_or(Ok(()), |exceeded| unsupported(format!("{}: {exceeded}", what())))
}
