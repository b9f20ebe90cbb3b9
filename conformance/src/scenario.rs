//! Scenarios: what peers do, as a list of steps.
//!
//! A case's script is code and says what has to hold. A scenario is data, so that a fault can be put before any of its steps
//! ([`faults`]), and so that it can be generated, shortened and kept in a file.

pub mod built_in;
pub mod faults;
mod world;

pub use world::{Done, World};

use std::fmt;

use gpushare::TextureSpec;
use serde::{Deserialize, Serialize};

/// A number that names a texture of one peer, or a handle wherever it is.
pub type Name = u32;

/// Steps of a few peers, in the order in which they are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called, e.g. `share_back`.
    pub name: String,
    /// How many peers, at most as many as there are [`crate::context::ROLES`].
    pub peers: usize,
    /// The steps.
    pub steps: Vec<Step>,
}

/// What one peer does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Which peer, counted from 0.
    pub peer: usize,
    /// What.
    pub action: Action,
}

/// What a peer can do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Create a texture.
    Create {
        /// Its name.
        texture: Name,
        /// What it is.
        spec: TextureSpec,
    },
    /// Fill a texture with one of the case's pictures.
    Fill {
        /// Which.
        texture: Name,
        /// The picture's number.
        picture: u64,
    },
    /// The texture holds what was filled in last, by whichever peer.
    Verify {
        /// Which.
        texture: Name,
    },
    /// Export a texture; the handle stays with this peer.
    Export {
        /// Which.
        texture: Name,
        /// The handle's name.
        handle: Name,
    },
    /// Hand a handle to another peer.
    Pass {
        /// Which.
        handle: Name,
        /// To which peer.
        to: usize,
    },
    /// Import a texture; the handle is used up.
    Import {
        /// The handle.
        handle: Name,
        /// The texture's name.
        texture: Name,
    },
    /// Import a texture so that it can be exported again; the handle is used up.
    ImportExportable {
        /// The handle.
        handle: Name,
        /// The texture's name.
        texture: Name,
    },
    /// Free a texture.
    Free {
        /// Which.
        texture: Name,
    },
    /// Close a handle.
    Close {
        /// Which.
        handle: Name,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { texture, .. } => write!(f, "create texture {texture}"),
            Self::Fill { texture, picture } => write!(f, "fill texture {texture} with picture {picture}"),
            Self::Verify { texture } => write!(f, "verify texture {texture}"),
            Self::Export { texture, handle } => write!(f, "export texture {texture} as handle {handle}"),
            Self::Pass { handle, to } => write!(f, "pass handle {handle} to {}", crate::context::ROLES[*to]),
            Self::Import { handle, texture } => write!(f, "import handle {handle} as texture {texture}"),
            Self::ImportExportable { handle, texture } => write!(f, "import handle {handle} as exportable texture {texture}"),
            Self::Free { texture } => write!(f, "free texture {texture}"),
            Self::Close { handle } => write!(f, "close handle {handle}"),
        }
    }
}
