//! What the system may refuse or do in between: `membarrier`, signals.
#![expect(unsafe_code, reason = "system-call filters, signal handlers and processor masks have no safe form here")]

use std::time::{Duration, Instant};

use gpushare::ring::RingError;
use gpushare::{Deadline, Wait};
use rstest::rstest;

use crate::other::{Other, SLEEPY, soon};

/// Let the calling thread's use of a system call fail with `ENOSYS` from here on.
fn refuse_call(number: libc::c_long) {
    let jump = |code: u32, k, jt, jf| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        // The call's number is the first word of what the filter sees.
        jump(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, u32::try_from(number).unwrap(), 0, 1),
        jump(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs(), 0, 0),
        jump(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    // SAFETY: both calls only narrow what this thread may ask for; the program outlives the call that reads it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter), 0);
    }
}

/// Refuse by name.
pub(crate) fn refuse(what: &str) {
    match what {
        "" => {}
        "membarrier" => refuse_call(libc::SYS_membarrier),
        _ => panic!("nothing is called {what}"),
    }
}

/// Keep a process (0: this thread) on one processor.
pub(crate) fn pin(process: u32, processor: usize) {
    // SAFETY: an empty set is all zeros, and the kernel only reads it.
    let answer = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(process.cast_signed(), size_of::<libc::cpu_set_t>(), &set)
    };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
}

/// Without the fence that is due where barriers are refused, a wake-up is lost sooner or later, and the sleep ends with the deadline.
#[rstest]
fn wake_ups_arrive_whoever_is_refused_what(#[values("", "membarrier")] here: &str, #[values("", "membarrier")] there: &str) {
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
