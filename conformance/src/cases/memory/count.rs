//! Many imports and exports, and what they cost.

use gpushare::{Format, TextureSpec};

use crate::case::{Cases, Outcome, Stop, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    const LEFT: &[&str] = &["ledger.nothing_is_left"];
    cases
        .case("imported_64_times", &["memory.import_is_distinct_object", "ledger.nothing_is_left"])
        .any_texture(imported_64_times);
    cases
        .case("exported_1024_times", &["memory.export_returns_new_fd", "ledger.nothing_is_left"])
        .any_texture(exported_1024_times);
    cases.case("shared_and_freed_100_times", LEFT).any_texture(shared_and_freed_100_times);
    let cpu = cases.report().cpu;
    let not_private =
        (!cpu).then(|| "the memory of a GPU is not the process's own; its ledger is the driver's heap usage".into());
    cases
        .case("import_is_no_copy", &["memory.import_adds_no_heap_usage"])
        .skip_if(not_private)
        .textures([TextureSpec::new(Format::R8G8B8A8Unorm, 1024, 1024)], import_is_no_copy);
    let budget = cases.report().memory_budget;
    let no_budget = (!budget).then(|| "the driver does not tell its heap usage (VK_EXT_memory_budget)".into());
    cases
        .case("freed_import_gives_heap_back", LEFT)
        .skip_if(no_budget)
        .textures([TextureSpec::new(Format::R8G8B8A8Unorm, 1024, 1024)], freed_import_gives_heap_back);
}

/// Sixty-four imports at once, each usable, all one payload.
fn imported_64_times(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = (0..64).map(|_| consumer.import_from(&producer, texture)).collect::<Outcome<Vec<_>>>()?;
    imported.iter().try_for_each(|texture| consumer.verify(*texture, cx.pattern(0)))?;
    consumer.fill(imported[63], cx.pattern(1))?;
    consumer.verify(imported[0], cx.pattern(1))?;
    consumer.free(imported.iter().copied().step_by(2))?;
    imported.iter().skip(1).step_by(2).try_for_each(|texture| consumer.verify(*texture, cx.pattern(1)))?;
    consumer.free(imported.into_iter().skip(1).step_by(2))?;
    producer.verify(texture, cx.pattern(1))
}

/// A thousand exports in a row, each closed again: the last one works like the first.
fn exported_1024_times(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    // In groups, so that the usual limit of 1024 open descriptors is not what is tested.
    for _ in 0..16 {
        let exported = (0..64).map(|_| producer.export(texture)).collect::<Outcome<Vec<_>>>()?;
        producer.close(exported.into_iter().map(|shared| shared.handle))?;
    }
    let imported = consumer.import_from(&producer, texture)?;
    consumer.verify(imported, cx.pattern(0))
}

/// The whole life of a shared texture, a hundred times; the ledger decides.
fn shared_and_freed_100_times(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    for round in 0..100 {
        let texture = producer.create(spec)?;
        producer.fill(texture, cx.pattern(round))?;
        let imported = consumer.import_from(&producer, texture)?;
        consumer.verify(imported, cx.pattern(round))?;
        producer.free([texture])?;
        consumer.free([imported])?;
    }
    Ok(())
}

/// Sixteen imports of 4 MiB, all read: a driver that copies would need 64 MiB more of the process's own memory.
fn import_is_no_copy(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    const IMPORTS: u64 = 16;
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    // The first import brings the staging buffer and whatever the driver sets up once.
    let first = consumer.import_from(&producer, texture)?;
    consumer.verify(first, cx.pattern(0))?;
    let before = consumer.private_bytes()?;
    for _ in 0..IMPORTS {
        let imported = consumer.import_from(&producer, texture)?;
        consumer.verify(imported, cx.pattern(0))?;
    }
    let grown = consumer.private_bytes()?.saturating_sub(before);
    let copied = IMPORTS * spec.packed_bytes();
    require(grown < copied / 4, || {
        format!("{IMPORTS} imports of {} bytes took {grown} bytes of the importer's own memory", spec.packed_bytes())
    })
}

/// The driver's own account of its heaps comes back to where it was when imports are freed.
fn freed_import_gives_heap_back(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    const ROUNDS: u64 = 32;
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let round = || -> Result<(), Stop> {
        let imported = consumer.import_from(&producer, texture)?;
        consumer.verify(imported, cx.pattern(0))?;
        consumer.free([imported])
    };
    round()?;
    let before = consumer.heap_usage()?;
    (0..ROUNDS).try_for_each(|_| round())?;
    let grown = consumer.heap_usage()?.saturating_sub(before);
    // The account is an estimate (VkPhysicalDeviceMemoryBudgetPropertiesEXT): half of what a leak would show is enough.
    require(grown < ROUNDS * spec.packed_bytes() / 2, || {
        format!("{ROUNDS} imports of {} bytes, each freed, left the heap usage {grown} bytes higher", spec.packed_bytes())
    })
}
