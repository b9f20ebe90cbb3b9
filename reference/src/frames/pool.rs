//! The producer's textures, by generation and slot, and who holds them.

use super::{FrameError, MOST_SLOTS};
use crate::batch::Batch;
use crate::texture::{Device, TextureSpec};

/// Textures of one kind that go round together.
pub(super) struct Generation<T> {
    pub(super) number: u32,
    slots: Vec<Slot<T>>,
}

struct Slot<T> {
    /// Not here while the caller renders to it; freed for good where the generation was replaced.
    texture: Option<T>,
    /// Connections on which it was sent and not returned.
    holders: u32,
    /// The last frame that it held.
    last: u64,
}

/// Every generation that has textures somewhere, the newest last.
pub(super) struct Pool<T> {
    newest: Generation<T>,
    replaced: Vec<Generation<T>>,
    /// The newest one's handles, for consumers that come.
    pub(super) batch: Batch,
    pub(super) spec: TextureSpec,
}

/// One slot of one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) generation: u32,
    pub(super) slot: u32,
}

impl<T> Generation<T> {
    fn is_home(&self) -> bool {
        self.slots.iter().all(|slot| slot.texture.is_none() && slot.holders == 0)
    }

    fn slot(&mut self, slot: u32) -> Option<&mut Slot<T>> {
        self.slots.get_mut(slot as usize)
    }
}

impl<T> Pool<T> {
    /// The first generation.
    pub(super) fn new<D: Device<Texture = T>>(device: &D, spec: &TextureSpec, slots: u32) -> Result<Self, FrameError> {
        let (newest, batch) = generation(device, spec, slots, 1)?;
        Ok(Self { newest, replaced: Vec::new(), batch, spec: *spec })
    }

    pub(super) fn generation(&self) -> u32 {
        self.newest.number
    }

    /// Generations with slots that are not home, the newest included.
    pub(super) fn living(&self) -> usize {
        1 + self.replaced.len()
    }

    /// Put a new generation in the place of the newest. What of that one is home is freed now, the rest when it is returned.
    pub(super) fn replace<D: Device<Texture = T>>(
        &mut self,
        device: &D,
        spec: &TextureSpec,
        slots: u32,
    ) -> Result<(), FrameError> {
        let number = self.newest.number.checked_add(1).ok_or_else(|| FrameError::malformed("generations are used up"))?;
        let (next, batch) = generation(device, spec, slots, number)?;
        let mut before = std::mem::replace(&mut self.newest, next);
        (self.batch, self.spec) = (batch, *spec);
        before.slots.iter_mut().filter(|slot| slot.holders == 0).for_each(|slot| slot.texture = None);
        self.replaced.push(before);
        self.bury();
        Ok(())
    }

    /// Take the texture of the slot that has been free for the longest.
    pub(super) fn acquire(&mut self) -> Option<(Place, T)> {
        let generation = self.newest.number;
        let free = self.newest.slots.iter_mut().zip(0..).filter(|(slot, _)| slot.holders == 0 && slot.texture.is_some());
        let (slot, index) = free.min_by_key(|(slot, _)| slot.last)?;
        Some((Place { generation, slot: index }, slot.texture.take()?))
    }

    /// Whether somebody other than the caller has a slot of the newest generation.
    pub(super) fn can_be_returned(&self) -> bool {
        self.newest.slots.iter().any(|slot| slot.holders > 0)
    }

    /// Put back what was acquired. A texture of a generation that was replaced is freed.
    pub(super) fn put_back(&mut self, place: Place, texture: T) -> Result<(), FrameError> {
        let newest = place.generation == self.newest.number;
        let generation = self.find(place.generation).ok_or(FrameError::Retired)?;
        let slot = generation.slot(place.slot).ok_or(FrameError::NotHeld)?;
        if newest {
            slot.texture = Some(texture);
            Ok(())
        } else {
            Err(FrameError::Retired)
        }
    }

    /// So many connections have it now, as this frame.
    pub(super) fn sent(&mut self, place: Place, holders: u32, frame: u64) {
        if let Some(slot) = self.find(place.generation).and_then(|generation| generation.slot(place.slot)) {
            (slot.holders, slot.last) = (holders, frame);
        }
    }

    /// One connection has returned it, or is gone.
    pub(super) fn returned(&mut self, place: Place) {
        let newest = place.generation == self.newest.number;
        if let Some(slot) = self.find(place.generation).and_then(|generation| generation.slot(place.slot)) {
            slot.holders = slot.holders.saturating_sub(1);
            if !newest && slot.holders == 0 {
                slot.texture = None;
            }
        }
        self.bury();
    }

    fn find(&mut self, number: u32) -> Option<&mut Generation<T>> {
        if self.newest.number == number {
            return Some(&mut self.newest);
        }
        self.replaced.iter_mut().find(|generation| generation.number == number)
    }

    /// Forget generations of which nothing is left.
    fn bury(&mut self) {
        self.replaced.retain(|generation| !generation.is_home());
    }
}

fn generation<D: Device>(
    device: &D,
    spec: &TextureSpec,
    slots: u32,
    number: u32,
) -> Result<(Generation<D::Texture>, Batch), FrameError> {
    if !(1..=MOST_SLOTS).contains(&slots) {
        return Err(FrameError::Slots { found: slots });
    }
    let mut textures: Vec<_> = (0..slots).map(|_| device.create_texture(spec)).collect::<Result<_, _>>()?;
    let batch = Batch::export(device, &mut textures)?;
    let slots = textures.into_iter().map(|texture| Slot { texture: Some(texture), holders: 0, last: 0 }).collect();
    Ok((Generation { number, slots }, batch))
}
