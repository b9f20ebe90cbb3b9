//! Steps with textures.

use std::fmt;

use gpushare::TextureSpec;
use gpushare_harness::protocol::{DeviceReport, HandleSource, ImportManner, Object, Problem};
use serde::{Deserialize, Serialize};

use super::generate::{Draft, Pick};
use super::handles::{Carried, Held, Leads};
use super::model::Model;
use super::step::{Deed, Foreseen, done_if, lost};
use super::world::Stage;
use super::{Action, Name};
use crate::case::{Outcome, unshareable};
use crate::cases::no_reexport;
use crate::context::Party;

/// What a peer can do with a texture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TextureStep {
    /// Create it.
    Create {
        /// Its name.
        texture: Name,
        /// What it is.
        spec: TextureSpec,
    },
    /// Fill it with one of the case's pictures.
    Fill {
        /// Which.
        texture: Name,
        /// The picture's number.
        picture: u64,
    },
    /// It holds what was filled in last, by whichever peer.
    Verify {
        /// Which.
        texture: Name,
    },
    /// Export it; the handle stays with this peer.
    Export {
        /// Which.
        texture: Name,
        /// The handle's name.
        handle: Name,
    },
    /// Import one; the handle is used up.
    Import {
        /// The handle.
        handle: Name,
        /// The texture's name.
        texture: Name,
    },
    /// Import one so that it can be exported again; the handle is used up.
    ImportExportable {
        /// The handle.
        handle: Name,
        /// The texture's name.
        texture: Name,
    },
    /// Free it.
    Free {
        /// Which.
        texture: Name,
    },
}

use TextureStep::{Create, Export, Fill, Free, Import, ImportExportable, Verify};

/// A texture of one peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextureState {
    /// What it shares with others.
    payload: usize,
    exportable: bool,
}

impl Model {
    /// The payload behind a handle that a peer holds, if that is a texture's.
    fn texture_behind(&self, peer: usize, handle: Name) -> Option<usize> {
        match self.held(peer, handle)?.leads {
            Leads::Texture { payload } => Some(payload),
            Leads::Sync { .. } => None,
        }
    }

    fn picture(&self, peer: usize, texture: Name) -> Option<u64> {
        let payload = self.textures.get(&(peer, texture))?.payload;
        self.pictures.get(payload).copied().flatten()
    }

    fn paint(&mut self, peer: usize, texture: Name, picture: Option<u64>) {
        if let Some(TextureState { payload, .. }) = self.textures.get(&(peer, texture))
            && let Some(held) = self.pictures.get_mut(*payload)
        {
            *held = picture;
        }
    }
}

impl Deed for TextureStep {
    fn impossible(&self, report: &DeviceReport) -> Option<String> {
        match self {
            Create { spec, .. } => unshareable(report, spec),
            ImportExportable { .. } => no_reexport(report),
            _ => None,
        }
    }

    fn foresee(&self, peer: usize, model: &Model) -> Foreseen {
        done_if(match *self {
            Create { texture, .. } => !model.textures.contains_key(&(peer, texture)),
            Fill { texture, .. } | Verify { texture } | Free { texture } => model.textures.contains_key(&(peer, texture)),
            Export { texture, handle } => {
                model.textures.get(&(peer, texture)).is_some_and(|state| state.exportable)
                    && !model.handles.contains_key(&handle)
            }
            Import { handle, texture } | ImportExportable { handle, texture } => {
                model.texture_behind(peer, handle).is_some() && !model.textures.contains_key(&(peer, texture))
            }
        })
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let peer = party.seat();
        let there =
            |stage: &Stage<'_, '_>, texture| stage.kept.textures.get(&(peer, texture)).copied().ok_or_else(|| lost(self));
        match *self {
            Create { texture, spec } => {
                let created = party.create(spec)?;
                stage.kept.textures.insert((peer, texture), created);
            }
            Fill { texture, picture } => party.fill(there(stage, texture)?, stage.context.pattern(picture))?,
            Verify { texture } => {
                // Where nobody knows what it holds, there is nothing to compare with.
                if let Some(picture) = stage.model.picture(peer, texture) {
                    party.verify(there(stage, texture)?, stage.context.pattern(picture))?;
                }
            }
            Export { texture, handle } => {
                let shared = party.export(there(stage, texture)?)?;
                stage.kept.handles.insert(handle, Carried::Texture(shared));
            }
            Import { handle, texture } | ImportExportable { handle, texture } => {
                let Some(Carried::Texture(shared)) = stage.kept.handles.get(&handle) else { return Err(lost(self)) };
                let exportable = matches!(self, ImportExportable { .. });
                let imported = if exportable { party.import_exportable(shared) } else { party.import(shared) }?;
                stage.kept.textures.insert((peer, texture), imported);
            }
            Free { texture } => party.free([there(stage, texture)?])?,
        }
        Ok(())
    }

    fn done(&self, peer: usize, model: &mut Model) {
        match *self {
            Create { texture, .. } => {
                model.pictures.push(None);
                let payload = model.pictures.len() - 1;
                model.textures.insert((peer, texture), TextureState { payload, exportable: true });
            }
            Fill { texture, picture } => model.paint(peer, texture, Some(picture)),
            Verify { .. } => {}
            Export { texture, handle } => {
                if let Some(TextureState { payload, .. }) = model.textures.get(&(peer, texture)).copied() {
                    model.handles.insert(handle, Held { holder: peer, leads: Leads::Texture { payload } });
                }
            }
            Import { handle, texture } | ImportExportable { handle, texture } => {
                if let Some(payload) = model.texture_behind(peer, handle) {
                    let exportable = matches!(self, ImportExportable { .. });
                    model.textures.insert((peer, texture), TextureState { payload, exportable });
                }
                model.handles.remove(&handle);
            }
            Free { texture } => {
                model.textures.remove(&(peer, texture));
            }
        }
    }

    fn refused(&self, peer: usize, problem: &Problem, model: &mut Model) {
        match *self {
            // Part of it may be there.
            Fill { texture, .. } => model.paint(peer, texture, None),
            // A refusal leaves the handle with the peer, unless a driver takes it wrongly.
            Import { handle, .. } | ImportExportable { handle, .. } if problem.handle_taken => {
                model.handles.remove(&handle);
            }
            Free { texture } => {
                model.textures.remove(&(peer, texture));
            }
            _ => {}
        }
    }

    fn takes_handle(&self, other: bool) -> bool {
        !other && matches!(self, Import { .. } | ImportExportable { .. })
    }

    fn try_wrong(&self, victim: Party<'_, '_>, stage: &Stage<'_, '_>, object: Object) -> Outcome<bool> {
        let (Import { handle, .. } | ImportExportable { handle, .. }) = *self else { return Ok(true) };
        let Some(Carried::Texture(shared)) = stage.kept.handles.get(&handle) else { return Ok(true) };
        let wrong = victim.make(object)?;
        match victim.try_import(shared, HandleSource::Held(wrong.0), ImportManner::Library)? {
            Ok(_) => Ok(false),
            Err(_) => victim.close([wrong]).map(|()| true),
        }
    }
}

/// In the end everybody looks at everything.
pub(super) fn looks(model: &Model) -> Vec<(usize, Action)> {
    model.textures.keys().map(|&(peer, texture)| (peer, Action::Texture(Verify { texture }))).collect()
}

/// The step that these numbers pick.
pub(super) fn propose(draft: &Draft<'_>, which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    let texture = |pick: &mut Pick| pick.among(draft.model.textures.keys());
    let (peer, step) = match which % 14 {
        0 | 1 => {
            let peer = pick.number(draft.peers);
            let room = draft.model.textures.keys().filter(|(owner, _)| *owner == peer).count() < Draft::MOST;
            let spec = *pick.of(&draft.material.specs).filter(|_| room)?;
            (peer, Create { texture: draft.new_name(), spec })
        }
        2..=4 => {
            let (peer, texture) = texture(pick)?;
            (peer, Fill { texture, picture: pick.number(1 << 16) as u64 })
        }
        5 | 6 => {
            let (peer, texture) = texture(pick)?;
            (peer, Verify { texture })
        }
        7..=9 => {
            let (peer, texture) = texture(pick)?;
            (peer, Export { texture, handle: draft.new_handle()? })
        }
        10..=12 => {
            let (handle, held) = pick.entry(&draft.model.handles)?;
            let texture = draft.new_name();
            let again = draft.material.reexport && pick.number(2) == 1;
            (held.holder, if again { ImportExportable { handle, texture } } else { Import { handle, texture } })
        }
        _ => {
            let (peer, texture) = texture(pick)?;
            (peer, Free { texture })
        }
    };
    Some((peer, Action::Texture(step)))
}

impl fmt::Display for TextureStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Create { texture, .. } => write!(f, "create texture {texture}"),
            Fill { texture, picture } => write!(f, "fill texture {texture} with picture {picture}"),
            Verify { texture } => write!(f, "verify texture {texture}"),
            Export { texture, handle } => write!(f, "export texture {texture} as handle {handle}"),
            Import { handle, texture } => write!(f, "import handle {handle} as texture {texture}"),
            ImportExportable { handle, texture } => write!(f, "import handle {handle} as exportable texture {texture}"),
            Free { texture } => write!(f, "free texture {texture}"),
        }
    }
}
