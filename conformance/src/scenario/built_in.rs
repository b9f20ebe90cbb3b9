//! The scenarios that faults are put into.

use gpushare::TextureSpec;

use super::{Action, Name, Scenario, Step};

/// Writes scenarios down.
struct Script {
    steps: Vec<Step>,
    spec: TextureSpec,
}

const PRODUCER: usize = 0;
const CONSUMER: usize = 1;
const THIRD: usize = 2;

impl Script {
    fn step(&mut self, peer: usize, action: Action) {
        self.steps.push(Step { peer, action });
    }

    fn create(&mut self, peer: usize, texture: Name, picture: u64) {
        self.step(peer, Action::Create { texture, spec: self.spec });
        self.fill(peer, texture, picture);
    }

    fn fill(&mut self, peer: usize, texture: Name, picture: u64) {
        self.step(peer, Action::Fill { texture, picture });
    }

    fn verify(&mut self, peer: usize, texture: Name) {
        self.step(peer, Action::Verify { texture });
    }

    fn hand_over(&mut self, from: usize, texture: Name, handle: Name, to: usize) {
        self.step(from, Action::Export { texture, handle });
        self.step(from, Action::Pass { handle, to });
    }

    fn import(&mut self, peer: usize, handle: Name, texture: Name) {
        self.step(peer, Action::Import { handle, texture });
    }

    fn free(&mut self, peer: usize, texture: Name) {
        self.step(peer, Action::Free { texture });
    }
}

/// All scenarios, with textures of one kind; `reexport`: an import can be exported again.
#[must_use]
pub fn scenarios(spec: TextureSpec, reexport: bool) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |name: &str, peers: usize, write: fn(&mut Script)| {
        let mut script = Script { steps: Vec::new(), spec };
        write(&mut script);
        all.push(Scenario { name: name.into(), peers, steps: script.steps });
    };
    add("share_back", 2, share_back);
    add("exporter_frees_first", 2, exporter_frees_first);
    add("both_ways", 2, both_ways);
    add("several_textures", 2, several_textures);
    add("several_importers", 3, several_importers);
    if reexport {
        add("chain", 3, chain);
    }
    all
}

/// The importer sees the exporter's picture, and the exporter sees the importer's.
fn share_back(script: &mut Script) {
    script.create(PRODUCER, 1, 1);
    script.hand_over(PRODUCER, 1, 1, CONSUMER);
    script.import(CONSUMER, 1, 1);
    script.verify(CONSUMER, 1);
    script.fill(CONSUMER, 1, 2);
    script.verify(PRODUCER, 1);
    script.free(CONSUMER, 1);
    script.free(PRODUCER, 1);
}

/// The handle alone holds the payload for a while; one more handle is never imported.
fn exporter_frees_first(script: &mut Script) {
    script.create(PRODUCER, 1, 1);
    script.hand_over(PRODUCER, 1, 1, CONSUMER);
    script.hand_over(PRODUCER, 1, 2, CONSUMER);
    script.free(PRODUCER, 1);
    script.import(CONSUMER, 1, 1);
    script.verify(CONSUMER, 1);
    script.step(CONSUMER, Action::Close { handle: 2 });
    script.free(CONSUMER, 1);
}

/// Each is exporter and importer at once.
fn both_ways(script: &mut Script) {
    script.create(PRODUCER, 1, 1);
    script.create(CONSUMER, 2, 2);
    script.hand_over(PRODUCER, 1, 1, CONSUMER);
    script.hand_over(CONSUMER, 2, 2, PRODUCER);
    script.import(CONSUMER, 1, 3);
    script.import(PRODUCER, 2, 4);
    script.verify(CONSUMER, 3);
    script.verify(PRODUCER, 4);
    script.fill(PRODUCER, 4, 3);
    script.verify(CONSUMER, 2);
}

/// As a swapchain's pictures are handed over.
fn several_textures(script: &mut Script) {
    for number in 1..=3 {
        script.create(PRODUCER, number, number.into());
    }
    for number in 1..=3 {
        script.hand_over(PRODUCER, number, number, CONSUMER);
    }
    for number in 1..=3 {
        script.import(CONSUMER, number, number);
    }
    for number in 1..=3 {
        script.verify(CONSUMER, number);
        script.free(CONSUMER, number);
    }
}

/// One texture in three processes.
fn several_importers(script: &mut Script) {
    script.create(PRODUCER, 1, 1);
    for (handle, importer) in [(1, CONSUMER), (2, THIRD)] {
        script.hand_over(PRODUCER, 1, handle, importer);
        script.import(importer, handle, 1);
        script.verify(importer, 1);
    }
    script.fill(CONSUMER, 1, 2);
    script.verify(THIRD, 1);
    script.free(CONSUMER, 1);
    script.verify(THIRD, 1);
}

/// The second importer has its handle from the first.
fn chain(script: &mut Script) {
    script.create(PRODUCER, 1, 1);
    script.hand_over(PRODUCER, 1, 1, CONSUMER);
    script.step(CONSUMER, Action::ImportExportable { handle: 1, texture: 1 });
    script.hand_over(CONSUMER, 1, 2, THIRD);
    script.import(THIRD, 2, 1);
    script.free(CONSUMER, 1);
    script.verify(THIRD, 1);
    script.fill(THIRD, 1, 2);
    script.verify(PRODUCER, 1);
}
