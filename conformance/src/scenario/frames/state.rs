//! Producers and consumers of frames, as the model knows them.

use std::collections::VecDeque;

use gpushare::TextureSpec;

use super::super::Name;
use super::super::model::{Departure, Model};

/// A producer.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Source {
    pub(super) peer: usize,
    pub(super) gone: Option<Departure>,
    pub(super) spec: TextureSpec,
    pub(super) slots: usize,
    pub(super) submitted: u64,
    /// The first frame in the textures that there are now.
    pub(super) since: u64,
    /// Consumers that went, of which it has not been told.
    pub(super) departed: Vec<(usize, Departure)>,
    /// A consumer may have come, or not.
    pub(super) doubtful: bool,
}

/// A consumer.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Sink {
    /// Frames on their way: their numbers, and what each is in.
    pub(super) pending: VecDeque<(u64, TextureSpec)>,
    /// Something was refused, and nobody knows which frame is next.
    pub(super) doubtful: bool,
}

/// A peer is gone, and with it its producers and consumers.
pub(in crate::scenario) fn forget(model: &mut Model, peer: usize, how: Departure) {
    for source in model.sources.values_mut().filter(|source| source.peer == peer) {
        source.gone = source.gone.or(Some(how));
    }
    let names: Vec<Name> = model.sinks.keys().filter(|(owner, _)| *owner == peer).map(|(_, name)| *name).collect();
    names.into_iter().for_each(|name| model.depart(peer, name, how));
}

impl Model {
    pub(super) fn depart(&mut self, peer: usize, frames: Name, how: Departure) {
        if self.sinks.remove(&(peer, frames)).is_some()
            && let Some(source) = self.sources.get_mut(&frames)
        {
            source.departed.push((peer, how));
        }
    }

    pub(super) fn source(&self, peer: usize, frames: Name) -> Option<&Source> {
        self.sources.get(&frames).filter(|source| source.peer == peer && source.gone.is_none())
    }

    pub(super) fn sinks_of(&self, frames: Name) -> impl Iterator<Item = &Sink> {
        self.sinks.iter().filter(move |((_, name), _)| *name == frames).map(|(_, sink)| sink)
    }

    /// Frames in the textures of now that some consumer has not returned.
    pub(super) fn under_way(&self, frames: Name) -> usize {
        let since = self.sources.get(&frames).map_or(0, |source| source.since);
        let mut numbers: Vec<u64> = self.sinks_of(frames).flat_map(|sink| &sink.pending).map(|(number, _)| *number).collect();
        numbers.retain(|number| *number >= since);
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len()
    }

    /// Nobody knows what connects the two.
    pub(super) fn doubt(&mut self, peer: usize, frames: Name) {
        if let Some(sink) = self.sinks.get_mut(&(peer, frames)) {
            sink.doubtful = true;
        }
        if let Some(source) = self.sources.get_mut(&frames) {
            source.doubtful = true;
        }
    }
}
