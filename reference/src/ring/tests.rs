//! The ring against a model, on loom's memory, and against a peer that breaks the rules.
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ahead;
mod attach;
mod contract;
mod fickle;
mod fixed;
mod hostile;
mod layout;
mod machine;
mod models;
mod signals;
