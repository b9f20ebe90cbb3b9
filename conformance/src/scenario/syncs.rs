//! Steps with semaphores, timelines and fences.

mod state;

pub(super) use state::{Payload, SyncState};

use std::fmt;

use gpushare::{HandleType, SyncKind};
use gpushare_harness::protocol::{Code, DeviceReport, HandleSource, ImportManner, Object, Problem};
use serde::{Deserialize, Serialize};

use state::{Watch, is_copy, unsignalled};

use super::generate::{Draft, Pick};
use super::handles::{Carried, Held, Leads};
use super::model::Model;
use super::step::{Deed, Foreseen, done_if, lost};
use super::world::{SHORT, Stage};
use super::{Action, Name};
use crate::case::{Outcome, require};
use crate::cases::sync_unshareable;
use crate::context::Party;

/// What a peer can do with a semaphore, timeline or fence. Values are a timeline's; the others have none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SyncStep {
    /// Create one, not signalled.
    Create {
        /// Its name.
        sync: Name,
        /// What it is.
        kind: SyncKind,
        /// How it can be exported.
        handle_type: HandleType,
    },
    /// Let the device signal it, and wait until the device has done so.
    Signal {
        /// Which.
        sync: Name,
        /// The value that a timeline reaches.
        #[serde(default)]
        value: u64,
    },
    /// Wait until it is signalled, or until a timeline has reached a value. A semaphore or fence is not signalled afterwards.
    Wait {
        /// For which.
        sync: Name,
        /// The value.
        #[serde(default)]
        value: u64,
    },
    /// A timeline has reached what it was signalled to last, by whichever peer.
    Query {
        /// Which.
        sync: Name,
    },
    /// Export it; the handle stays with this peer.
    Export {
        /// Which.
        sync: Name,
        /// The handle's name.
        handle: Name,
    },
    /// Import one; the handle is used up.
    Import {
        /// The handle.
        handle: Name,
        /// Its name.
        sync: Name,
    },
    /// Free it.
    Free {
        /// Which.
        sync: Name,
    },
}

use SyncStep::{Create, Export, Free, Import, Query, Signal, Wait};

impl Deed for SyncStep {
    fn impossible(&self, report: &DeviceReport) -> Option<String> {
        let Create { kind, handle_type, .. } = *self else { return None };
        sync_unshareable(report, kind, handle_type)
    }

    /// Who imports a timeline and who exported it watch each other from then on.
    fn other(&self, peer: usize, model: &Model) -> Option<usize> {
        let Import { handle, .. } = *self else { return None };
        model.exporter(peer, handle).map(|(exporter, _)| exporter)
    }

    fn foresee(&self, peer: usize, model: &Model) -> Foreseen {
        match *self {
            Create { sync, .. } => done_if(!model.syncs.contains_key(&(peer, sync))),
            // A semaphore is signalled again only once somebody has waited (VUID-vkQueueSubmit-pSignalSemaphores-00067).
            Signal { sync, value } => done_if(match model.payload(peer, sync) {
                Some(Payload::Signalled(signalled)) => !signalled,
                Some(Payload::Reached(reached)) => reached < value,
                Some(Payload::Unknown) | None => false,
            }),
            Wait { sync, value } => match model.payload(peer, sync) {
                // A queue that waits for what nobody has signalled cannot be called back
                // (VUID-vkQueueSubmit-pWaitSemaphores-03238); what becomes of that is for cases of their own.
                Some(Payload::Signalled(signalled)) => done_if(signalled),
                Some(Payload::Reached(reached)) if reached < value => {
                    let bereaved = model.syncs.get(&(peer, sync)).is_some_and(|state| state.watch == Watch::Dead);
                    Foreseen::Refused(if bereaved { &[Code::PeerGone] } else { &[Code::Timeout] })
                }
                Some(Payload::Reached(_)) => Foreseen::Done,
                Some(Payload::Unknown) | None => Foreseen::Missing,
            },
            Query { sync } => {
                done_if(matches!(model.syncs.get(&(peer, sync)), Some(SyncState { kind: SyncKind::Timeline, .. })))
            }
            Export { sync, handle } => done_if(model.syncs.get(&(peer, sync)).is_some_and(|state| {
                // A copy is of a signal.
                let there = !is_copy(state.handle_type) || model.payload(peer, sync) == Some(Payload::Signalled(true));
                state.exportable && there && !model.handles.contains_key(&handle)
            })),
            Import { handle, sync } => {
                done_if(model.sync_behind(peer, handle).is_some() && !model.syncs.contains_key(&(peer, sync)))
            }
            Free { sync } => done_if(model.syncs.contains_key(&(peer, sync))),
        }
    }

    fn perform(&self, party: Party<'_, '_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let peer = party.seat();
        let there = |stage: &Stage<'_, '_>, sync| stage.kept.syncs.get(&(peer, sync)).copied().ok_or_else(|| lost(self));
        match *self {
            Create { sync, kind, handle_type } => {
                let created = party.create_sync(kind, &[handle_type])?;
                stage.kept.watches.remove(&(peer, sync));
                stage.kept.syncs.insert((peer, sync), created);
            }
            Signal { sync, value } => party.signal_and_wait(there(stage, sync)?, value)?,
            Wait { sync, value } => match stage.model.payload(peer, sync) {
                Some(Payload::Reached(_)) => {
                    let within = if stage.foresees(Code::Timeout) { SHORT } else { stage.context.within() };
                    let watching = stage.kept.watches.get(&(peer, sync)).copied();
                    party.must_do(&Party::waiting(there(stage, sync)?, value, within, watching))?;
                }
                _ => party.wait(there(stage, sync)?, value)?,
            },
            Query { sync } => {
                let value = party.value(there(stage, sync)?)?;
                if let Some(Payload::Reached(reached)) = stage.model.payload(peer, sync) {
                    require(value == reached, || {
                        format!("{} found {value} in timeline {sync}, which has reached {reached}", party.role())
                    })?;
                }
            }
            Export { sync, handle } => {
                let handle_type = stage.model.syncs.get(&(peer, sync)).ok_or_else(|| lost(self))?.handle_type;
                let shared = party.export_sync(there(stage, sync)?, handle_type)?;
                stage.kept.handles.insert(handle, Carried::Sync(shared));
            }
            Import { handle, sync } => {
                let (kind, ..) = stage.model.sync_behind(peer, handle).ok_or_else(|| lost(self))?;
                if let Some(exporter) = stage.model.exporter(peer, handle) {
                    let far = stage.party(exporter.0)?;
                    let watch = far.process_for(&party)?;
                    stage.kept.watches.insert((peer, sync), watch);
                    if stage.model.watches_nobody(exporter) {
                        let watch = party.process_for(&far)?;
                        stage.kept.watches.insert(exporter, watch);
                    }
                }
                let Some(Carried::Sync(shared)) = stage.kept.handles.get(&handle) else { return Err(lost(self)) };
                let imported = party.import_sync(kind, shared)?;
                stage.kept.syncs.insert((peer, sync), imported);
            }
            Free { sync } => party.free_sync(there(stage, sync)?)?,
        }
        Ok(())
    }

    fn done(&self, peer: usize, model: &mut Model) {
        match *self {
            Create { sync, kind, handle_type } => {
                let payload = model.new_payload(unsignalled(kind));
                let (exportable, watch) = (true, Watch::Nobody);
                model.syncs.insert((peer, sync), SyncState { kind, handle_type, payload, exportable, watch });
            }
            Signal { sync, value } => match model.payload(peer, sync) {
                Some(Payload::Reached(_)) => model.set_payload(peer, sync, Payload::Reached(value)),
                _ => model.set_payload(peer, sync, Payload::Signalled(true)),
            },
            Wait { sync, .. } => {
                if let Some(Payload::Signalled(_)) = model.payload(peer, sync) {
                    model.set_payload(peer, sync, Payload::Signalled(false));
                }
            }
            Query { .. } => {}
            Export { sync, handle } => {
                let Some(SyncState { kind, handle_type, mut payload, .. }) = model.syncs.get(&(peer, sync)).copied() else {
                    return;
                };
                if is_copy(handle_type) {
                    // The signal is in the handle now, as if somebody had waited for it.
                    payload = model.new_payload(Payload::Signalled(true));
                    model.set_payload(peer, sync, Payload::Signalled(false));
                }
                model.handles.insert(handle, Held { holder: peer, leads: Leads::Sync { kind, handle_type, payload } });
            }
            Import { handle, sync } => {
                let exporter = model.exporter(peer, handle);
                if let Some((kind, handle_type, payload)) = model.sync_behind(peer, handle) {
                    let (exportable, watch) = (false, exporter.map_or(Watch::Nobody, |(exporter, _)| Watch::Peer(exporter)));
                    model.syncs.insert((peer, sync), SyncState { kind, handle_type, payload, exportable, watch });
                }
                if let Some(state) = exporter.and_then(|exporter| model.syncs.get_mut(&exporter))
                    && state.watch == Watch::Nobody
                {
                    state.watch = Watch::Peer(peer);
                }
                model.handles.remove(&handle);
            }
            Free { sync } => {
                model.syncs.remove(&(peer, sync));
            }
        }
    }

    fn refused(&self, peer: usize, problem: &Problem, model: &mut Model) {
        match *self {
            // A timeline that was not reached in time is as it was.
            Wait { .. } if matches!(problem.code, Code::Timeout | Code::PeerGone) => {}
            Signal { sync, .. } | Wait { sync, .. } => model.set_payload(peer, sync, Payload::Unknown),
            Export { sync, .. } if model.syncs.get(&(peer, sync)).is_some_and(|state| is_copy(state.handle_type)) => {
                model.set_payload(peer, sync, Payload::Unknown);
            }
            Import { handle, .. } if problem.handle_taken => {
                model.handles.remove(&handle);
            }
            Free { sync } => {
                model.syncs.remove(&(peer, sync));
            }
            _ => {}
        }
    }

    fn takes_handle(&self, other: bool) -> bool {
        !other && matches!(self, Import { .. })
    }

    fn try_wrong(&self, victim: Party<'_, '_>, stage: &Stage<'_, '_>, object: Object) -> Outcome<bool> {
        let Import { handle, .. } = *self else { return Ok(true) };
        let Some((kind, ..)) = stage.model.sync_behind(victim.seat(), handle) else { return Ok(true) };
        let Some(Carried::Sync(shared)) = stage.kept.handles.get(&handle) else { return Ok(true) };
        let wrong = victim.make(object)?;
        let source = HandleSource::Held(wrong.0);
        match victim.try_import_sync_from(kind, shared, source, ImportManner::Library)? {
            Ok(_) => Ok(false),
            // A driver that closes what it refuses is told of by cases about refusals.
            Err(problem) if problem.handle_taken => Ok(true),
            Err(_) => victim.close([wrong]).map(|()| true),
        }
    }
}

/// In the end everybody looks at every timeline.
pub(super) fn looks(model: &Model) -> Vec<(usize, Action)> {
    let timelines = model.syncs.iter().filter(|(_, state)| state.kind == SyncKind::Timeline);
    timelines.map(|(&(peer, sync), _)| (peer, Action::Sync(Query { sync }))).collect()
}

/// The step that these numbers pick.
pub(super) fn propose(draft: &Draft<'_>, which: usize, pick: &mut Pick) -> Option<(usize, Action)> {
    let sync = |pick: &mut Pick| pick.among(draft.model.syncs.keys());
    let (peer, step) = match which % 12 {
        0 | 1 => {
            let peer = pick.number(draft.peers);
            let room = draft.model.syncs.keys().filter(|(owner, _)| *owner == peer).count() < Draft::MOST;
            let (kind, handle_type) = *pick.of(&draft.material.syncs).filter(|_| room)?;
            (peer, Create { sync: draft.new_name(), kind, handle_type })
        }
        2..=4 => {
            let (peer, sync) = sync(pick)?;
            (peer, Signal { sync, value: next_value(draft, peer, sync, 1 + pick.number(9) as u64) })
        }
        5 | 6 => {
            let (peer, sync) = sync(pick)?;
            (peer, Wait { sync, value: next_value(draft, peer, sync, 0) })
        }
        7 => {
            let (peer, sync) = sync(pick)?;
            (peer, Query { sync })
        }
        8 | 9 => {
            let (peer, sync) = sync(pick)?;
            (peer, Export { sync, handle: draft.new_handle()? })
        }
        10 => {
            let (handle, held) = pick.entry(&draft.model.handles)?;
            (held.holder, Import { handle, sync: draft.new_name() })
        }
        _ => {
            let (peer, sync) = sync(pick)?;
            (peer, Free { sync })
        }
    };
    Some((peer, Action::Sync(step)))
}

/// So much beyond what a timeline has reached.
fn next_value(draft: &Draft<'_>, peer: usize, sync: Name, beyond: u64) -> u64 {
    match draft.model.payload(peer, sync) {
        Some(Payload::Reached(reached)) => reached + beyond,
        _ => 0,
    }
}

impl fmt::Display for SyncStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = |value: &u64| if *value == 0 { String::new() } else { format!(" at {value}") };
        match self {
            Create { sync, kind, handle_type } => write!(f, "create {kind} {sync} for {handle_type}"),
            Signal { sync, value } => write!(f, "signal sync {sync}{}", to(value)),
            Wait { sync, value } => write!(f, "wait for sync {sync}{}", to(value)),
            Query { sync } => write!(f, "query sync {sync}"),
            Export { sync, handle } => write!(f, "export sync {sync} as handle {handle}"),
            Import { handle, sync } => write!(f, "import handle {handle} as sync {sync}"),
            Free { sync } => write!(f, "free sync {sync}"),
        }
    }
}
