//! Small values: formats, pictures and how they go wrong, names of devices, deadlines.

mod deadline;
mod format;
mod likeness;
mod pattern;
mod uuid;
