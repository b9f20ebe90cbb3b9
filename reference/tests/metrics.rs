//! What a ring did, as a recorder of the `metrics` facade gets it.
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gpushare::Deadline;
use gpushare::meter::{Export, Meter, Sampling};
use gpushare::ring::{Consumer, Counts, Producer};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// Keeps all values by name and ring.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<(String, String), Arc<AtomicU64>>>);

impl Kept {
    fn value(&self, key: &Key) -> Arc<AtomicU64> {
        let ring = key.labels().find(|label| label.key() == "ring").unwrap().value().to_owned();
        Arc::clone(self.0.lock().unwrap().entry((key.name().to_owned(), ring)).or_default())
    }

    fn read(&self, name: &str, ring: &str) -> u64 {
        self.0.lock().unwrap()[&(name.to_owned(), ring.to_owned())].load(Ordering::Relaxed)
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.value(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.value(key))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_recorder_gets_the_counts_of_each_ring_and_its_rate() {
    let kept = Kept::default();
    let (mut producer, offer) = Producer::create(4096).unwrap();
    let mut consumer = Consumer::attach(offer).unwrap();
    let exports = metrics::with_local_recorder(&kept, || [Export::new("out"), Export::new("in")]);
    let mut meters = [(); 2].map(|()| Meter::new(Sampling { batches: 1, interval: Duration::ZERO }));
    assert_eq!(meters[0].batch(|| producer.counts()), None);
    assert_eq!(meters[1].batch(|| consumer.counts()), None);

    producer.send_batch([&b"one"[..], b"two", b""], Deadline::NEVER).unwrap();
    assert_eq!(consumer.try_drain(2, |_| {}).unwrap(), 2);
    std::thread::sleep(Duration::from_millis(1));
    let sent = meters[0].batch(|| producer.counts()).unwrap();
    exports[0].tell(&sent);
    exports[1].tell(&meters[1].batch(|| consumer.counts()).unwrap());

    assert_eq!(sent.counts, Counts { messages: 3, bytes: 40, ..Counts::default() });
    let read = |ring| ["messages", "bytes", "stalls"].map(|name| kept.read(&format!("gpushare_ring_{name}"), ring));
    assert_eq!((read("out"), read("in")), ([3, 40, 0], [2, 32, 0]));
    assert_eq!(f64::from_bits(kept.read("gpushare_ring_messages_per_second", "out")), sent.rates.messages);

    producer.send(b"four", Deadline::NEVER).unwrap();
    std::thread::sleep(Duration::from_millis(1));
    exports[0].tell(&meters[0].batch(|| producer.counts()).unwrap());

    assert_eq!(read("out"), [4, 56, 0], "all since the beginning, not beside what was told before");
}
