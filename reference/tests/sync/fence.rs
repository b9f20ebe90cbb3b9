//! Fences.

use gpushare::host::HostDevice;
use gpushare::{Fences, HandleType, Permanence, SyncError, SyncHandle, Synchronisation};

use crate::{NOBODY, now, soon};

const MEMORY: HandleType = HandleType::SharedMemory;
const SIGNAL: HandleType = HandleType::SharedSignal;

#[test]
fn a_shared_fence_is_signalled_and_reset_for_both() {
    let (here, there) = (HostDevice::new(), HostDevice::new());
    let mut exported = here.create_fence(false, &[MEMORY]).expect("created");
    let mut imported = there.create_fence(false, &[]).expect("created");
    let (descriptor, handle) = here.export_fence(&mut exported, MEMORY).expect("exported");
    there.import_fence(&mut imported, &descriptor, handle, Permanence::Permanent).expect("imported");

    here.submit_fence(&mut exported).expect("submitted");
    there.wait_fence(&mut imported, now(), NOBODY).expect("signalled");
    there.wait_fence(&mut imported, now(), NOBODY).expect("it stays so");
    there.reset_fence(&mut imported).expect("reset");

    assert!(!here.fence_is_signalled(&mut exported).expect("a status"));
}

#[test]
fn a_temporary_import_makes_way_at_the_reset() {
    let (here, there) = (HostDevice::new(), HostDevice::new());
    let mut exported = here.create_fence(true, &[MEMORY]).expect("created");
    let mut imported = there.create_fence(false, &[]).expect("created");
    let (descriptor, handle) = here.export_fence(&mut exported, MEMORY).expect("exported");
    there.import_fence(&mut imported, &descriptor, handle, Permanence::Temporary).expect("imported");

    there.wait_fence(&mut imported, now(), NOBODY).expect("signalled");
    there.reset_fence(&mut imported).expect("reset");

    assert!(!there.fence_is_signalled(&mut imported).expect("a status"));
    assert!(here.fence_is_signalled(&mut exported).expect("a status"), "the reset was of the fence's own payload");
}

#[test]
fn a_copy_resets_the_fence_and_comes_with_its_signal() {
    let (here, there) = (HostDevice::new(), HostDevice::new());
    let mut exported = here.create_fence(false, &[SIGNAL]).expect("created");
    let mut imported = there.create_fence(false, &[]).expect("created");
    let early = here.export_fence(&mut exported, SIGNAL).expect_err("nothing to copy");
    here.close_gate().expect("closed");
    here.submit_fence(&mut exported).expect("submitted");
    let (descriptor, handle) = here.export_fence(&mut exported, SIGNAL).expect("exported");
    assert!(matches!(handle, SyncHandle::Handle(_)));
    there.import_fence(&mut imported, &descriptor, handle, Permanence::Temporary).expect("imported");

    let before = there.wait_fence(&mut imported, now(), NOBODY);
    here.open_gate().expect("opened");
    there.wait_fence(&mut imported, soon(), NOBODY).expect("the copy is signalled");

    assert!(early.to_string().contains("handleType-01454"), "{early}");
    assert!(matches!(before, Err(SyncError::Timeout { .. })), "{before:?}");
    assert!(!here.fence_is_signalled(&mut exported).expect("a status"), "the signal went to the copy");
}
