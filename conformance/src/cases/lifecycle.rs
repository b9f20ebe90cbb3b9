//! What can befall a peer: faults before every step of every scenario, in every peer.

use crate::case::{ANY_TEXTURE, Cases, Outcome, unshareable};
use crate::context::Context;
use crate::scenario::built_in::scenarios;
use crate::scenario::faults::{Fault, survive};
use crate::scenario::generate::{Material, some};
use crate::scenario::{Scenario, play};

pub(super) fn define(cases: &mut Cases<'_>) {
    let all = scenarios(cases.report());
    for fault in Fault::ALL {
        for scenario in &all {
            let skip = scenario.impossible(cases.report());
            let value = [(scenario.clone(), fault)];
            cases.case(fault.name(), rules(fault)).skip_if(skip).each(value, |(scenario, _)| scenario.name.clone(), run);
        }
    }
    let unshareable = unshareable(cases.report(), &ANY_TEXTURE);
    let material = Material::of(cases.report());
    let values = (0..4).map(|number| (material.clone(), number));
    cases.case("random_scenarios", crate::explore::RULES).skip_if(unshareable).each(
        values,
        |(_, number)| number.to_string(),
        random_scenarios,
    );
}

/// Other scenarios with each seed; `gpushare explore` tries more, and shortens those that fail.
fn random_scenarios(cx: &Context<'_>, (material, number): (Material, u64)) -> Outcome {
    for scenario in some(&material, cx.seed().wrapping_add(number), 12) {
        play(cx, &scenario)?;
        for seat in 0..scenario.peers {
            cx.settle(seat)?;
        }
    }
    Ok(())
}

fn run(cx: &Context<'_>, (scenario, fault): (Scenario, Fault)) -> Outcome {
    survive(cx, &scenario, fault)
}

const fn rules(fault: Fault) -> &'static [&'static str] {
    match fault {
        Fault::Kill | Fault::ChannelClosed => &["lifecycle.death_is_survived", "memory.fd_import_holds_payload"],
        Fault::Nonsense => &["lifecycle.nonsense_ends_one_peer", "lifecycle.death_is_survived"],
        Fault::Stop => &["lifecycle.stopped_peer_stops_nobody"],
        Fault::SurplusHandles => &["lifecycle.surplus_handles_are_closed"],
        Fault::WrongHandle => &["lifecycle.refused_handle_can_be_replaced"],
        Fault::NoDescriptors => &["lifecycle.no_descriptors_is_an_error"],
        Fault::NoMemory => &["lifecycle.no_memory_is_an_error"],
    }
}
