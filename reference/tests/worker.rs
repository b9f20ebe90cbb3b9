//! Workers: they stop in time or are named, and a panic is one worker's own affair.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use gpushare::Deadline;
use gpushare::ring::{Consumer, Producer, RingError};
use gpushare::worker::{Ending, Settings, StillRunning, Turn, Workers};

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn wait(deadline: Deadline) -> Turn {
    std::thread::sleep(deadline.left().unwrap());
    Turn::Again
}

#[test]
fn all_stop_and_are_told_in_order() {
    let mut workers = Workers::new();
    workers.start(&Settings::named("one"), wait).unwrap();
    workers.start(&Settings::named("two"), |_| Turn::Done(Some("nothing to do".into()))).unwrap();

    let finished = workers.stop(soon()).unwrap();

    let named: Vec<_> = finished.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(named, ["one", "two"]);
    assert_eq!(finished[0].ending, Ending::Stopped);
    // It may have been told to stop before its first turn.
    assert!(matches!(finished[1].ending, Ending::Stopped | Ending::Done(Some(_))), "{:?}", finished[1]);
}

#[test]
fn one_that_does_not_stop_is_named_and_the_deadline_is_kept() {
    let (release, held) = channel::<()>();
    let (began, begun) = channel();
    let mut workers = Workers::new();
    workers
        .start(&Settings::named("stuck"), move |_| {
            began.send(()).unwrap();
            let _ = held.recv();
            Turn::Again
        })
        .unwrap();
    workers.start(&Settings::named("fine"), wait).unwrap();
    begun.recv().unwrap();

    let answer = workers.stop(Deadline::after(Duration::from_secs(1)));

    let Err(StillRunning { running, finished }) = answer else { panic!("{answer:?}") };
    assert_eq!(running, ["stuck"]);
    assert_eq!(finished.len(), 1);
    drop(release);
}

#[test]
fn a_panic_closes_what_the_task_holds_and_leaves_the_others() {
    let (mut producer, offer) = Producer::create(4096).unwrap();
    let mut consumer = Consumer::attach(offer).unwrap();
    let mut workers = Workers::new();
    workers
        .start(&Settings::named("careless"), move |deadline| match consumer.receive(&mut Vec::new(), deadline) {
            Ok(()) => panic!("number {}", 7),
            Err(_) => Turn::Again,
        })
        .unwrap();
    workers.start(&Settings::named("other"), wait).unwrap();

    producer.send(b"bad news", soon()).unwrap();
    let told = std::iter::repeat_with(|| producer.send(&[0; 1000], soon())).find_map(Result::err).unwrap();
    let finished = workers.stop(soon()).unwrap();

    assert!(matches!(told, RingError::Closed), "{told}");
    assert_eq!(finished[0].ending, Ending::Panicked("number 7".into()));
    assert_eq!(finished[1].ending, Ending::Stopped);
}

#[test]
fn a_pinned_worker_runs_on_one_processor_and_says_so() {
    let (say, said) = channel();
    let mut workers = Workers::new();
    let settings = Settings { processor: Some(0), ..Settings::named("pinned") };
    let task = move |_| {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        say.send(status.lines().find(|line| line.starts_with("Cpus_allowed_list")).unwrap().to_owned()).unwrap();
        Turn::Done(None)
    };
    workers.start(&settings, task).unwrap();
    let nowhere = Settings { processor: Some(usize::MAX), ..Settings::named("nowhere") };
    workers.start(&nowhere, wait).unwrap();

    let list = said.recv().unwrap();
    let finished = workers.stop(soon()).unwrap();

    let list = list.split_whitespace().nth(1).unwrap();
    assert!(list.parse::<usize>().is_ok(), "one processor and no list: {list}");
    assert_eq!((finished[0].processor, finished[1].processor), (Some(0), None));
    assert_eq!(finished[0].ending, Ending::Done(None));
}

/// How often this thread has gone to sleep.
fn sleeps() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn one_that_finds_nothing_to_do_sleeps_after_a_bounded_spin() {
    let (say, said) = channel();
    let mut workers = Workers::new();
    let settings = Settings { spin: 100, turn: Duration::from_millis(5), ..Settings::named("looking") };
    let mut looks = 0;
    let task = move |_| {
        looks += 1;
        if [1, 101, 107].contains(&looks) {
            let _ = say.send((Instant::now(), sleeps()));
        }
        Turn::Idle
    };
    workers.start(&settings, task).unwrap();

    let [first, spun, slept] = [(); 3].map(|()| said.recv().unwrap());
    let finished = workers.stop(soon()).unwrap();

    assert!(spun.1 - first.1 < 50, "it sleeps instead of looking at once");
    assert!(slept.1 - spun.1 >= 6, "it looks at once instead of sleeping");
    // 50, 100, 200, 400, 800 and 1,600 µs.
    assert!(slept.0 - spun.0 >= Duration::from_micros(3150), "{:?}", slept.0 - spun.0);
    assert_eq!(finished[0].ending, Ending::Stopped);
}

#[test]
fn a_name_that_no_thread_can_have_is_an_error() {
    let error = Workers::new().start(&Settings::named("one\0two"), wait).unwrap_err();

    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn dropping_the_workers_tells_them_to_stop() {
    let (alive, gone) = channel::<()>();
    let mut workers = Workers::new();
    let task = move |deadline| {
        let _ = &alive;
        wait(deadline)
    };
    workers.start(&Settings::named("left"), task).unwrap();

    drop(workers);

    assert!(
        gone.recv_timeout(Duration::from_secs(20))
            .is_err_and(|error| { error == std::sync::mpsc::RecvTimeoutError::Disconnected })
    );
}
