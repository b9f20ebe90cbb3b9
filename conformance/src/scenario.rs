//! Scenarios: what peers do, as a list of steps.
//!
//! A case's script is code and says what has to hold. A scenario is data, so that a fault can be put before any of its steps
//! ([`faults`]), and so that it can be generated, shortened and kept in a file.
//!
//! Each kind of step has a file of its own: what it does, what it needs of a lane, what has to come of it by the model, and how it is
//! generated.

pub mod built_in;
mod channels;
pub mod faults;
mod frames;
pub mod generate;
mod handles;
mod model;
mod rings;
mod step;
mod streams;
mod syncs;
mod textures;
mod world;

pub use channels::ChannelStep;
pub use frames::FramesStep;
pub use handles::HandleStep;
pub use rings::RingStep;
pub use step::Foreseen;
pub use streams::StreamStep;
pub use syncs::SyncStep;
pub use textures::TextureStep;
pub use world::{Departure, Done, World, play};

use std::fmt;

use gpushare_harness::protocol::DeviceReport;
use serde::{Deserialize, Serialize};

use step::Deed;

/// A number that names something of one peer, or what goes between peers.
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
            let peer = step.action.deed().towards().unwrap_or(0).max(step.peer);
            if peer >= peers {
                return Err(ScenarioError::NoPeer { step: index + 1, peer, peers });
            }
        }
        Ok(scenario)
    }

    /// Why it cannot be played on a device, if so.
    #[must_use]
    pub fn impossible(&self, report: &DeviceReport) -> Option<String> {
        self.steps.iter().find_map(|step| step.action.deed().impossible(report))
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
    /// Something with a texture.
    Texture(TextureStep),
    /// … with a handle of a texture, semaphore or timeline.
    Handle(HandleStep),
    /// … with a semaphore or timeline.
    Sync(SyncStep),
    /// … with a channel to another peer.
    Channel(ChannelStep),
    /// … with a ring.
    Ring(RingStep),
    /// … with a stream.
    Stream(StreamStep),
    /// … with frames.
    Frames(FramesStep),
    /// End the process, freeing nothing; a new one takes its place.
    Exit,
}

impl Action {
    fn deed(&self) -> &dyn Deed {
        match self {
            Self::Texture(step) => step,
            Self::Handle(step) => step,
            Self::Sync(step) => step,
            Self::Channel(step) => step,
            Self::Ring(step) => step,
            Self::Stream(step) => step,
            Self::Frames(step) => step,
            Self::Exit => &world::Exit,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deed().fmt(f)
    }
}
