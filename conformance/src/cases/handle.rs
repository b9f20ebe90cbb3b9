//! The handles themselves: how they are made, travel, are owned, and what must be refused.

mod descriptor;
mod dma_buf;
mod export;
mod ownership;
pub(super) mod refusal;
mod transport;

pub(super) use dma_buf::define as define_dma_buf;
pub(super) use refusal::define_of_driver;

use crate::case::Cases;

pub(super) fn define(cases: &mut Cases<'_>) {
    export::define(cases);
    transport::define(cases);
    ownership::define(cases);
    refusal::define(cases);
    descriptor::define(cases);
}
