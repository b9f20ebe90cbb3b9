//! Who closes a descriptor, and when.

use gpushare::TextureSpec;
use gpushare_harness::protocol::{Code, HandleSource, ImportManner, Object};

use super::refusal::ANY_REFUSAL;
use crate::case::{Cases, Outcome, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const TAKES: &[&str] = &["memory.fd_import_takes_ownership"];
    cases
        .case("import_takes_descriptor", &["memory.fd_import_takes_ownership", "ledger.nothing_is_left"])
        .any_texture(import_takes);
    cases.case("import_closes_no_other_descriptor", TAKES).any_texture(import_closes_no_other);
    cases
        .case("refused_import_keeps_descriptor", &["memory.failed_fd_import_keeps_ownership"])
        .upsets()
        .any_texture(refused_import_keeps_descriptor);
    cases
        .case("library_refusal_keeps_descriptor", &["library.descriptor_is_checked", "ledger.refusal_leaves_nothing"])
        .any_texture(library_refusal_keeps_descriptor);
    cases.case("import_works_after_refusal", &["memory.import_is_validated"]).upsets().any_texture(import_works_after_refusal);
    cases
        .case("nothing_left_after_refusals", &["ledger.refusal_leaves_nothing"])
        .upsets()
        .any_texture(nothing_left_after_refusals);
}

/// A successful import and its free leave nothing open, fifty times over: the driver took the descriptor and closed it.
fn import_takes(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    for _ in 0..50 {
        let imported = consumer.import_from(&producer, texture)?;
        consumer.free([imported])?;
    }
    Ok(())
}

/// The number of an imported descriptor may be used anew as soon as the driver has closed it; freeing the import must not close
/// what has that number by then.
fn import_closes_no_other(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let imported = consumer.import_from(&producer, texture)?;
    // These take the numbers that are free now, the imported descriptor's among them if the driver has closed it.
    let sentinels = (1..=8).map(|pages| consumer.make(Object::Memory { len: pages * 4096 })).collect::<Outcome<Vec<_>>>()?;
    let before = sentinels.iter().map(|sentinel| consumer.inspect(*sentinel)).collect::<Outcome<Vec<_>>>()?;
    consumer.free([imported])?;
    for (sentinel, before) in sentinels.into_iter().zip(before) {
        let after = consumer.try_inspect(sentinel)?;
        let same = after.as_ref().is_ok_and(|after| after.object == before.object);
        require(same, || format!("freeing an import closed descriptor {}, which belongs to somebody else", before.number))?;
    }
    Ok(())
}

/// An import that the driver refuses leaves the caller's descriptor open, the same object as before.
fn refused_import_keeps_descriptor(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    let wrong = consumer.make(Object::Pipe)?;
    let before = consumer.inspect(wrong)?;
    let problem = consumer.import_is_refused(&shared, HandleSource::Held(wrong.0), ImportManner::Driver, ANY_REFUSAL)?;
    require(!problem.handle_taken, || {
        format!("the driver refused the import ({}) and closed the caller's descriptor {}", problem.message, before.number)
    })?;
    let after = consumer.try_inspect(wrong)?;
    let kept = after.as_ref().is_ok_and(|after| (after.number, after.object) == (before.number, before.object));
    require(kept, || format!("a refused import left descriptor {} as {after:?}", before.number))
}

/// What the sharing library refuses before the driver is asked stays the caller's.
fn library_refusal_keeps_descriptor(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    let lie = shared.with(|fields| fields.allocation_size -= 1);
    let source = HandleSource::Held(shared.handle.0);
    let before = consumer.inspect(shared.handle)?;
    let problem = consumer.import_is_refused(&lie, source, ImportManner::Library, &[Code::Descriptor])?;
    require(!problem.handle_taken, || format!("a refused import used up descriptor {}", before.number))?;
    let after = consumer.try_inspect(shared.handle)?;
    require(after.as_ref() == Ok(&before), || format!("a refused import left descriptor {} as {after:?}", before.number))
}

/// After a refusal the right handle is imported as if nothing had been.
fn import_works_after_refusal(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    let wrong = consumer.make(Object::Pipe)?;
    consumer.import_is_refused(&shared, HandleSource::Held(wrong.0), ImportManner::Driver, ANY_REFUSAL)?;
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

/// Fifty refused imports leave nothing behind; the ledger decides.
fn nothing_left_after_refusals(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let shared = producer.share(texture, &consumer)?;
    for _ in 0..50 {
        let wrong = consumer.make(Object::Pipe)?;
        let problem = consumer.import_is_refused(&shared, HandleSource::Held(wrong.0), ImportManner::Driver, ANY_REFUSAL)?;
        if !problem.handle_taken {
            consumer.close([wrong])?;
        }
    }
    Ok(())
}
