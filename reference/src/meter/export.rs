//! Samples, told to the `metrics` facade: whatever recorder the application installed gets them.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

use super::Sample;

/// One side of one ring, as a recorder sees it: counters `gpushare_ring_{messages,bytes,stalls,sleeps,wakes}` and the gauge
/// `gpushare_ring_messages_per_second`, each labelled with `ring`, its name.
#[derive(Debug)]
pub struct Export {
    messages: Counter,
    bytes: Counter,
    stalls: Counter,
    sleeps: Counter,
    wakes: Counter,
    rate: Gauge,
}

impl Export {
    /// Registers them with the recorder that is installed now; without one, samples go nowhere.
    #[must_use]
    pub fn new(ring: impl Into<String>) -> Self {
        describe_counter!("gpushare_ring_messages", Unit::Count, "messages published, or taken");
        describe_counter!("gpushare_ring_bytes", Unit::Bytes, "bytes of the ring that they took up");
        describe_counter!("gpushare_ring_stalls", Unit::Count, "looks that found no room, or no message");
        describe_counter!("gpushare_ring_sleeps", Unit::Count, "times this side went to sleep");
        describe_counter!("gpushare_ring_wakes", Unit::Count, "times it woke the other");
        describe_gauge!("gpushare_ring_messages_per_second", Unit::CountPerSecond, "messages a second, at the last sample");
        let ring = ring.into();
        Self {
            messages: counter!("gpushare_ring_messages", "ring" => ring.clone()),
            bytes: counter!("gpushare_ring_bytes", "ring" => ring.clone()),
            stalls: counter!("gpushare_ring_stalls", "ring" => ring.clone()),
            sleeps: counter!("gpushare_ring_sleeps", "ring" => ring.clone()),
            wakes: counter!("gpushare_ring_wakes", "ring" => ring.clone()),
            rate: gauge!("gpushare_ring_messages_per_second", "ring" => ring),
        }
    }

    /// Tell a sample.
    pub fn tell(&self, sample: &Sample) {
        self.messages.absolute(sample.counts.messages);
        self.bytes.absolute(sample.counts.bytes);
        self.stalls.absolute(sample.counts.stalls);
        self.sleeps.absolute(sample.counts.sleeps);
        self.wakes.absolute(sample.counts.wakes);
        self.rate.set(sample.rates.messages);
    }
}
