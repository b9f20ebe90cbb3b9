//! Linux: `/proc`, pidfd, descriptors.

mod copies;
mod descriptors;
mod dma_buf;
mod memory;
mod proc;
mod process;
mod signal;

pub(crate) use copies::{copy_process, end_copy, reap_copy};
pub(crate) use descriptors::{
    closed_number, duplicate_with, inspect, is_close_on_exec, limit_descriptors, limit_memory, lowest_number, make, pipe,
    send_raw, take_standard_input,
};
pub(crate) use memory::{copy_memory, memory_len, read_only, seal_size, seal_writing, shrink};
pub(crate) use proc::{count_threads, list_holdings, resident_private_bytes};
pub(crate) use process::{
    Evidence, complain, describe_exit, die_with_parent, exec_and_list, has_mapped, interrupt, list_inherited, pause, resume,
    stdio, wait_for_exit,
};
pub(crate) use signal::survive_interruptions;
