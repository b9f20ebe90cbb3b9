//! What has to hold for every kind of texture.

use gpushare::descriptor::DescriptorFields;
use gpushare::{Placement, Subresource, TextureSpec};
use gpushare_harness::protocol::{Code, HandleSource, ImportManner};

use crate::case::{Outcome, require};
use crate::context::Context;

/// A way to say of a texture that it is another one.
pub(super) type Lie = fn(&mut DescriptorFields);

/// Which textures of a kind a script runs with.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    Every,
    /// The first: it is about processes, and what they share matters less.
    First,
    /// Those of several subresources.
    Several,
}

pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) rules: &'static [&'static str],
    pub(super) reach: Reach,
    pub(super) fresh: bool,
    pub(super) change: fn(TextureSpec) -> TextureSpec,
    pub(super) run: fn(&Context<'_>, TextureSpec, Lie) -> Outcome,
}

const fn script(
    name: &'static str,
    rules: &'static [&'static str],
    reach: Reach,
    run: fn(&Context<'_>, TextureSpec, Lie) -> Outcome,
) -> Script {
    Script { name, rules, reach, fresh: false, change: |spec| spec, run }
}

pub(super) const SCRIPTS: &[Script] = &[
    script("contents_preserved", &["memory.import_preserves_contents"], Reach::Every, contents_preserved),
    Script {
        change: |spec| spec.with_placement(Placement::Suballocated),
        ..script("contents_preserved_at_offset", &["memory.import_preserves_contents"], Reach::Every, contents_preserved)
    },
    script("importer_writes_exporter_reads", &["memory.import_shares_payload"], Reach::Every, importer_writes_exporter_reads),
    script("writes_after_import_are_seen", &["memory.import_shares_payload"], Reach::First, writes_after_import_are_seen),
    script("subresources_stay_apart", &["memory.every_subresource_is_shared"], Reach::Several, subresources_stay_apart),
    script("imported_twice", &["memory.import_is_distinct_object"], Reach::First, imported_twice),
    Script {
        fresh: true,
        ..script("survives_exporter_kill", &["memory.fd_import_holds_payload"], Reach::First, survives_exporter_kill)
    },
    script("survives_exporter_free", &["memory.fd_import_holds_payload"], Reach::First, survives_exporter_free),
    script(
        "layout_same_in_every_process",
        &["memory.layout_is_the_same_in_every_process"],
        Reach::Every,
        layout_same_in_every_process,
    ),
    script(
        "told_otherwise_is_refused",
        &["memory.dedicated_fd_import_matches_resource", "library.descriptor_is_checked", "ledger.refusal_leaves_nothing"],
        Reach::Every,
        told_otherwise_is_refused,
    ),
    script("shared_and_freed_16_times", &["ledger.nothing_is_left"], Reach::First, shared_and_freed_16_times),
];

/// What the exporter wrote before the import is what the importer reads, in every plane, level and slice.
fn contents_preserved(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.verify(imported, cx.pattern(0))
}

/// The other direction: what the importer writes is what the exporter reads.
fn importer_writes_exporter_reads(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.fill(imported, cx.pattern(1))?;
    producer.verify(texture, cx.pattern(1))
}

/// A texture that is shared before anybody wrote it, and written by one side after the other.
fn writes_after_import_are_seen(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    let imported = consumer.import_from(&producer, texture)?;
    for round in 0..3 {
        producer.fill(texture, cx.pattern(2 * round))?;
        consumer.verify(imported, cx.pattern(2 * round))?;
        consumer.fill(imported, cx.pattern(2 * round + 1))?;
        producer.verify(texture, cx.pattern(2 * round + 1))?;
    }
    Ok(())
}

/// Each side writes every other subresource for itself, and then the others: all become what was written to them, and nothing else.
fn subresources_stay_apart(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    // At most eight of each part: the first ones, and the last.
    let chosen = |slice: u32, slices: u32| slice < 7 || slice + 1 == slices;
    let all: Vec<Subresource> =
        spec.parts().flat_map(|part| part.subresources().filter(move |one| chosen(one.slice, part.slices))).collect();
    for round in [0, 1] {
        let mut sides = [(&producer, texture), (&consumer, imported)];
        if round == 1 {
            sides.reverse();
        }
        let [one, other] = sides;
        let picture = |number: u64| cx.pattern(1 + round + 2 * number);
        for (number, part) in (0..).zip(&all) {
            let (party, written) = if number % 2 == 0 { one } else { other };
            party.fill_only(written, *part, picture(number))?;
        }
        for (number, part) in (0..).zip(&all) {
            let (party, read) = if number % 2 == 0 { other } else { one };
            party.verify_only(read, *part, picture(number))?;
        }
    }
    Ok(())
}

/// Two imports of one texture are two objects over one payload.
fn imported_twice(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let one = consumer.import_from(&producer, texture)?;
    let two = consumer.import_from(&producer, texture)?;
    consumer.fill(one, cx.pattern(1))?;
    consumer.free([one])?;
    consumer.verify(two, cx.pattern(1))?;
    producer.verify(texture, cx.pattern(1))
}

/// The exporter is killed; the import keeps the contents and can be written.
fn survives_exporter_kill(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    producer.kill()?;
    consumer.verify(imported, cx.pattern(0))?;
    consumer.fill(imported, cx.pattern(1))?;
    consumer.verify(imported, cx.pattern(1))
}

/// The exporter frees its texture and makes another; the import keeps the contents.
fn survives_exporter_free(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    producer.free([texture])?;
    let other = producer.create(spec)?;
    producer.fill(other, cx.pattern(1))?;
    consumer.verify(imported, cx.pattern(0))
}

/// Two processes that create the same texture need the same memory for it, and lay out its rows alike.
fn layout_same_in_every_process(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let one = producer.create(spec)?;
    let here = producer.export(one)?.descriptor;
    let two = consumer.create(spec)?;
    let there = consumer.export(two)?.descriptor;
    require(here == there, || format!("one process describes it as {here:?}, another as {there:?}"))
}

/// A descriptor that says something else of the texture is refused; the right one is not.
fn told_otherwise_is_refused(cx: &Context<'_>, spec: TextureSpec, lie: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let shared = producer.share(texture, &consumer)?;
    let source = HandleSource::Held(shared.handle.0);
    let refused_as: &[Code] = &[Code::Descriptor, Code::Unsupported];
    consumer.import_is_refused(&shared.with(lie), source, ImportManner::Library, refused_as)?;
    let imported = consumer.import(&shared)?;
    consumer.verify(imported, cx.pattern(0))
}

/// The whole life of a shared texture, sixteen times; the ledger decides.
fn shared_and_freed_16_times(cx: &Context<'_>, spec: TextureSpec, _: Lie) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    for round in 0..16 {
        let texture = producer.create(spec)?;
        producer.fill(texture, cx.pattern(round))?;
        let imported = consumer.import_from(&producer, texture)?;
        consumer.verify(imported, cx.pattern(round))?;
        producer.free([texture])?;
        consumer.free([imported])?;
    }
    Ok(())
}
