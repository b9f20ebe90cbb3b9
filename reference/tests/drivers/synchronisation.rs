//! Semaphores, timelines and fences.

use std::time::Duration;

use gpushare::sync::Transference;
use gpushare::timeline::wait_any;
use gpushare::vulkan::VulkanDevice;
use gpushare::{
    Deadline, Fences, HandleType, Peer, Permanence, Semaphores, Side, SyncError, SyncKind, Synchronisation, TextureError,
    Timelines,
};

use crate::on_each_driver;

const NOBODY: &Peer = &Peer::UNWATCHED;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

/// Long enough to show that something is not there.
fn shortly() -> Deadline {
    Deadline::after(Duration::from_millis(30))
}

fn open() -> Result<VulkanDevice, String> {
    match VulkanDevice::open(0) {
        Ok(device) => Ok(device),
        Err(error @ TextureError::Unsupported { .. }) => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

/// The handle types that the device shares such objects by.
fn shareable(device: &VulkanDevice, kind: SyncKind) -> Vec<HandleType> {
    device.capabilities(kind).into_iter().filter(gpushare::sync::SyncCapability::shareable).map(|can| can.handle_type).collect()
}

#[test]
fn what_is_submitted_behind_a_closed_gate_waits_until_it_opens() {
    on_each_driver((), |()| {
        let device = open()?;
        let (mut semaphore, mut fence) =
            (device.create_semaphore(&[]).expect("created"), device.create_fence(false, &[]).expect("created"));
        let early = device.wait(&mut semaphore, shortly(), NOBODY);
        assert!(matches!(early, Err(SyncError::InvalidUse { .. })), "{early:?}");
        device.close_gate().expect("closed");
        device.signal(&mut semaphore).expect("submitted");
        device.submit_fence(&mut fence).expect("submitted");

        let before = device.wait_fence(&mut fence, shortly(), NOBODY);
        device.open_gate().expect("opened");

        assert!(matches!(before, Err(SyncError::Timeout { .. })), "{before:?}");
        device.wait_fence(&mut fence, soon(), NOBODY).expect("signalled");
        device.wait(&mut semaphore, soon(), NOBODY).expect("signalled");
        Ok(())
    });
}

#[test]
fn a_semaphore_crosses_from_one_device_to_another() {
    on_each_driver((), |()| {
        let (here, there) = (open()?, open()?);
        let types = shareable(&here, SyncKind::Semaphore);
        for handle_type in &types {
            let copy = Transference::of(*handle_type) == Transference::Copy;
            let mut exported = here.create_semaphore(&[*handle_type]).expect("created");
            let mut imported = there.create_semaphore(&[]).expect("created");
            for _ in 0..3 {
                here.close_gate().expect("closed");
                here.signal(&mut exported).expect("submitted");
                // A driver may wait for the work before it exports a copy of its signal.
                if copy {
                    here.open_gate().expect("opened");
                }
                let (descriptor, handle) = here.export_semaphore(&mut exported, *handle_type).expect("exported");
                let permanence = if copy { Permanence::Temporary } else { Permanence::Permanent };
                there.import_semaphore(&mut imported, &descriptor, handle, permanence).expect("imported");
                if !copy {
                    let before = there.wait(&mut imported, shortly(), NOBODY);
                    assert!(matches!(before, Err(SyncError::Timeout { .. })), "{before:?}");
                    here.open_gate().expect("opened");
                }
                there.wait(&mut imported, soon(), NOBODY).expect("signalled");
            }
        }
        if types.is_empty() { Err("it shares no semaphore".into()) } else { Ok(()) }
    });
}

#[test]
fn a_timeline_crosses_from_one_device_to_another() {
    on_each_driver((), |()| {
        let (here, there) = (open()?, open()?);
        for handle_type in shareable(&here, SyncKind::Timeline) {
            let mut exported = here.create_timeline(1, &[handle_type]).expect("created");
            let (descriptor, handle) = here.export_timeline(&mut exported, handle_type).expect("exported");
            let mut imported = there.import_timeline(&descriptor, handle).expect("imported");
            for (value, by) in [(2, Side::Host), (3, Side::Device)] {
                here.signal_timeline(&mut exported, value, by).expect("signalled");
                there.wait_timelines(&[(&imported, value)], gpushare::Which::All, soon(), NOBODY).expect("reached");
                there.wait_on_device(&mut imported, value, soon(), NOBODY).expect("reached");
            }
            there.signal_timeline(&mut imported, 4, Side::Device).expect("signalled");
            here.wait_on_device(&mut exported, 4, soon(), NOBODY).expect("reached");
            assert_eq!(here.value(&exported).expect("a value"), 4);
        }
        Ok(())
    });
}

#[test]
fn a_wait_for_timelines_of_both_sorts_ends_with_the_first() {
    on_each_driver((), |()| {
        let device = open()?;
        let mut own = device.create_timeline(0, &[]).expect("created");
        let mut shared = device.create_timeline(0, &[HandleType::SharedMemory]).expect("created");
        let waits = [(&own, 1), (&shared, 1)];
        let none = wait_any(&device, &waits, shortly(), NOBODY);
        assert!(matches!(none, Err(SyncError::Timeout { .. })), "{none:?}");

        device.signal_timeline(&mut shared, 1, Side::Device).expect("signalled");
        wait_any(&device, &[(&own, 1), (&shared, 1)], soon(), NOBODY).expect("the shared one");
        device.signal_timeline(&mut own, 1, Side::Host).expect("signalled");

        wait_any(&device, &[(&own, 1), (&shared, 2)], soon(), NOBODY).expect("the driver's one");
        Ok(())
    });
}

#[test]
fn a_fence_is_signalled_by_work_and_crosses_where_it_can() {
    on_each_driver((), |()| {
        let (here, there) = (open()?, open()?);
        let types = shareable(&here, SyncKind::Fence);
        let mut fence = here.create_fence(false, &types).expect("created");
        for round in 0..3 {
            here.close_gate().expect("closed");
            here.submit_fence(&mut fence).expect("submitted");
            assert!(!here.fence_is_signalled(&mut fence).expect("a status"), "round {round}");
            here.open_gate().expect("opened");
            here.wait_fence(&mut fence, soon(), NOBODY).expect("signalled");
            here.reset_fence(&mut fence).expect("reset");
        }
        for handle_type in types {
            let mut imported = there.create_fence(false, &[]).expect("created");
            here.submit_fence(&mut fence).expect("submitted");
            let (descriptor, handle) = here.export_fence(&mut fence, handle_type).expect("exported");
            there.import_fence(&mut imported, &descriptor, handle, Permanence::Temporary).expect("imported");
            there.wait_fence(&mut imported, soon(), NOBODY).expect("signalled");
            there.reset_fence(&mut imported).expect("reset");
            if here.fence_is_signalled(&mut fence).expect("a status") {
                here.reset_fence(&mut fence).expect("reset");
            }
        }
        Ok(())
    });
}
