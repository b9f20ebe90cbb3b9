//! Binary semaphores.

use gpushare::host::{HostDevice, HostSemaphore};
use gpushare::{HandleType, Permanence, Semaphores, SyncError, SyncHandle, Synchronisation};
use rstest::rstest;

use crate::{NOBODY, now, soon};

const MEMORY: HandleType = HandleType::SharedMemory;
const SIGNAL: HandleType = HandleType::SharedSignal;

/// A semaphore, and another device with one that imported it.
fn shared(handle_type: HandleType, permanence: Permanence) -> (HostDevice, HostSemaphore, HostDevice, HostSemaphore) {
    let (here, there) = (HostDevice::new(), HostDevice::new());
    let mut exported = here.create_semaphore(&[handle_type]).expect("created");
    let mut imported = there.create_semaphore(&[]).expect("created");
    let (descriptor, handle) = here.export_semaphore(&mut exported, handle_type).expect("exported");
    there.import_semaphore(&mut imported, &descriptor, handle, permanence).expect("imported");
    (here, exported, there, imported)
}

#[rstest]
fn a_signal_is_waited_for_once_on_whichever_side(
    #[values(Permanence::Temporary, Permanence::Permanent)] permanence: Permanence,
) {
    let (here, mut exported, there, mut imported) = shared(MEMORY, permanence);

    here.signal(&mut exported).expect("signalled");
    there.wait(&mut imported, now(), NOBODY).expect("the signal is there");

    // Had the wait left it, this would succeed.
    let again = here.wait(&mut exported, now(), NOBODY);
    assert!(matches!(again, Err(SyncError::Timeout { .. })), "{again:?}");
}

#[test]
fn a_permanent_import_signals_its_exporter() {
    let (here, mut exported, there, mut imported) = shared(MEMORY, Permanence::Permanent);

    there.signal(&mut imported).expect("signalled");

    here.wait(&mut exported, now(), NOBODY).expect("the signal is there");
}

#[test]
fn a_temporary_import_makes_way_at_the_wait() {
    let (here, mut exported, there, mut imported) = shared(MEMORY, Permanence::Temporary);
    here.signal(&mut exported).expect("signalled");
    there.wait(&mut imported, now(), NOBODY).expect("the signal is there");
    here.signal(&mut exported).expect("signalled");

    let own = there.wait(&mut imported, now(), NOBODY);

    assert!(matches!(own, Err(SyncError::InvalidUse { .. })), "it waits for its own payload, which nobody signals: {own:?}");
}

#[test]
fn a_copy_of_a_signal_takes_it_away() {
    let device = HostDevice::new();
    let mut semaphore = device.create_semaphore(&[SIGNAL]).expect("created");
    device.signal(&mut semaphore).expect("signalled");

    let (_, handle) = device.export_semaphore(&mut semaphore, SIGNAL).expect("exported");

    assert!(matches!(handle, SyncHandle::Signalled), "{handle:?}");
    let waited = device.wait(&mut semaphore, now(), NOBODY);
    assert!(matches!(waited, Err(SyncError::InvalidUse { .. })), "{waited:?}");
}

#[test]
fn a_copy_of_a_pending_signal_comes_when_the_signal_does() {
    let (here, there) = (HostDevice::new(), HostDevice::new());
    let mut exported = here.create_semaphore(&[SIGNAL]).expect("created");
    let mut imported = there.create_semaphore(&[]).expect("created");
    here.close_gate().expect("closed");
    here.signal(&mut exported).expect("submitted");
    let (descriptor, handle) = here.export_semaphore(&mut exported, SIGNAL).expect("exported");
    there.import_semaphore(&mut imported, &descriptor, handle, Permanence::Temporary).expect("imported");

    let before = there.wait(&mut imported, now(), NOBODY);
    here.open_gate().expect("opened");

    assert!(matches!(before, Err(SyncError::Timeout { .. })), "{before:?}");
    there.wait(&mut imported, soon(), NOBODY).expect("the signal came");
}

#[test]
fn what_valid_usage_forbids_is_refused_by_name() {
    let device = HostDevice::new();
    let mut semaphore = device.create_semaphore(&[SIGNAL]).expect("created");

    let undeclared = device.export_semaphore(&mut semaphore, MEMORY).expect_err("not declared");
    let unsignalled = device.export_semaphore(&mut semaphore, SIGNAL).expect_err("nothing to copy");
    device.signal(&mut semaphore).expect("signalled");
    let twice = device.signal(&mut semaphore).expect_err("signalled already");
    let (descriptor, handle) = device.export_semaphore(&mut semaphore, SIGNAL).expect("exported");
    let refused = device.import_semaphore(&mut semaphore, &descriptor, handle, Permanence::Permanent).expect_err("a copy");

    assert!(undeclared.to_string().contains("handleType-01132"), "{undeclared}");
    assert!(unsignalled.to_string().contains("handleType-03254"), "{unsignalled}");
    assert!(twice.to_string().contains("pSignalSemaphores-00067"), "{twice}");
    assert!(refused.error.to_string().contains("handleType-07307"), "{refused}");
    assert!(matches!(refused.handle, Some(SyncHandle::Signalled)), "{refused:?}");
}
