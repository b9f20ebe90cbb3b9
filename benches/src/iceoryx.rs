//! iceoryx2 across processes. Each side is a process of its own from the start, since what this library keeps for a process does not
//! survive a fork; the other side is this program started once more.

use std::hint::spin_loop;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

use crate::machine::pin;

/// The argument by which this program becomes the publisher.
pub const PUBLISHER: &str = "--iceoryx2-publisher";
const SLOTS: usize = 1024;

fn service<const N: usize>(name: &str) -> (Node<ipc::Service>, PortFactory<ipc::Service, [u8; N], ()>) {
    set_log_level(LogLevel::Error);
    let node = NodeBuilder::new().create::<ipc::Service>().expect("a node");
    let service = node
        .service_builder(&name.try_into().expect("a name"))
        .publish_subscribe::<[u8; N]>()
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(SLOTS)
        .open_or_create()
        .expect("a service");
    (node, service)
}

/// Be the publisher, until standard input ends.
pub fn publish(name: &str, size: &str) {
    match size {
        "8" => publish_messages::<8>(name),
        _ => publish_messages::<64>(name),
    }
}

fn publish_messages<const N: usize>(name: &str) {
    pin(1);
    let (_node, service) = service::<N>(name);
    let publisher = service
        .publisher_builder()
        .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
        .create()
        .expect("a publisher");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            stop.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            let sample = publisher.loan_uninit().expect("a sample");
            let _ = sample.write_payload([7; N]).send();
        }
    });
}

/// Seconds for so many messages that arrive; some that were sent do not, so the publisher sends until it is told to stop.
pub fn one_way<const N: usize>(count: u64) -> f64 {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let name = format!("gpushare-bench-{}-{N}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let (_node, service) = service::<N>(&name);
    let subscriber = service.subscriber_builder().buffer_size(SLOTS).create().expect("a subscriber");
    let this = std::env::current_exe().expect("this program");
    let mut child = Command::new(this)
        .args([PUBLISHER, &name, &N.to_string()])
        .args(crate::machine::processors().map(|number| number.to_string()))
        .stdin(Stdio::piped())
        .spawn()
        .expect("this program starts");
    pin(0);
    let (mut taken, mut start, begun) = (0, Instant::now(), Instant::now());
    while taken < count && begun.elapsed() < Duration::from_secs(10) {
        // The clock is looked at once for many messages.
        for _ in 0..256 {
            match subscriber.receive().expect("a publisher") {
                Some(sample) => {
                    std::hint::black_box(sample.payload());
                    if taken == 0 {
                        start = Instant::now();
                    }
                    taken += 1;
                }
                None => spin_loop(),
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64() * count as f64 / taken as f64;
    drop(child.stdin.take());
    // A publisher whose subscriber takes no more may wait for it for ever.
    while begun.elapsed() < Duration::from_secs(20) && child.try_wait().is_ok_and(|ended| ended.is_none()) {
        let _ = subscriber.receive();
    }
    let _ = child.kill();
    let _ = child.wait();
    if taken < count / 2 { f64::NAN } else { seconds }
}
