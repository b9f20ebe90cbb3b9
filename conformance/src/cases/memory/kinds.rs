//! Textures of each kind, and what has to hold for all of them: the same scripts for mip levels, layers, 3D, samples, depth, blocks,
//! planes, usages and flags.

mod scripts;
mod specs;

use gpushare::TextureSpec;
use gpushare::descriptor::DescriptorFields;

use crate::case::Cases;
use scripts::{Reach, SCRIPTS};
use specs::{DMA_BUF, KINDS};

/// Textures that have something in common that drivers treat for itself.
struct Kind {
    /// The beginning of its cases' names.
    name: &'static str,
    specs: fn() -> Vec<TextureSpec>,
    /// Says of a texture that it is another one, which needs another amount of memory.
    lie: fn(&mut DescriptorFields),
}

pub(super) fn define(cases: &mut Cases<'_>) {
    for kind in KINDS {
        define_kind(cases, kind);
    }
}

/// Those over dma-bufs, which have an area of their own.
pub(super) fn define_dma_buf(cases: &mut Cases<'_>) {
    for kind in DMA_BUF {
        define_kind(cases, kind);
    }
}

fn define_kind(cases: &mut Cases<'_>, kind: &Kind) {
    let specs = (kind.specs)();
    let several = |spec: &TextureSpec| spec.parts().map(|part| part.slices).sum::<u32>() > 1;
    for script in SCRIPTS {
        let chosen: Vec<TextureSpec> = match script.reach {
            Reach::Every => specs.clone(),
            Reach::First => specs.iter().copied().take(1).collect(),
            Reach::Several => specs.iter().copied().filter(several).collect(),
        };
        let definition = cases.case(format!("{}_{}", kind.name, script.name), script.rules);
        let definition = if script.fresh { definition.fresh() } else { definition };
        let (run, lie) = (script.run, kind.lie);
        definition.textures_with(chosen.into_iter().map(|spec| (script.change)(spec)), lie, run);
    }
}
