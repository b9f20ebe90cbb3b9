//! Frames: textures that go round between a producer and its consumers. What has to arrive and when, what becomes of frames that come too
//! fast, what a change of size or format does to those under way, and who survives whom.

mod changes;
mod ends;
mod hostile;
mod policies;
mod rounds;
mod soak;

use gpushare::frames::Policy;
use gpushare::{Api, HandleType, Pattern};
use gpushare_harness::protocol::Code;

use crate::case::{ANY_TEXTURE, Cases, Outcome, unshareable};
use crate::context::{Consumer, Context, EndOfFrames, Party};

pub(super) fn define(cases: &mut Cases<'_>) {
    rounds::define(cases);
    policies::define(cases);
    changes::define(cases);
    ends::define(cases);
    hostile::define(cases);
    soak::define(cases);
}

/// Why no frame can go round on this lane, if so.
fn impossible(cases: &Cases<'_>) -> Option<String> {
    let none = (!cases.report().frames).then(|| "the library has no frames".to_owned());
    none.or_else(|| unshareable(cases.report(), &ANY_TEXTURE))
}

/// Why a signal of the device cannot be held back: one in shared memory is given by the host, once it has waited for the device.
fn no_pending_signals(cases: &Cases<'_>) -> Option<String> {
    let report = cases.report();
    let own = report.timelines.iter().any(|can| can.handle_type != HandleType::SharedMemory && can.shareable());
    let possible = own || report.identity.api == Api::Host;
    (!possible).then(|| "the driver exports no timeline, and its stand-in has no signals that are pending".into())
}

/// What frame `number` shows.
fn shot(cx: &Context<'_>, number: u64) -> Pattern {
    Pattern { frame: number as u32, ..cx.pattern(0) }
}

/// A producer and its consumer, each in its process.
struct Pair<'cx, 'run> {
    producer: Party<'cx, 'run>,
    consumer: Party<'cx, 'run>,
    source: EndOfFrames,
    sink: EndOfFrames,
    /// The consumer, as its producer knows it.
    known: Consumer,
}

fn pair<'cx, 'run>(cx: &'cx Context<'run>, slots: u32, policy: Policy) -> Outcome<Pair<'cx, 'run>> {
    let [producer, consumer] = cx.peers()?;
    let source = producer.create_frames(ANY_TEXTURE, slots, policy)?;
    let (known, sink) = producer.invite(source, &consumer)?;
    Ok(Pair { producer, consumer, source, sink, known })
}

/// Long enough that what can come at once has come.
const SHORT: u64 = 20;

const TIMED_OUT: &[Code] = &[Code::FramesTimedOut];
