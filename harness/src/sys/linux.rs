//! Linux: `/proc`, pidfd, descriptors.

mod descriptors;
mod proc;
mod process;

pub(crate) use descriptors::{
    closed_number, duplicate_with, inspect, is_close_on_exec, limit_descriptors, limit_memory, make, pipe, send_raw,
    take_standard_input,
};
pub(crate) use proc::{read_holdings, resident_private_bytes};
pub(crate) use process::{
    Evidence, complain, describe_exit, die_with_parent, exec_and_list, list_inherited, pause, resume, stdio, wait_for_exit,
};
