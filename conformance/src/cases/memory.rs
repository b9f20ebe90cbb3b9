//! What textures hold, from one process to another.

mod contents;
mod count;
mod lifetime;
mod payload;

pub(crate) use payload::no_reexport;

use crate::case::Cases;

pub(super) fn define(cases: &mut Cases<'_>) {
    contents::define(cases);
    payload::define(cases);
    lifetime::define(cases);
    count::define(cases);
}
