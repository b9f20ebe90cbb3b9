//! Where the words lie that sleepers wait for: one side changes what the other sleeps on, whichever created the ring.

use std::sync::atomic::Ordering;

use rstest::rstest;

use crate::ring::attach::{attach, create};
use crate::ring::layout::{Role, Shape};
use crate::sys::wait::WakePath;
use crate::waiter::Bell;

#[rstest]
fn what_one_side_changes_the_other_sleeps_on(#[values(Role::Producer, Role::Consumer)] creates: Role) {
    let (creator, offer) = create(creates, Shape::bytes(64).unwrap()).unwrap();
    let (attacher, _) = attach(creates.other(), offer, Shape::bytes).unwrap();

    creator.own_signal().store(1, Ordering::Release);
    attacher.own_signal().store(2, Ordering::Release);

    assert_eq!(attacher.peer_signal().load(Ordering::Relaxed), 1);
    assert_eq!(creator.peer_signal().load(Ordering::Relaxed), 2);
}

/// Where the system would have to go a long way otherwise, it may be written to by who sleeps on it; elsewhere not.
#[rstest]
fn what_is_slept_on_lies_in_memory_that_can_be_written(#[values(Role::Producer, Role::Consumer)] creates: Role) {
    let (creator, offer) = create(creates, Shape::bytes(64).unwrap()).unwrap();
    let (attacher, _) = attach(creates.other(), offer, Shape::bytes).unwrap();

    assert_eq!(creator.reads_only(creator.peer_signal()), !WakePath::lends());
    assert_eq!(attacher.reads_only(attacher.peer_signal()), !WakePath::lends());
    assert!(!creator.reads_only(creator.own_signal()) && !attacher.reads_only(attacher.own_signal()));
}
