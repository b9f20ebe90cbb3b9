//! Descriptors: what is refused and how it is said, what is accepted, and that text carries all of it.

mod accepts;
#[path = "../objects/any_spec.rs"]
mod any_spec;
mod fields;
mod refuses;
mod round_trip;
mod text;
