//! Performing the steps of a scenario, beside a model of it: which peer holds what under which name, and what it contains.

use std::collections::BTreeMap;

use gpushare::TextureSpec;
use gpushare_harness::protocol::{HandleSource, ImportManner, Problem, Reply, Request};

use super::{Action, Name, Scenario, Step};
use crate::case::{Outcome, Stop};
use crate::context::{Context, Handle, Party, ROLES, Shared, Texture};

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Done,
    /// The peer refused, and said why.
    Refused(Problem),
    /// The peer is gone, or what the step is about never came to be.
    Missing,
}

/// What the peers of a scenario hold.
#[derive(Debug, Default)]
pub struct World {
    textures: BTreeMap<(usize, Name), Member>,
    handles: BTreeMap<Name, Held>,
    /// The picture in each payload, where it is known.
    pictures: Vec<Option<u64>>,
}

/// Perform all steps of a scenario, none of which may be refused.
///
/// # Errors
/// [`Stop`]; [`Stop::Inconclusive`] for a step whose object no step before it makes.
pub fn play(context: &Context<'_>, scenario: &Scenario) -> Outcome {
    context.seats(scenario.peers)?;
    let mut world = World::default();
    for step in &scenario.steps {
        match world.perform(context, step)? {
            Done::Done => {}
            Done::Refused(problem) => {
                let (role, step) = (ROLES[step.peer], context.last_step());
                return Err(Stop::Fail(format!("{role} refused {step}: {}", problem.message)));
            }
            Done::Missing => {
                return Err(Stop::Inconclusive(format!("the scenario has a step without its object: {}", step.action)));
            }
        }
    }
    Ok(())
}

/// A texture, and the payload that it shares.
#[derive(Clone, Copy, Debug)]
struct Member {
    texture: Texture,
    payload: usize,
}

/// A handle, the peer that holds it, and the payload that it leads to.
#[derive(Clone, Debug)]
struct Held {
    holder: usize,
    shared: Shared,
    payload: usize,
}

/// Done or refused.
type Tried<T> = Outcome<Result<T, Problem>>;

/// `None`: what the step is about is not there.
type Perhaps = Outcome<Option<Result<(), Problem>>>;

impl World {
    /// Perform a step.
    ///
    /// # Errors
    /// [`Stop`] when a peer dies, hangs or answers nonsense, or a texture holds another picture. A refusal is none.
    pub fn perform(&mut self, context: &Context<'_>, step: &Step) -> Outcome<Done> {
        let Some(party) = context.party(step.peer) else { return Ok(Done::Missing) };
        let Some(tried) = self.try_step(context, party, &step.action)? else { return Ok(Done::Missing) };
        Ok(tried.map_or_else(Done::Refused, |()| Done::Done))
    }

    /// What a peer held is gone with it.
    pub fn forget(&mut self, peer: usize) {
        self.textures.retain(|(owner, _), _| *owner != peer);
        self.handles.retain(|_, held| held.holder != peer);
    }

    /// The handle that a step imports, if that is what it does and the handle is there.
    #[must_use]
    pub fn imported_by(&self, step: &Step) -> Option<&Shared> {
        match step.action {
            Action::Import { handle, .. } | Action::ImportExportable { handle, .. } => {
                self.held(step.peer, handle).map(|held| &held.shared)
            }
            _ => None,
        }
    }

    fn held(&self, peer: usize, handle: Name) -> Option<&Held> {
        self.handles.get(&handle).filter(|held| held.holder == peer)
    }

    fn try_step(&mut self, context: &Context<'_>, party: Party<'_, '_>, action: &Action) -> Perhaps {
        match *action {
            Action::Create { texture, spec } => self.create(party, texture, spec).map(Some),
            Action::Fill { texture, picture } => self.fill(context, party, texture, picture),
            Action::Verify { texture } => self.verify(context, party, texture),
            Action::Export { texture, handle } => self.export(party, texture, handle),
            Action::Pass { handle, to } => self.pass(context, party, handle, to),
            Action::Import { handle, texture } => self.import(party, handle, texture, ImportManner::Library),
            Action::ImportExportable { handle, texture } => self.import(party, handle, texture, ImportManner::Exportable),
            Action::Free { texture } => self.free(party, texture),
            Action::Close { handle } => self.close(party, handle),
            Action::Exit => self.exit(context, party),
        }
    }

    fn create(&mut self, party: Party<'_, '_>, name: Name, spec: TextureSpec) -> Tried<()> {
        Ok(party.try_create(spec)?.map(|texture| {
            self.pictures.push(None);
            self.textures.insert((party.seat(), name), Member { texture, payload: self.pictures.len() - 1 });
        }))
    }

    fn fill(&mut self, context: &Context<'_>, party: Party<'_, '_>, name: Name, picture: u64) -> Perhaps {
        let Some(member) = self.textures.get(&(party.seat(), name)).copied() else { return Ok(None) };
        // Part of it may be there when it fails.
        self.pictures[member.payload] = None;
        let filled = ask(party, &Request::Fill { texture: member.texture.0, pattern: context.pattern(picture), only: None })?;
        Ok(Some(filled.map(|()| self.pictures[member.payload] = Some(picture))))
    }

    fn verify(&self, context: &Context<'_>, party: Party<'_, '_>, name: Name) -> Perhaps {
        let Some(member) = self.textures.get(&(party.seat(), name)) else { return Ok(None) };
        // Nobody knows what it holds: there is nothing to compare with.
        let Some(picture) = self.pictures[member.payload] else { return Ok(Some(Ok(()))) };
        let request = Request::Verify { texture: member.texture.0, pattern: context.pattern(picture), only: None };
        match party.try_ask(&request, &[])? {
            Ok((Reply::Done, _)) => Ok(Some(Ok(()))),
            Ok((Reply::Mismatch(mismatch), _)) => {
                Err(Stop::Fail(format!("{} found another picture in texture {name}: {mismatch}", party.role())))
            }
            Ok((other, _)) => Err(party.unexpected(&other)),
            Err(problem) => Ok(Some(Err(problem))),
        }
    }

    fn export(&mut self, party: Party<'_, '_>, name: Name, handle: Name) -> Perhaps {
        let Some(Member { texture, payload }) = self.textures.get(&(party.seat(), name)).copied() else { return Ok(None) };
        Ok(Some(party.try_export(texture, true)?.map(|shared| {
            self.handles.insert(handle, Held { holder: party.seat(), shared, payload });
        })))
    }

    fn pass(&mut self, context: &Context<'_>, from: Party<'_, '_>, handle: Name, to: usize) -> Perhaps {
        if self.held(from.seat(), handle).is_none() {
            return Ok(None);
        }
        // Whoever it was for may be gone: then the handle stays where it is.
        let Some(receiver) = context.party(to) else { return Ok(None) };
        let Some(Held { shared, payload, .. }) = self.handles.remove(&handle) else { return Ok(None) };
        Ok(Some(pass(from, receiver, shared.handle)?.map(|moved| {
            let shared = Shared { handle: moved, ..shared };
            self.handles.insert(handle, Held { holder: to, shared, payload });
        })))
    }

    fn import(&mut self, party: Party<'_, '_>, handle: Name, name: Name, manner: ImportManner) -> Perhaps {
        let Some(Held { shared, payload, .. }) = self.held(party.seat(), handle).cloned() else { return Ok(None) };
        let tried = party.try_import(&shared, HandleSource::Held(shared.handle.0), manner)?;
        // A refusal leaves the handle with the peer, unless a driver takes it wrongly.
        if tried.as_ref().err().is_none_or(|problem| problem.handle_taken) {
            self.handles.remove(&handle);
        }
        Ok(Some(tried.map(|texture| {
            self.textures.insert((party.seat(), name), Member { texture, payload });
        })))
    }

    fn free(&mut self, party: Party<'_, '_>, name: Name) -> Perhaps {
        let Some(member) = self.textures.remove(&(party.seat(), name)) else { return Ok(None) };
        ask(party, &Request::Free { textures: vec![member.texture.0] }).map(Some)
    }

    fn exit(&mut self, context: &Context<'_>, party: Party<'_, '_>) -> Perhaps {
        party.exit()?;
        self.forget(party.seat());
        context.replace(party.seat())?;
        Ok(Some(Ok(())))
    }

    fn close(&mut self, party: Party<'_, '_>, handle: Name) -> Perhaps {
        if self.held(party.seat(), handle).is_none() {
            return Ok(None);
        }
        let Some(held) = self.handles.remove(&handle) else { return Ok(None) };
        ask(party, &Request::Close { handles: vec![held.shared.handle.0] }).map(Some)
    }
}

fn ask(party: Party<'_, '_>, request: &Request) -> Tried<()> {
    match party.try_ask(request, &[])? {
        Ok((Reply::Done, _)) => Ok(Ok(())),
        Ok((other, _)) => Err(party.unexpected(&other)),
        Err(problem) => Ok(Err(problem)),
    }
}

/// A handle that the receiver cannot take is closed with the message that carried it.
fn pass(from: Party<'_, '_>, to: Party<'_, '_>, handle: Handle) -> Tried<Handle> {
    let given = match from.try_ask(&Request::Give { handles: vec![handle.0] }, &[])? {
        Ok((_, given)) => given,
        Err(problem) => return Ok(Err(problem)),
    };
    let moved = Handle(to.next_number());
    let kept = to.try_ask(&Request::Keep { handles: vec![moved.0] }, &given.iter().collect::<Vec<_>>())?;
    Ok(kept.map(|_| moved))
}
