//! Frames between a producer and its consumers, on the host device. Those between real processes are in `processes`.
#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

mod departure;
mod generations;
mod hostile;
mod policies;
mod rounds;

use std::time::Duration;

use gpushare::frames::{ConsumerId, Frame, FrameConsumer, FrameProducer, Policy};
use gpushare::host::{HostDevice, HostTexture};
use gpushare::{Channel, Deadline, Device, Format, Pattern, TextureSpec};

pub(crate) const SPEC: TextureSpec = TextureSpec::new(Format::R8G8B8A8Unorm, 31, 17);
pub(crate) const OTHER: TextureSpec = TextureSpec::new(Format::R16G16B16A16Sfloat, 12, 40);

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

pub(crate) fn now() -> Deadline {
    Deadline::after(Duration::ZERO)
}

/// A producer with two sides' devices.
pub(crate) struct Studio {
    pub(crate) here: HostDevice,
    pub(crate) there: HostDevice,
    pub(crate) producer: FrameProducer<HostDevice>,
}

pub(crate) type Consumer = FrameConsumer<HostDevice>;

impl Studio {
    pub(crate) fn new(slots: u32, policy: Policy) -> Self {
        let here = HostDevice::new();
        let producer = FrameProducer::new(&here, &SPEC, slots, policy).unwrap();
        Self { here, there: HostDevice::new(), producer }
    }

    /// One more consumer.
    pub(crate) fn consumer(&mut self) -> (ConsumerId, Consumer) {
        let Self { here, there, producer } = self;
        let (ours, theirs) = Channel::pair().unwrap();
        std::thread::scope(|scope| {
            let joining = scope.spawn(|| FrameConsumer::join(there, theirs, soon()));
            let id = producer.invite(here, ours, soon()).unwrap();
            (id, joining.join().unwrap().unwrap())
        })
    }

    /// Render the next frame, as its number says.
    pub(crate) fn render(&mut self) -> u64 {
        self.try_render().unwrap()
    }

    pub(crate) fn try_render(&mut self) -> Result<u64, gpushare::frames::FrameError> {
        let Self { here, producer, .. } = self;
        let mut slot = producer.acquire(here, now())?;
        let (number, spec) = (producer.submitted() + 1, *producer.spec());
        here.write(slot.texture_mut(), &mut |texels| picture(number).fill(&spec, texels)).unwrap();
        producer.submit(here, slot, number * 10)
    }

    /// Take the next frame and look at it.
    pub(crate) fn take(&self, consumer: &mut Consumer) -> Frame<HostTexture> {
        let mut frame = consumer.next(&self.there, now()).unwrap();
        self.check(&mut frame);
        frame
    }

    /// It has to hold what its number says.
    pub(crate) fn check(&self, frame: &mut Frame<HostTexture>) {
        let (number, spec) = (frame.number(), *self.there.spec(frame.texture_mut()));
        assert_eq!(frame.stamp(), number * 10);
        self.there.read(frame.texture_mut(), &mut |texels| picture(number).verify(&spec, texels).unwrap()).unwrap();
    }

    pub(crate) fn use_next(&self, consumer: &mut Consumer) -> u64 {
        let frame = self.take(consumer);
        let number = frame.number();
        consumer.release(&self.there, frame).unwrap();
        number
    }
}

pub(crate) fn picture(number: u64) -> Pattern {
    Pattern::seeded(number)
}
