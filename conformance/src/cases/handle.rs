//! The handles themselves: how they are made, travel, are owned, and what must be refused.

mod descriptor;
mod export;
mod ownership;
pub(super) mod refusal;
mod transport;

use crate::case::Cases;

pub(super) fn define(cases: &mut Cases<'_>) {
    export::define(cases);
    transport::define(cases);
    ownership::define(cases);
    refusal::define(cases);
    descriptor::define(cases);
}
