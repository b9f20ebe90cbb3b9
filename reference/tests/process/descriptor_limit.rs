//! A process without free descriptors: handles that do not fit are an error, not a leak.

use std::fs::File;

use gpushare::{Channel, ChannelError, Deadline, OwnedHandle, SharedMemory, SharedMemoryError};
use rstest::rstest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::census::Census;

/// No more descriptors than are open now, until dropped.
struct Full {
    limit: Rlimit,
    held: Vec<File>,
}

impl Full {
    /// All slots below the new limit are taken, but for `spare` of them.
    fn but_for(spare: usize) -> Self {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: limit.maximum }).expect("lowering is allowed");
        let held = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        let mut full = Self { limit, held };
        full.held.truncate(full.held.len() - spare);
        full
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.limit).expect("raising it back is allowed");
    }
}

#[rstest]
#[case::no_slot(0)]
#[case::a_slot_too_few(2)]
fn handles_that_find_no_slot_are_lost_and_the_others_closed(#[case] spare: usize) {
    let _census = Census::take();
    let (mut here, mut there) = Channel::pair().expect("a pair");
    let handle = SharedMemory::create(1).and_then(|memory| memory.handle()).expect("shared memory");
    let beside: [&OwnedHandle; 3] = [&handle; 3];
    here.send(b"three handles", &beside, Deadline::NEVER).expect("it goes");
    here.send(b"the next", &[], Deadline::NEVER).expect("it goes");
    let full = Full::but_for(spare);

    let outcome = there.receive(Deadline::NEVER);

    let refilled = std::iter::from_fn(|| File::open("/dev/null").ok()).collect::<Vec<File>>().len();
    drop(full);
    let Err(ChannelError::HandlesLost { arrived, bytes }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((arrived, &bytes[..]), (spare, &b"three handles"[..]));
    assert_eq!(refilled, spare, "the slots are free again");
    assert_eq!(there.receive(Deadline::NEVER).expect("the channel goes on").bytes, b"the next");
}

#[test]
fn as_many_slots_as_handles_are_enough() {
    let _census = Census::take();
    let (mut here, mut there) = Channel::pair().expect("a pair");
    let handle = SharedMemory::create(1).and_then(|memory| memory.handle()).expect("shared memory");
    here.send(b"", &[&handle; 3], Deadline::NEVER).expect("it goes");
    let full = Full::but_for(3);

    let outcome = there.receive(Deadline::NEVER);

    drop(full);
    assert_eq!(outcome.expect("they fit").handles.len(), 3);
}

#[test]
fn what_needs_a_descriptor_says_that_there_is_none() {
    let _census = Census::take();
    let memory = SharedMemory::create(1).expect("shared memory");
    let full = Full::but_for(1);

    let pair = Channel::pair().map(|_| ());
    let duplicate = (memory.handle(), memory.handle());
    let full = {
        drop(full);
        drop(duplicate.0);
        Full::but_for(0)
    };
    let created = SharedMemory::create(1);

    drop(full);
    assert!(matches!(pair, Err(ChannelError::Os { what: "creating a socket pair", .. })), "{pair:?}");
    assert!(matches!(duplicate.1, Err(SharedMemoryError::Os { .. })), "{:?}", duplicate.1);
    assert!(matches!(created, Err(SharedMemoryError::Os { .. })), "{created:?}");
}
