//! What a device says of itself, and whether it is true.

use gpushare::vulkan::capability::TextureCapability;
use gpushare::{Api, HandleType, TextureSpec};

use crate::case::{Cases, Outcome, Stop, both_tilings, question_words, require};
use crate::context::Context;

pub(super) fn define(cases: &mut Cases<'_>) {
    let report = cases.report();
    let own = report.handle_type.name();
    cases.area("capability", own);
    let formats = gpushare::Format::ALL.into_iter().flat_map(|format| both_tilings(TextureSpec::new(format, 16, 16)));
    cases.case("reported_shareable_shares", &["memory.import_preserves_contents"]).textures(formats, reported_shareable_shares);
    for handle_type in asked_about(&report.textures) {
        cases.area("capability", handle_type.name());
        let answers: Vec<_> = report.textures.iter().filter(|can| can.asked.handle_type == handle_type).cloned().collect();
        let supported: Vec<_> = answers.iter().filter(|can| supports(can)).cloned().collect();
        let none = supported.is_empty().then(|| format!("the driver supports no texture over {handle_type}"));
        cases.case("compatible_types_include_self", &["capability.compatible_types_include_self"]).skip_if(none).each(
            [supported],
            |_| "all".into(),
            compatible_types_include_self,
        );
        // The host backend has no query whose answer could be wrong.
        if report.identity.api == Api::Vulkan {
            let unsupported: Vec<_> = answers.iter().filter(|can| !supports(can)).cloned().collect();
            let all = unsupported.is_empty().then(|| format!("the driver supports every texture over {handle_type}"));
            cases.case("unsupported_is_refused", &["capability.incompatible_image_type_is_refused"]).skip_if(all).each(
                [unsupported],
                |_| "all".into(),
                unsupported_is_refused,
            );
        }
    }
    cases.area("capability", "identity");
    cases.case("same_in_every_process", &["capability.device_uuid_is_stable"]).fresh().once(same_in_every_process);
    cases.case("same_in_every_instance", &["capability.device_uuid_is_stable"]).once(same_in_every_instance);
    cases.case("uuids_are_set", &["capability.device_uuid_is_stable"]).once(uuids_are_set);
    cases.case("unique_in_driver", &["capability.device_uuid_is_unique"]).once(unique_in_driver);
}

fn asked_about(answers: &[TextureCapability]) -> Vec<HandleType> {
    HandleType::ALL.into_iter().filter(|handle_type| answers.iter().any(|can| can.asked.handle_type == *handle_type)).collect()
}

fn supports(can: &TextureCapability) -> bool {
    can.exportable || can.importable
}

/// What is reported exportable and importable is created, exported, imported and holds what was written.
fn reported_shareable_shares(cx: &Context<'_>, spec: TextureSpec) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let texture = producer.create(spec)?;
    producer.fill(texture, cx.pattern(0))?;
    let imported = consumer.import_from(&producer, texture)?;
    consumer.verify(imported, cx.pattern(0))
}

/// `compatibleHandleTypes` holds at least the type that was asked about.
fn compatible_types_include_self(_: &Context<'_>, supported: Vec<TextureCapability>) -> Outcome {
    let mut wrong = supported.iter().filter(|can| !can.compatible.contains(&can.asked.handle_type)).map(answer_name).peekable();
    if wrong.peek().is_none() {
        return Ok(());
    }
    let listed = wrong.collect::<Vec<_>>().join(", ");
    Err(Stop::Fail(format!("compatibleHandleTypes lacks the type asked about for {listed}")))
}

/// A type that cannot be used with a format and tiling is refused with `VK_ERROR_FORMAT_NOT_SUPPORTED`; success without the
/// exportable and the importable feature says that it can be used and for nothing.
fn unsupported_is_refused(_: &Context<'_>, unsupported: Vec<TextureCapability>) -> Outcome {
    let refused = "ERROR_FORMAT_NOT_SUPPORTED";
    let wrong: Vec<_> = unsupported.iter().filter(|can| can.result != refused).collect();
    let Some(first) = wrong.first() else { return Ok(()) };
    Err(Stop::Fail(format!(
        "vkGetPhysicalDeviceImageFormatProperties2 answered {} with neither the exportable nor the importable feature for {} of {} \
         combinations that it does not support, {} the first; expected {refused}",
        first.result,
        wrong.len(),
        unsupported.len(),
        answer_name(first)
    )))
}

fn answer_name(can: &TextureCapability) -> String {
    question_words(&can.asked)
}

/// Two processes and the probe, a third one, see the same UUIDs.
fn same_in_every_process(cx: &Context<'_>) -> Outcome {
    let [producer, consumer] = cx.peers()?;
    let probed = &cx.report().identity;
    for party in [producer, consumer] {
        let seen = party.reopen()?;
        require(seen == *probed, || format!("{} sees {seen:?}, another process saw {probed:?}", party.role()))?;
    }
    Ok(())
}

/// Two instances in one process see the same UUIDs.
fn same_in_every_instance(cx: &Context<'_>) -> Outcome {
    let [producer] = cx.peers()?;
    let (first, second) = (producer.reopen()?, producer.reopen()?);
    require(first == second, || format!("one process sees {first:?}, then {second:?}"))
}

/// A UUID of zeros names nothing: every driver that left it unset would be the same device.
fn uuids_are_set(cx: &Context<'_>) -> Outcome {
    let [producer] = cx.peers()?;
    let identity = producer.reopen()?;
    let unset = gpushare::Uuid::default();
    require(identity.device_uuid != unset, || "deviceUUID is all zero".into())?;
    require(identity.driver_uuid != unset, || "driverUUID is all zero".into())
}

/// Devices that share a UUID cannot be told apart, and an opaque handle of the one would be imported on the other. A driver with one
/// device still has to show it once.
fn unique_in_driver(cx: &Context<'_>) -> Outcome {
    let [producer] = cx.peers()?;
    let mut found: Vec<_> = producer.probe()?.into_iter().map(|report| report.identity.device_uuid).collect();
    let count = found.len();
    found.sort();
    found.dedup();
    require(found.len() == count, || format!("{count} devices have {} different deviceUUIDs", found.len()))
}
