//! Small values: formats, pictures and how they go wrong, names of devices, deadlines.

#[path = "../objects/any_spec.rs"]
mod any_spec;
mod deadline;
mod format;
mod likeness;
mod pattern;
mod uuid;
