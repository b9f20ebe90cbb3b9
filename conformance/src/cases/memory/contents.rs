//! An import preserves the contents: formats, tilings, sizes, placements, layers.

use gpushare::{Format, Placement, TextureSpec};

use crate::case::{ANY_TEXTURE, Cases, Outcome, both_tilings, require};
use crate::context::Context;

const PRESERVES: &[&str] = &["memory.import_preserves_contents"];

pub(super) fn define(cases: &mut Cases<'_>) {
    cases.case("contents_preserved", PRESERVES).textures(matrix(), contents_preserved);
    cases.case("contents_preserved_at_offset", PRESERVES).textures(suballocated(), contents_preserved);
    cases.case("contents_preserved_in_layers", PRESERVES).textures(layered(), contents_preserved);
    cases.case("importer_writes_exporter_reads", &["memory.import_shares_payload"]).textures(per_format(), written_by_importer);
    cases
        .case("neighbours_untouched", &["memory.import_shares_payload", "memory.import_is_validated"])
        .textures(both_tilings(ANY_TEXTURE.with_placement(Placement::Suballocated)), neighbours_untouched);
    cases
        .case("unwritten_discloses_nothing", &["memory.uninitialised_import_leaks_nothing"])
        .textures(both_tilings(TextureSpec::new(Format::R8G8B8A8Unorm, 512, 512)), unwritten_discloses_nothing);
}

/// What is shared most, and what its texels are like: 1 to 16 bytes, integers, halves and floats.
const COMMON: [Format; 9] = [
    Format::R8Unorm,
    Format::R8G8Unorm,
    Format::R8G8B8A8Unorm,
    Format::R8G8B8A8Srgb,
    Format::B8G8R8A8Unorm,
    Format::A2B10G10R10Unorm,
    Format::R16G16B16A16Sfloat,
    Format::R32Sfloat,
    Format::R32G32B32A32Sfloat,
];

/// Of the common formats, sizes from one texel to 4096², odd ones, single rows and columns; of all others, one with edges across their
/// blocks and one without. What 4096² shows, five formats show; the others stop at the size whose texels take 16 MiB, because a
/// driver's first touch of fresh memory is most of such a case's time.
fn matrix() -> impl Iterator<Item = TextureSpec> {
    let small = [(1, 1), (3, 5), (257, 1), (1, 257), (64, 64), (127, 33), (1021, 509), (1920, 1080)];
    Format::ALL.into_iter().flat_map(move |format| {
        let sizes = if COMMON.contains(&format) {
            let largest = match format {
                Format::R8G8B8A8Srgb | Format::B8G8R8A8Unorm | Format::R16G16B16A16Sfloat => 2048,
                Format::R32G32B32A32Sfloat => 1024,
                _ => 4096,
            };
            small.into_iter().chain([(largest, largest)]).collect()
        } else {
            vec![(64, 64), uneven(format)]
        };
        sizes.into_iter().flat_map(move |(width, height)| both_tilings(TextureSpec::new(format, width, height)))
    })
}

/// No multiple of a power of two, or of a block; of luma and chroma only as far as these can be.
pub(super) fn uneven(format: Format) -> (u32, u32) {
    let (across, down) = format.granularity();
    (61_u32.next_multiple_of(across), 47_u32.next_multiple_of(down))
}

fn per_format() -> impl Iterator<Item = TextureSpec> {
    Format::ALL.into_iter().flat_map(|format| {
        let (width, height) = uneven(format);
        both_tilings(TextureSpec::new(format, width, height))
    })
}

fn suballocated() -> impl Iterator<Item = TextureSpec> {
    per_format().map(|spec| spec.with_placement(Placement::Suballocated))
}

fn layered() -> impl Iterator<Item = TextureSpec> {
    both_tilings(ANY_TEXTURE).into_iter().flat_map(|spec| [2, 7].map(|layers| TextureSpec { layers, ..spec }))
}

/// What the exporter wrote before the import is what the importer reads.
fn contents_preserved(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.verify(imported, cx.pattern(0))
}

/// The other direction: what the importer writes is what the exporter reads.
fn written_by_importer(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.fill(imported, cx.pattern(1))?;
    producer.verify(texture, cx.pattern(1))
}

/// Three textures in one allocation, each imported for itself: writing the middle one changes no other.
fn neighbours_untouched(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let textures = producer.create_neighbours::<3>(spec)?;
    let mut imported = Vec::new();
    for (number, texture) in (0..).zip(textures) {
        producer.fill(texture, cx.pattern(number))?;
        imported.push(consumer.import_from(&producer, texture)?);
    }
    consumer.fill(imported[1], cx.pattern(9))?;
    for (number, texture) in [(0, imported[0]), (9, imported[1]), (2, imported[2])] {
        consumer.verify(texture, cx.pattern(number))?;
    }
    [(0, textures[0]), (9, textures[1]), (2, textures[2])]
        .into_iter()
        .try_for_each(|(number, texture)| producer.verify(texture, cx.pattern(number)))
}

/// A process fills memory and frees it; a texture that is then shared without having been written shows none of it, to the importer
/// or to the exporter.
fn unwritten_discloses_nothing(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    for party in [&producer, &consumer] {
        let secret = party.create(TextureSpec { exportable: false, ..spec })?;
        party.fill(secret, cx.pattern(0))?;
        party.free([secret])?;
    }
    let texture = producer.create(spec)?;
    let imported = consumer.import_from(&producer, texture)?;
    for (party, texture) in [(&consumer, imported), (&producer, texture)] {
        let shown = party.compare(texture, cx.pattern(0))?;
        // Among 2^18 texels of 32 bits that are unrelated to the secret, fewer than one agrees by chance.
        let recognised = shown.map_or(spec.packed_bytes() / 4, |mismatch| mismatch.total - mismatch.wrong);
        require(recognised < 16, || {
            format!("{} reads {recognised} texels of a freed texture from memory that nobody wrote", party.role())
        })?;
    }
    Ok(())
}
