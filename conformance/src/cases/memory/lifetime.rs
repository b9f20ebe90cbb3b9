//! A handle and an import each hold the payload, whoever frees, exits or dies.

use gpushare::TextureSpec;

use crate::case::{ANY_TEXTURE, Cases, Outcome, both_tilings};
use crate::context::Context;

const HANDLE_HOLDS: &[&str] = &["memory.fd_holds_payload"];
const IMPORT_HOLDS: &[&str] = &["memory.fd_import_holds_payload"];

pub(super) fn define(cases: &mut Cases<'_>) {
    let textures = || both_tilings(ANY_TEXTURE);
    cases.case("survives_exporter_free", IMPORT_HOLDS).textures(textures(), survives_exporter_free);
    cases.case("survives_exporter_exit", IMPORT_HOLDS).fresh().textures(textures(), survives_exporter_exit);
    cases.case("survives_exporter_kill", IMPORT_HOLDS).fresh().textures(textures(), survives_exporter_kill);
    cases.case("handle_survives_exporter_free", HANDLE_HOLDS).textures(textures(), handle_survives_exporter_free);
    cases.case("handle_survives_exporter_exit", HANDLE_HOLDS).fresh().any_texture(handle_survives_exporter_exit);
    cases.case("handle_survives_exporter_kill", HANDLE_HOLDS).fresh().any_texture(handle_survives_exporter_kill);
    cases
        .case("handle_in_flight_survives_exporter_kill", HANDLE_HOLDS)
        .fresh()
        .any_texture(handle_in_flight_survives_exporter_kill);
    cases.case("survives_importer_free", IMPORT_HOLDS).textures(textures(), survives_importer_free);
    cases.case("survives_importer_exit", IMPORT_HOLDS).fresh().any_texture(survives_importer_exit);
    cases.case("survives_importer_kill", IMPORT_HOLDS).fresh().any_texture(survives_importer_kill);
    cases.case("new_importer_after_kill", HANDLE_HOLDS).fresh().any_texture(new_importer_after_kill);
}

/// The exporter frees its texture; the import keeps the contents and can be written.
fn survives_exporter_free(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    producer.free([texture])?;
    // New allocations would land in memory that was wrongly given back.
    let other = producer.create(spec)?;
    producer.fill(other, cx.pattern(1))?;
    consumer.verify(imported, cx.pattern(0))?;
    consumer.fill(imported, cx.pattern(2))?;
    consumer.verify(imported, cx.pattern(2))
}

/// The exporter exits without freeing anything.
fn survives_exporter_exit(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    producer.exit()?;
    consumer.verify(imported, cx.pattern(0))
}

/// The exporter is killed.
fn survives_exporter_kill(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    producer.kill()?;
    consumer.verify(imported, cx.pattern(0))
}

/// The handle has arrived and is not imported yet when the exporter frees its texture.
fn handle_survives_exporter_free(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    producer.free([texture])?;
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

/// … when the exporter exits.
fn handle_survives_exporter_exit(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    producer.exit()?;
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

/// … when the exporter is killed.
fn handle_survives_exporter_kill(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    producer.kill()?;
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

/// No GPU process holds the handle while its exporter dies: only the orchestrator, which has no driver, does.
fn handle_in_flight_survives_exporter_kill(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.export(texture)?;
    let in_flight = producer.give(&[shared.handle])?;
    producer.kill()?;
    let kept = consumer.keep(&in_flight)?;
    drop(in_flight);
    let imported = consumer.import(&crate::context::Shared { handle: kept[0], ..shared })?;
    consumer.verify(imported, cx.pattern(0))
}

/// The importer frees its texture; the exporter's is as it was.
fn survives_importer_free(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.fill(imported, cx.pattern(1))?;
    consumer.free([imported])?;
    let other = consumer.create(spec)?;
    consumer.fill(other, cx.pattern(2))?;
    producer.verify(texture, cx.pattern(1))
}

/// The importer exits without freeing anything.
fn survives_importer_exit(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.fill(imported, cx.pattern(1))?;
    consumer.exit()?;
    producer.verify(texture, cx.pattern(1))
}

/// The importer is killed.
fn survives_importer_kill(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.fill(imported, cx.pattern(1))?;
    consumer.kill()?;
    producer.verify(texture, cx.pattern(1))
}

/// After one importer was killed, another one takes its place.
fn new_importer_after_kill(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer, third] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    consumer.import_from(&producer, texture)?;
    consumer.kill()?;
    let imported = third.import_from(&producer, texture)?;
    third.verify(imported, cx.pattern(0))?;
    third.fill(imported, cx.pattern(1))?;
    producer.verify(texture, cx.pattern(1))
}
