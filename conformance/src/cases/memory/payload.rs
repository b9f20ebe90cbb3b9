//! Exporter and importers share one payload, however often it is exported and imported.

use gpushare::TextureSpec;
use gpushare::vulkan::capability::TextureQuestion;
use gpushare_harness::protocol::DeviceReport;

use crate::case::{ANY_TEXTURE, Cases, Outcome, both_tilings};
use crate::context::Context;

const SHARES: &[&str] = &["memory.import_shares_payload"];

pub(super) fn define(cases: &mut Cases<'_>) {
    cases.case("writes_after_import_are_seen", SHARES).textures(both_tilings(ANY_TEXTURE), writes_after_import_are_seen);
    cases.case("ping_pong", SHARES).textures(both_tilings(ANY_TEXTURE), ping_pong);
    cases
        .case("imported_twice", &["memory.import_is_distinct_object", "memory.import_shares_payload"])
        .textures(both_tilings(ANY_TEXTURE), imported_twice);
    cases.case("imported_by_two_processes", SHARES).any_texture(imported_by_two_processes);
    cases.case("imported_by_its_exporter", SHARES).any_texture(imported_by_its_exporter);
    cases.case("exported_twice", SHARES).any_texture(exported_twice);
    cases
        .case("imported_again_after_free", &["memory.import_preserves_contents"])
        .textures(both_tilings(ANY_TEXTURE), imported_again_after_free);
    cases.case("two_textures_stay_apart", SHARES).any_texture(two_textures_stay_apart);
    let reexport = no_reexport(cases.report());
    cases.case("exported_by_importer", SHARES).skip_if(reexport).any_texture(exported_by_importer);
}

/// Why an import cannot be exported again, if so.
pub(crate) fn no_reexport(report: &DeviceReport) -> Option<String> {
    let handle = report.handle_type;
    let asked = TextureQuestion::about(&ANY_TEXTURE, handle);
    let can = report.textures.iter().find(|can| can.asked == asked);
    let reported = can.is_some_and(|can| can.export_from_imported.contains(&handle));
    (!reported).then(|| format!("the driver reports no exportFromImportedHandleTypes for {handle}"))
}

/// A write after the import reaches the importer: it holds the object, not a copy.
fn writes_after_import_are_seen(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.verify(imported, cx.pattern(0))?;
    producer.fill(texture, cx.pattern(0).at_frame(1))?;
    consumer.verify(imported, cx.pattern(0).at_frame(1))
}

/// Sixteen frames back and forth; each side sees the other's latest.
fn ping_pong(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let imported = consumer.import_from(&producer, texture)?;
    for frame in (0..16).step_by(2) {
        producer.fill(texture, cx.pattern(0).at_frame(frame))?;
        consumer.verify(imported, cx.pattern(0).at_frame(frame))?;
        consumer.fill(imported, cx.pattern(0).at_frame(frame + 1))?;
        producer.verify(texture, cx.pattern(0).at_frame(frame + 1))?;
    }
    Ok(())
}

/// Two imports in one process are two objects over one payload: freeing one leaves the other.
fn imported_twice(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let first = consumer.import_from(&producer, texture)?;
    let second = consumer.import_from(&producer, texture)?;
    consumer.verify(first, cx.pattern(0))?;
    consumer.fill(second, cx.pattern(1))?;
    consumer.verify(first, cx.pattern(1))?;
    consumer.free([first])?;
    producer.fill(texture, cx.pattern(2))?;
    consumer.verify(second, cx.pattern(2))
}

/// Two processes import the same texture and see each other's writes.
fn imported_by_two_processes(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let in_consumer = consumer.import_from(&producer, texture)?;
    let in_third = third.import_from(&producer, texture)?;
    third.verify(in_third, cx.pattern(0))?;
    consumer.fill(in_consumer, cx.pattern(1))?;
    third.verify(in_third, cx.pattern(1))
}

/// The exporting process can import its own texture, by way of another process.
fn imported_by_its_exporter(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    let handle = consumer.hand_over(shared.handle, &producer)?;
    let imported = producer.import(&crate::context::Shared { handle, ..shared })?;
    producer.verify(imported, cx.pattern(0))?;
    producer.fill(imported, cx.pattern(1))?;
    producer.verify(texture, cx.pattern(1))
}

/// Two exports of one texture lead to the same payload.
fn exported_twice(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let (first, second) = (producer.share(texture, &consumer)?, producer.share(texture, &consumer)?);
    let (first, second) = (consumer.import(&first)?, consumer.import(&second)?);
    consumer.fill(first, cx.pattern(1))?;
    consumer.verify(second, cx.pattern(1))
}

/// An import after an earlier one was freed still finds the contents.
fn imported_again_after_free(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    for _ in 0..8 {
        let imported = consumer.import_from(&producer, texture)?;
        consumer.verify(imported, cx.pattern(0))?;
        consumer.free([imported])?;
    }
    Ok(())
}

/// Two textures of one kind are two payloads, whatever order their handles arrive in.
fn two_textures_stay_apart(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (one, two) = (producer.create(spec)?, producer.create(spec)?);
    producer.fill(one, cx.pattern(1))?;
    producer.fill(two, cx.pattern(2))?;
    let two_imported = consumer.import_from(&producer, two)?;
    let one_imported = consumer.import_from(&producer, one)?;
    consumer.verify(one_imported, cx.pattern(1))?;
    consumer.verify(two_imported, cx.pattern(2))
}

/// What was imported can be exported again and leads a third process to the same payload.
fn exported_by_importer(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    let imported = consumer.import_exportable(&shared)?;
    let in_third = third.import_from(&consumer, imported)?;
    third.verify(in_third, cx.pattern(0))?;
    third.fill(in_third, cx.pattern(1))?;
    producer.verify(texture, cx.pattern(1))
}
