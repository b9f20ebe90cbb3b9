//! A process dies while another waits for it, or waits itself: the survivor is told within its deadline, and lives on.

use std::time::Duration;

use gpushare::SyncKind;
use gpushare_harness::protocol::{Code, Reply};

use super::Subject;
use crate::case::{Cases, Outcome, Stop};
use crate::context::{Context, Party};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let contained: &[&str] = match subject.kind {
        SyncKind::Fence => &["sync.waits_keep_their_deadline"],
        _ => &["semaphore.shared_misuse_is_contained", "sync.waits_keep_their_deadline"],
    };
    let case = subject.case(cases, "killed_signaller_ends_in_timeout", contained).fresh().upsets();
    case.about(subject, killed_signaller_ends_in_timeout);
    let told: &[&str] = &["sync.death_is_told"];
    subject.case(cases, "killed_signaller_is_told", told).fresh().upsets().about(subject, killed_signaller_is_told);
    subject.case(cases, "signal_before_death_is_kept", told).fresh().about(subject, signal_before_death_is_kept);
    subject.case(cases, "killed_waiter_stops_nobody", told).fresh().about(subject, killed_waiter_stops_nobody);
    subject.case(cases, "wait_ends_at_deadline", &["sync.waits_keep_their_deadline"]).upsets().about(subject, wait_ends);
    let case = subject.case(cases, "zero_deadline_only_looks", &["sync.waits_keep_their_deadline"]).upsets();
    case.about(subject, zero_deadline_only_looks);
}

/// The signal that never comes: nobody but the deadline ends the wait.
fn killed_signaller_ends_in_timeout(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_, imported) = subject.shared(&producer, &consumer)?;
    producer.kill()?;
    expect(consumer.try_wait(imported, 1, 60)?, &[Code::Timeout, Code::DeviceLost])?;
    lives_on(&consumer)
}

/// It answers, and does what needs no queue. A driver's wait cannot be called back, so that the process ends with the case.
fn lives_on(survivor: &Party<'_, '_>) -> Outcome {
    survivor.probe()?;
    survivor.kill()
}

fn expect(answer: Result<(), gpushare_harness::Problem>, codes: &[Code]) -> Outcome {
    match answer {
        Err(problem) if codes.contains(&problem.code) => Ok(()),
        Err(problem) => {
            Err(Stop::Fail(format!("the wait ended in {:?}: {}, expected {codes:?}", problem.code, problem.message)))
        }
        Ok(()) => Err(Stop::Fail("the wait ended as if somebody had signalled".into())),
    }
}

/// Who watches the signaller learns its death at once, and not from the deadline.
fn killed_signaller_is_told(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (_, imported) = subject.shared(&producer, &consumer)?;
    let process = producer.process_for(&consumer)?;
    let waiting = consumer.begin_wait(imported, 1, Some(process))?;
    std::thread::sleep(Duration::from_millis(10));
    producer.kill()?;
    expect(waiting.finish()?.map(drop), &[Code::PeerGone, Code::DeviceLost])?;
    lives_on(&consumer)
}

/// A signal that came before the death is one, whoever is watched.
fn signal_before_death_is_kept(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let process = producer.process_for(&consumer)?;
    producer.signal(exported, 1)?;
    let done = producer.create_sync(SyncKind::Fence, &[])?;
    producer.signal(done, 1)?;
    producer.wait(done, 1)?;
    producer.kill()?;
    let waiting = consumer.begin_wait(imported, 1, Some(process))?;
    match waiting.finish()? {
        Ok(Reply::Done) => Ok(()),
        other => Err(Stop::Fail(format!("a signal given before its signaller died was lost: {other:?}"))),
    }
}

/// A process that is killed while it waits takes no signal with it that comes later.
fn killed_waiter_stops_nobody(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let (to_third, in_third) = subject.shared(&producer, &third)?;
    let _waiting = consumer.begin_wait(imported, 1, None)?;
    std::thread::sleep(Duration::from_millis(10));
    consumer.kill()?;
    producer.signal(exported, 1)?;
    producer.signal(to_third, 1)?;
    third.wait(in_third, 1)?;
    third.signal(in_third, 2)?;
    producer.wait(to_third, 2)
}

/// A wait for a signal that is not given ends as a timeout: not earlier, not as success.
fn wait_ends(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    consumer.waits_in_vain(imported, 1)?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)
}

/// With no time at all a wait says what is there.
fn zero_deadline_only_looks(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    expect(consumer.try_wait(imported, 1, 0)?, &[Code::Timeout])?;
    producer.signal(exported, 1)?;
    consumer.wait(imported, 1)
}
