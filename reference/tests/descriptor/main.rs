//! Descriptors: what is refused and how it is said, what is accepted, and that text carries all of it.

mod accepts;
mod fields;
mod refuses;
mod round_trip;
mod text;
