//! What textures hold, from one process to another.

mod batch;
mod contents;
mod count;
mod kinds;
mod lifetime;
mod payload;

pub(crate) use payload::no_reexport;

use crate::case::Cases;

pub(super) fn define(cases: &mut Cases<'_>) {
    contents::define(cases);
    payload::define(cases);
    lifetime::define(cases);
    count::define(cases);
    kinds::define(cases);
    batch::define(cases);
}

pub(super) fn define_dma_buf(cases: &mut Cases<'_>) {
    kinds::define_dma_buf(cases);
    lifetime::define(cases);
}
