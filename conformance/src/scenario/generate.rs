//! Random scenarios, each of them sensible: peers do only what they could do with what they hold.
//!
//! A scenario is made from plain numbers, each of which picks among what is possible at its place. So any part of the numbers is
//! a scenario again, and proptest finds a short one that still fails by leaving numbers out.

use std::collections::BTreeMap;

use gpushare::{Api, HandleType, SyncKind, TextureSpec};
use gpushare_harness::protocol::{Code, DeviceReport, Problem};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::model::Model;
use super::step::Foreseen;
use super::{Action, Name, Scenario, Step, channels, frames, handles, rings, streams, syncs, textures};
use crate::case::{ANY_TEXTURE, both_tilings, unshareable};
use crate::cases::{no_reexport, sync_answers};

/// What generated scenarios are made of.
#[derive(Clone, Debug)]
pub struct Material {
    /// The kinds of textures, at least one.
    pub specs: Vec<TextureSpec>,
    /// Whether an import can be exported again.
    pub reexport: bool,
    /// The kinds of semaphores and timelines, and how they are shared.
    pub syncs: Vec<(SyncKind, HandleType)>,
    /// Whether there are frames.
    pub frames: bool,
    /// Whether there are channels, rings and streams between peers.
    pub links: bool,
}

impl Material {
    /// What a device can share, that can share [`ANY_TEXTURE`].
    #[must_use]
    pub fn of(report: &DeviceReport) -> Self {
        let mut specs = both_tilings(ANY_TEXTURE).to_vec();
        specs.retain(|spec| *spec == ANY_TEXTURE || unshareable(report, spec).is_none());
        let kinds = [SyncKind::Semaphore, SyncKind::Timeline].into_iter();
        let syncs = kinds.flat_map(|kind| {
            let can = sync_answers(report, kind).iter().filter(|can| can.shareable());
            can.map(move |can| (kind, can.handle_type))
        });
        let (syncs, links) = (syncs.collect(), report.identity.api == Api::Host);
        Self { specs, reexport: no_reexport(report).is_none(), syncs, frames: report.frames, links }
    }

    /// What proposes steps, the likelier ones several times.
    fn areas(&self) -> Vec<Propose> {
        let mut areas: Vec<Propose> = vec![textures::propose; 6];
        areas.extend([handles::propose as Propose; 3]);
        areas.extend((!self.syncs.is_empty()).then_some([syncs::propose as Propose; 4]).into_iter().flatten());
        areas.extend(self.frames.then_some([frames::propose as Propose; 4]).into_iter().flatten());
        let links: [Propose; 6] =
            [channels::propose, channels::propose, rings::propose, rings::propose, streams::propose, streams::propose];
        areas.extend(self.links.then_some(links).into_iter().flatten());
        areas.push(exit);
        areas
    }
}

/// The step of a peer that numbers pick, which may make no sense.
type Propose = fn(&Draft<'_>, usize, &mut Pick) -> Option<(usize, Action)>;

/// Milliseconds after which a scenario is short enough: where something never comes, each attempt waits for it.
const SHORTENING: u32 = 120_000;

/// Makes the same scenarios from the same seed.
#[must_use]
pub fn runner(seed: u64, scenarios: u32) -> TestRunner {
    let config = Config {
        cases: scenarios,
        failure_persistence: None,
        max_shrink_iters: 512,
        max_shrink_time: SHORTENING,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4)))
}

/// So many scenarios.
#[must_use]
pub fn some(material: &Material, seed: u64, count: u32) -> Vec<Scenario> {
    let mut runner = runner(seed, count);
    let strategy = scenarios(material.clone());
    // This strategy rejects nothing, so that there is a tree each time.
    (0..count).filter_map(|_| strategy.new_tree(&mut runner).ok()).map(|tree| tree.current()).collect()
}

/// Scenarios of two to four peers.
pub fn scenarios(material: Material) -> impl Strategy<Value = Scenario> {
    let numbers = prop::collection::vec(any::<(u8, u8, u16, u16)>(), 1..96);
    (2..=crate::context::ROLES.len(), numbers).prop_map(move |(peers, numbers)| {
        let mut draft = Draft { material: &material, peers, model: Model::default(), named: 0, steps: Vec::new() };
        let areas = material.areas();
        for (area, which, first, second) in numbers {
            let propose = areas[usize::from(area) % areas.len()];
            draft.named += 1;
            if let Some((peer, action)) = propose(&draft, which.into(), &mut Pick { numbers: vec![first, second] }) {
                draft.add(peer, action);
            }
        }
        draft.end()
    })
}

/// Numbers that pick among what there is.
pub(super) struct Pick {
    numbers: Vec<u16>,
}

impl Pick {
    /// One below a limit.
    pub(super) fn number(&mut self, below: usize) -> usize {
        usize::from(self.numbers.pop().unwrap_or(0)) % below.max(1)
    }

    /// One of a list.
    pub(super) fn of<'list, T>(&mut self, list: &'list [T]) -> Option<&'list T> {
        let index = self.number(list.len());
        list.get(index)
    }

    /// One of what is there.
    pub(super) fn among<'all, T: Copy + 'all>(&mut self, all: impl Iterator<Item = &'all T>) -> Option<T> {
        self.of(&all.copied().collect::<Vec<_>>()).copied()
    }

    /// One of what has a name.
    pub(super) fn entry<'all, T>(&mut self, all: &'all BTreeMap<Name, T>) -> Option<(Name, &'all T)> {
        let index = self.number(all.len());
        all.iter().nth(index).map(|(name, held)| (*name, held))
    }
}

/// A scenario being written, and what is there at its end so far.
pub(super) struct Draft<'material> {
    pub(super) material: &'material Material,
    pub(super) peers: usize,
    pub(super) model: Model,
    /// Each step makes one thing at most, and this is its name.
    named: Name,
    steps: Vec<Step>,
}

impl Draft<'_> {
    /// A peer holds no more of a kind than this, and all together no more handles.
    pub(super) const MOST: usize = 6;

    /// The name of what the step makes.
    pub(super) const fn new_name(&self) -> Name {
        self.named
    }

    /// The name of the handle that the step makes, where there may be another.
    pub(super) fn new_handle(&self) -> Option<Name> {
        (self.model.handles.len() < Self::MOST).then_some(self.named)
    }

    /// Another peer than this one.
    pub(super) fn another(&self, peer: usize, pick: &mut Pick) -> usize {
        (peer + 1 + pick.number(self.peers - 1)) % self.peers
    }

    /// Add a step where it makes sense. A wait that ends in a timeout shows little and takes long.
    fn add(&mut self, peer: usize, action: Action) {
        const TIMEOUTS: [Code; 4] = [Code::Timeout, Code::ChannelTimedOut, Code::RingTimedOut, Code::FramesTimedOut];
        let deed = action.deed();
        match deed.foresee(peer, &self.model) {
            Foreseen::Done => deed.done(peer, &mut self.model),
            Foreseen::Refused(&[code, ..]) if !TIMEOUTS.contains(&code) => {
                deed.refused(peer, &Problem::new(code, ""), &mut self.model);
            }
            // What may be done or not, what follows cannot rest on.
            Foreseen::Refused(_) | Foreseen::Either(_) | Foreseen::Missing => return,
        }
        self.steps.push(Step { peer, action });
    }

    /// In the end everybody looks at everything.
    fn end(mut self) -> Scenario {
        let looks = [textures::looks, syncs::looks, channels::looks, rings::looks, streams::looks, frames::looks];
        for (peer, action) in looks.iter().flat_map(|looks| looks(&self.model)).collect::<Vec<_>>() {
            self.add(peer, action);
        }
        Scenario { name: "generated".into(), peers: self.peers, steps: self.steps }
    }
}

fn exit(draft: &Draft<'_>, _which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    Some((pick.number(draft.peers), Action::Exit))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> Material {
        let syncs = vec![
            (SyncKind::Semaphore, HandleType::SharedMemory),
            (SyncKind::Semaphore, HandleType::SharedSignal),
            (SyncKind::Timeline, HandleType::SharedMemory),
        ];
        Material { specs: vec![ANY_TEXTURE], reexport: true, syncs, frames: true, links: true }
    }

    /// The name of a step without what it is about.
    fn kind(action: &Action) -> String {
        let value = serde_json::to_value(action).expect("an action is JSON");
        let first = |value: &serde_json::Value| {
            value.as_object().and_then(|fields| fields.iter().next()).map(|(k, v)| (k.clone(), v.clone()))
        };
        match first(&value) {
            Some((area, step)) => format!("{area} {}", first(&step).expect("a step has a name").0),
            None => "exit".into(),
        }
    }

    #[test]
    fn every_kind_of_step_is_generated() {
        let kinds: BTreeSet<String> =
            some(&all(), 1, 400).iter().flat_map(|scenario| &scenario.steps).map(|step| kind(&step.action)).collect();
        assert_eq!(kinds.len(), 7 + 2 + 7 + 4 + 5 + 6 + 7 + 1, "{kinds:?}");
    }

    proptest! {
        #[test]
        fn every_step_is_of_a_peer_that_is_there_and_towards_another(scenario in scenarios(all())) {
            for Step { peer, action } in scenario.steps {
                let towards = action.deed().towards();
                prop_assert!(peer < scenario.peers, "{peer}: {action}");
                prop_assert!(towards.is_none_or(|to| to < scenario.peers && to != peer), "{peer}: {action}");
            }
        }

        #[test]
        fn what_a_texture_step_is_about_was_made_before_and_is_still_there(scenario in scenarios(all())) {
            let mut textures = BTreeSet::new();
            for Step { peer, action } in scenario.steps {
                use super::textures::TextureStep::{Create, Export, Fill, Free, Import, ImportExportable, Verify};
                let sensible = match action {
                    Action::Texture(Create { texture, .. } | Import { texture, .. } | ImportExportable { texture, .. }) => {
                        textures.insert((peer, texture))
                    }
                    Action::Texture(Fill { texture, .. } | Verify { texture } | Export { texture, .. }) => {
                        textures.contains(&(peer, texture))
                    }
                    Action::Texture(Free { texture }) => textures.remove(&(peer, texture)),
                    Action::Exit => {
                        textures.retain(|(owner, _)| *owner != peer);
                        true
                    }
                    _ => true,
                };
                prop_assert!(sensible, "{peer}: {action}");
            }
        }
    }
}
