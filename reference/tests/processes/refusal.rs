//! What the system may refuse or do in between: `membarrier`, processors, signals.
#![expect(unsafe_code, reason = "signal handlers have no safe form here")]

use std::time::{Duration, Instant};

use gpushare::ring::{Consumer, RingError};
use gpushare::{Deadline, Wait};
use rstest::rstest;
use rustix::thread::{MembarrierCommand, membarrier_query};

use crate::other::{Other, SLEEPY, soon};
use crate::sys::refuse;

/// Without the fence that is due where barriers are refused, a wake-up is lost sooner or later, and the sleep ends with the deadline.
#[rstest]
fn wake_ups_arrive_whoever_is_refused_what(
    #[values("nothing", "membarrier")] here: &str,
    #[values("nothing", "membarrier")] there: &str,
) {
    refuse(here);
    let mut other = Other::start(&format!("echo:{there}"));
    let (mut producer, mut consumer) = other.rings(64);
    producer.set_patience(SLEEPY);
    consumer.set_patience(SLEEPY);
    other.ready();
    let mut message = Vec::new();
    for round in 0..crate::amount(2_000, 1_000_000) {
        producer.send(&round.to_ne_bytes(), soon()).unwrap();
        consumer.receive(&mut message, soon()).unwrap();
        assert_eq!(message, round.to_ne_bytes());
    }
    drop(producer);
    other.finish();
}

/// Where there is one processor nothing changes while this side spins: it sleeps at once.
#[rstest]
fn who_has_one_processor_does_not_spin(#[values("one", "all")] processors: &str) {
    Other::start(&format!("patience:{processors}")).finish();
}

/// A side that is refused the barrier that it promised cannot know that its peer fences yet: it sleeps for a moment only, and then once
/// more for as long as it has.
#[test]
fn a_sleep_whose_barrier_was_refused_is_short() {
    let promised = membarrier_query().contains_command(MembarrierCommand::GlobalExpedited);
    let rings: Vec<_> = std::iter::repeat_with(|| Consumer::create(64).unwrap()).take(20).collect();
    refuse("membarrier");
    // One of them at least finds the machine idle enough to wake between the moment and the deadline.
    assert!(rings.into_iter().any(|(mut consumer, _offer)| {
        consumer.set_patience(SLEEPY);
        assert_eq!(consumer.wait(Deadline::after(Duration::from_millis(100))).unwrap(), Wait::TimedOut);
        consumer.counts().sleeps == if promised { 2 } else { 1 }
    }));
}

extern "C" fn nothing(_: libc::c_int) {}

#[rstest]
fn a_signal_is_not_a_timeout(#[values(true, false)] watched: bool) {
    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: the handler does nothing, and this thread lives until it is joined.
    let this = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
        libc::pthread_self()
    };
    let mut other = Other::start("sleep");
    let (producer, mut consumer) = other.rings(64);
    consumer.set_patience(SLEEPY);
    if !watched {
        consumer.watch(&gpushare::Peer::UNWATCHED);
    }
    other.ready();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            // SAFETY: the thread waits for this one at the end of the scope.
            assert_eq!(unsafe { libc::pthread_kill(this, libc::SIGUSR1) }, 0);
        });
        assert_eq!(consumer.wait(soon()).unwrap(), Wait::Interrupted);
    });
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            // SAFETY: as above.
            assert_eq!(unsafe { libc::pthread_kill(this, libc::SIGUSR1) }, 0);
        });
        // A receive goes on waiting, for what is left of its time.
        let start = Instant::now();
        let answer = consumer.receive(&mut Vec::new(), Deadline::after(Duration::from_millis(100)));
        assert!(matches!(answer, Err(RingError::TimedOut)), "{answer:?}");
        assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
    });
    drop(producer);
}
