//! A peer that kept a duplicate of our socket switches on options under our hands.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use gpushare::{Channel, Deadline, OwnedHandle, SharedMemory};
use rstest::rstest;

use crate::census::Census;

unsafe extern "C" {
    fn setsockopt(descriptor: i32, level: i32, name: i32, value: *const i32, bytes: u32) -> i32;
}

const SOL_SOCKET: i32 = 1;
const SO_PASSCRED: i32 = 16;
const SO_PASSPIDFD: i32 = 76;

#[rstest]
#[case::credentials(SO_PASSCRED)]
#[case::process_descriptors(SO_PASSPIDFD)]
fn what_the_kernel_then_adds_to_each_message_is_not_kept(#[case] option: i32) {
    let census = Census::take();
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let duplicate = ours.try_clone().expect("a duplicate");
    let channel = |socket| Channel::from_handle(OwnedHandle::from(OwnedFd::from(socket))).expect("a stream socket");
    let (mut here, mut there) = (channel(ours), channel(theirs));
    let on = 1;
    // SAFETY: the value is an `int` that lives through the call.
    if unsafe { setsockopt(duplicate.as_raw_fd(), SOL_SOCKET, option, &on, 4) } != 0 {
        println!("skipped: this kernel has no socket option {option}");
        return;
    }
    let handle = SharedMemory::create(1).and_then(|memory| memory.handle()).expect("shared memory");
    there.send(b"with a handle", &[&handle], Deadline::NEVER).expect("it goes");
    there.send(b"and without", &[], Deadline::NEVER).expect("it goes");

    let received = [(); 2].map(|()| here.receive(Deadline::NEVER).expect("it arrives"));

    assert_eq!(received.each_ref().map(|message| message.handles.len()), [1, 0]);
    drop((received, handle, here, there, duplicate));
    census.check();
}
