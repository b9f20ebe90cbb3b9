//! Between two lanes: a producer on another driver or device, the consumer on this one.
//!
//! An opaque handle holds nothing that says whose it is. What keeps it from the wrong driver are the UUIDs beside it, here those of a
//! real other driver; `handle::*::foreign_*` changes single bits of them instead.

use gpushare_harness::protocol::{Code, HandleSource, ImportManner};

use super::sync;
use crate::case::{ANY_TEXTURE, Cases, Outcome, unshareable};
use crate::context::Context;
use crate::lane::Lane;

pub(super) fn define(cases: &mut Cases<'_>) {
    let own = unshareable(cases.report(), &ANY_TEXTURE);
    for other in cases.neighbours() {
        cases.area("pair", other.report.handle_type.name());
        let skip = own.clone().or_else(|| unshareable(&other.report, &ANY_TEXTURE));
        cases
            .case("texture_is_refused", &["memory.import_from_compatible_driver", "capability.uuids_decide_compatibility"])
            .skip_if(skip)
            .between(other, (), texture_is_refused);
        sync::define_between(cases, other);
    }
}

/// The library refuses before its driver is asked; the handle, both textures and both devices stay as good as they were.
fn texture_is_refused(cx: &Context<'_>, other: &Lane, (): ()) -> Outcome {
    let [producer, consumer] = cx.peers_from(other)?;
    let texture = producer.create(ANY_TEXTURE)?;
    producer.fill(texture, cx.pattern(0))?;
    let own = consumer.create(ANY_TEXTURE)?;
    consumer.fill(own, cx.pattern(1))?;
    let shared = producer.share(texture, &consumer)?;
    // A handle of a type that this device knows nothing of is refused for that, any other for whose it is.
    let same_type = other.report.handle_type == cx.report().handle_type;
    let codes: &[Code] = if same_type { &[Code::ForeignDevice, Code::ForeignDriver] } else { &[Code::WrongHandleType] };
    consumer.import_is_refused(&shared, HandleSource::Held(shared.handle.0), ImportManner::Library, codes)?;
    consumer.verify(own, cx.pattern(1))?;
    let back = consumer.hand_over(shared.handle, &producer)?;
    let again = producer.import(&crate::context::Shared { handle: back, ..shared })?;
    producer.verify(again, cx.pattern(0))
}
