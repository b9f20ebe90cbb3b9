//! The host backend: round trips, refusals, limits.

#[path = "../objects/any_spec.rs"]
mod any_spec;
#[path = "../census/open_descriptors.rs"]
mod census;
mod creating;
mod importing;
#[path = "../objects/not_a_texture.rs"]
mod objects;
mod round_trip;
