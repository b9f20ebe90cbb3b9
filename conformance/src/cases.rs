//! The cases, by area. A case's place here is its id: `memory::opaque_fd::…` is defined under `memory/`.

mod capability;
mod channel;
mod frames;
mod handle;
mod lifecycle;
mod memory;
mod pair;
mod ring;
mod stream;
mod sync;
mod waiter;

pub(crate) use memory::no_reexport;
pub(crate) use sync::{answers as sync_answers, unshareable as sync_unshareable};

use gpushare::{Api, HandleType};

use crate::case::Cases;

/// The variable that asks for the cases that take long, too.
pub(crate) const LONG: &str = "GPUSHARE_LONG";

/// Define every case that concerns the lane's device.
pub fn define(cases: &mut Cases<'_>) {
    let handle = cases.report().handle_type.name();
    capability::define(cases);
    cases.area("memory", handle);
    memory::define(cases);
    cases.area("handle", handle);
    handle::define(cases);
    if cases.report().identity.api == Api::Vulkan {
        handle::define_of_driver(cases);
        cases.area_over("memory", HandleType::DmaBuf);
        memory::define_dma_buf(cases);
        cases.area_over("handle", HandleType::DmaBuf);
        handle::define_dma_buf(cases);
    }
    cases.area("lifecycle", handle);
    lifecycle::define(cases);
    sync::define(cases);
    pair::define(cases);
    cases.area("frames", handle);
    frames::define(cases);
    // Channels, rings and streams know no driver: the host lane decides them once.
    if cases.report().identity.api == Api::Host {
        cases.area("channel", "socket");
        channel::define(cases);
        cases.area("ring", "shared_memory");
        ring::define(cases);
        cases.area("waiter", "shared_memory");
        waiter::define(cases);
        cases.area("stream", "shared_memory");
        stream::define(cases);
    }
}
