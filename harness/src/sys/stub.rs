//! A system that nothing is written for yet: everything compiles, and says so when it is called.

use std::io;
use std::process::{ExitStatus, Stdio};

use gpushare::{Deadline, OwnedHandle};

use crate::holding::Holding;
use crate::protocol::{DuplicateCall, HandleReport, InheritedDescriptor, Object};
use crate::spawn::Exit;

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "not written for this operating system yet"))
}

pub(crate) fn take_standard_input() -> io::Result<OwnedHandle> {
    unsupported()
}

pub(crate) fn is_close_on_exec(_handle: &OwnedHandle) -> bool {
    false
}

pub(crate) fn inspect(_handle: &OwnedHandle) -> io::Result<HandleReport> {
    unsupported()
}

pub(crate) fn duplicate_with(_handle: &OwnedHandle, _call: DuplicateCall) -> io::Result<OwnedHandle> {
    unsupported()
}

pub(crate) fn make(_object: Object) -> io::Result<OwnedHandle> {
    unsupported()
}

pub(crate) fn send_raw(_socket: &OwnedHandle, _bytes: &[u8], _handles: &[OwnedHandle]) -> io::Result<()> {
    unsupported()
}

pub(crate) fn lowest_number(_handle: OwnedHandle) -> io::Result<OwnedHandle> {
    unsupported()
}

pub(crate) fn copy_process(_words: &OwnedHandle) -> io::Result<Option<u32>> {
    unsupported()
}

pub(crate) fn reap_copy(_pid: u32) {}

pub(crate) fn end_copy(_pid: u32) -> io::Result<ExitStatus> {
    unsupported()
}

pub(crate) fn pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    unsupported()
}

pub(crate) fn closed_number() -> io::Result<i64> {
    unsupported()
}

pub(crate) fn limit_descriptors(_spare: Option<u64>) -> io::Result<()> {
    unsupported()
}

pub(crate) fn has_mapped(_pid: u32, _name: &str) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn limit_memory(_bytes: Option<u64>) -> io::Result<()> {
    unsupported()
}

pub(crate) fn pause(_pid: u32) -> io::Result<()> {
    unsupported()
}

pub(crate) fn resume(_pid: u32) -> io::Result<()> {
    unsupported()
}

pub(crate) fn list_holdings(_pid: u32) -> io::Result<Vec<Holding>> {
    unsupported()
}

pub(crate) fn count_threads(_pid: u32) -> io::Result<u32> {
    unsupported()
}

pub(crate) fn resident_private_bytes(_pid: u32) -> io::Result<u64> {
    unsupported()
}

/// Nothing is kept here.
#[derive(Debug)]
pub(crate) struct Evidence;

impl Evidence {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn writer(&self) -> io::Result<Stdio> {
        Ok(Stdio::inherit())
    }

    pub(crate) fn handle(&self) -> io::Result<OwnedHandle> {
        unsupported()
    }

    pub(crate) fn tail(&self) -> String {
        String::new()
    }

    pub(crate) fn since(&self, start: u64) -> (String, u64) {
        (String::new(), start)
    }
}

pub(crate) fn wait_for_exit(_pid: u32, _deadline: Deadline) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn describe_exit(status: ExitStatus) -> Exit {
    Exit::Status { code: status.code().unwrap_or(-1) }
}

pub(crate) fn die_with_parent() -> io::Result<()> {
    unsupported()
}

pub(crate) fn exec_and_list() -> io::Result<Vec<InheritedDescriptor>> {
    unsupported()
}

pub(crate) fn list_inherited() -> Result<(), String> {
    unsupported().map_err(|error: io::Error| error.to_string())
}

pub(crate) fn complain(text: &str) {
    use std::io::Write;
    // Standard error is all there is; that it cannot be written is nobody's concern.
    let _ = writeln!(io::stderr(), "{text}");
}

pub(crate) fn stdio(_handle: OwnedHandle) -> Stdio {
    Stdio::null()
}

pub(crate) fn shrink(_memory: &OwnedHandle, _len: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn copy_memory(_of: &OwnedHandle, _len: u64, _changes: &[(u64, &[u8])]) -> io::Result<OwnedHandle> {
    unsupported()
}

pub(crate) fn seal_size(_memory: &OwnedHandle) -> io::Result<()> {
    unsupported()
}

pub(crate) fn seal_writing(_memory: &OwnedHandle) -> io::Result<()> {
    unsupported()
}

pub(crate) fn read_only(_memory: &OwnedHandle) -> io::Result<OwnedHandle> {
    unsupported()
}

pub(crate) fn memory_len(_memory: &OwnedHandle) -> io::Result<u64> {
    unsupported()
}

pub(crate) fn survive_interruptions() -> io::Result<()> {
    unsupported()
}

pub(crate) fn interrupt(_pid: u32) -> io::Result<()> {
    unsupported()
}
