//! A peer that writes what no honest one would. The orchestrator itself plays it, with the memory of the side that is to be had.

use std::time::Duration;

use gpushare::SharedMemory;
use gpushare::ring::{Field, Role, message_header};
use gpushare_harness::protocol::Code;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};

use super::{CAPACITY, message, messages};
use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, Party, Ring, RingOffer, let_it_sleep};

pub(super) fn define(cases: &mut Cases<'_>) {
    const CORRUPT: &[&str] = &["ring.corruption_is_told"];
    const STAYS: &[&str] = &["ring.corruption_is_for_good"];
    const FIXED: &[&str] = &["ring.geometry_is_fixed_at_attach"];
    const ENDS: &[&str] = &["ring.no_writing_stalls_the_other_side"];
    let soon = Duration::from_secs(3);
    let hex = |value: &u64| format!("x{value:x}");
    cases.case("impossible_producer_position_is_told", CORRUPT).patience(soon).each(
        positions(),
        hex,
        impossible_producer_position,
    );
    cases.case("impossible_consumer_position_is_told", CORRUPT).patience(soon).each(
        positions(),
        hex,
        impossible_consumer_position,
    );
    cases.case("producer_position_going_back_is_told", CORRUPT).patience(soon).once(producer_position_going_back);
    cases.case("consumer_position_going_back_is_told", CORRUPT).patience(soon).once(consumer_position_going_back);
    let lengths = [57, 64, CAPACITY - 8, CAPACITY, 1 << 31, (1 << 32) - 8, (1 << 32) - 1];
    cases.case("impossible_length_is_told", CORRUPT).patience(soon).each(lengths, hex, impossible_length);
    cases.case("header_that_is_none_is_told", CORRUPT).patience(soon).each(
        [0, 8, 2 << 32 | 8, 0xffff_ffff << 32, u64::MAX],
        hex,
        header_that_is_none,
    );
    cases.case("impossible_length_in_batch_is_told", CORRUPT).patience(soon).once(impossible_length_in_batch);
    cases.case("length_of_taken_message_changed", CORRUPT).patience(soon).once(length_of_taken_message_changed);
    cases.case("corruption_ends_a_receive", CORRUPT).patience(soon).once(corruption_ends_a_receive);
    cases.case("corruption_ends_a_send", CORRUPT).patience(soon).once(corruption_ends_a_send);
    cases.case("mended_ring_stays_corrupt", STAYS).patience(soon).each(
        [Role::Producer, Role::Consumer],
        ToString::to_string,
        mended_ring_stays_corrupt,
    );
    cases.case("corruption_is_told_to_its_author", STAYS).patience(soon).once(corruption_is_told_to_its_author);
    cases.case("corruption_stays_in_its_ring", STAYS).patience(soon).once(corruption_stays_in_its_ring);
    cases.case("header_rewritten_later_changes_nothing", FIXED).each(
        [Role::Producer, Role::Consumer],
        ToString::to_string,
        header_rewritten_later,
    );
    let words = [1, 3, 1 << 8, 0x101, 0x103, !0xc];
    cases.case("any_status_is_survived", ENDS).patience(soon).each(words, hex, any_status_is_survived);
    cases.case("changing_signal_ends_no_wait_early", ENDS).patience(soon).once(changing_signal_ends_no_wait_early);
    cases.case("scribbling_stalls_nobody", ENDS).patience(soon).each(
        [Role::Producer, Role::Consumer],
        ToString::to_string,
        scribbling_stalls_nobody,
    );
}

/// Positions that no sequence of sends leads to from the beginning of a ring: beyond it, or between two messages' places.
fn positions() -> [u64; 14] {
    let beyond = CAPACITY + 8;
    [
        1,
        4,
        7,
        9,
        CAPACITY - 1,
        CAPACITY + 1,
        beyond,
        2 * CAPACITY,
        1 << 31,
        1 << 32,
        1 << 63,
        u64::MAX,
        u64::MAX - 7,
        beyond << 32,
    ]
}

/// The memory of one side of a ring whose other side is honest.
pub(super) struct Hostile(SharedMemory);

impl Hostile {
    /// Take the side of an offer, without a word to the other.
    pub(super) fn attach(offer: RingOffer) -> Outcome<Self> {
        let [own, _] = offer.handles;
        let bytes = gpushare_harness::raw::memory_len(&own).map_err(|error| Stop::Inconclusive(error.to_string()))?;
        SharedMemory::attach(own, bytes).map(Self).map_err(|refused| Stop::Inconclusive(refused.to_string()))
    }

    pub(super) fn write(&self, field: Field, bytes: &[u8]) -> Outcome {
        self.write_at(field.offset(), bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Outcome {
        self.0.write(offset, bytes).map_err(|error| Stop::Inconclusive(error.to_string()))
    }

    fn position(&self, position: u64) -> Outcome {
        self.write(Field::Position, &position.to_ne_bytes())
    }

    fn header(&self, position: u64, header: u64) -> Outcome {
        self.write_at(Field::Messages.offset() + position % CAPACITY, &header.to_ne_bytes())
    }

    /// What an honest producer does.
    fn send(&self, position: u64, bytes: &[u8]) -> Outcome<u64> {
        self.write_at(Field::Messages.offset() + position % CAPACITY + 8, bytes)?;
        self.header(position, message_header(position, bytes.len() as u64))?;
        let next = position + super::taken_up(bytes.len());
        self.position(next)?;
        Ok(next)
    }
}

/// An honest peer with one side of a ring; the hostile one has the other.
fn against<'cx, 'run>(cx: &'cx Context<'run>, honest: Role) -> Outcome<(Party<'cx, 'run>, Ring, Hostile)> {
    let [peer] = cx.peers()?;
    let (ring, offer) = peer.create_ring(honest, CAPACITY)?;
    Ok((peer, ring, Hostile::attach(offer)?))
}

const CORRUPT: &[Code] = &[Code::RingCorrupt];

fn impossible_producer_position(cx: &Context<'_>, position: u64) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    hostile.header(0, message_header(0, 8))?;
    hostile.position(position)?;
    consumer.receive_ends_with(ring, Some(cx.within()), CORRUPT)
}

fn impossible_consumer_position(cx: &Context<'_>, position: u64) -> Outcome {
    let (producer, ring, hostile) = against(cx, Role::Producer)?;
    producer.send_all(ring, &messages(cx, [4088]), SendManner::Single)?;
    hostile.position(position)?;
    // The ring is full, so that the producer has to look at the consumer's position.
    producer.send_ends_with(ring, message(cx, 8), Some(cx.within()), CORRUPT)
}

fn producer_position_going_back(cx: &Context<'_>) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    let sent = [message(cx, 24)];
    hostile.send(0, &sent[0].bytes())?;
    consumer.receive_all(ring, &sent, ReceiveManner::Single)?;
    hostile.position(8)?;
    consumer.receive_ends_with(ring, Some(cx.within()), CORRUPT)
}

fn consumer_position_going_back(cx: &Context<'_>) -> Outcome {
    let (producer, ring, hostile) = against(cx, Role::Producer)?;
    producer.send_all(ring, &messages(cx, [2040, 2040]), SendManner::Single)?;
    hostile.position(2048)?;
    producer.send_all(ring, &messages(cx, [2040]), SendManner::Single)?;
    hostile.position(1024)?;
    producer.send_ends_with(ring, message(cx, 8), Some(cx.within()), CORRUPT)
}

/// 64 bytes are published, and the message's header says that it is longer.
fn impossible_length(cx: &Context<'_>, len: u64) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    hostile.header(0, message_header(0, len))?;
    hostile.position(64)?;
    consumer.receive_ends_with(ring, Some(cx.within()), CORRUPT)
}

/// Where a message should begin, something else stands.
fn header_that_is_none(cx: &Context<'_>, header: u64) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    let sent = [message(cx, 8)];
    let next = hostile.send(0, &sent[0].bytes())?;
    hostile.header(next, header)?;
    hostile.position(next + 64)?;
    consumer.receive_all(ring, &sent, ReceiveManner::Single)?;
    consumer.receive_ends_with(ring, Some(cx.within()), CORRUPT)
}

/// What comes before it in the batch is good, and arrives.
fn impossible_length_in_batch(cx: &Context<'_>) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    let sent = messages(cx, [8, 16]);
    let next = hostile.send(0, &sent[0].bytes())?;
    let next = hostile.send(next, &sent[1].bytes())?;
    hostile.header(next, message_header(next, CAPACITY))?;
    hostile.position(next + 16)?;
    let (came, stopped) = consumer.try_receive_messages(ring, 9, ReceiveManner::Batch, Some(cx.within()))?;
    consumer.expect_messages((came, None), &sent)?;
    consumer.expect_end(0, stopped, CORRUPT)
}

/// The length is read once: a change after that reaches nobody, and the ring goes on behind the message as it was.
fn length_of_taken_message_changed(cx: &Context<'_>) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    let sent = messages(cx, [40, 16]);
    let next = hostile.send(0, &sent[0].bytes())?;
    let reading = consumer.begin_receive(ring, 1, ReceiveManner::InPlace { hold: 60 }, cx.within())?;
    let_it_sleep();
    hostile.header(0, message_header(0, 4000))?;
    let came = consumer.finish_receive(reading)?;
    if came.0.is_empty() {
        // The change came before the look: that is a broken length, and told as one.
        return consumer.expect_end(0, came.1, CORRUPT);
    }
    consumer.expect_messages(came, &sent[..1])?;
    hostile.send(next, &sent[1].bytes())?;
    consumer.receive_all(ring, &sent[1..], ReceiveManner::Single)
}

fn corruption_ends_a_receive(cx: &Context<'_>) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    let receiving = consumer.begin_receive(ring, 1, ReceiveManner::Single, cx.within())?;
    let_it_sleep();
    hostile.position(12)?;
    let (came, stopped) = consumer.finish_receive(receiving)?;
    consumer.expect_end(came.len(), stopped, CORRUPT)
}

fn corruption_ends_a_send(cx: &Context<'_>) -> Outcome {
    let (producer, ring, hostile) = against(cx, Role::Producer)?;
    producer.send_all(ring, &messages(cx, [4088]), SendManner::Single)?;
    let sending = producer.begin_send(ring, &messages(cx, [8]), SendManner::Single, Some(cx.within()))?;
    let_it_sleep();
    hostile.position(u64::MAX)?;
    let (count, stopped) = producer.finish_send(sending)?;
    producer.expect_end(count as usize, stopped, CORRUPT)
}

/// A ring that was found corrupt is not used again, whatever stands in it later.
fn mended_ring_stays_corrupt(cx: &Context<'_>, honest: Role) -> Outcome {
    let (peer, ring, hostile) = against(cx, honest)?;
    match honest {
        Role::Consumer => {
            hostile.position(1)?;
            peer.receive_ends_with(ring, Some(cx.within()), CORRUPT)?;
            hostile.send(0, &message(cx, 8).bytes())?;
            peer.receive_ends_with(ring, Some(cx.within()), CORRUPT)?;
            peer.receive_ends_with(ring, None, CORRUPT)
        }
        Role::Producer => {
            peer.send_all(ring, &messages(cx, [4088]), SendManner::Single)?;
            hostile.position(1)?;
            peer.send_ends_with(ring, message(cx, 8), Some(cx.within()), CORRUPT)?;
            hostile.position(CAPACITY)?;
            peer.send_ends_with(ring, message(cx, 8), Some(cx.within()), CORRUPT)?;
            peer.send_ends_with(ring, message(cx, 8), None, CORRUPT)
        }
    }
}

/// The side that found it says so, and its peer learns that nobody reads any more.
fn corruption_is_told_to_its_author(cx: &Context<'_>) -> Outcome {
    let [consumer, producer] = cx.peers()?;
    let (into, offer) = consumer.create_ring(Role::Consumer, CAPACITY)?;
    let bytes = gpushare_harness::raw::memory_len(&offer.handles[0]).map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let own = offer.try_clone()?.handles;
    let [own, _] = own;
    // Mapped before the producer closes its object to others: two write as one.
    let memory = SharedMemory::attach(own, bytes).map_err(|refused| Stop::Inconclusive(refused.to_string()))?;
    let out = producer.attach_ring(Role::Producer, &offer)?;
    Hostile(memory).position(3)?;
    consumer.receive_ends_with(into, Some(cx.within()), CORRUPT)?;
    let full = messages(cx, [4088]);
    let (_, stopped) = producer.try_send_messages(out, &[full[0], full[0]], SendManner::Single, Some(cx.within()))?;
    let Some(problem) = stopped else { return Err(Stop::Fail("sending went on into a ring that was given up".into())) };
    producer.expect_code(&problem, &[Code::RingGivenUp])
}

/// One bad peer does not cost its victim the others.
fn corruption_stays_in_its_ring(cx: &Context<'_>) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    let [_, producer] = cx.peers()?;
    let (out, into) = producer.ring_to(&consumer, CAPACITY)?;
    let sent = messages(cx, [50, 60]);
    producer.send_all(out, &sent[..1], SendManner::Single)?;
    hostile.position(u64::MAX)?;
    consumer.receive_ends_with(ring, Some(cx.within()), CORRUPT)?;
    producer.send_all(out, &sent[1..], SendManner::Single)?;
    consumer.receive_all(into, &sent, ReceiveManner::Single)
}

/// Magic, version, role, capacity and generation are looked at when somebody attaches, and never again.
fn header_rewritten_later(cx: &Context<'_>, honest: Role) -> Outcome {
    let (peer, ring, hostile) = against(cx, honest)?;
    for (field, bytes) in
        [(Field::Magic, 8), (Field::Version, 4), (Field::Role, 4), (Field::Capacity, 8), (Field::Generation, 8)]
    {
        hostile.write(field, &vec![0xff; bytes])?;
    }
    let sent = messages(cx, [4000]);
    match honest {
        Role::Consumer => {
            hostile.send(0, &sent[0].bytes())?;
            peer.receive_all(ring, &sent, ReceiveManner::Single)
        }
        Role::Producer => {
            peer.send_all(ring, &sent, SendManner::Single)?;
            peer.finds_full(ring, sent[0])?;
            hostile.position(super::taken_up(4000))?;
            peer.send_all(ring, &sent, SendManner::Single)
        }
    }
}

/// Whatever the other side announces (that it sleeps, that it does not), a wait ends with its deadline and a message arrives.
fn any_status_is_survived(cx: &Context<'_>, status: u64) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    hostile.write(Field::Status, &status.to_ne_bytes())?;
    consumer.receive_ends_with(ring, Some(20), &[Code::RingTimedOut])?;
    let sent = [message(cx, 8)];
    hostile.send(0, &sent[0].bytes())?;
    consumer.receive_all(ring, &sent, ReceiveManner::Single)
}

/// A wake-up without a message is none.
fn changing_signal_ends_no_wait_early(cx: &Context<'_>) -> Outcome {
    let (consumer, ring, hostile) = against(cx, Role::Consumer)?;
    let within = 60;
    let receiving = consumer.begin_receive(ring, 1, ReceiveManner::Single, within)?;
    for signal in (0..u32::MAX).step_by(1 << 28) {
        hostile.write(Field::Signal, &signal.to_ne_bytes())?;
        hostile.write(Field::OtherSignal, &signal.to_ne_bytes())?;
        std::thread::sleep(Duration::from_millis(1));
    }
    let (came, stopped) = consumer.finish_receive(receiving)?;
    consumer.expect_end(came.len(), stopped, &[Code::RingTimedOut])
}

/// All words change at once, for as long as the other side works: it gets messages or errors, in time, and lives.
fn scribbling_stalls_nobody(cx: &Context<'_>, honest: Role) -> Outcome {
    let (peer, ring, hostile) = against(cx, honest)?;
    let mut state = cx.seed() | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let within = 40;
    // More than there is time for: what ends it is the deadline, or that the other side breaks the rules.
    let working = match honest {
        Role::Consumer => peer.begin_receive(ring, u32::MAX, ReceiveManner::Single, within)?,
        Role::Producer => {
            let slowly = SendManner::InPlace { spare: 0, hold: 1 };
            peer.begin_send(ring, &messages(cx, [56; 400]), slowly, Some(within))?
        }
    };
    let mut position = 0;
    while working.elapsed() < Duration::from_millis(within) {
        match random() % 32 {
            0 => hostile.write(Field::Status, &(random() & !0xc).to_ne_bytes())?,
            1 => hostile.write(Field::Signal, &random().to_ne_bytes()[..4])?,
            2 => hostile.write(Field::OtherSignal, &random().to_ne_bytes()[..4])?,
            3 if position > 1 << 16 => hostile.position(random())?,
            _ if honest == Role::Consumer => position = hostile.send(position, &[7; 24])?,
            _ => {
                position += 8;
                hostile.position(position)?;
            }
        }
    }
    hostile.position(u64::MAX)?;
    let stopped = match honest {
        Role::Consumer => peer.finish_receive(working)?.1,
        Role::Producer => peer.finish_send(working)?.1,
    };
    let Some(problem) = stopped else { return Err(Stop::Fail("a position that cannot be stopped nothing".into())) };
    peer.expect_code(&problem, &[Code::RingCorrupt, Code::RingTimedOut])
}
