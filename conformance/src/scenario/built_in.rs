//! The scenarios that faults are put into.

use gpushare::sync::Transference;
use gpushare::{Api, HandleType, SyncKind, TextureSpec};
use gpushare_harness::protocol::DeviceReport;

use super::channels::ChannelStep;
use super::frames::FramesStep;
use super::handles::HandleStep;
use super::rings::RingStep;
use super::streams::StreamStep;
use super::syncs::SyncStep;
use super::textures::TextureStep;
use super::{Action, Name, Scenario, Step};
use crate::case::ANY_TEXTURE;
use crate::cases::sync_answers;

/// Writes scenarios down.
struct Script {
    steps: Vec<Step>,
    /// What semaphores are shared by as a reference, as a copy, and timelines.
    handle_types: [HandleType; 3],
}

const PRODUCER: usize = 0;
const CONSUMER: usize = 1;
const THIRD: usize = 2;

impl Script {
    fn step(&mut self, peer: usize, action: Action) {
        self.steps.push(Step { peer, action });
    }

    fn texture(&mut self, peer: usize, step: TextureStep) {
        self.step(peer, Action::Texture(step));
    }

    fn sync(&mut self, peer: usize, step: SyncStep) {
        self.step(peer, Action::Sync(step));
    }

    fn channel(&mut self, peer: usize, step: ChannelStep) {
        self.step(peer, Action::Channel(step));
    }

    fn ring(&mut self, peer: usize, step: RingStep) {
        self.step(peer, Action::Ring(step));
    }

    fn stream(&mut self, peer: usize, step: StreamStep) {
        self.step(peer, Action::Stream(step));
    }

    fn frames(&mut self, peer: usize, step: FramesStep) {
        self.step(peer, Action::Frames(step));
    }

    fn create(&mut self, peer: usize, texture: Name, picture: u64) {
        self.texture(peer, TextureStep::Create { texture, spec: ANY_TEXTURE });
        self.fill(peer, texture, picture);
    }

    fn fill(&mut self, peer: usize, texture: Name, picture: u64) {
        self.texture(peer, TextureStep::Fill { texture, picture });
    }

    fn verify(&mut self, peer: usize, texture: Name) {
        self.texture(peer, TextureStep::Verify { texture });
    }

    fn hand_over(&mut self, from: usize, texture: Name, handle: Name, to: usize) {
        self.texture(from, TextureStep::Export { texture, handle });
        self.pass(from, handle, to);
    }

    fn pass(&mut self, from: usize, handle: Name, to: usize) {
        self.step(from, Action::Handle(HandleStep::Pass { handle, to }));
    }

    fn import(&mut self, peer: usize, handle: Name, texture: Name) {
        self.texture(peer, TextureStep::Import { handle, texture });
    }

    fn free(&mut self, peer: usize, texture: Name) {
        self.texture(peer, TextureStep::Free { texture });
    }

    fn share(&mut self, sync: Name, kind: SyncKind, handle_type: HandleType) {
        self.sync(PRODUCER, SyncStep::Create { sync, kind, handle_type });
        self.sync(PRODUCER, SyncStep::Export { sync, handle: sync });
        self.pass(PRODUCER, sync, CONSUMER);
        self.sync(CONSUMER, SyncStep::Import { handle: sync, sync });
    }
}

/// All scenarios, in the forms that a device has them in. One that it cannot play says so ([`Scenario::impossible`]).
#[must_use]
pub fn scenarios(report: &DeviceReport) -> Vec<Scenario> {
    let mut all = Vec::new();
    let handle_types = [
        handle_type(report, SyncKind::Semaphore, Transference::Reference),
        handle_type(report, SyncKind::Semaphore, Transference::Copy),
        handle_type(report, SyncKind::Timeline, Transference::Reference),
    ];
    let mut add = |name: &str, peers: usize, write: fn(&mut Script)| {
        let mut script = Script { steps: Vec::new(), handle_types };
        write(&mut script);
        all.push(Scenario { name: name.into(), peers, steps: script.steps });
    };
    add("share_back", 2, share_back);
    add("exporter_frees_first", 2, exporter_frees_first);
    add("both_ways", 2, both_ways);
    add("several_textures", 2, several_textures);
    add("several_importers", 3, several_importers);
    add("chain", 3, chain);
    add("semaphore", 2, semaphore);
    add("semaphore_copied", 2, semaphore_copied);
    add("timeline", 2, timeline);
    add("frames", 2, frames);
    add("frames_change", 2, frames_change);
    add("texture_over_channel", 2, texture_over_channel);
    // Rings and streams know no driver: the host lane decides them once.
    if report.identity.api == Api::Host {
        add("ring", 2, ring);
        add("stream", 2, stream);
    }
    all
}

/// How a device shares a kind of object; where it does not, how it is asked in vain.
fn handle_type(report: &DeviceReport, kind: SyncKind, transference: Transference) -> HandleType {
    let mut fit = sync_answers(report, kind).iter().filter(|can| Transference::of(can.handle_type) == transference);
    let first = fit.clone().next().map(|can| can.handle_type);
    let none = if transference == Transference::Copy { HandleType::SyncFd } else { HandleType::OpaqueFd };
    fit.find(|can| can.shareable()).map(|can| can.handle_type).or(first).unwrap_or(none)
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
    script.step(CONSUMER, Action::Handle(HandleStep::Close { handle: 2 }));
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
    script.texture(CONSUMER, TextureStep::ImportExportable { handle: 1, texture: 1 });
    script.hand_over(CONSUMER, 1, 2, THIRD);
    script.import(THIRD, 2, 1);
    script.free(CONSUMER, 1);
    script.verify(THIRD, 1);
    script.fill(THIRD, 1, 2);
    script.verify(PRODUCER, 1);
}

/// Signals go both ways through one payload.
fn semaphore(script: &mut Script) {
    let [by_reference, ..] = script.handle_types;
    script.share(1, SyncKind::Semaphore, by_reference);
    for (signaller, waiter) in [(PRODUCER, CONSUMER), (CONSUMER, PRODUCER)] {
        script.sync(signaller, SyncStep::Signal { sync: 1, value: 0 });
        script.sync(waiter, SyncStep::Wait { sync: 1, value: 0 });
    }
    script.sync(CONSUMER, SyncStep::Free { sync: 1 });
    script.sync(PRODUCER, SyncStep::Free { sync: 1 });
}

/// Each signal travels in a handle of its own.
fn semaphore_copied(script: &mut Script) {
    let [_, by_copy, _] = script.handle_types;
    script.sync(PRODUCER, SyncStep::Create { sync: 1, kind: SyncKind::Semaphore, handle_type: by_copy });
    for handle in [1, 2] {
        script.sync(PRODUCER, SyncStep::Signal { sync: 1, value: 0 });
        script.sync(PRODUCER, SyncStep::Export { sync: 1, handle });
        script.pass(PRODUCER, handle, CONSUMER);
        script.sync(CONSUMER, SyncStep::Import { handle, sync: handle });
        script.sync(CONSUMER, SyncStep::Wait { sync: handle, value: 0 });
    }
    script.sync(CONSUMER, SyncStep::Free { sync: 1 });
}

/// Each moves it on in turn, and looks where the other has brought it.
fn timeline(script: &mut Script) {
    let [.., by_reference] = script.handle_types;
    script.share(1, SyncKind::Timeline, by_reference);
    script.sync(PRODUCER, SyncStep::Signal { sync: 1, value: 3 });
    script.sync(CONSUMER, SyncStep::Wait { sync: 1, value: 2 });
    script.sync(CONSUMER, SyncStep::Query { sync: 1 });
    script.sync(CONSUMER, SyncStep::Signal { sync: 1, value: 7 });
    script.sync(PRODUCER, SyncStep::Wait { sync: 1, value: 7 });
    script.sync(PRODUCER, SyncStep::Wait { sync: 1, value: 8 });
    script.sync(PRODUCER, SyncStep::Query { sync: 1 });
    script.sync(PRODUCER, SyncStep::Free { sync: 1 });
    script.sync(CONSUMER, SyncStep::Query { sync: 1 });
}

/// A consumer comes, gets frames until no slot is free, leaves, and comes back.
fn frames(script: &mut Script) {
    let frames = 1;
    script.frames(PRODUCER, FramesStep::Create { frames, spec: ANY_TEXTURE, slots: 2 });
    script.frames(PRODUCER, FramesStep::Invite { frames, to: CONSUMER });
    for _ in 0..3 {
        script.frames(PRODUCER, FramesStep::Submit { frames });
    }
    for _ in 0..2 {
        script.frames(CONSUMER, FramesStep::Take { frames });
    }
    script.frames(CONSUMER, FramesStep::Close { frames });
    script.frames(PRODUCER, FramesStep::Departures { frames });
    script.frames(PRODUCER, FramesStep::Invite { frames, to: CONSUMER });
    script.frames(PRODUCER, FramesStep::Submit { frames });
    script.frames(PRODUCER, FramesStep::Close { frames });
    for _ in 0..2 {
        script.frames(CONSUMER, FramesStep::Take { frames });
    }
}

/// The textures become others while frames are under way.
fn frames_change(script: &mut Script) {
    const OTHER: TextureSpec = TextureSpec::new(gpushare::Format::R8G8B8A8Unorm, 32, 80);
    let frames = 1;
    script.frames(PRODUCER, FramesStep::Create { frames, spec: ANY_TEXTURE, slots: 2 });
    script.frames(PRODUCER, FramesStep::Invite { frames, to: CONSUMER });
    script.frames(PRODUCER, FramesStep::Submit { frames });
    script.frames(PRODUCER, FramesStep::Resize { frames, spec: OTHER });
    script.frames(PRODUCER, FramesStep::Submit { frames });
    for _ in 0..2 {
        script.frames(CONSUMER, FramesStep::Take { frames });
    }
    script.frames(PRODUCER, FramesStep::Submit { frames });
    script.frames(CONSUMER, FramesStep::Take { frames });
    script.frames(PRODUCER, FramesStep::Departures { frames });
}

/// The handle goes from one peer to the other, through nobody else.
fn texture_over_channel(script: &mut Script) {
    let channel = 1;
    script.channel(PRODUCER, ChannelStep::Open { channel, to: CONSUMER });
    script.create(PRODUCER, 1, 1);
    script.texture(PRODUCER, TextureStep::Export { texture: 1, handle: 1 });
    script.channel(PRODUCER, ChannelStep::Send { channel, message: 0, handle: Some(1) });
    script.channel(CONSUMER, ChannelStep::Send { channel, message: 1, handle: None });
    script.channel(CONSUMER, ChannelStep::Receive { channel, handle: Some(2) });
    script.channel(PRODUCER, ChannelStep::Receive { channel, handle: None });
    script.import(CONSUMER, 2, 1);
    script.verify(CONSUMER, 1);
    script.channel(PRODUCER, ChannelStep::Send { channel, message: 2, handle: None });
    script.channel(PRODUCER, ChannelStep::Close { channel });
    for _ in 0..2 {
        script.channel(CONSUMER, ChannelStep::Receive { channel, handle: None });
    }
}

/// Messages, one of them without bytes, arrive in order; the sender leaves, and comes back with another ring.
fn ring(script: &mut Script) {
    script.ring(PRODUCER, RingStep::Create { ring: 1 });
    script.ring(PRODUCER, RingStep::Send { ring: 1, message: 0 });
    script.ring(CONSUMER, RingStep::Attach { ring: 1 });
    script.ring(PRODUCER, RingStep::Send { ring: 1, message: 1 });
    script.ring(CONSUMER, RingStep::Receive { ring: 1 });
    script.ring(PRODUCER, RingStep::Send { ring: 1, message: 2 });
    script.ring(PRODUCER, RingStep::Close { ring: 1 });
    for _ in 0..3 {
        script.ring(CONSUMER, RingStep::Receive { ring: 1 });
    }
    script.ring(PRODUCER, RingStep::Create { ring: 2 });
    script.ring(CONSUMER, RingStep::Attach { ring: 2 });
    script.ring(CONSUMER, RingStep::Close { ring: 2 });
    script.ring(PRODUCER, RingStep::Send { ring: 2, message: 3 });
}

/// A question and its answer; then one direction ends, and then the other end leaves.
fn stream(script: &mut Script) {
    let stream = 1;
    script.stream(PRODUCER, StreamStep::Create { stream });
    script.stream(PRODUCER, StreamStep::Write { stream, message: 0 });
    script.stream(CONSUMER, StreamStep::Attach { stream });
    script.stream(CONSUMER, StreamStep::Read { stream });
    script.stream(CONSUMER, StreamStep::Write { stream, message: 40 });
    script.stream(PRODUCER, StreamStep::EndWriting { stream });
    script.stream(CONSUMER, StreamStep::Read { stream });
    script.stream(PRODUCER, StreamStep::Read { stream });
    script.stream(CONSUMER, StreamStep::Write { stream, message: 50 });
    script.stream(CONSUMER, StreamStep::Close { stream });
    for _ in 0..2 {
        script.stream(PRODUCER, StreamStep::Read { stream });
    }
}
