//! The producers, consumers and frames of a device, by number.

use std::collections::BTreeMap;

use gpushare::frames::{Acquired, ConsumerId, Frame, FrameConsumer, FrameProducer, Policy};
use gpushare::pattern::Mismatch;
use gpushare::timeline::Side;
use gpushare::{Channel, Deadline, OwnedHandle, Pattern, TextureSpec};

use crate::backend::frames::FramesBackend;
use crate::backend::{DeviceBackend, SharingDevice};
use crate::protocol::frames::{Came, Slot, Why};
use crate::protocol::{Code, Id, Problem};

/// Everything about frames, by number. A frame's own number stands beside the one of whom it belongs to.
pub(super) struct Frames<D: SharingDevice> {
    acquired: BTreeMap<Id, (Id, Acquired<D::Texture>)>,
    taken: BTreeMap<Id, (Id, Frame<D::Texture>)>,
    producers: BTreeMap<Id, FrameProducer<D>>,
    consumers: BTreeMap<Id, FrameConsumer<D>>,
}

impl<D: SharingDevice> Frames<D> {
    pub(super) const fn new() -> Self {
        Self { acquired: BTreeMap::new(), taken: BTreeMap::new(), producers: BTreeMap::new(), consumers: BTreeMap::new() }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    fn producer(&mut self, id: Id) -> Result<&mut FrameProducer<D>, Problem> {
        self.producers.get_mut(&id).ok_or_else(|| unknown("producer", id))
    }

    fn consumer(&mut self, id: Id) -> Result<&mut FrameConsumer<D>, Problem> {
        self.consumers.get_mut(&id).ok_or_else(|| unknown("consumer", id))
    }

    fn check_free(&self, id: Id) -> Result<(), Problem> {
        let taken = self.acquired.contains_key(&id)
            || self.taken.contains_key(&id)
            || self.producers.contains_key(&id)
            || self.consumers.contains_key(&id);
        if taken { Err(Problem::new(Code::Request, format!("there is a {id} already"))) } else { Ok(()) }
    }
}

fn unknown(what: &str, id: Id) -> Problem {
    Problem::new(Code::Request, format!("no {what} {id}"))
}

fn channel(socket: OwnedHandle) -> Result<Channel, Problem> {
    Channel::from_handle(socket).map_err(|(_, error)| error.into())
}

impl<D: SharingDevice> DeviceBackend<D> {
    /// The device and the frames, both at once.
    fn with_frames(&mut self) -> Result<(&D, &mut Frames<D>), Problem> {
        let device = self.device.as_ref().ok_or_else(|| Problem::new(Code::Request, "no device is open"))?;
        Ok((device, &mut self.frames))
    }
}

impl<D: SharingDevice> FramesBackend for DeviceBackend<D> {
    fn create_producer(&mut self, producer: Id, spec: &TextureSpec, slots: u32, policy: Policy) -> Result<(), Problem> {
        let (device, frames) = self.with_frames()?;
        frames.check_free(producer)?;
        frames.producers.insert(producer, FrameProducer::new(device, spec, slots, policy)?);
        Ok(())
    }

    fn invite(&mut self, producer: Id, socket: OwnedHandle, deadline: Deadline) -> Result<u32, Problem> {
        let (device, frames) = self.with_frames()?;
        let consumer = frames.producer(producer)?.invite(device, channel(socket)?, deadline)?;
        Ok(consumer.number())
    }

    fn join(&mut self, consumer: Id, socket: OwnedHandle, deadline: Deadline) -> Result<(), Problem> {
        let (device, frames) = self.with_frames()?;
        frames.check_free(consumer)?;
        frames.consumers.insert(consumer, FrameConsumer::join(device, channel(socket)?, deadline)?);
        Ok(())
    }

    fn set_side(&mut self, of: Id, by: Side) -> Result<(), Problem> {
        match self.frames.producers.get_mut(&of) {
            Some(producer) => producer.set_side(by),
            None => self.frames.consumer(of)?.set_side(by),
        }
        Ok(())
    }

    fn acquire(&mut self, producer: Id, frame: Id, deadline: Deadline) -> Result<Slot, Problem> {
        let (device, frames) = self.with_frames()?;
        frames.check_free(frame)?;
        let acquired = frames.producer(producer)?.acquire(device, deadline)?;
        let slot = Slot { generation: acquired.generation(), slot: acquired.slot() };
        frames.acquired.insert(frame, (producer, acquired));
        Ok(slot)
    }

    fn draw(&mut self, frame: Id, pattern: Pattern) -> Result<(), Problem> {
        let (device, frames) = self.with_frames()?;
        let (_, acquired) = frames.acquired.get_mut(&frame).ok_or_else(|| unknown("acquired slot", frame))?;
        let spec = *device.spec(acquired.texture_mut());
        Ok(device.write(acquired.texture_mut(), &mut |texels| pattern.fill(&spec, texels))?)
    }

    fn submit(&mut self, frame: Id) -> Result<u64, Problem> {
        let (device, frames) = self.with_frames()?;
        let (producer, acquired) = frames.acquired.remove(&frame).ok_or_else(|| unknown("acquired slot", frame))?;
        Ok(frames.producer(producer)?.submit(device, acquired, 0)?)
    }

    fn submitted(&self, producer: Id) -> Result<u64, Problem> {
        let found = self.frames.producers.get(&producer).ok_or_else(|| unknown("producer", producer))?;
        Ok(found.submitted())
    }

    fn reconfigure(&mut self, producer: Id, spec: &TextureSpec, deadline: Deadline) -> Result<(), Problem> {
        let (device, frames) = self.with_frames()?;
        Ok(frames.producer(producer)?.reconfigure(device, spec, deadline)?)
    }

    fn departures(&mut self, producer: Id) -> Result<(Vec<(u32, Why)>, u32), Problem> {
        let (device, frames) = self.with_frames()?;
        let producer = frames.producer(producer)?;
        let gone = producer.departures(device)?.into_iter();
        let gone = gone.map(|departure| (departure.consumer.number(), departure.reason.into())).collect();
        Ok((gone, u32::try_from(producer.generations()).unwrap_or(u32::MAX)))
    }

    fn dismiss(&mut self, producer: Id, consumer: u32) -> Result<(), Problem> {
        let producer = self.frames.producer(producer)?;
        let named = producer.consumers().find(|known: &ConsumerId| known.number() == consumer);
        Ok(producer.dismiss(named.ok_or_else(|| unknown("consumer with this producer:", consumer))?)?)
    }

    fn next(&mut self, consumer: Id, frame: Id, deadline: Deadline) -> Result<Came, Problem> {
        let (device, frames) = self.with_frames()?;
        frames.check_free(frame)?;
        let mut next = frames.consumer(consumer)?.next(device, deadline)?;
        let at = Slot { generation: next.generation(), slot: next.slot() };
        let came = Came { number: next.number(), at, skipped: next.skipped(), spec: *device.spec(next.texture_mut()) };
        frames.taken.insert(frame, (consumer, next));
        Ok(came)
    }

    fn look(&mut self, frame: Id, pattern: Pattern) -> Result<Option<Box<Mismatch>>, Problem> {
        let (device, frames) = self.with_frames()?;
        let (_, taken) = frames.taken.get_mut(&frame).ok_or_else(|| unknown("frame", frame))?;
        let spec = *device.spec(taken.texture_mut());
        let mut difference = None;
        device.read(taken.texture_mut(), &mut |texels| difference = pattern.verify(&spec, texels).err())?;
        Ok(difference)
    }

    fn release(&mut self, frame: Id) -> Result<(), Problem> {
        let (device, frames) = self.with_frames()?;
        let (consumer, taken) = frames.taken.remove(&frame).ok_or_else(|| unknown("frame", frame))?;
        Ok(frames.consumer(consumer)?.release(device, taken)?)
    }

    fn close(&mut self, of: Id) -> Result<(), Problem> {
        let frames = &mut self.frames;
        if frames.producers.remove(&of).is_none() && frames.consumers.remove(&of).is_none() {
            return Err(unknown("producer or consumer", of));
        }
        frames.acquired.retain(|_, (producer, _)| *producer != of);
        frames.taken.retain(|_, (consumer, _)| *consumer != of);
        Ok(())
    }
}
