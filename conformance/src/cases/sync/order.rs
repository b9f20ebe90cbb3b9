//! A wait ends after the signal, and what was done before the signal is done after the wait. Each case has its negative control: the
//! same steps without the wait have to show that the work is not done, or the case shows nothing.

use gpushare::{SyncKind, TextureSpec};
use gpushare_harness::protocol::Request;

use super::{Subject, rules};
use crate::case::{ANY_TEXTURE, Cases, Outcome, Stop, require, unshareable};
use crate::context::{Context, Party};

pub(super) fn define(cases: &mut Cases<'_>, subject: Subject) {
    let follows: &[&str] = rules!(subject, "wait_follows_signal");
    // A timeline in shared memory is signalled by waiting for the queue: nothing of it can be pending there.
    let at_once = subject.kind == SyncKind::Timeline
        && subject.handle_type == gpushare::HandleType::SharedMemory
        && subject.api == gpushare::Api::Vulkan;
    let never_pending =
        || at_once.then(|| "this library signals it when the queue is done, so that no signal is pending".into());
    let case = subject.case(cases, "pending_signal_is_waited_for", follows).skip_if(never_pending());
    case.about(subject, pending_signal_is_waited_for);
    let case = subject.case(cases, "work_before_signal_is_done_after_wait", follows).skip_if(never_pending());
    case.about(subject, work_is_done);
    subject.case(cases, "wait_begun_before_signal_ends", follows).about(subject, wait_begun_before_signal_ends);
    subject.case(cases, "timeout_loses_no_signal", follows).skip_if(never_pending()).about(subject, timeout_loses_no_signal);
    let spec = TextureSpec { width: 1021, height: 1021, ..ANY_TEXTURE };
    let no_texture = unshareable(cases.report(), &spec);
    subject.case(cases, "orders_contents", follows).skip_if(no_texture).about_each(
        subject,
        [spec],
        |spec| format!("{}x{}", spec.width, spec.height),
        orders_contents,
    );
}

/// A wait does not end while the signal is submitted and has not come. The control is the wait's own timeout.
fn pending_signal_is_waited_for(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.gate(false)?;
    producer.signal(exported, 1)?;
    consumer.waits_in_vain(imported, 1)?;
    producer.gate(true)?;
    consumer.wait(imported, 1)
}

/// The exporter's queue works up to the signal. An importer that waits finds the work done; one that does not, finds it undone.
fn work_is_done(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let work = producer.create_sync(SyncKind::Fence, &[])?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    producer.gate(false)?;
    producer.submit_before(work, exported, 1)?;
    if producer.is_signalled(work)? {
        return Err(Stop::Inconclusive("the work was done at once, so that nothing could be waited for".into()));
    }
    // A wait that ended here would have overtaken the work.
    consumer.waits_in_vain(imported, 1)?;
    let waiting = consumer.begin_wait(imported, 1, None)?;
    producer.gate(true)?;
    waiting.finish()?.map_err(|problem| consumer.refused(&problem))?;
    require(producer.is_signalled(work)?, || "the wait ended, and work that was submitted before the signal is not done".into())
}

/// Somebody waits already when the signal is submitted.
fn wait_begun_before_signal_ends(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let held = subject.kind == SyncKind::Semaphore;
    // A wait for a binary semaphore is valid once its signal is submitted.
    if held {
        producer.gate(false)?;
        producer.signal(exported, 1)?;
    }
    let waiting = consumer.begin_wait(imported, 1, None)?;
    std::thread::sleep(std::time::Duration::from_millis(10));
    if held {
        producer.gate(true)?;
    } else {
        producer.signal(exported, 1)?;
    }
    waiting.finish()?.map(drop).map_err(|problem| consumer.refused(&problem))
}

/// A wait that ended in a timeout has taken nothing away.
fn timeout_loses_no_signal(cx: &Context<'_>, subject: Subject) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    for value in 1..=3 {
        producer.gate(false)?;
        producer.signal(exported, value)?;
        consumer.waits_in_vain(imported, value)?;
        producer.gate(true)?;
        consumer.wait(imported, value)?;
    }
    Ok(())
}

/// A picture that is written before the signal is there after the wait, frame after frame; without the wait it is not.
fn orders_contents(cx: &Context<'_>, subject: Subject, spec: TextureSpec) -> Outcome {
    // The control has to find the picture missing so often: a wait that returns early looks as often, and as early.
    const RACES: u32 = 8;
    // And it may find it there so often. Each time the next pictures take twice as long, but no longer than these: a driver that lets
    // readers wait of its own accord would never let the control win.
    const MISSES: u32 = 12;
    const MOST_REPEATS: usize = 64;
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let seen = consumer.import_from(&producer, texture)?;
    let (exported, imported) = subject.shared(&producer, &consumer)?;
    let (mut raced, mut missed, mut repeats) = (0, 0, 1);
    for frame in 1.. {
        let [before, picture] = [frame - 1, frame].map(|frame| cx.pattern(0).at_frame(frame));
        let fill = |pattern| Request::Fill { texture: texture.0, pattern, only: None };
        let mut work = vec![fill(before); repeats];
        work.extend([fill(picture), Party::signalling(exported, frame.into())]);
        let writing = producer.begin(Request::Sequence(work))?;
        // Every other time the control looks without waiting.
        if frame.is_multiple_of(2) {
            match consumer.compare(seen, picture)? {
                Some(_) => raced += 1,
                None => (missed, repeats) = (missed + 1, MOST_REPEATS.min(2 * repeats)),
            }
        }
        consumer.wait_and_verify(imported, frame.into(), seen, picture)?;
        writing.finish()?.map_err(|problem| producer.refused(&problem))?;
        if raced == RACES || missed == MISSES {
            break;
        }
    }
    if raced == RACES {
        return Ok(());
    }
    let looks = raced + missed;
    Err(Stop::Inconclusive(format!("the picture was there without a wait, too, in {missed} of {looks} looks")))
}
