//! Many textures in one message: all of them arrive, or none.

use gpushare::{Batch, Format, Placement, TextureSpec};
use gpushare_harness::protocol::Code;

use crate::case::{ANY_TEXTURE, Cases, Outcome, Stop, unshareable};
use crate::context::{Context, Party, PeerChannel, Texture};

pub(super) fn define(cases: &mut Cases<'_>) {
    const WHOLE: &[&str] = &["library.batch_arrives_whole"];
    const ALL_OR_NONE: &[&str] = &["library.batch_is_all_or_nothing", "ledger.refusal_leaves_nothing"];
    let counts = [1, 2, 16, 64, Batch::MAX];
    cases.case("batch_arrives", WHOLE).any_texture_each(counts, |count| format!("{count}_textures"), batch_arrives);
    cases.case("batch_of_none_arrives", WHOLE).any_texture(batch_of_none_arrives);
    let reason = various().iter().find_map(|spec| unshareable(cases.report(), spec));
    cases.case("batch_of_many_kinds_arrives", WHOLE).skip_if(reason).any_texture(batch_of_many_kinds_arrives);
    cases.case("batch_of_neighbours_arrives", WHOLE).any_texture(batch_of_neighbours_arrives);
    cases.case("batch_shares_payload", &["memory.import_shares_payload"]).any_texture(batch_shares_payload);
    cases.case("batch_sent_twice_arrives_twice", WHOLE).any_texture(batch_sent_twice_arrives_twice);
    cases.case("batches_in_both_directions", WHOLE).any_texture(batches_in_both_directions);
    cases.case("batch_survives_exporter_kill", &["memory.fd_import_holds_payload"]).fresh().any_texture(survives_kill);
    cases.case("batch_in_flight_survives_exporter_kill", &["memory.fd_holds_payload"]).fresh().any_texture(survives_in_flight);
    cases.case("batch_shared_and_freed_16_times", &["ledger.nothing_is_left"]).any_texture(shared_and_freed_16_times);
    cases.case("batch_with_too_many_is_refused", ALL_OR_NONE).any_texture(too_many_is_refused);
    cases.case("batch_with_undeclared_is_refused", ALL_OR_NONE).any_texture(undeclared_is_refused);
    let lies = [Spoilt::Descriptor, Spoilt::OneHandleLess, Spoilt::OneHandleMore, Spoilt::NoBatch];
    cases.case("spoilt_batch_is_refused", ALL_OR_NONE).any_texture_each(lies, |lie| lie.name().into(), spoilt_is_refused);
}

/// What is wrong with a batch.
#[derive(Clone, Copy)]
enum Spoilt {
    /// The last texture is said to be larger.
    Descriptor,
    OneHandleLess,
    OneHandleMore,
    NoBatch,
}

impl Spoilt {
    const fn name(self) -> &'static str {
        match self {
            Self::Descriptor => "last_descriptor",
            Self::OneHandleLess => "one_handle_less",
            Self::OneHandleMore => "one_handle_more",
            Self::NoBatch => "no_batch",
        }
    }
}

fn various() -> [TextureSpec; 4] {
    let plain = |format| TextureSpec::new(format, 61, 47);
    [
        ANY_TEXTURE,
        plain(Format::R8Unorm).with_layers(3),
        plain(Format::R32G32B32A32Sfloat).with_placement(Placement::Suballocated),
        plain(Format::R16G16B16A16Sfloat).with_levels(4),
    ]
}

fn small(spec: TextureSpec) -> TextureSpec {
    TextureSpec { width: 13, height: 7, ..spec }
}

fn channel(one: &Party<'_, '_>, other: &Party<'_, '_>) -> Outcome<(PeerChannel, PeerChannel)> {
    let (a, b) = gpushare::Channel::pair().map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let end = |party: &Party<'_, '_>, end: gpushare::Channel| party.open_channel(end.into_handle(), 1 << 20, Batch::MAX);
    Ok((end(one, a)?, end(other, b)?))
}

fn filled(cx: &Context<'_>, party: &Party<'_, '_>, specs: impl IntoIterator<Item = TextureSpec>) -> Outcome<Vec<Texture>> {
    let one = |(number, spec): (u64, TextureSpec)| {
        let texture = party.create(spec)?;
        party.fill(texture, cx.pattern(number))?;
        Ok(texture)
    };
    (0..).zip(specs).map(one).collect()
}

fn verify(cx: &Context<'_>, party: &Party<'_, '_>, textures: &[Texture], first: u64) -> Outcome {
    (first..).zip(textures).try_for_each(|(number, texture)| party.verify(*texture, cx.pattern(number)))
}

/// Every texture arrives, each as itself.
fn batch_arrives(cx: &Context<'_>, spec: TextureSpec, count: usize) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, std::iter::repeat_n(small(spec), count))?;
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, count)?;
    verify(cx, &consumer, &imported, 0)
}

/// No texture is a batch, too, and the next one arrives.
fn batch_of_none_arrives(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    producer.send_textures(out, &[])?;
    consumer.receive_textures(into, 0)?;
    let textures = filled(cx, &producer, [spec])?;
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, 1)?;
    verify(cx, &consumer, &imported, 0)
}

/// Different formats, placements, levels and layers beside one message.
fn batch_of_many_kinds_arrives(cx: &Context<'_>, _: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, various())?;
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, textures.len())?;
    verify(cx, &consumer, &imported, 0)
}

/// Eight textures of one allocation: as many handles, one object.
fn batch_of_neighbours_arrives(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = producer.create_neighbours::<8>(spec.with_placement(Placement::Suballocated))?;
    for (number, texture) in (0..).zip(textures) {
        producer.fill(texture, cx.pattern(number))?;
    }
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, 8)?;
    verify(cx, &consumer, &imported, 0)
}

/// What the importer writes into each, the exporter reads.
fn batch_shares_payload(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, [small(spec); 6])?;
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, 6)?;
    for (number, texture) in (100..).zip(&imported) {
        consumer.fill(*texture, cx.pattern(number))?;
    }
    verify(cx, &producer, &textures, 100)
}

/// The same textures again: imports of their own over the same payloads.
fn batch_sent_twice_arrives_twice(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, [small(spec); 4])?;
    producer.send_textures(out, &textures)?;
    producer.send_textures(out, &textures)?;
    let first = consumer.receive_textures(into, 4)?;
    let second = consumer.receive_textures(into, 4)?;
    consumer.free(first)?;
    verify(cx, &consumer, &second, 0)
}

/// Each side exports to the other over one channel.
fn batches_in_both_directions(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let there = filled(cx, &producer, [small(spec); 4])?;
    let back = filled(cx, &consumer, [small(spec); 4])?;
    producer.send_textures(out, &there)?;
    consumer.send_textures(into, &back)?;
    let came_there = consumer.receive_textures(into, 4)?;
    let came_back = producer.receive_textures(out, 4)?;
    verify(cx, &consumer, &came_there, 0)?;
    verify(cx, &producer, &came_back, 0)
}

/// The exporter dies after the import.
fn survives_kill(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, [small(spec); 8])?;
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, 8)?;
    producer.kill()?;
    verify(cx, &consumer, &imported, 0)
}

/// The exporter dies while the message waits in the socket.
fn survives_in_flight(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, [small(spec); 8])?;
    producer.send_textures(out, &textures)?;
    producer.kill()?;
    let imported = consumer.receive_textures(into, 8)?;
    verify(cx, &consumer, &imported, 0)
}

/// Batches come and go; the ledger decides.
fn shared_and_freed_16_times(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    for _ in 0..16 {
        let textures = filled(cx, &producer, [small(spec); 8])?;
        producer.send_textures(out, &textures)?;
        let imported = consumer.receive_textures(into, 8)?;
        verify(cx, &consumer, &imported, 0)?;
        producer.free(textures)?;
        consumer.free(imported)?;
    }
    Ok(())
}

/// One more than a message carries: refused before anything is sent, and the channel goes on working.
fn too_many_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, std::iter::repeat_n(small(spec), 2))?;
    let many: Vec<_> = textures.iter().copied().cycle().take(Batch::MAX + 1).collect();
    producer.send_textures_is_refused(out, &many, &[Code::Unsupported])?;
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, 2)?;
    verify(cx, &consumer, &imported, 0)
}

/// One that was not declared exportable among others: nothing is sent.
fn undeclared_is_refused(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (out, into) = channel(&producer, &consumer)?;
    let textures = filled(cx, &producer, [small(spec); 3])?;
    let private = producer.create(TextureSpec { exportable: false, ..small(spec) })?;
    let with_private = [textures[0], private, textures[1]];
    producer.send_textures_is_refused(out, &with_private, &[Code::NotExportable])?;
    producer.send_textures(out, &textures)?;
    let imported = consumer.receive_textures(into, 3)?;
    verify(cx, &consumer, &imported, 0)
}

/// A message with something wrong in it leaves no texture and no handle; the next batch arrives.
fn spoilt_is_refused(cx: &Context<'_>, spec: TextureSpec, spoilt: Spoilt) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let (mut ours, theirs) = gpushare::Channel::pair().map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let into = consumer.open_channel(theirs.into_handle(), 1 << 20, Batch::MAX)?;
    let textures = filled(cx, &producer, [small(spec); 3])?;
    let mut fields = Vec::new();
    let mut handles = Vec::new();
    for texture in &textures {
        let shared = producer.export(*texture)?;
        fields.push(shared.descriptor);
        handles.extend(producer.give(&[shared.handle])?);
    }
    let message = |fields: &[_]| {
        let body = serde_json::json!({ "textures": fields });
        serde_json::to_vec(&body).map_err(|error| Stop::Inconclusive(error.to_string()))
    };
    let right = message(&fields)?;
    let mut lying = fields.clone();
    if let Some(last) = lying.last_mut() {
        last.texture.width *= 64;
    }
    let wrong = match spoilt {
        Spoilt::Descriptor => message(&lying)?,
        Spoilt::OneHandleLess | Spoilt::OneHandleMore => right.clone(),
        Spoilt::NoBatch => b"{}".to_vec(),
    };
    let beside: Vec<_> = match spoilt {
        Spoilt::OneHandleLess => handles.iter().take(2).collect(),
        Spoilt::OneHandleMore => handles.iter().chain(handles.first()).collect(),
        Spoilt::Descriptor | Spoilt::NoBatch => handles.iter().collect(),
    };
    let mut send = |bytes: &[u8], beside: &[&gpushare::OwnedHandle]| {
        ours.send(bytes, beside, gpushare::Deadline::after(cx.limit())).map_err(|error| Stop::Inconclusive(error.to_string()))
    };
    send(&wrong, &beside)?;
    consumer.receive_textures_is_refused(into, 3, &[Code::Descriptor])?;
    send(&right, &handles.iter().collect::<Vec<_>>())?;
    let imported = consumer.receive_textures(into, 3)?;
    verify(cx, &consumer, &imported, 0)
}
