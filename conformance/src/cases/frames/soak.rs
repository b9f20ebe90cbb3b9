//! Many frames and many connections: at the end nobody holds more than after the first of them.
//!
//! `GPUSHARE_LONG=1` adds the numbers of the contract: 100,000 frames on the host and 10,000 on a driver, 10,000 connections.

use gpushare::Api;
use gpushare::frames::Policy;
use gpushare_harness::Ledger;
use gpushare_harness::protocol::frames::Why;

use super::changes::grows_not;
use super::{Pair, impossible, pair};
use crate::case::{ANY_TEXTURE, Cases, Outcome, Stop};
use crate::cases::LONG;
use crate::context::{Context, Party};

pub(super) fn define(cases: &mut Cases<'_>) {
    const LEFT: &[&str] = &["frames.nothing_grows", "ledger.nothing_is_left"];
    let (mut frames, mut connections) = (vec![1_000], vec![40]);
    if std::env::var_os(LONG).is_some() {
        frames.push(if cases.report().identity.api == Api::Host { 100_000 } else { 10_000 });
        connections.push(10_000);
    }
    let skip = impossible(cases);
    cases.case("soak_frames", LEFT).skip_if(skip.clone()).each(frames, ToString::to_string, soak_frames);
    cases.case("soak_connections", LEFT).skip_if(skip).each(connections, ToString::to_string, soak_connections);
}

/// What a process held once it was warm.
struct Warm<'cx, 'run> {
    party: Party<'cx, 'run>,
    ledger: Ledger,
    private: u64,
}

impl<'cx, 'run> Warm<'cx, 'run> {
    fn of(party: Party<'cx, 'run>) -> Outcome<Self> {
        Ok(Self { ledger: party.holdings()?, private: party.private_bytes()?, party })
    }

    /// Not one descriptor or mapping more, and less than a mebibyte.
    fn compare(&self) -> Outcome {
        grows_not(&self.party, &self.ledger)?;
        let private = self.party.private_bytes()?;
        if private >= self.private + (1 << 20) {
            let (role, before) = (self.party.role(), self.private);
            return Err(Stop::Leak(format!("{role} has {private} bytes of private memory, it had {before} when it was warm")));
        }
        Ok(())
    }
}

fn soak_frames(cx: &Context<'_>, frames: u64) -> Outcome {
    // As many as a peer does well within the time of a step.
    const AT_ONCE: u64 = 250;
    let Pair { producer, consumer, source, sink, .. } = pair(cx, 3, Policy::Paced)?;
    let mut warm = Vec::new();
    for done in (0..frames).step_by(AT_ONCE as usize) {
        let producing = producer.begin_produce(source, AT_ONCE, cx.pattern(0))?;
        consumer.consume(sink, done + 1, done + AT_ONCE, cx.pattern(0))?;
        producer.finish_produce(producing, AT_ONCE)?;
        if done >= frames / 10 && warm.is_empty() {
            warm = vec![Warm::of(producer)?, Warm::of(consumer)?];
        }
    }
    warm.iter().try_for_each(Warm::compare)
}

fn soak_connections(cx: &Context<'_>, connections: u64) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, 2, Policy::Paced)?;
    let mut warm = Vec::new();
    for done in 0..connections {
        let (known, sink) = producer.invite(source, &consumer)?;
        producer.produce(source, 1, cx.pattern(0))?;
        consumer.consume(sink, done + 1, done + 1, cx.pattern(0))?;
        // One in two leaves by itself.
        if done % 2 == 0 {
            consumer.close_frames(sink)?;
            producer.departs(source, known, Why::Left)?;
        } else {
            producer.dismiss(source, known)?;
            producer.departs(source, known, Why::Dismissed)?;
            consumer.close_frames(sink)?;
        }
        if done >= connections / 10 && warm.is_empty() {
            warm = vec![Warm::of(producer)?, Warm::of(consumer)?];
        }
    }
    warm.iter().try_for_each(Warm::compare)
}
