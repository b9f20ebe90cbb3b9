//! One side alone, on a system that grants or refuses barriers and keeps count of what it is asked for.
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rstest::rstest;

use super::{AWAKE, Atomic, Bell, EventCount, Parked, Patience, Peer, Wait, held_words, status};
use crate::deadline::Deadline;

#[derive(Default)]
struct Word<T>(Cell<T>);

impl<T: Copy> Atomic<T> for Word<T> {
    fn load(&self, _: Ordering) -> T {
        self.0.get()
    }

    fn store(&self, value: T, _: Ordering) {
        self.0.set(value);
    }
}

type Side = held_words::Side<Word<u64>, Word<u32>>;

#[derive(Default)]
struct System {
    own: Side,
    peer: Side,
    refuses: bool,
    /// Barriers that were asked for.
    barriers: Cell<u32>,
    /// What was left of each sleep's time.
    sleeps: RefCell<Vec<Option<Duration>>>,
}

impl Bell for System {
    type Words = Side;
    type Signal = Word<u32>;

    fn own(&self) -> &Side {
        &self.own
    }

    fn peer(&self) -> &Side {
        &self.peer
    }

    fn own_signal(&self) -> &Word<u32> {
        &self.own.signal
    }

    fn peer_signal(&self) -> &Word<u32> {
        &self.peer.signal
    }

    fn fence(&self, _: Ordering) {}

    fn light_fence(&self) {}

    fn barrier(&self) -> bool {
        self.barriers.set(self.barriers.get() + 1);
        !self.refuses
    }

    /// Sleeps for all of its time, or not at all where there is no end to it.
    fn park(&self, _: u32, deadline: Deadline) -> io::Result<Parked> {
        let left = deadline.left();
        self.sleeps.borrow_mut().push(left);
        std::thread::sleep(left.unwrap_or_default());
        Ok(Parked::TimedOut)
    }

    fn wake(&self) {}

    fn peer_is_dead(&self) -> bool {
        false
    }
}

impl System {
    fn slept(&self) -> usize {
        self.sleeps.borrow().len()
    }

    fn promises_barriers(&self) -> bool {
        self.own.status.0.get() & status::BARRIERS != 0
    }
}

fn side(system: &System, barriers: bool, park: Duration) -> EventCount {
    let mut side = EventCount::new(barriers);
    side.announce(system);
    side.set_patience(Patience { spin: 0, park });
    side
}

fn wait_in_vain(side: &mut EventCount, system: &System) {
    assert_eq!(side.wait(system, Deadline::after(Duration::ZERO), || false).unwrap(), Wait::TimedOut);
}

#[test]
fn who_has_been_awake_for_a_while_promises_barriers_again() {
    let system = System::default();
    let mut side = side(&system, true, Duration::MAX);
    assert!(system.promises_barriers(), "from the beginning");
    for sleeps in 1..=3 {
        wait_in_vain(&mut side, &system);
        assert_eq!(system.barriers.get(), sleeps, "what was promised was done");
        for _ in 1..AWAKE {
            side.awake(&system);
            assert!(!system.promises_barriers());
        }
        side.awake(&system);
        assert!(system.promises_barriers());
    }
}

#[test]
fn of_many_sleeps_only_the_first_costs_a_barrier() {
    let system = System::default();
    let mut side = side(&system, true, Duration::MAX);
    for _ in 0..3 {
        wait_in_vain(&mut side, &system);
    }
    assert_eq!(system.barriers.get(), 1);
}

#[rstest]
#[case::from_the_beginning(System::default(), false)]
#[case::later(System { refuses: true, ..System::default() }, true)]
fn who_cannot_issue_barriers_promises_none(#[case] system: System, #[case] registered: bool) {
    let mut side = side(&system, registered, Duration::MAX);
    wait_in_vain(&mut side, &system);
    for _ in 0..2 * AWAKE {
        side.awake(&system);
        assert!(!system.promises_barriers());
    }
}

#[test]
fn a_sleep_whose_barrier_was_refused_is_short() {
    let system = System { refuses: true, ..System::default() };
    let mut side = side(&system, true, Duration::MAX);

    assert_eq!(side.wait(&system, Deadline::NEVER, || system.slept() == 2).unwrap(), Wait::Woken);

    let sleeps = system.sleeps.into_inner();
    assert!(sleeps[0].is_some_and(|left| left <= Duration::from_millis(1)), "{sleeps:?}");
    assert_eq!(sleeps[1], None, "the peer knows by then that it has to fence");
}

#[test]
fn a_deadline_that_has_passed_costs_no_system_call() {
    let system = System::default();
    wait_in_vain(&mut side(&system, true, Duration::MAX), &system);
    assert_eq!(system.slept(), 0);
}

#[test]
fn a_wait_whose_time_runs_out_sleeps_once() {
    let system = System::default();
    let mut side = side(&system, true, Duration::MAX);
    assert_eq!(side.wait(&system, Deadline::after(Duration::from_millis(300)), || false).unwrap(), Wait::TimedOut);
    assert_eq!((system.slept(), side.sleeps()), (1, 1));
}

#[test]
fn what_comes_while_the_time_runs_out_is_no_timeout() {
    let system = System::default();
    let mut side = side(&system, true, Duration::MAX);
    let answer = side.wait(&system, Deadline::after(Duration::from_millis(300)), || system.slept() == 1);
    assert_eq!(answer.unwrap(), Wait::Woken);
}

#[rstest]
#[case::no_deadline(Deadline::NEVER)]
#[case::a_late_one(Deadline::after(Duration::from_secs(60)))]
fn sleeps_end_by_themselves_where_that_was_asked_for(#[case] deadline: Deadline) {
    let system = System::default();
    let slice = Duration::from_millis(1);
    let mut side = side(&system, true, slice);

    assert_eq!(side.wait(&system, deadline, || system.slept() == 3).unwrap(), Wait::Woken);

    let sleeps = system.sleeps.into_inner();
    assert!(sleeps.iter().all(|left| left.is_some_and(|left| left <= slice)), "{sleeps:?}");
}

#[test]
fn a_sleep_without_deadline_needs_no_timer() {
    let system = System::default();
    let mut side = side(&system, true, Duration::MAX);
    assert_eq!(side.wait(&system, Deadline::NEVER, || system.slept() == 1).unwrap(), Wait::Woken);
    assert_eq!(system.sleeps.into_inner(), [None]);
}

#[test]
fn nobody_is_not_watched() {
    assert!(!Peer::UNWATCHED.is_watched() && !Peer::UNWATCHED.is_dead());
    assert_eq!(format!("{:?}", Peer::UNWATCHED), "Peer(unwatched)");
}
