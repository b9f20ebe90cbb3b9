//! The other side says what cannot be: an error, and nothing worse.

use gpushare::frames::wire::{Acceptance, Filled, Invitation, Returned, VERSION};
use gpushare::frames::{Departure, FrameConsumer, FrameError, Policy, Reason};
use gpushare::host::HostDevice;
use gpushare::ring::{Offer, fixed};
use gpushare::{
    Batch, Channel, Deadline, Device, HandleType, Message, OwnedHandle, Peer, SharedTimeline, SyncDescriptor, Timelines,
};
use rstest::rstest;

use crate::{OTHER, SPEC, Studio, now, soon};

/// A consumer that says what it likes.
struct Liar {
    frames: fixed::Consumer<{ Filled::BYTES }>,
    returns: fixed::Producer<{ Returned::BYTES }>,
    read: SharedTimeline,
    channel: Channel,
}

fn descriptor_of(device: &HostDevice) -> SyncDescriptor {
    let mut timeline = device.adopt_timeline(SharedTimeline::create(0).unwrap());
    device.export_timeline(&mut timeline, HandleType::SharedMemory).unwrap().0
}

impl Liar {
    fn join(studio: &mut Studio) -> Self {
        let (ours, mut theirs) = Channel::pair().unwrap();
        let Studio { here, there, producer } = studio;
        std::thread::scope(|scope| {
            let inviting = scope.spawn(|| producer.invite(here, ours, soon()));
            let Message { bytes, mut handles } = theirs.receive(soon()).unwrap();
            let invitation: Invitation = serde_json::from_slice(&bytes).unwrap();
            theirs.receive(soon()).unwrap();
            let read = SharedTimeline::create_owned(0).unwrap();
            let text = serde_json::to_vec(&Acceptance::Accepted { read: Some(descriptor_of(there)) }).unwrap();
            theirs.send(&text, &[&read.handle().unwrap(), &Peer::this_process().unwrap()], soon()).unwrap();
            inviting.join().unwrap().unwrap();
            let rest = handles.split_off(Offer::HANDLES);
            let frames = fixed::Consumer::attach(Offer::from_parts(invitation.frames, handles)).unwrap();
            let returns: Vec<_> = rest.into_iter().take(Offer::HANDLES).collect();
            let returns = fixed::Producer::attach(Offer::from_parts(invitation.returns, returns)).unwrap();
            Self { frames, returns, read, channel: theirs }
        })
    }

    fn taken(&mut self) -> Filled {
        Filled::from_bytes(&self.frames.receive(soon()).unwrap())
    }

    fn give_back(&mut self, returned: Returned) {
        self.returns.send(&returned.to_bytes(), soon()).unwrap();
    }
}

#[rstest]
#[case::slot(|it: Returned| Returned { slot: it.slot + 1, ..it })]
#[case::no_such_slot(|it: Returned| Returned { slot: u32::MAX, ..it })]
#[case::generation(|it: Returned| Returned { generation: it.generation + 1, ..it })]
#[case::stale(|it: Returned| Returned { number: it.number - 1, ..it })]
#[case::number(|it: Returned| Returned { number: u64::MAX, ..it })]
fn a_return_of_what_it_does_not_have_ends_the_consumer(#[case] change: fn(Returned) -> Returned) {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut honest) = studio.consumer();
    let mut liar = Liar::join(&mut studio);
    studio.render();
    let frame = liar.taken();
    liar.give_back(change(frame.returned()));
    ends_as_hostile(&mut studio, "which it does not have");
    assert_eq!(studio.use_next(&mut honest), 1, "the other one is not touched");
    assert_eq!((studio.render(), studio.render()), (2, 3), "nothing of its is held");
}

fn ends_as_hostile(studio: &mut Studio, detail: &str) {
    let departures = studio.producer.departures(&studio.here).unwrap();
    match departures.as_slice() {
        [Departure { reason: Reason::Hostile(why), .. }] => assert!(why.contains(detail), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_return_ends_the_consumer_and_frees_once() {
    let mut studio = Studio::new(2, Policy::Paced);
    let (_, mut honest) = studio.consumer();
    let mut liar = Liar::join(&mut studio);
    studio.render();
    let frame = liar.taken();
    liar.give_back(frame.returned());
    liar.give_back(frame.returned());
    liar.read.signal(2).unwrap();
    ends_as_hostile(&mut studio, "which it does not have");
    studio.render();
    assert!(matches!(studio.try_render(), Err(FrameError::TimedOut)), "the honest one still has both slots");
    assert_eq!((studio.use_next(&mut honest), studio.use_next(&mut honest)), (1, 2));
}

#[test]
fn a_timeline_that_runs_ahead_ends_the_consumer() {
    let mut studio = Studio::new(1, Policy::Paced);
    let liar = Liar::join(&mut studio);
    studio.render();
    liar.read.signal(u64::MAX).unwrap();
    ends_as_hostile(&mut studio, "its timeline says");
    assert_eq!(studio.render(), 2);
}

#[test]
fn who_returns_without_having_read_is_waited_for() {
    let mut studio = Studio::new(1, Policy::Paced);
    let mut liar = Liar::join(&mut studio);
    studio.render();
    let frame = liar.taken();
    liar.give_back(frame.returned());
    assert!(matches!(studio.try_render(), Err(FrameError::TimedOut)), "its timeline does not say so");
    liar.read.signal(1).unwrap();
    assert_eq!(studio.render(), 2);
}

#[test]
fn a_consumer_cannot_move_the_producers_timeline_on() {
    let mut studio = Studio::new(1, Policy::Paced);
    let (ours, mut theirs) = Channel::pair().unwrap();
    let Studio { here, producer, .. } = &mut studio;
    std::thread::scope(|scope| {
        let inviting = scope.spawn(|| producer.invite(here, ours, soon()));
        let mut handles = theirs.receive(soon()).unwrap().handles;
        let timeline = SharedTimeline::attach(handles.swap_remove(2 * Offer::HANDLES)).unwrap();
        assert!(!timeline.is_writable() && timeline.signal(7).is_err());
        drop(theirs);
        assert!(inviting.join().unwrap().is_err());
    });
}

#[test]
fn a_consumer_that_takes_no_new_textures_is_let_go() {
    let mut studio = Studio::new(32, Policy::Paced);
    let liar = Liar::join(&mut studio);
    let mut rounds = 0;
    while studio.producer.consumers().count() == 1 {
        studio.producer.reconfigure(&studio.here, &OTHER, now()).unwrap();
        rounds += 1;
        assert!(rounds < 1000, "its channel never fills");
    }
    ends_as_hostile(&mut studio, "does not take the new textures");
    drop(liar.channel);
}

#[test]
fn an_answer_that_is_none_is_refused() {
    let cases: [(&[u8], usize); 4] = [
        (b"hello", 0),
        (br#"{"accepted":{"read":{}}}"#, 2),
        (br#"{"refused":{"reason":"no room"}}"#, 0),
        (b"{\"refused\":{}}", 0),
    ];
    for (answer, handles) in cases {
        let mut studio = Studio::new(1, Policy::Paced);
        let (ours, mut theirs) = Channel::pair().unwrap();
        let handles: Vec<OwnedHandle> = (0..handles).map(|_| Peer::this_process().unwrap()).collect();
        theirs.send(answer, &handles.iter().collect::<Vec<_>>(), soon()).unwrap();
        let refused = studio.producer.invite(&studio.here, ours, soon()).unwrap_err();
        match refused {
            FrameError::Refused { reason } => assert_eq!(reason, "no room"),
            FrameError::Malformed { .. } => {}
            other => panic!("{other}"),
        }
        studio.render();
    }
}

/// A producer that says what it likes.
struct Deceiver {
    frames: fixed::Producer<{ Filled::BYTES }>,
    returns: fixed::Consumer<{ Returned::BYTES }>,
    rendered: SharedTimeline,
    channel: Channel,
}

fn batch(device: &HostDevice, slots: usize) -> Batch {
    let mut textures: Vec<_> = (0..slots).map(|_| device.create_texture(&SPEC).unwrap()).collect();
    Batch::export(device, &mut textures).unwrap()
}

impl Deceiver {
    fn start() -> (Self, FrameConsumer<HostDevice>, HostDevice) {
        Self::start_with(None)
    }

    /// One that has made the consumer's timeline, too.
    fn start_with(read: Option<&SharedTimeline>) -> (Self, FrameConsumer<HostDevice>, HostDevice) {
        let device = HostDevice::new();
        let (mut ours, theirs) = Channel::pair().unwrap();
        let (frames, frames_offer) = fixed::Producer::create(64).unwrap();
        let (returns, returns_offer) = fixed::Consumer::create(64).unwrap();
        let rendered = SharedTimeline::create_owned(0).unwrap();
        let ((of_frames, mut handles), (of_returns, more)) = (frames_offer.into_parts(), returns_offer.into_parts());
        handles.extend(more);
        handles.push(rendered.handle().unwrap());
        handles.extend(read.map(|read| read.handle().unwrap()));
        handles.push(Peer::this_process().unwrap());
        let invitation = Invitation {
            version: VERSION,
            policy: Policy::Paced,
            generation: 5,
            frames: of_frames,
            returns: of_returns,
            rendered: descriptor_of(&device),
            read: read.map(|_| descriptor_of(&device)),
        };
        let text = serde_json::to_vec(&invitation).unwrap();
        ours.send(&text, &handles.iter().collect::<Vec<_>>(), soon()).unwrap();
        let batch = batch(&device, 2);
        let (bytes, beside) = batch.message();
        ours.send(&bytes, &beside, soon()).unwrap();
        let consumer = FrameConsumer::join(&device, theirs, soon()).unwrap();
        let answer = ours.receive(soon()).unwrap();
        let own = matches!(serde_json::from_slice(&answer.bytes).unwrap(), Acceptance::Accepted { read: Some(_) });
        assert_eq!((own, answer.handles.len()), if read.is_some() { (false, 1) } else { (true, 2) });
        (Self { frames, returns, rendered, channel: ours }, consumer, device)
    }

    fn send(&mut self, frame: Filled, value: u64) {
        self.rendered.signal(value).unwrap();
        self.frames.send(&frame.to_bytes(), soon()).unwrap();
    }
}

const FIRST: Filled = Filled { number: 1, stamp: 0, generation: 5, slot: 0 };

#[rstest]
#[case::slot(Filled { number: 2, slot: 2, ..FIRST }, "slot 2 of 2")]
#[case::huge_slot(Filled { number: 2, slot: u32::MAX, ..FIRST }, "of 2")]
#[case::held(Filled { number: 2, ..FIRST }, "which was not returned")]
#[case::number(Filled { slot: 1, ..FIRST }, "came after frame 1")]
#[case::earlier_number(Filled { number: 0, slot: 1, ..FIRST }, "came after frame 1")]
#[case::earlier_generation(Filled { number: 2, slot: 1, generation: 4, ..FIRST }, "came after one of 5")]
fn a_frame_that_cannot_be_ends_the_connection(#[case] frame: Filled, #[case] detail: &str) {
    let (mut deceiver, mut consumer, device) = Deceiver::start();
    deceiver.send(FIRST, 1);
    let held = consumer.next(&device, soon()).unwrap();
    deceiver.send(frame, 2);
    for _ in 0..2 {
        match consumer.next(&device, soon()) {
            Err(FrameError::Hostile { detail: why }) => assert!(why.contains(detail), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    consumer.release(&device, held).unwrap();
    assert_eq!(Returned::from_bytes(&deceiver.returns.receive(soon()).unwrap()), FIRST.returned());
}

#[test]
fn a_consumer_signals_the_timeline_that_the_producer_has_made_for_it() {
    let read = SharedTimeline::create(0).unwrap();
    let (mut deceiver, mut consumer, device) = Deceiver::start_with(Some(&read));
    deceiver.send(FIRST, 1);
    let held = consumer.next(&device, soon()).unwrap();
    assert_eq!(read.value(), 0);
    consumer.release(&device, held).unwrap();
    assert_eq!(read.value(), 1);
}

#[test]
fn a_consumer_without_a_timeline_is_not_let_in() {
    let (ours, mut theirs) = Channel::pair().unwrap();
    let Studio { here, mut producer, .. } = Studio::new(1, Policy::Paced);
    std::thread::scope(|scope| {
        let inviting = scope.spawn(|| producer.invite(&here, ours, soon()));
        let bytes = theirs.receive(soon()).unwrap().bytes;
        assert_eq!(serde_json::from_slice::<Invitation>(&bytes).unwrap().read, None);
        theirs.receive(soon()).unwrap();
        let text = serde_json::to_vec(&Acceptance::Accepted { read: None }).unwrap();
        theirs.send(&text, &[&Peer::this_process().unwrap()], soon()).unwrap();
        let refused = inviting.join().unwrap().unwrap_err();
        assert!(refused.to_string().contains("names no timeline"), "{refused}");
    });
}

#[test]
fn a_generation_that_is_not_announced_is_waited_for_and_no_longer() {
    let (mut deceiver, mut consumer, device) = Deceiver::start();
    deceiver.send(Filled { generation: 6, ..FIRST }, 1);
    assert!(matches!(consumer.next(&device, now()), Err(FrameError::TimedOut)));
    let batch = batch(&device, 1);
    let (bytes, handles) = batch.message();
    deceiver.channel.send(&bytes, &handles, soon()).unwrap();
    assert_eq!(consumer.next(&device, soon()).unwrap().generation(), 6, "nothing was lost");
}

#[test]
fn an_announcement_that_is_none_ends_the_connection() {
    let (mut deceiver, mut consumer, device) = Deceiver::start();
    deceiver.channel.send(br#"{"textures":[{}]}"#, &[], soon()).unwrap();
    deceiver.send(Filled { generation: 6, ..FIRST }, 1);
    assert!(matches!(consumer.next(&device, soon()), Err(FrameError::Texture(_))));
    assert!(matches!(consumer.next(&device, soon()), Err(FrameError::Hostile { .. })));
}

#[test]
fn an_announcement_that_never_comes_ends_the_connection() {
    let (mut deceiver, mut consumer, device) = Deceiver::start();
    deceiver.send(Filled { generation: 6, ..FIRST }, 1);
    drop(deceiver.channel);
    assert!(matches!(consumer.next(&device, soon()), Err(FrameError::Hostile { .. })));
}

#[test]
fn a_frame_that_is_never_rendered_is_no_frame() {
    let (mut deceiver, mut consumer, device) = Deceiver::start();
    deceiver.frames.send(&FIRST.to_bytes(), soon()).unwrap();
    assert!(matches!(consumer.next(&device, now()), Err(FrameError::TimedOut)));
    deceiver.rendered.signal(1).unwrap();
    assert_eq!(consumer.next(&device, soon()).unwrap().number(), 1);
}

#[rstest]
#[case::in_time(true)]
#[case::never(false)]
fn a_frame_whose_producer_left_before_it_was_rendered_is_waited_for_and_no_longer(#[case] rendered_later: bool) {
    let (deceiver, mut consumer, device) = Deceiver::start();
    let Deceiver { mut frames, rendered, returns, channel } = deceiver;
    frames.send(&FIRST.to_bytes(), soon()).unwrap();
    drop((frames, returns, channel));
    assert!(matches!(consumer.next(&device, now()), Err(FrameError::TimedOut)));
    if rendered_later {
        rendered.signal(1).unwrap();
        assert_eq!(consumer.next(&device, Deadline::NEVER).unwrap().number(), 1);
    }
    for _ in 0..2 {
        assert!(matches!(consumer.next(&device, Deadline::NEVER), Err(FrameError::ProducerLeft)));
    }
}

#[rstest]
#[case::not_an_invitation(b"{}", "not an invitation")]
#[case::nothing(b"", "not an invitation")]
fn an_invitation_that_is_none_is_refused_and_the_producer_is_told(#[case] bytes: &[u8], #[case] why: &str) {
    let (mut ours, theirs) = Channel::pair().unwrap();
    ours.send(bytes, &[], soon()).unwrap();
    let refused = FrameConsumer::join(&HostDevice::new(), theirs, soon()).unwrap_err();
    assert!(refused.to_string().contains(why), "{refused}");
    let answer: Acceptance = serde_json::from_slice(&ours.receive(soon()).unwrap().bytes).unwrap();
    assert!(matches!(answer, Acceptance::Refused { reason } if reason == refused.to_string()));
}

#[test]
fn messages_travel_as_the_documentation_says() {
    let filled = Filled { number: 0x0102_0304_0506_0708, stamp: 9, generation: 10, slot: 11 };
    let bytes = filled.to_bytes();
    assert_eq!(bytes[..8], [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(bytes[8..], [9, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 11, 0, 0, 0]);
    assert_eq!(Filled::from_bytes(&bytes), filled);
    let returned = filled.returned();
    assert_eq!(returned.to_bytes()[8..], [10, 0, 0, 0, 11, 0, 0, 0]);
    assert_eq!(Returned::from_bytes(&returned.to_bytes()), returned);
}
