//! Scenarios: what peers do, as a list of steps.
//!
//! A case's script is code and says what has to hold. A scenario is data, so that a fault can be put before any of its steps
//! ([`faults`]), and so that it can be generated, shortened and kept in a file.

pub mod built_in;
pub mod faults;
pub mod generate;
mod world;

pub use world::{Done, World, play};

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

/// Why a text is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is not JSON, or says something that is unknown here.
    #[error("it is no scenario: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Too many peers, or none.
    #[error("it has {found} peers, expected 1 to {}", crate::context::ROLES.len())]
    Peers {
        /// How many.
        found: usize,
    },
    /// A step of, or towards, a peer that is not there.
    #[error("step {step} is about peer {peer}, and there are only {peers}, counted from 0")]
    NoPeer {
        /// Which step, counted from 1.
        step: usize,
        /// The peer.
        peer: usize,
        /// How many there are.
        peers: usize,
    },
}

impl Scenario {
    /// Read a scenario that was written as JSON.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn parse(text: &[u8]) -> Result<Self, ScenarioError> {
        let scenario: Self = serde_json::from_slice(text)?;
        let peers = scenario.peers;
        if !(1..=crate::context::ROLES.len()).contains(&peers) {
            return Err(ScenarioError::Peers { found: peers });
        }
        for (index, step) in scenario.steps.iter().enumerate() {
            let to = if let Action::Pass { to, .. } = step.action { to } else { step.peer };
            let peer = step.peer.max(to);
            if peer >= peers {
                return Err(ScenarioError::NoPeer { step: index + 1, peer, peers });
            }
        }
        Ok(scenario)
    }
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
    /// End the process, freeing nothing; a new one takes its place.
    Exit,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { texture, .. } => write!(f, "create texture {texture}"),
            Self::Fill { texture, picture } => write!(f, "fill texture {texture} with picture {picture}"),
            Self::Verify { texture } => write!(f, "verify texture {texture}"),
            Self::Export { texture, handle } => write!(f, "export texture {texture} as handle {handle}"),
            Self::Pass { handle, to } => {
                write!(f, "pass handle {handle} to {}", crate::context::ROLES.get(*to).unwrap_or(&"nobody"))
            }
            Self::Import { handle, texture } => write!(f, "import handle {handle} as texture {texture}"),
            Self::ImportExportable { handle, texture } => write!(f, "import handle {handle} as exportable texture {texture}"),
            Self::Free { texture } => write!(f, "free texture {texture}"),
            Self::Close { handle } => write!(f, "close handle {handle}"),
            Self::Exit => f.write_str("exit"),
        }
    }
}
