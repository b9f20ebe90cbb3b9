//! Random scenarios, each of them sensible: peers do only what they could do with what they hold.
//!
//! A scenario is made from plain numbers, each of which picks among what is possible at its place. So any part of the numbers is
//! a scenario again, and proptest finds a short one that still fails by leaving numbers out.

use gpushare::TextureSpec;
use gpushare_harness::protocol::DeviceReport;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{Action, Name, Scenario, Step};
use crate::case::{ANY_TEXTURE, both_tilings, unshareable};
use crate::cases::no_reexport;

/// What generated scenarios are made of.
#[derive(Clone, Debug)]
pub struct Material {
    /// The kinds of textures, at least one.
    pub specs: Vec<TextureSpec>,
    /// Whether an import can be exported again.
    pub reexport: bool,
}

impl Material {
    /// What a device can share, that can share [`ANY_TEXTURE`].
    #[must_use]
    pub fn of(report: &DeviceReport) -> Self {
        let mut specs = both_tilings(ANY_TEXTURE).to_vec();
        specs.retain(|spec| *spec == ANY_TEXTURE || unshareable(report, spec).is_none());
        Self { specs, reexport: no_reexport(report).is_none() }
    }
}

/// Makes the same scenarios from the same seed.
#[must_use]
pub fn runner(seed: u64, scenarios: u32) -> TestRunner {
    let config = Config { cases: scenarios, failure_persistence: None, max_shrink_iters: 512, ..Config::default() };
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

/// A peer holds no more textures than this, and all together no more handles.
const MOST: usize = 6;

/// Scenarios of two to four peers.
pub fn scenarios(material: Material) -> impl Strategy<Value = Scenario> {
    let numbers = prop::collection::vec(any::<(u8, u16, u16)>(), 1..48);
    (2..=crate::context::ROLES.len(), numbers).prop_map(move |(peers, numbers)| {
        let mut draft =
            Draft { material: &material, peers, textures: Vec::new(), handles: Vec::new(), named: 0, steps: Vec::new() };
        numbers.into_iter().for_each(|(kind, first, second)| draft.add(kind, first.into(), second.into()));
        draft.end()
    })
}

/// A texture as the draft sees it.
#[derive(Clone, Copy)]
struct Member {
    peer: usize,
    name: Name,
    exportable: bool,
}

/// A scenario being written, and what is there at its end so far.
struct Draft<'material> {
    material: &'material Material,
    peers: usize,
    textures: Vec<Member>,
    /// Name and holder.
    handles: Vec<(Name, usize)>,
    named: Name,
    steps: Vec<Step>,
}

impl Draft<'_> {
    /// Add the step that these numbers pick, if there is one.
    fn add(&mut self, kind: u8, first: usize, second: usize) {
        match kind % 16 {
            0 | 1 => self.create(first, second),
            2..=4 => self.fill(first, second),
            5 | 6 => self.with_texture(first, |texture| Action::Verify { texture }),
            7 | 8 => self.export(first),
            9 | 10 => self.pass(first, second),
            11 | 12 => self.import(first, self.material.reexport && second % 2 == 1),
            13 => self.free(first),
            14 => self.close(first),
            _ => self.exit(first),
        }
    }

    /// In the end everybody looks at everything.
    fn end(mut self) -> Scenario {
        for Member { peer, name, .. } in self.textures.clone() {
            self.step(peer, Action::Verify { texture: name });
        }
        Scenario { name: "generated".into(), peers: self.peers, steps: self.steps }
    }

    fn step(&mut self, peer: usize, action: Action) {
        self.steps.push(Step { peer, action });
    }

    fn new_name(&mut self) -> Name {
        self.named += 1;
        self.named
    }

    fn with_texture(&mut self, number: usize, action: impl FnOnce(Name) -> Action) {
        if let Some(Member { peer, name, .. }) = pick(&self.textures, number) {
            self.step(peer, action(name));
        }
    }

    fn has_room(&self, peer: usize) -> bool {
        self.textures.iter().filter(|member| member.peer == peer).count() < MOST
    }

    fn create(&mut self, peer: usize, spec: usize) {
        let peer = peer % self.peers;
        if let Some(spec) = pick(&self.material.specs, spec)
            && self.has_room(peer)
        {
            let name = self.new_name();
            self.textures.push(Member { peer, name, exportable: true });
            self.step(peer, Action::Create { texture: name, spec });
        }
    }

    fn fill(&mut self, texture: usize, picture: usize) {
        self.with_texture(texture, |texture| Action::Fill { texture, picture: picture as u64 });
    }

    fn export(&mut self, texture: usize) {
        let exportable: Vec<_> = self.textures.iter().copied().filter(|member| member.exportable).collect();
        if let Some(Member { peer, name, .. }) = pick(&exportable, texture)
            && self.handles.len() < MOST
        {
            let handle = self.new_name();
            self.handles.push((handle, peer));
            self.step(peer, Action::Export { texture: name, handle });
        }
    }

    fn pass(&mut self, handle: usize, further: usize) {
        let Some((name, from)) = pick(&self.handles, handle) else { return };
        let to = (from + 1 + further % (self.peers - 1)) % self.peers;
        self.handles.retain(|(other, _)| *other != name);
        self.handles.push((name, to));
        self.step(from, Action::Pass { handle: name, to });
    }

    fn import(&mut self, handle: usize, exportable: bool) {
        let Some((handle, peer)) = pick(&self.handles, handle).filter(|(_, peer)| self.has_room(*peer)) else { return };
        let texture = self.new_name();
        self.handles.retain(|(other, _)| *other != handle);
        self.textures.push(Member { peer, name: texture, exportable });
        let (import, again) = (Action::Import { handle, texture }, Action::ImportExportable { handle, texture });
        self.step(peer, if exportable { again } else { import });
    }

    fn free(&mut self, texture: usize) {
        if let Some(Member { peer, name, .. }) = pick(&self.textures, texture) {
            self.textures.retain(|member| member.name != name);
            self.step(peer, Action::Free { texture: name });
        }
    }

    fn close(&mut self, handle: usize) {
        if let Some((name, peer)) = pick(&self.handles, handle) {
            self.handles.retain(|(other, _)| *other != name);
            self.step(peer, Action::Close { handle: name });
        }
    }

    fn exit(&mut self, peer: usize) {
        let peer = peer % self.peers;
        self.textures.retain(|member| member.peer != peer);
        self.handles.retain(|(_, holder)| *holder != peer);
        self.step(peer, Action::Exit);
    }
}

fn pick<T: Clone>(among: &[T], number: usize) -> Option<T> {
    among.get(number % among.len().max(1)).cloned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest! {
        #[test]
        fn what_a_step_is_about_was_made_before_and_is_still_there(
            scenario in scenarios(Material { specs: vec![ANY_TEXTURE], reexport: true })
        ) {
            let (mut textures, mut handles) = (BTreeSet::new(), BTreeSet::new());
            for Step { peer, action } in scenario.steps {
                prop_assert!(peer < scenario.peers);
                let sensible = match action {
                    Action::Create { texture, .. } => textures.insert((peer, texture)),
                    Action::Fill { texture, .. } | Action::Verify { texture } => textures.contains(&(peer, texture)),
                    Action::Export { texture, handle } => textures.contains(&(peer, texture)) && handles.insert((peer, handle)),
                    Action::Pass { handle, to } => {
                        to < scenario.peers && to != peer && handles.remove(&(peer, handle)) && handles.insert((to, handle))
                    }
                    Action::Import { handle, texture } | Action::ImportExportable { handle, texture } => {
                        handles.remove(&(peer, handle)) && textures.insert((peer, texture))
                    }
                    Action::Free { texture } => textures.remove(&(peer, texture)),
                    Action::Close { handle } => handles.remove(&(peer, handle)),
                    Action::Exit => {
                        textures.retain(|(owner, _)| *owner != peer);
                        handles.retain(|(holder, _)| *holder != peer);
                        true
                    }
                };
                prop_assert!(sensible, "{peer}: {action}");
            }
        }
    }
}
