//! Who sleeps is woken by another process.

use std::time::Duration;

use gpushare::Deadline;

use crate::other::{Other, soon};

/// A wake-up that ends at the border of its process leaves both sides asleep.
#[test]
fn a_sleeper_is_woken_by_another_process() {
    let mut other = Other::start("echo:nothing");
    let (mut producer, mut consumer) = other.sleepy_rings(64);
    let mut message = Vec::new();
    for round in 0..20_u64 {
        // By then the other side sleeps, as a rule.
        std::thread::sleep(Duration::from_millis(2));
        producer.send(&round.to_ne_bytes(), soon()).unwrap();
        consumer.receive(&mut message, Deadline::after(Duration::from_secs(20))).unwrap();
        assert_eq!(message, round.to_ne_bytes());
    }
    drop(producer);
    other.finish();
}
