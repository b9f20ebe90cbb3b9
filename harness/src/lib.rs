//! Real processes that share GPU resources, and what they hold before and after.
//!
//! A *peer* is a process that owns a backend and does what it is told, one request at a time. Whoever starts peers (the
//! *orchestrator*) loads no driver: a driver that crashes kills a peer and becomes evidence.
//!
//! | module | holds |
//! | --- | --- |
//! | [`protocol`] | requests and replies, as they travel |
//! | [`backend`] | what a peer drives: the host, Vulkan, or anybody's |
//! | [`peer`] | the peer's loop; any program becomes a peer by calling it first in `main` |
//! | [`spawn`] | starting a peer, asking it, and how it ended |
//! | [`fault`] | what can befall a peer from outside |
//! | [`ledger`] | what a process holds: descriptors by kind, shared mappings, names, device memory |
//! | [`holding`] | the single things of that, and since when |
//! | [`history`] | everything that was asked and answered, as JSON Lines |
//! | [`raw`] | a hostile peer's means: bare sockets, objects of every kind |

pub mod backend;
pub mod fault;
pub mod history;
pub mod holding;
pub mod ledger;
pub mod peer;
mod process;
pub mod protocol;
pub mod raw;
pub mod spawn;
pub mod stem;
mod sys;

pub use ledger::Ledger;
pub use protocol::{Code, Problem, Reply, Request};
pub use spawn::{Peer, PeerCommand, PeerError};
pub use stem::Stem;
