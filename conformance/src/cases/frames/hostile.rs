//! The other side says what cannot be: an error, and nobody else is touched. The orchestrator itself plays it, by the rules of
//! `gpushare::frames::wire` and with none of its care.

use std::fmt::Display;
use std::time::Duration;

use gpushare::frames::Policy;
use gpushare::frames::wire::{Acceptance, Filled, Invitation, Returned, VERSION};
use gpushare::ring::{Offer, fixed};
use gpushare::sync::SyncFields;
use gpushare::{
    Api, Batch, Channel, Deadline, HandleType, Message, Peer, SharedTimeline, SyncDescriptor, SyncKind, TextureDescriptor, Uuid,
};
use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::frames::Why;

use super::{Pair, SHORT, TIMED_OUT, impossible, pair};
use crate::case::{ANY_TEXTURE, Cases, Outcome, Stop, require};
use crate::context::{Consumer, Context, EndOfFrames, Party, frames::channel};

pub(super) fn define(cases: &mut Cases<'_>) {
    const CONSUMER: &[&str] = &["frames.hostile_consumer_is_let_go", "frames.consumers_are_apart"];
    const PRODUCER: &[&str] = &["frames.hostile_producer_is_an_error"];
    const READ: &[&str] = &["frames.not_reused_before_read"];
    let skip = impossible(cases);
    let soon = Duration::from_secs(5);
    let returns: [(&str, Change); 4] = [
        ("another_slot", |it| Returned { slot: it.slot ^ 1, ..it }),
        ("no_slot", |it| Returned { slot: u32::MAX, ..it }),
        ("another_generation", |it| Returned { generation: it.generation + 1, ..it }),
        ("an_old_frame", |it| Returned { number: it.number - 1, ..it }),
    ];
    let case = cases.case("return_that_cannot_be", CONSUMER).skip_if(skip.clone()).patience(soon);
    case.each(returns, |(name, _)| (*name).to_owned(), return_that_cannot_be);
    let case = cases.case("second_return_frees_once", CONSUMER).skip_if(skip.clone()).patience(soon);
    case.once(second_return_frees_once);
    let case = cases.case("timeline_that_runs_ahead", CONSUMER).skip_if(skip.clone()).patience(soon);
    case.once(timeline_that_runs_ahead);
    let case = cases.case("return_without_having_read", READ).skip_if(skip.clone()).patience(soon);
    case.once(return_without_having_read);
    let case = cases.case("silent_consumer_is_no_consumer", CONSUMER).skip_if(skip.clone());
    case.once(silent_consumer);
    const FIRST: Filled = Filled { number: 1, stamp: 0, generation: GENERATION, slot: 0 };
    let frames = [
        ("no_slot", Filled { number: 2, slot: 2, ..FIRST }),
        ("slot_not_returned", Filled { number: 2, ..FIRST }),
        ("same_number", Filled { slot: 1, ..FIRST }),
        ("old_generation", Filled { number: 2, slot: 1, generation: GENERATION - 1, ..FIRST }),
    ];
    let case = cases.case("frame_that_cannot_be", PRODUCER).skip_if(skip.clone()).patience(soon);
    case.each(frames.map(|(name, frame)| (name, FIRST, frame)), |(name, ..)| (*name).to_owned(), frame_that_cannot_be);
    let case = cases.case("generation_never_announced", PRODUCER).skip_if(skip).patience(soon);
    case.about(Filled { generation: GENERATION + 1, ..FIRST }, generation_never_announced);
}

/// What becomes of an honest return.
type Change = fn(Returned) -> Returned;

fn stuck(error: impl Display) -> Stop {
    Stop::Inconclusive(error.to_string())
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

/// A timeline in shared memory, which every device imports.
fn descriptor() -> Outcome<SyncDescriptor> {
    SyncDescriptor::new(SyncFields {
        version: SyncDescriptor::VERSION,
        kind: SyncKind::Timeline,
        api: Api::Host,
        device_uuid: Uuid::default(),
        driver_uuid: Uuid::default(),
        handle_type: HandleType::SharedMemory,
    })
    .map_err(stuck)
}

/// A consumer that says what it likes.
struct Liar {
    known: Consumer,
    frames: fixed::Consumer<{ Filled::BYTES }>,
    returns: fixed::Producer<{ Returned::BYTES }>,
    read: SharedTimeline,
    _channel: Channel,
}

impl Liar {
    fn join(producer: &Party<'_, '_>, source: EndOfFrames) -> Outcome<Self> {
        let (ours, theirs) = channel()?;
        let inviting = producer.begin_invite(source, theirs.into_handle())?;
        let mut channel = ours;
        let Message { bytes, mut handles } = channel.receive(soon()).map_err(stuck)?;
        let invitation: Invitation =
            serde_json::from_slice(&bytes).map_err(|error| Stop::Fail(format!("an invitation that is none: {error}")))?;
        channel.receive(soon()).map_err(stuck)?;
        let read = SharedTimeline::create_owned(0).map_err(stuck)?;
        let answer = serde_json::to_vec(&Acceptance::Accepted { read: Some(descriptor()?) }).map_err(stuck)?;
        let (timeline, process) = (read.handle().map_err(stuck)?, Peer::this_process().map_err(stuck)?);
        channel.send(&answer, &[&timeline, &process], soon()).map_err(stuck)?;
        let known = producer.finish_invite(inviting)?.map_err(|problem| producer.refused(&problem))?;
        let mut rest = handles.split_off(Offer::HANDLES.min(handles.len()));
        rest.truncate(Offer::HANDLES);
        let frames = fixed::Consumer::attach(Offer::from_parts(invitation.frames, handles)).map_err(stuck)?;
        let returns = fixed::Producer::attach(Offer::from_parts(invitation.returns, rest)).map_err(stuck)?;
        Ok(Self { known, frames, returns, read, _channel: channel })
    }

    fn taken(&mut self) -> Outcome<Filled> {
        Ok(Filled::from_bytes(&self.frames.receive(soon()).map_err(stuck)?))
    }

    fn give_back(&mut self, returned: Returned) -> Outcome {
        self.returns.send(&returned.to_bytes(), soon()).map_err(stuck)
    }
}

/// It is let go, and the honest one gets its frames.
fn return_that_cannot_be(cx: &Context<'_>, (_, change): (&str, Change)) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 2, Policy::Paced)?;
    let mut liar = Liar::join(&producer, source)?;
    producer.produce(source, 1, cx.pattern(0))?;
    let frame = liar.taken()?;
    liar.give_back(change(frame.returned()))?;
    producer.departs(source, liar.known, Why::Hostile)?;
    let producing = producer.begin_produce(source, 5, cx.pattern(0))?;
    consumer.consume(sink, 1, 6, cx.pattern(0))?;
    producer.finish_produce(producing, 5)
}

/// The honest one still has the slot that the other returns twice.
fn second_return_frees_once(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 1, Policy::Paced)?;
    let mut liar = Liar::join(&producer, source)?;
    producer.produce(source, 1, cx.pattern(0))?;
    let frame = liar.taken()?;
    for _ in 0..2 {
        liar.give_back(frame.returned())?;
    }
    liar.read.signal(2).map_err(stuck)?;
    producer.departs(source, liar.known, Why::Hostile)?;
    producer.acquire_is_refused(source, SHORT, TIMED_OUT)?;
    consumer.consume(sink, 1, 1, cx.pattern(0))
}

fn timeline_that_runs_ahead(cx: &Context<'_>) -> Outcome {
    let [producer] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 1, Policy::Paced)?;
    let liar = Liar::join(&producer, source)?;
    producer.produce(source, 1, cx.pattern(0))?;
    liar.read.signal(u64::MAX).map_err(stuck)?;
    producer.departs(source, liar.known, Why::Hostile)?;
    producer.produce(source, 1, cx.pattern(0))
}

/// It says that it is through with the frame; its timeline does not.
fn return_without_having_read(cx: &Context<'_>) -> Outcome {
    let [producer] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 1, Policy::Paced)?;
    let mut liar = Liar::join(&producer, source)?;
    producer.produce(source, 1, cx.pattern(0))?;
    let frame = liar.taken()?;
    liar.give_back(frame.returned())?;
    producer.acquire_is_refused(source, SHORT, TIMED_OUT)?;
    liar.read.signal(1).map_err(stuck)?;
    producer.produce(source, 1, cx.pattern(0))
}

/// Who answers nothing, or nonsense, to an invitation.
fn silent_consumer(cx: &Context<'_>) -> Outcome {
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 1, Policy::Paced)?;
    for answer in [None, Some(&b"{\"accepted\":7}"[..])] {
        let (mut ours, theirs) = channel()?;
        let inviting = producer.begin_invite(source, theirs.into_handle())?;
        if let Some(answer) = answer {
            ours.send(answer, &[], soon()).map_err(stuck)?;
        }
        drop(ours);
        match producer.finish_invite(inviting)? {
            Err(problem) => {
                producer
                    .expect_code(&problem, &[Code::FramesMalformed, Code::ChannelClosed, Code::ChannelCutOff, Code::System])?;
            }
            Ok(known) => require(false, || format!("nobody became {known:?}"))?,
        }
    }
    producer.produce(source, 1, cx.pattern(0))?;
    consumer.consume(sink, 1, 1, cx.pattern(0))
}

const GENERATION: u32 = 5;

/// A producer that says what it likes; its textures are those of an honest peer.
struct Deceiver {
    frames: fixed::Producer<{ Filled::BYTES }>,
    _returns: fixed::Consumer<{ Returned::BYTES }>,
    rendered: SharedTimeline,
    _channel: Channel,
}

impl Deceiver {
    fn start<'cx, 'run>(cx: &'cx Context<'run>) -> Outcome<(Self, Party<'cx, 'run>, EndOfFrames)> {
        let [maker, consumer] = cx.peers()?;
        let mut textures = Vec::new();
        for _ in 0..2 {
            let shared = maker.export(maker.create(ANY_TEXTURE)?)?;
            let handle = maker.give(&[shared.handle])?.pop().ok_or_else(|| stuck("no handle"))?;
            textures.push((TextureDescriptor::new(shared.descriptor).map_err(stuck)?, handle));
        }
        let (bytes, beside) = (Batch::from_exported(textures).map_err(stuck)?, channel()?);
        let ((mut channel, theirs), (frames, of_frames)) = (beside, fixed::Producer::create(64).map_err(stuck)?);
        let (returns, of_returns) = fixed::Consumer::create(64).map_err(stuck)?;
        let rendered = SharedTimeline::create_owned(0).map_err(stuck)?;
        let ((frames_terms, mut handles), (returns_terms, more)) = (of_frames.into_parts(), of_returns.into_parts());
        handles.extend(more);
        handles.extend([rendered.handle().map_err(stuck)?, Peer::this_process().map_err(stuck)?]);
        let invitation = Invitation {
            version: VERSION,
            policy: Policy::Paced,
            generation: GENERATION,
            frames: frames_terms,
            returns: returns_terms,
            rendered: descriptor()?,
            read: None,
        };
        let text = serde_json::to_vec(&invitation).map_err(stuck)?;
        channel.send(&text, &handles.iter().collect::<Vec<_>>(), soon()).map_err(stuck)?;
        let (text, handles) = bytes.message();
        channel.send(&text, &handles, soon()).map_err(stuck)?;
        let sink = consumer.try_join(theirs.into_handle())?.map_err(|problem| consumer.refused(&problem))?;
        channel.receive(soon()).map_err(stuck)?;
        Ok((Self { frames, _returns: returns, rendered, _channel: channel }, consumer, sink))
    }

    fn send(&mut self, frame: Filled, value: u64) -> Outcome {
        self.rendered.signal(value).map_err(stuck)?;
        self.frames.send(&frame.to_bytes(), soon()).map_err(stuck)
    }
}

const HOSTILE: &[Code] = &[Code::FramesHostile];

fn frame_that_cannot_be(cx: &Context<'_>, (_, first, frame): (&str, Filled, Filled)) -> Outcome {
    let (mut deceiver, consumer, sink) = Deceiver::start(cx)?;
    deceiver.send(first, 1)?;
    let (held, _) = consumer.next_frame(sink)?;
    deceiver.send(frame, 2)?;
    for _ in 0..2 {
        consumer.no_frame_comes(sink, cx.within(), HOSTILE)?;
    }
    consumer.release(held)
}

/// Its textures are waited for no longer than the deadline, and not at all once the producer is gone.
fn generation_never_announced(cx: &Context<'_>, frame: Filled) -> Outcome {
    let (mut deceiver, consumer, sink) = Deceiver::start(cx)?;
    deceiver.send(frame, 1)?;
    consumer.no_frame_comes(sink, SHORT, TIMED_OUT)?;
    drop(deceiver);
    consumer.no_frame_comes(sink, cx.within(), HOSTILE)
}
