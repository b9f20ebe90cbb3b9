//! The other side: a process that takes the role it is offered and does one task.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gpushare::ring::{Consumer, Offer, Producer, Terms};
use gpushare::{Channel, Deadline, OwnedHandle, Patience, Peer, Stream, StreamOffer};

use crate::sys::{pin, refuse};
use crate::{fixed, frames, memory, stress};

/// Names the task in the environment of the other side.
pub(crate) const TASK: &str = "GPUSHARE_TEST_TASK";

/// Sleeps that only a wake-up, the deadline or a death ends.
pub(crate) const SLEEPY: Patience = Patience { spin: 0, park: Duration::MAX };

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// A running other side, killed at the latest when it is dropped.
pub(crate) struct Other {
    pub(crate) child: Child,
    channel: Channel,
}

impl Other {
    /// Start this program as the other side.
    pub(crate) fn start(task: &str) -> Self {
        let (ours, theirs) = Channel::pair().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "other_side", "--nocapture", "--test-threads=1"])
            .env(TASK, task)
            .stdin(Stdio::from(theirs.into_handle()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, channel: ours }
    }

    pub(crate) fn watch(&self) -> Peer {
        Peer::process(self.child.id()).unwrap()
    }

    /// Send it a role in a ring.
    pub(crate) fn offer(&mut self, offer: Offer) {
        let (terms, handles) = offer.into_parts();
        let bytes = serde_json::to_vec(&terms).unwrap();
        self.channel.send(&bytes, &handles.iter().collect::<Vec<_>>(), soon()).unwrap();
    }

    pub(crate) fn send(&mut self, handle: &OwnedHandle) {
        self.channel.send(b"", &[handle], soon()).unwrap();
    }

    /// A ring to it, and a ring from it.
    pub(crate) fn rings(&mut self, capacity: u64) -> (Producer, Consumer) {
        let peer = self.watch();
        let (mut producer, offer) = Producer::create(capacity).unwrap();
        self.offer(offer);
        let (mut consumer, offer) = Consumer::create(capacity).unwrap();
        self.offer(offer);
        producer.watch(&peer);
        consumer.watch(&peer);
        (producer, consumer)
    }

    /// The same, with it ready at its end and both sides here soon asleep.
    pub(crate) fn sleepy_rings(&mut self, capacity: u64) -> (Producer, Consumer) {
        let (mut producer, mut consumer) = self.rings(capacity);
        producer.set_patience(SLEEPY);
        consumer.set_patience(SLEEPY);
        self.ready();
        (producer, consumer)
    }

    /// A stream to it.
    pub(crate) fn stream(&mut self, capacity: u64) -> Stream {
        let (mut stream, offer) = Stream::create(capacity).unwrap();
        let (terms, handles) = offer.into_parts();
        self.channel.send(&serde_json::to_vec(&terms).unwrap(), &handles.iter().collect::<Vec<_>>(), soon()).unwrap();
        stream.watch(&self.watch());
        stream
    }

    /// Wait until it says that it is ready.
    pub(crate) fn ready(&mut self) {
        self.channel.receive(soon()).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Its end, which has to be a good one.
    pub(crate) fn finish(mut self) {
        assert!(self.child.wait().unwrap().success(), "the other side failed");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side's view of who started it.
pub(crate) struct Starter {
    channel: Channel,
    pub(crate) peer: Peer,
}

impl Starter {
    fn take() -> Self {
        let channel = Channel::from_handle(OwnedHandle::standard_input().unwrap()).unwrap();
        Self { channel, peer: Peer::parent().unwrap() }
    }

    pub(crate) fn offered(&mut self) -> Offer {
        let message = self.channel.receive(soon()).unwrap();
        let terms: Terms = serde_json::from_slice(&message.bytes).unwrap();
        Offer::from_parts(terms, message.handles)
    }

    pub(crate) fn consumer(&mut self) -> Consumer {
        let mut consumer = Consumer::attach(self.offered()).unwrap();
        consumer.watch(&self.peer);
        consumer
    }

    pub(crate) fn producer(&mut self) -> Producer {
        let mut producer = Producer::attach(self.offered()).unwrap();
        producer.watch(&self.peer);
        producer
    }

    fn stream(&mut self) -> Stream {
        let message = self.channel.receive(soon()).unwrap();
        let terms = serde_json::from_slice(&message.bytes).unwrap();
        let offer = StreamOffer::from_parts(terms, message.handles);
        let mut stream = Stream::attach(offer).unwrap();
        stream.watch(&self.peer);
        stream
    }

    /// A handle that is all of a message.
    pub(crate) fn handle(&mut self) -> OwnedHandle {
        self.channel.receive(soon()).unwrap().handles.remove(0)
    }

    pub(crate) fn say_ready(&mut self) {
        self.channel.send(b"ready", &[], soon()).unwrap();
    }
}

pub(crate) fn run(task: &str) {
    let mut starter = Starter::take();
    match task.split_once(':').unwrap_or((task, "")) {
        ("send", seed) => stress::send(&mut starter.producer(), seed.parse().unwrap()),
        ("receive", seed) => stress::receive(&mut starter.consumer(), seed.parse().unwrap()),
        ("fixed", what) => fixed::run(&mut starter, what),
        ("echo", what) => {
            refuse(what);
            let (mut consumer, mut producer) = (starter.consumer(), starter.producer());
            consumer.set_patience(SLEEPY);
            producer.set_patience(SLEEPY);
            starter.say_ready();
            let mut message = Vec::new();
            while consumer.receive(&mut message, soon()).is_ok() {
                producer.send(&message, soon()).unwrap();
            }
        }
        ("flood", _) => {
            let mut producer = starter.producer();
            starter.say_ready();
            while producer.send(&[7; 24], soon()).is_ok() {}
        }
        ("fill", _) => {
            let mut producer = starter.producer();
            while producer.try_send(&[7; 24]).unwrap() {}
            starter.say_ready();
            std::thread::sleep(Duration::from_secs(600));
        }
        ("copy", _) => {
            // Whatever comes goes back, until the end of the stream.
            let mut stream = starter.stream();
            starter.say_ready();
            let mut buffer = vec![0; 5000];
            loop {
                match stream.read(&mut buffer).unwrap() {
                    0 => break,
                    count => stream.write_all(&buffer[..count]).unwrap(),
                }
            }
        }
        ("drink", _) => {
            let mut consumer = starter.consumer();
            starter.say_ready();
            while consumer.drain(64, soon(), |_| {}).is_ok() {}
        }
        ("sleep", _) => {
            let _rings = (starter.consumer(), starter.producer());
            starter.say_ready();
            std::thread::sleep(Duration::from_secs(600));
        }
        ("patience", processors) => {
            if processors == "one" {
                pin(0, 0);
            }
            let several = std::thread::available_parallelism().unwrap().get() > 1;
            assert!(!several || processors != "one");
            assert_eq!(Patience::default().spin, if several { 2_000 } else { 0 });
        }
        ("frames", what) => frames::other(what, &mut starter),
        ("memory", what) => memory::other(what, &mut starter),
        (task, _) => panic!("no task {task}"),
    }
}
