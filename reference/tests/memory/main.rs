//! Shared memory: what is attached, what is refused, and that its size is fixed.

mod attaching;
mod bounds;
#[path = "../census/open_descriptors.rs"]
mod census;
mod naming;
#[path = "../objects/not_a_texture.rs"]
mod objects;
mod sealing;
